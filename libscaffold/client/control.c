#include "client/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "client/fork_gate.h"
#include "client/kernel.h"
#include "client/real.h"

/* How long scaffoldd may take over a question that it answers from memory or by one look-up in the
 * network. Beyond, it hangs, and its programs must not. */
#define ANSWER_SECONDS 30

/* The control connection's own calls go round libc's wrappers, which are cancellation points and
 * would leave the connection open. */
#define RAW(call, ...) sc_kernel(SYS_##call, __VA_ARGS__)

/* --- what is said to whom ----------------------------------------------------------------------
 */

static __thread struct {
    int error;
    char text[SC_CTL_TEXT];
} last __attribute__((tls_model("initial-exec"))); /* no malloc at first use */

void sc_control_explain(int error, const char *text)
{
    last.error = error;
    snprintf(last.text, sizeof last.text, "%.*s", SC_CTL_TEXT - 1, text);
}

const char *sc_control_explanation(int error)
{
    return last.error == error && *last.text ? last.text : NULL;
}

/* One line on stderr, once per process and kind. */
static void say_once(bool *said, const char *line)
{
    if (__atomic_exchange_n(said, true, __ATOMIC_RELAXED))
        return;
    if (sc_real.write(STDERR_FILENO, line, strlen(line)) < 0)
        return; /* nobody to tell */
}

static int nobody_answers(void)
{
    static bool said;
    char line[SC_CTL_TEXT + 32];
    snprintf(line, sizeof line,
             "scaffold: no scaffoldd answers in %s; start one with `scaffold up`, or the program "
             "with `scaffold run`\n",
             sc_policy()->runtime_dir);
    say_once(&said, line);
    line[strcspn(line, "\n")] = 0;
    sc_control_explain(ENETDOWN, line + strlen("scaffold: "));
    errno = ENETDOWN;
    return -1;
}

static int another_version(const struct sc_ctl_reply *r)
{
    static bool said;
    char line[SC_CTL_TEXT + 32];
    snprintf(line, sizeof line,
             "scaffold: scaffoldd in %s speaks version %u of the control protocol, this library "
             "version %d; install the same release of both\n",
             sc_policy()->runtime_dir, r->version, SC_CTL_VERSION);
    say_once(&said, line);
    line[strcspn(line, "\n")] = 0;
    sc_control_explain(ENETDOWN, line + strlen("scaffold: "));
    errno = ENETDOWN;
    return -1;
}

/* --- the connection ----------------------------------------------------------------------------
 */

static uint64_t netns;

/* Before the program can call chroot. */
__attribute__((constructor(103))) static void find_netns(void)
{
    struct stat st;
    if (sc_kernel_stat("/proc/self/ns/net", &st) == 0)
        netns = st.st_ino;
}

struct sc_ctl_request sc_control_request(uint16_t op)
{
    return (struct sc_ctl_request){
        .magic = SC_CTL_MAGIC, .version = SC_CTL_VERSION, .op = op, .netns = netns};
}

static int connect_to(int fd, const struct sockaddr_un *sun, socklen_t len)
{
    long r;
    do
        r = RAW(connect, fd, sun, len);
    while (r < 0 && errno == EINTR);
    return (int)r;
}

/* A name is a claim: whoever answers must be the uid that the runtime directory belongs to. */
static bool is_scaffoldd(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return sc_real.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == sc_policy()->daemon.uid || peer.uid == 0);
}

/* A connection to scaffoldd at this address, or a negative errno. Without patience a full queue is
 * EAGAIN at once. */
static int open_at(const struct sockaddr_un *sun, socklen_t len, bool patient)
{
    struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int off = 0, flags = patient ? 0 : SOCK_NONBLOCK;
    int fd = sc_real.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    if (fd < 0)
        return -ENOBUFS;
    sc_real.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (patient)
        sc_real.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int err = connect_to(fd, sun, len) < 0 ? -errno : is_scaffoldd(fd) ? 0 : -EPERM;
    if (err == 0 && !patient)
        RAW(ioctl, fd, FIONBIO, &off);
    if (err == 0)
        return fd;
    sc_control_close(fd);
    return err;
}

static int open_by_path(void)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int n = snprintf(sun.sun_path, sizeof sun.sun_path, "%s/ctl", sc_policy()->runtime_dir);
    return (size_t)n < sizeof sun.sun_path ? open_at(&sun, sizeof sun, true) : -ENAMETOOLONG;
}

/* The abstract name first: it is there in a chroot, too. Containers share the directory only; and
 * where somebody else holds the name, whether he answers or lets its queue run full, the directory
 * says who scaffoldd is. */
static int open_any(void)
{
    struct sockaddr_un sun;
    socklen_t len = sc_name_control(sc_policy()->daemon, &sun);
    int fd = open_at(&sun, len, false);
    if (fd >= 0 || fd == -ENOBUFS)
        return fd;
    int by_path = open_by_path();
    if (by_path < 0 && by_path != -ENOBUFS && fd == -EAGAIN)
        return open_at(&sun, len, true);
    return by_path;
}

int sc_control_open(bool quiet)
{
    int fd = open_any();
    if (fd >= 0)
        return fd;
    if (fd == -ENOBUFS) {
        sc_control_explain(ENOBUFS, "no descriptor is left to ask scaffoldd with");
        errno = ENOBUFS;
        return -1;
    }
    if (!quiet)
        return nobody_answers();
    errno = ENETDOWN;
    return -1;
}

