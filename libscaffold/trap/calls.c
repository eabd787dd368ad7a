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
#include "client/datagram.h"
#include "client/descriptors.h"
#include "client/fresh.h"
#include "client/options.h"
#include "client/swap.h"
#include "trap/arguments.h"
#include "trap/datagram_calls.h"
#include "trap/install.h"
#include "trap/tracee.h"

/* The longest option that anybody sets or reads (TCP_INFO is below 300 bytes). */
#define OPTION_MAX 1024

/* --- sockets ---------------------------------------------------------------------------------- */

static bool take_service_socket(int notify, struct sc_trap_call *c)
{
    struct sc_name own;
    return sc_trap_take_socket(notify, c) && sc_is_service_socket(c->fd, &own);
}

static uint64_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void set_nonblocking(int fd, int on)
{
    ioctl(fd, FIONBIO, &on);
}

/* Hands the socket in that took the place of the one with this inode number, if one did. Gives back
 * what the call then says. */
static int hand_in(int notify, const struct sc_trap_call *c, uint64_t before, int result)
{
    int kept = errno;
    int err = inode_of(c->fd) == before
                  ? 0
                  : sc_trap_install(notify, c, sc_trap_number(c), before, c->fd);
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
           (sc_policy_connects(&a) || sc_policy_is_here(&a)) &&
           sc_candidate_read(c->fd, &candidate);
}

