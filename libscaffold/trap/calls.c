#include "trap/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/client.h"
#include "client/descriptors.h"
#include "client/fresh.h"
#include "client/swap.h"
#include "trap/clock.h"
#include "trap/install.h"
#include "trap/relay.h"
#include "trap/tracee.h"

#define DNS_PORT 53
#define DATAGRAM_MAX 65535

/* The longest option that anybody sets or reads (TCP_INFO is below 300 bytes). */
#define OPTION_MAX 1024

/* --- answers ---------------------------------------------------------------------------------- */

static enum sc_trap_verdict answer(int notify, const struct sc_trap_call *c, int64_t value,
                                   int error)
{
    sc_trap_call_answer(notify, c, value, error);
    return SC_TRAP_DONE;
}

/* What a call of libc's style returned. */
static enum sc_trap_verdict answer_result(int notify, const struct sc_trap_call *c, int result)
{
    return answer(notify, c, result, result < 0 ? errno : 0);
}

static enum sc_trap_verdict leave_to_kernel(int notify, const struct sc_trap_call *c)
{
    sc_trap_call_continue(notify, c);
    return SC_TRAP_DONE;
}

/* --- arguments -------------------------------------------------------------------------------- */

static int number(const struct sc_trap_call *c)
{
    return (int)c->args[0];
}

/* The socket, kept in the call and closed with it. */
static bool take_socket(int notify, struct sc_trap_call *c)
{
    c->fd = sc_tracee_fd(c->tid, number(c));
    return c->fd >= 0 && sc_trap_call_is_valid(notify, c);
}

static bool take_service_socket(int notify, struct sc_trap_call *c)
{
    struct sc_name own;
    return take_socket(notify, c) && sc_is_service_socket(c->fd, &own);
}

/* The second and third argument of connect and bind. */
static bool read_address(int notify, const struct sc_trap_call *c, struct sockaddr_storage *ss,
                         socklen_t *len)
{
    *len = (socklen_t)c->args[2];
    return *len >= sizeof ss->ss_family && *len <= sizeof *ss &&
           sc_tracee_read(c->tid, c->args[1], ss, *len) && sc_trap_call_is_valid(notify, c);
}

/* A buffer and the place of its length, in the program. */
struct out {
    uint64_t buffer;
    uint64_t length;
    socklen_t room;
};

static bool read_out(int notify, const struct sc_trap_call *c, int buffer, struct out *o)
{
    *o = (struct out){.buffer = c->args[buffer], .length = c->args[buffer + 1]};
    return sc_tracee_read(c->tid, o->length, &o->room, sizeof o->room) &&
           sc_trap_call_is_valid(notify, c);
}

