#include "client/process/control.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/process/daemon.h"
#include "client/process/explain.h"
#include "client/process/fork_gate.h"
#include "client/process/kernel.h"
#include "client/process/real.h"

/* How long scaffoldd may take over a question that it answers from memory or by one look-up in the
 * network. Beyond, it hangs, and its programs must not. */
#define ANSWER_SECONDS 30

static const struct timeval answer = {.tv_sec = ANSWER_SECONDS};

/* The control connection's own calls go round libc's wrappers, which are cancellation points and
 * would leave the connection open. */
#define RAW(call, ...) sc_kernel(SYS_##call, __VA_ARGS__)

/* --- what is said to whom --------------------------------------------------------------------- */

/* One line on stderr, once per process and kind. */
static void say_once(bool *said, const char *line)
{
    if (__atomic_exchange_n(said, true, __ATOMIC_RELAXED))
        return;
    if (sc_real.write(STDERR_FILENO, line, strlen(line)) < 0)
        return; /* nobody to tell */
}

/* ENETDOWN, with a line that scaffold_strerror tells, too. */
__attribute__((format(printf, 2, 3))) static int no_scaffoldd(bool *said, const char *format, ...)
{
    char line[SC_CTL_TEXT + 32] = "scaffold: ";
    char *text = line + strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(text, SC_CTL_TEXT, format, args);
    va_end(args);
    sc_explain(ENETDOWN, text);
    strcat(line, "\n");
    say_once(said, line);
    errno = ENETDOWN;
    return -1;
}

static int nobody_answers(void)
{
    static bool said;
    char where[SC_CTL_TEXT];
    sc_daemon_text(where, sizeof where);
    return no_scaffoldd(&said,
                        "no scaffoldd answers in %s; start one with `scaffold up`, or the program "
                        "with `scaffold run`",
                        where);
}

static int another_version(const struct sc_ctl_reply *r)
{
    static bool said;
    char where[SC_CTL_TEXT];
    sc_daemon_text(where, sizeof where);
    return no_scaffoldd(&said,
                        "scaffoldd in %s speaks version %u of the control protocol, this library "
                        "version %d; install the same release of both",
                        where, r->version, SC_CTL_VERSION);
}

/* --- the connection --------------------------------------------------------------------------- */

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

/* Users without a number in this user namespace all have this one (/proc/sys/kernel/overflowuid),
 * so it proves nothing. */
#define UNMAPPED 65534

bool sc_control_trusts(const struct sc_place *place, uid_t uid)
{
    return uid == 0 || (uid == place->id.uid && uid != UNMAPPED);
}

/* Whom the kernel names at the other end; UNMAPPED, too, when it may not be asked. */
static uid_t peer_of(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return sc_real.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.uid : UNMAPPED;
}

/* The abstract name can be anybody's: whoever answers must be root, or the uid that the runtime
 * directory belongs to. */
static bool is_named_user(int fd, const struct sc_place *place)
{
    return sc_control_trusts(place, peer_of(fd));
}

/* In the directory it is who the directory belongs to, where that is anybody's: a closed one must
 * be this user's. Where that cannot be told by numbers, nobody else must be able to put anything
 * there.
 */
static bool is_directorys(int fd, const struct sc_place *place)
{
    struct statx st;
    uid_t uid = peer_of(fd);
    if (RAW(statx, AT_FDCWD, place->dir, 0, STATX_UID | STATX_MODE, &st) < 0)
        return is_named_user(fd, place);
    if (place->closed && (st.stx_uid != place->id.uid || st.stx_uid == UNMAPPED))
        return false;
    if (uid == UNMAPPED)
        return (st.stx_mode & (S_IWGRP | S_IWOTH)) == 0;
    return uid == 0 || uid == st.stx_uid;
}

/* A connection to the scaffoldd of this place at this address, or a negative errno. Without
 * patience a full queue is EAGAIN at once. */