void sc_control_close(int control)
{
    int kept = errno;
    RAW(close, control);
    errno = kept;
}

int sc_control_send(int control, const struct sc_ctl_request *q, int pass)
{
    struct iovec iov = {(void *)(uintptr_t)q, sizeof *q};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof pass)];
    } rights = {0};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (pass >= 0) {
        msg.msg_control = rights.room;
        msg.msg_controllen = sizeof rights.room;
        struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof pass);
        memcpy(CMSG_DATA(h), &pass, sizeof pass);
    }
    long r;
    do
        r = RAW(sendmsg, control, &msg, MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    if (r < 0 && errno == EPIPE)
        return 0; /* turned away: what is to be received says why */
    return r < 0 ? nobody_answers() : 0;
}

/* What the received bytes say. */
static int read_reply(const struct sc_ctl_reply *r, ssize_t n, uint16_t op)
{
    int err = n <= 0 ? -EBADMSG : sc_ctl_reply_check(r, (size_t)n, op);
    if (err == -EPROTO)
        return another_version(r);
    if (err < 0)
        return nobody_answers();
    if (r->error == EPROTO && (op != SC_CTL_HANDOVER || *r->text))
        return another_version(r);
    if (r->error == 0)
        return 0;
    sc_control_explain(r->error, r->text);
    errno = r->error;
    return -1;
}

int sc_control_receive(int control, struct sc_ctl_reply *r, uint16_t op)
{
    long n;
    do
        n = RAW(recvfrom, control, r, sizeof *r, 0, NULL, NULL);
    while (n < 0 && errno == EINTR);
    return read_reply(r, n, op);
}

static void close_cancelled(void *control)
{
    RAW(close, *(int *)control);
}

int sc_control_wait(int control, struct sc_ctl_reply *r, uint16_t op, struct timeval timeout)
{
    ssize_t n;
    /* A timeout, even a long one, makes recv return EINTR where it would restart. */
    sc_real.setsockopt(control, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    pthread_cleanup_push(close_cancelled, &control);
    n = sc_next.recvfrom(control, r, sizeof *r, 0, NULL, NULL); /* the program's own wait */
    pthread_cleanup_pop(0);
    if (n < 0 && errno == EAGAIN)
        errno = EINPROGRESS;
    if (n < 0 && (errno == EINPROGRESS || errno == EINTR))
        return -1;
    return read_reply(r, n, op);
}

static int ask(int control, const struct sc_ctl_request *q, int pass, struct sc_ctl_reply *r)
{
    if (sc_control_send(control, q, pass) < 0)
        return -1;
    return sc_control_receive(control, r, q->op);
}

int sc_control_ask(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r)
{
    return ask(control, q, -1, r);
}

/* --- replies that carry a descriptor -----------------------------------------------------------
 */

/* Until a reply is there, or an end, or patience is. */
static void await_reply(int control)
{
    long n;
    do
        n = RAW(recvfrom, control, NULL, 0, MSG_PEEK, NULL, NULL);
    while (n < 0 && errno == EINTR);
}

/* Takes what is there: its length, and in *fd what came with it or -1. */
static long take_reply(int control, struct sc_ctl_reply *r, int *fd)
{
    struct iovec iov = {r, sizeof *r};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof *fd)];
    } rights;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = rights.room,
                         .msg_controllen = sizeof rights.room};
    long n = RAW(recvmsg, control, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
    *fd = -1;
    if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
        h->cmsg_len >= CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(h), sizeof *fd);
    return n;
}

static int no_descriptor_left(void)
{
    sc_control_explain(ENOBUFS, "no descriptor is left for the service's socket; raise the limit "
                                "(ulimit -n)");
    errno = ENOBUFS;
    return -1;
}

int sc_control_ask_for(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r,
                       int (*take)(void *arg, int fd), void *arg)
{
    struct sc_fork_gate gate;
    int fd, result = -1;
    if (sc_control_send(control, q, -1) < 0)
        return -1;
    await_reply(control);
    sc_fork_gate_enter(&gate);
    long n = take_reply(control, r, &fd);
    bool granted = n > 0 && sc_ctl_reply_check(r, (size_t)n, q->op) == 0 && r->error == 0;
    if (granted && fd >= 0)
        result = take(arg, fd);
    else if (fd >= 0)
        RAW(close, fd);
    sc_fork_gate_leave(&gate);
    if (granted)
        return fd >= 0 ? result : no_descriptor_left();
    return read_reply(r, n, q->op);
}

/* --- a whole conversation ----------------------------------------------------------------------
 */

static int call(const struct sc_ctl_request *q, int pass, struct sc_ctl_reply *r, bool quiet)
{
    int control = sc_control_open(quiet);
    if (control < 0)
        return -1;
    int result = ask(control, q, pass, r);
    sc_control_close(control);
    return result;
}

int sc_control_call(const struct sc_ctl_request *q, struct sc_ctl_reply *r, bool quiet)
{
    return call(q, -1, r, quiet);
}

int sc_control_call_with(const struct sc_ctl_request *q, int pass, struct sc_ctl_reply *r)
{
    return call(q, pass, r, false);
}