static bool write_out(const struct sc_trap_call *c, const struct out *o, const void *from,
                      socklen_t len)
{
    return sc_tracee_write(c->tid, o->buffer, from, len < o->room ? len : o->room) &&
           sc_tracee_write(c->tid, o->length, &len, sizeof len);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static uint64_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void set_nonblocking(int fd, int on)
{
    ioctl(fd, FIONBIO, &on);
}

/* When a blocking call of this socket gives up; 0: never. */
static int64_t deadline_of(int fd, int option)
{
    struct timeval t = {0};
    socklen_t len = sizeof t;
    getsockopt(fd, SOL_SOCKET, option, &t, &len);
    int64_t ms = (int64_t)t.tv_sec * 1000 + (t.tv_usec + 999) / 1000;
    return ms ? sc_clock_ms() + ms : 0;
}

/* Hands the socket in that took the place of the one with this inode number, if one did. Gives back
 * what the call then says. */
static int hand_in(int notify, const struct sc_trap_call *c, uint64_t before, int result)
{
    int kept = errno;
    int err = inode_of(c->fd) == before ? 0 : sc_trap_install(notify, c, number(c), before, c->fd);
    errno = err ? -err : kept;
    return err ? -1 : result;
}

/* --- connect ---------------------------------------------------------------------------------- */

static bool is_ours_to_connect(const struct sc_trap_call *c, const struct sockaddr_storage *ss,
                               socklen_t len)
{
    struct sc_name own;
    struct sc_address a;
    struct sc_candidate candidate;
    if (sc_is_service_socket(c->fd, &own))
        return true;
    return sc_address_from_sockaddr((const struct sockaddr *)ss, len, &a) == 0 &&
           sc_policy_connects(&a) && sc_candidate_read(c->fd, &candidate);
}

static enum sc_trap_verdict wait_for(struct sc_trap_call *c, uint32_t events, int timeout)
{
    c->events = events;
    c->deadline = deadline_of(c->fd, timeout);
    return SC_TRAP_WAIT;
}

/* The flow is open, or the kernel's error stands for why it is not. */
static enum sc_trap_verdict end_connect(int notify, const struct sc_trap_call *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (c->expired)
        return answer(notify, c, 0, EINPROGRESS);
    if (sc_getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    return answer(notify, c, 0, error);
}

/* --- resolvers -------------------------------------------------------------------------------- */

static bool is_datagram(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

static bool asks_names(const struct sc_trap_call *c, const struct sockaddr_storage *ss,
                       socklen_t len)
{
    struct sc_address a;
    return sc_address_from_sockaddr((const struct sockaddr *)ss, len, &a) == 0 &&
           a.port == DNS_PORT && is_datagram(c->fd);
}

/* The socket stays the program's own; only where it is connected to is another place. */
static enum sc_trap_verdict connect_resolver(int notify, const struct sc_trap_call *c,
                                             const struct sockaddr_storage *server, socklen_t len)
{
    struct sockaddr_storage at;
    socklen_t at_len;
    if (sc_trap_relay_open(server, len, &at, &at_len) < 0)
        return leave_to_kernel(notify, c);
    return answer_result(notify, c, connect(c->fd, (struct sockaddr *)&at, at_len));
}

/* The name server that the program believes to be connected to. */
static bool server_of(int fd, struct sockaddr_storage *server, socklen_t *server_len)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof at;
    return getpeername(fd, (struct sockaddr *)&at, &len) == 0 &&
           sc_trap_relay_server(&at, server, server_len);
}

/* Resolvers look whether the answer came from whom they asked. */
static enum sc_trap_verdict on_recvfrom(int notify, struct sc_trap_call *c)
{
    uint8_t bytes[DATAGRAM_MAX];
    struct sockaddr_storage server;
    socklen_t len;
    struct out from;
    int flags = (int)c->args[3];
    if ((c->fd < 0 && !take_socket(notify, c)) || !server_of(c->fd, &server, &len))
        return leave_to_kernel(notify, c);
    if (!read_out(notify, c, 4, &from))
        return answer(notify, c, 0, EFAULT);
    size_t room = c->args[2] < sizeof bytes ? c->args[2] : sizeof bytes;
    ssize_t n = recv(c->fd, bytes, room, flags | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN && !c->expired && !(flags & MSG_DONTWAIT) &&
        !sc_is_nonblocking(c->fd))
        return wait_for(c, EPOLLIN, SO_RCVTIMEO);
    size_t got = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
    if (n >= 0 &&
        (!sc_tracee_write(c->tid, c->args[1], bytes, got) || !write_out(c, &from, &server, len)))
        return answer(notify, c, 0, EFAULT);
    return answer(notify, c, n, n < 0 ? errno : 0);
}

/* --- connect, both ---------------------------------------------------------------------------- */

static bool is_connecting(int fd)
{
    struct sc_identity id;
    return sc_identify(fd, &id) == SC_STATE_CONNECTING;
}

/* Never blocks here: a blocking socket is connected as if it were none, and its program waits. */
static enum sc_trap_verdict on_connect(int notify, struct sc_trap_call *c)
{
    struct sockaddr_storage ss;
    socklen_t len;
    if (c->events)
        return end_connect(notify, c);
    if (!read_address(notify, c, &ss, &len) ||
        (ss.ss_family != AF_INET && ss.ss_family != AF_INET6 && ss.ss_family != AF_UNSPEC) ||
        !take_socket(notify, c))
        return leave_to_kernel(notify, c);
    if (asks_names(c, &ss, len))
        return connect_resolver(notify, c, &ss, len);
    if (!is_ours_to_connect(c, &ss, len))
        return leave_to_kernel(notify, c);
    uint64_t before = inode_of(c->fd);
    bool blocking = !sc_is_nonblocking(c->fd);
    if (blocking && is_connecting(c->fd)) /* made again after a signal */
        return wait_for(c, EPOLLOUT, SO_SNDTIMEO);
    if (blocking)
        set_nonblocking(c->fd, 1);
    int result = sc_connect(c->fd, (struct sockaddr *)&ss, len);
    int error = errno;
    if (blocking)
        set_nonblocking(c->fd, 0);
    sc_mark_clear(c->fd, SC_MARKS_OF_ATTEMPT); /* a mark of the program's number, not of ours */
    errno = error;
    result = hand_in(notify, c, before, result);
    if (result < 0 && errno == EINPROGRESS && blocking)
        return wait_for(c, EPOLLOUT, SO_SNDTIMEO);
    return answer_result(notify, c, result);
}

/* --- bind and listen -------------------------------------------------------------------------- */

static enum sc_trap_verdict on_bind(int notify, struct sc_trap_call *c)
{
    struct sockaddr_storage ss;
    struct sc_address a;
    struct sc_candidate candidate;
    char name[256];
    uint16_t port;
    socklen_t len;
    if (!read_address(notify, c, &ss, &len) ||
        sc_address_from_sockaddr((struct sockaddr *)&ss, len, &a) < 0 ||
        !sc_policy_binds(&a, IPPROTO_TCP, name, &port) || !take_socket(notify, c) ||
        !sc_candidate_read(c->fd, &candidate) || candidate.state != SC_STATE_PLAIN)
        return leave_to_kernel(notify, c);
    uint64_t before = inode_of(c->fd);
    int result = sc_bind(c->fd, (struct sockaddr *)&ss, len);
    return answer_result(notify, c, hand_in(notify, c, before, result));
}

/* A captured socket that never was bound becomes a service here. */
static enum sc_trap_verdict on_listen(int notify, struct sc_trap_call *c)
{
    struct sc_candidate candidate;
    const struct sc_policy *p = sc_policy();
    if (!take_socket(notify, c) || !sc_candidate_read(c->fd, &candidate) ||
        (candidate.state == SC_STATE_PLAIN &&
         (candidate.local_port != 0 || (p->capture_count == 0 && !p->all_local))))
        return leave_to_kernel(notify, c);
    uint64_t before = inode_of(c->fd);
    int result = sc_listen(c->fd, (int)c->args[1]);
    return answer_result(notify, c, hand_in(notify, c, before, result));
}

/* --- accept ----------------------------------------------------------------------------------- */

struct accepted {
    int fd;
    bool blocking; /* the listener */
    struct sockaddr_storage peer;
    socklen_t len;
};

/* One at a time: between two that see the same connection the second would block, and O_NONBLOCK,
 * which the listener gets for the moment, is shared by all its holders. */
static void take_connection(const struct sc_trap_call *c, int flags, struct accepted *a)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&one);
    a->blocking = !sc_is_nonblocking(c->fd);
    a->len = sizeof a->peer;
    if (a->blocking)
        set_nonblocking(c->fd, 1);
    a->fd = sc_accept4(c->fd, (struct sockaddr *)&a->peer, &a->len, flags);
    int kept = errno;
    if (a->blocking)
        set_nonblocking(c->fd, 0);
    pthread_mutex_unlock(&one);
    errno = kept;
}