static int open_at(const struct sc_place *place, const struct sockaddr_un *sun, socklen_t len,
                   bool (*is_scaffoldd)(int fd, const struct sc_place *place), bool patient)
{
    int off = 0, flags = patient ? 0 : SOCK_NONBLOCK;
    int fd = sc_real.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    if (fd < 0)
        return -ENOBUFS;
    if (patient)
        sc_real.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &answer, sizeof answer);
    int err = connect_to(fd, sun, len) < 0 ? -errno : is_scaffoldd(fd, place) ? 0 : -EPERM;
    if (err == 0 && !patient)
        RAW(ioctl, fd, FIONBIO, &off);
    if (err == 0)
        return fd;
    sc_control_close(fd);
    return err;
}

/* Somebody else's, where nobody but this user is trusted: not even its queue is waited for. */
static bool is_foreign(const struct sc_place *place)
{
    struct statx st;
    return place->closed && RAW(statx, AT_FDCWD, place->dir, 0, STATX_UID, &st) == 0 &&
           st.stx_uid != place->id.uid;
}

static int open_by_path(const struct sc_place *place, bool patient)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    if (is_foreign(place))
        return -EPERM;
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/ctl", place->dir);
    return open_at(place, &sun, sizeof sun, is_directorys, patient);
}

static int open_by_name(const struct sc_place *place, bool patient)
{
    struct sockaddr_un sun;
    socklen_t len = sc_socket_name_control(place->id, &sun);
    return open_at(place, &sun, len, is_named_user, patient);
}

/* The abstract name first: it is there in a chroot, too. Containers share the directory only; and
 * where somebody else holds the name, whether he answers or lets its queue run full, or a user
 * namespace does not let him be told from scaffoldd, the directory says who scaffoldd is. */
static int open_at_once(const struct sc_place *place)
{
    int fd = open_by_name(place, false);
    if (fd >= 0 || fd == -ENOBUFS)
        return fd;
    int by_path = open_by_path(place, false);
    return by_path < 0 && by_path != -ENOBUFS && fd == -EAGAIN ? fd : by_path;
}

static int wait_at_path(const struct sc_place *place)
{
    return open_by_path(place, true);
}

static int wait_at_name(const struct sc_place *place)
{
    return open_by_name(place, true);
}

/* The first place that answers, which is the one that counts from then on. EAGAIN: none does, and
 * one has a full queue. */
static int open_first(int (*open_place)(const struct sc_place *place))
{
    unsigned place, end;
    int result = -ENOENT;
    sc_daemon_candidates(&place, &end);
    for (; place < end; place++) {
        int fd = open_place(sc_daemon_look(place));
        if (fd == -ENOBUFS || (fd >= 0 && sc_daemon_choose(place)))
            return fd;
        if (fd >= 0) { /* another thread has found another one */
            sc_control_close(fd);
            return open_first(open_place);
        }
        if (result != -EAGAIN)
            result = fd;
    }
    return result;
}

/* A full queue can be anybody's: it is waited for when nobody answers anywhere, in the directories
 * before the names, which are anybody's, too. */
static int open_any(void)
{
    int fd = open_first(open_at_once);
    if (fd != -EAGAIN)
        return fd;
    fd = open_first(wait_at_path);
    return fd >= 0 || fd == -ENOBUFS ? fd : open_first(wait_at_name);
}

int sc_control_open(bool quiet)
{
    int fd = open_any();
    if (fd >= 0)
        return fd;
    if (fd == -ENOBUFS) {
        sc_explain(ENOBUFS, "no descriptor is left to ask scaffoldd with");
        errno = ENOBUFS;
        return -1;
    }
    if (!quiet)
        return nobody_answers();
    errno = ENETDOWN;
    return -1;
}

int sc_control_find(void)
{
    unsigned place, end;
    int fd = open_any();
    if (fd < 0)
        return -1;
    sc_control_close(fd);
    sc_daemon_candidates(&place, &end);
    return (int)place;
}

void sc_control_close(int control)
{
    int kept = errno;
    RAW(close, control);
    errno = kept;
}