/* The flow is open, or the kernel's error stands for why it is not. */
static enum sc_trap_verdict end_connect(int notify, const struct sc_trap_call *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (c->expired)
        return sc_trap_answer(notify, c, 0, EINPROGRESS);
    if (sc_getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    return sc_trap_answer(notify, c, 0, error);
}

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
    if (!sc_trap_read_address(notify, c, &ss, &len) ||
        (ss.ss_family != AF_INET && ss.ss_family != AF_INET6 && ss.ss_family != AF_UNSPEC) ||
        !sc_trap_take_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (sc_is_udp(c->fd))
        return sc_trap_datagram_connect(notify, c, &ss, len);
    if (!is_ours_to_connect(c, &ss, len))
        return sc_trap_leave_to_kernel(notify, c);
    uint64_t before = inode_of(c->fd);
    bool blocking = !sc_is_nonblocking(c->fd);
    if (blocking && is_connecting(c->fd)) /* made again after a signal */
        return sc_trap_wait_for(c, EPOLLOUT, SO_SNDTIMEO);
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
        return sc_trap_wait_for(c, EPOLLOUT, SO_SNDTIMEO);
    return sc_trap_answer_result(notify, c, result);
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
    if (!sc_trap_read_address(notify, c, &ss, &len) || !sc_trap_take_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (sc_is_udp(c->fd))
        return sc_trap_datagram_bind(notify, c, &ss, len);
    if (sc_address_from_sockaddr((struct sockaddr *)&ss, len, &a) < 0 ||
        !sc_policy_binds(&a, IPPROTO_TCP, name, &port) || !sc_candidate_read(c->fd, &candidate) ||
        candidate.state != SC_STATE_PLAIN)
        return sc_trap_leave_to_kernel(notify, c);
    uint64_t before = inode_of(c->fd);
    int result = sc_bind(c->fd, (struct sockaddr *)&ss, len);
    return sc_trap_answer_result(notify, c, hand_in(notify, c, before, result));
}

/* A captured socket that never was bound becomes a service here. */
static enum sc_trap_verdict on_listen(int notify, struct sc_trap_call *c)
{
    struct sc_candidate candidate;
    const struct sc_policy *p = sc_policy();
    if (!sc_trap_take_socket(notify, c) || !sc_candidate_read(c->fd, &candidate) ||
        (candidate.state == SC_STATE_PLAIN &&
         (candidate.local_port != 0 || (p->capture_count == 0 && !p->all_local))))
        return sc_trap_leave_to_kernel(notify, c);
    uint64_t before = inode_of(c->fd);
    int result = sc_listen(c->fd, (int)c->args[1]);
    return sc_trap_answer_result(notify, c, hand_in(notify, c, before, result));
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
                                            const struct sc_trap_out *o, const struct accepted *a)
{
    int err = 0;
    if (o->length && !sc_trap_write_out(c, o, &a->peer, a->len))
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
    return c->fd >= 0 ||
           (sc_trap_take_socket(notify, c) && sc_identify(c->fd, &id) == SC_STATE_LISTENING);
}

static enum sc_trap_verdict on_accept(int notify, struct sc_trap_call *c)
{
    int flags = c->nr == SYS_accept4 ? (int)c->args[3] : 0;
    struct sc_trap_out o = {0};
    struct accepted a;
    if (!is_listening(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (c->args[1] && !sc_trap_read_out(notify, c, 1, &o))
        return sc_trap_answer(notify, c, 0, EFAULT);
    take_connection(c, flags | SOCK_CLOEXEC, &a);
    if (a.fd >= 0)
        return give_connection(notify, c, flags, &o, &a);
    if (errno != EAGAIN || !a.blocking || c->expired)
        return sc_trap_answer(notify, c, 0, errno);
    return sc_trap_wait_for(c, EPOLLIN, SO_RCVTIMEO);
}

/* --- names, options, shutdown ----------------------------------------------------------------- */

static enum sc_trap_verdict on_name(int notify, struct sc_trap_call *c)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    struct sc_trap_out o;
    bool ours = take_service_socket(notify, c);
    if (!ours && (c->fd < 0 || !sc_is_udp(c->fd) || !sc_trap_datagram_name(c, &ss, &len)))
        return sc_trap_leave_to_kernel(notify, c);
    if (!sc_trap_read_out(notify, c, 1, &o))
        return sc_trap_answer(notify, c, 0, EFAULT);
    int (*ask)(int, struct sockaddr *, socklen_t *) =
        c->nr == SYS_getsockname ? sc_getsockname : sc_getpeername;
    int result = ours ? ask(c->fd, (struct sockaddr *)&ss, &len) : 0;
    if (result == 0 && !sc_trap_write_out(c, &o, &ss, len))
        return sc_trap_answer(notify, c, 0, EFAULT);
    return sc_trap_answer_result(notify, c, result);
}

static enum sc_trap_verdict on_getsockopt(int notify, struct sc_trap_call *c)
{
    char value[OPTION_MAX];
    struct sc_trap_out o;
    if (!take_service_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (!sc_trap_read_out(notify, c, 3, &o))
        return sc_trap_answer(notify, c, 0, EFAULT);
    socklen_t len = o.room < sizeof value ? o.room : sizeof value;
    int result = sc_getsockopt(c->fd, (int)c->args[1], (int)c->args[2], value, &len);
    if (result == 0 && !sc_trap_write_out(c, &o, value, len))
        return sc_trap_answer(notify, c, 0, EFAULT);
    return sc_trap_answer_result(notify, c, result);
}

static enum sc_trap_verdict on_setsockopt(int notify, struct sc_trap_call *c)
{
    char value[OPTION_MAX];
    socklen_t len = (socklen_t)c->args[4];
    if (!take_service_socket(notify, c)) {
        if (c->fd >= 0)
            sc_options_note_elsewhere(c->fd, (int)c->args[1], (int)c->args[2]);
        return sc_trap_leave_to_kernel(notify, c);
    }
    if (len > sizeof value)
        return sc_trap_answer(notify, c, 0, EINVAL);
    if (!sc_tracee_read(c->tid, c->args[3], value, len) || !sc_trap_call_is_valid(notify, c))
        return sc_trap_answer(notify, c, 0, EFAULT);
    return sc_trap_answer_result(
        notify, c, sc_setsockopt(c->fd, (int)c->args[1], (int)c->args[2], value, len));
}

static enum sc_trap_verdict on_shutdown(int notify, struct sc_trap_call *c)
{
    if (!take_service_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    return sc_trap_answer_result(notify, c, sc_shutdown(c->fd, (int)c->args[1]));
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
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
        return sc_trap_datagram_send(notify, c);
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
        return sc_trap_datagram_receive(notify, c);
    default:
        return sc_trap_leave_to_kernel(notify, c);
    }
}