/* Hands the accepted socket in. A program that is gone by now has lost it, as from the kernel. */
static enum sc_trap_verdict give_connection(int notify, const struct sc_trap_call *c, int flags,
                                            const struct out *o, const struct accepted *a)
{
    int err = 0;
    if (o->length && !write_out(c, o, &a->peer, a->len))
        err = -EFAULT;
    if (!err)
        err = sc_trap_call_answer_fd(notify, c, a->fd, flags & SOCK_CLOEXEC);
    if (err)
        sc_trap_call_answer(notify, c, 0, -err);
    close(a->fd);
    return SC_TRAP_DONE;
}

static bool is_listening(int notify, struct sc_trap_call *c)
{
    struct sc_identity id;
    return c->fd >= 0 || (take_socket(notify, c) && sc_identify(c->fd, &id) == SC_STATE_LISTENING);
}

static enum sc_trap_verdict on_accept(int notify, struct sc_trap_call *c)
{
    int flags = c->nr == SYS_accept4 ? (int)c->args[3] : 0;
    struct out o = {0};
    struct accepted a;
    if (!is_listening(notify, c))
        return leave_to_kernel(notify, c);
    if (c->args[1] && !read_out(notify, c, 1, &o))
        return answer(notify, c, 0, EFAULT);
    take_connection(c, flags | SOCK_CLOEXEC, &a);
    if (a.fd >= 0)
        return give_connection(notify, c, flags, &o, &a);
    if (errno != EAGAIN || !a.blocking || c->expired)
        return answer(notify, c, 0, errno);
    int64_t deadline = c->deadline;
    wait_for(c, EPOLLIN, SO_RCVTIMEO);
    if (deadline) /* it has waited already */
        c->deadline = deadline;
    return SC_TRAP_WAIT;
}