int sc_control_send(int control, const struct sc_ctl_request *q)
{
    struct iovec iov = {(void *)(uintptr_t)q, sizeof *q};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    long r;
    do
        r = RAW(sendmsg, control, &msg, MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    if (r < 0 && errno == EPIPE)
        return 0; /* turned away: what is to be received says why */
    return r < 0 ? nobody_answers() : 0;
}

/* What a program makes of its errno ("Permission denied", "Invalid cross-device link") leads nobody
 * to the cause. */
static void say_refusal(const struct sc_ctl_reply *r)
{
    static bool said_access, said_namespace;
    char line[SC_CTL_TEXT + 32];
    if ((r->error != EACCES && r->error != EXDEV) || !*r->text)
        return;
    snprintf(line, sizeof line, "scaffold: %s\n", r->text);
    say_once(r->error == EACCES ? &said_access : &said_namespace, line);
}

/* What the received bytes say. */
static int read_reply(const struct sc_ctl_reply *r, ssize_t n, uint16_t op)
{
    int err = n <= 0 ? -EBADMSG : sc_ctl_reply_check(r, (size_t)n, op);
    if (err == -EPROTO)
        return another_version(r);
    if (err < 0)
        return nobody_answers();
    if (r->error == EPROTO && *r->text) /* else it is a flow's */
        return another_version(r);
    if (r->error == 0)
        return 0;
    say_refusal(r);
    sc_explain(r->error, r->text);
    errno = r->error;
    return -1;
}

static void limit(int control, struct timeval time)
{
    sc_real.setsockopt(control, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

int sc_control_receive(int control, struct sc_ctl_reply *r, uint16_t op)
{
    long n;
    limit(control, answer);
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
    limit(control, timeout);
    pthread_cleanup_push(close_cancelled, &control);
    n = sc_next.recvfrom(control, r, sizeof *r, 0, NULL, NULL); /* the program's own wait */
    pthread_cleanup_pop(0);
    if (n < 0 && errno == EAGAIN)
        errno = EINPROGRESS;
    if (n < 0 && (errno == EINPROGRESS || errno == EINTR))
        return -1;
    return read_reply(r, n, op);
}

static int ask(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r)
{
    if (sc_control_send(control, q) < 0)
        return -1;
    return sc_control_receive(control, r, q->op);
}

/* --- replies that carry a descriptor ---------------------------------------------------------- */

/* Until a reply is there, or an end, or patience is. True: a handler has run meanwhile after which
 * a call returns. */
static bool await_reply(int control)
{
    bool interrupted = false;
    while (RAW(recvfrom, control, NULL, 0, MSG_PEEK, NULL, NULL) < 0 && errno == EINTR) {
        limit(control, answer); /* where there was none */
        interrupted = true;
    }
    return interrupted;
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
    sc_explain(ENOBUFS, "no descriptor is left for the service's socket; raise the limit "
                        "(ulimit -n)");
    errno = ENOBUFS;
    return -1;
}

/* What the reply has. */
static int take_granted(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r,
                        int (*take)(void *arg, int fd), void *arg)
{
    struct sc_fork_gate gate;
    int fd, result = -1;
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

int sc_control_ask_for(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r,
                       int (*take)(void *arg, int fd), void *arg)
{
    if (sc_control_send(control, q) < 0)
        return -1;
    limit(control, answer);
    await_reply(control);
    return take_granted(control, q, r, take, arg);
}

int sc_control_ask_to_wait(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r,
                           int (*take)(void *arg, int fd), void *arg, struct timeval timeout,
                           bool *interrupted)
{
    if (sc_control_send(control, q) < 0)
        return -1;
    /* With any limit recv returns EINTR where connect does with SO_SNDTIMEO; without one both
     * restart where the handler says so. */
    if (timeout.tv_sec || timeout.tv_usec)
        limit(control, answer);
    *interrupted = await_reply(control);
    return take_granted(control, q, r, take, arg);
}

/* --- a whole conversation --------------------------------------------------------------------- */

int sc_control_call(const struct sc_ctl_request *q, struct sc_ctl_reply *r, bool quiet)
{
    int control = sc_control_open(quiet);
    if (control < 0)
        return -1;
    int result = ask(control, q, r);
    sc_control_close(control);
    return result;
}