/* --- names, options, shutdown ----------------------------------------------------------------- */

static enum sc_trap_verdict on_name(int notify, struct sc_trap_call *c)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    struct out o;
    bool ours = take_service_socket(notify, c);
    bool resolver = !ours && c->fd >= 0 && c->nr == SYS_getpeername && server_of(c->fd, &ss, &len);
    if (!ours && !resolver)
        return leave_to_kernel(notify, c);
    if (!read_out(notify, c, 1, &o))
        return answer(notify, c, 0, EFAULT);
    if (resolver)
        return write_out(c, &o, &ss, len) ? answer(notify, c, 0, 0) : answer(notify, c, 0, EFAULT);
    int (*ask)(int, struct sockaddr *, socklen_t *) =
        c->nr == SYS_getsockname ? sc_getsockname : sc_getpeername;
    int result = ask(c->fd, (struct sockaddr *)&ss, &len);
    if (result == 0 && !write_out(c, &o, &ss, len))
        return answer(notify, c, 0, EFAULT);
    return answer_result(notify, c, result);
}

static enum sc_trap_verdict on_getsockopt(int notify, struct sc_trap_call *c)
{
    char value[OPTION_MAX];
    struct out o;
    if (!take_service_socket(notify, c))
        return leave_to_kernel(notify, c);
    if (!read_out(notify, c, 3, &o))
        return answer(notify, c, 0, EFAULT);
    socklen_t len = o.room < sizeof value ? o.room : sizeof value;
    int result = sc_getsockopt(c->fd, (int)c->args[1], (int)c->args[2], value, &len);
    if (result == 0 && !write_out(c, &o, value, len))
        return answer(notify, c, 0, EFAULT);
    return answer_result(notify, c, result);
}

static enum sc_trap_verdict on_setsockopt(int notify, struct sc_trap_call *c)
{
    char value[OPTION_MAX];
    socklen_t len = (socklen_t)c->args[4];
    if (!take_service_socket(notify, c))
        return leave_to_kernel(notify, c);
    if (len > sizeof value)
        return answer(notify, c, 0, EINVAL);
    if (!sc_tracee_read(c->tid, c->args[3], value, len) || !sc_trap_call_is_valid(notify, c))
        return answer(notify, c, 0, EFAULT);
    return answer_result(notify, c,
                         sc_setsockopt(c->fd, (int)c->args[1], (int)c->args[2], value, len));
}

static enum sc_trap_verdict on_shutdown(int notify, struct sc_trap_call *c)
{
    if (!take_service_socket(notify, c))
        return leave_to_kernel(notify, c);
    return answer_result(notify, c, sc_shutdown(c->fd, (int)c->args[1]));
}

/* --- all -------------------------------------------------------------------------------------- */

enum sc_trap_verdict sc_trap_serve(int notify, struct sc_trap_call *c)
{
    switch (c->nr) {
    case SYS_connect:
        return on_connect(notify, c);
    case SYS_bind:
        return on_bind(notify, c);
    case SYS_listen:
        return on_listen(notify, c);
#ifdef SYS_accept
    case SYS_accept:
#endif
    case SYS_accept4:
        return on_accept(notify, c);
    case SYS_getsockname:
    case SYS_getpeername:
        return on_name(notify, c);
    case SYS_getsockopt:
        return on_getsockopt(notify, c);
    case SYS_setsockopt:
        return on_setsockopt(notify, c);
    case SYS_shutdown:
        return on_shutdown(notify, c);
    case SYS_recvfrom:
        return on_recvfrom(notify, c);
    default:
        return leave_to_kernel(notify, c);
    }
}
