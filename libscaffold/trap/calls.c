#include "trap/calls.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/arguments.h"
#include "trap/connecting.h"
#include "trap/datagram_calls.h"
#include "trap/memory.h"
#include "trap/stream_calls.h"
#include "trap/process/tracee.h"

/* The longest option that anybody sets or reads (TCP_INFO is below 300 bytes). */
#define OPTION_MAX 1024

/* --- sockets ---------------------------------------------------------------------------------- */

static bool take_service_socket(int notify, struct sc_trap_call *c)
{
    struct sc_socket_name own;
    return sc_trap_take_socket(notify, c) && sc_is_service_socket(c->fd, &own);
}

static void set_nonblocking(int fd, int on)
{
    ioctl(fd, FIONBIO, &on);
}

/* --- connect ---------------------------------------------------------------------------------- */

static enum sc_trap_verdict on_connect(int notify, struct sc_trap_call *c)
{
    struct sockaddr_storage ss;
    socklen_t len;
    if (c->connecting)
        return sc_trap_answer(notify, c, 0, sc_trap_connect_end(notify, c));
    if (!sc_trap_read_address(notify, c, &ss, &len) ||
        (ss.ss_family != AF_INET && ss.ss_family != AF_INET6 && ss.ss_family != AF_UNSPEC) ||
        !sc_trap_take_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (sc_is_udp(c->fd))
        return sc_trap_datagram_connect(notify, c, &ss, len);
    if (!sc_trap_is_ours_to_connect(c, &ss, len))
        return sc_trap_leave_to_kernel(notify, c);
    int error = sc_trap_connect_begin(notify, c, &ss, len);
    c->connecting = error < 0;
    return error < 0 ? sc_trap_wait_for(c, EPOLLOUT, SO_SNDTIMEO)
                     : sc_trap_answer(notify, c, 0, error);
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
    uint64_t before = sc_trap_inode(c->fd);
    int result = sc_bind(c->fd, (struct sockaddr *)&ss, len);
    return sc_trap_answer_result(notify, c, sc_trap_hand_in(notify, c, before, result));
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
    uint64_t before = sc_trap_inode(c->fd);
    int result = sc_listen(c->fd, (int)c->args[1]);
    return sc_trap_answer_result(notify, c, sc_trap_hand_in(notify, c, before, result));
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

/* A program without a number to spare keeps its connection in the queue. The highest number is
 * looked at first: as long as that is free, there is room. */
static bool has_number_to_spare(const struct sc_trap_call *c)
{
    struct rlimit limit;
    if (prlimit(c->tid, RLIMIT_NOFILE, NULL, &limit) < 0 || limit.rlim_cur > INT_MAX)
        return true;
    return limit.rlim_cur > 0 && (!sc_tracee_has(c->tid, (int)limit.rlim_cur - 1) ||
                                  sc_tracee_count(c->tid) < limit.rlim_cur);
}

static int give_peer(int notify, const struct sc_trap_call *c, const struct accepted *a)
{
    struct sc_trap_out o;
    int err = c->args[1] ? sc_trap_read_out(notify, c, 1, &o) : 0;
    if (!err && c->args[1] && !sc_trap_write_out(c, &o, &a->peer, a->len))
        err = -EFAULT;
    return err;
}

/* Hands the accepted socket in. A program that is gone by now, or has no room for the peer's
 * address, has lost it, as from the kernel. */
static enum sc_trap_verdict give_connection(int notify, struct sc_trap_call *c, int flags,
                                            const struct accepted *a)
{
    int number = give_peer(notify, c, a);
    if (number == 0)
        number = sc_trap_call_add(notify, c, a->fd, flags & SOCK_CLOEXEC);
    sc_trap_memory_keep(a->fd);
    close(a->fd); /* before the program can close its own */
    return sc_trap_answer(notify, c, number, number < 0 ? -number : 0);
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
    struct accepted a;
    if (!is_listening(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (!has_number_to_spare(c))
        return sc_trap_answer(notify, c, 0, EMFILE);
    take_connection(c, flags | SOCK_CLOEXEC, &a);
    if (a.fd >= 0)
        return give_connection(notify, c, flags, &a);
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
    int (*ask)(int, struct sockaddr *, socklen_t *) =
        c->nr == SYS_getsockname ? sc_getsockname : sc_getpeername;
    if (ours && ask(c->fd, (struct sockaddr *)&ss, &len) < 0)
        return sc_trap_answer(notify, c, 0, errno);
    int err = sc_trap_read_out(notify, c, 1, &o);
    if (!err && !sc_trap_write_out(c, &o, &ss, len))
        err = -EFAULT;
    return sc_trap_answer(notify, c, 0, -err);
}

static enum sc_trap_verdict on_getsockopt(int notify, struct sc_trap_call *c)
{
    char value[OPTION_MAX];
    struct sc_trap_out o;
    if (!take_service_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    int err = sc_trap_read_out(notify, c, 3, &o);
    if (err)
        return sc_trap_answer(notify, c, 0, -err);
    socklen_t len = o.room < sizeof value ? o.room : sizeof value;
    int result = sc_getsockopt(c->fd, (int)c->args[1], (int)c->args[2], value, &len);
    if (result == 0 && !sc_trap_write_out(c, &o, value, len))
        return sc_trap_answer(notify, c, 0, EFAULT);
    return sc_trap_answer_result(notify, c, result);
}

/* A TCP socket that may become a service's is given its options by the kernel, and they are
 * remembered: what they mean is not looked at, since some are pointers of the program's. */
static enum sc_trap_verdict on_setsockopt(int notify, struct sc_trap_call *c)
{
    char value[OPTION_MAX];
    socklen_t len = (socklen_t)c->args[4];
    if (!take_service_socket(notify, c)) {
        if (c->fd >= 0)
            sc_supervise_note_option(c->fd, (int)c->args[1], (int)c->args[2]);
        return sc_trap_leave_to_kernel(notify, c);
    }
    if (len > sizeof value)
        return sc_trap_answer(notify, c, 0, EINVAL);
    /* A length may be wrong, too, which is said before a value that cannot be read. */
    const void *given = sc_tracee_read(c->tid, c->args[3], value, len) ? value : NULL;
    if (!sc_trap_call_is_valid(notify, c))
        return sc_trap_answer(notify, c, 0, EFAULT);
    return sc_trap_answer_result(
        notify, c, sc_setsockopt(c->fd, (int)c->args[1], (int)c->args[2], given, len));
}

static enum sc_trap_verdict on_shutdown(int notify, struct sc_trap_call *c)
{
    if (!take_service_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    return sc_trap_answer_result(notify, c, sc_shutdown(c->fd, (int)c->args[1]));
}

/* Questions about interfaces whose argument is a struct ifreq. What changes one is not asked in the
 * supervisor, whose rights may be more than the program's; a list of them (SIOCGIFCONF) is left to
 * the kernel, too, which has none for a flow. */
static bool asks_about_interface(unsigned long request)
{
    switch (request) {
    case SIOCGIFNAME:
    case SIOCGIFFLAGS:
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFMETRIC:
    case SIOCGIFMTU:
    case SIOCGIFHWADDR:
    case SIOCGIFINDEX:
        return true;
    default:
        return false;
    }
}

static enum sc_trap_verdict on_ioctl(int notify, struct sc_trap_call *c)
{
    union {
        int queued;
        struct ifreq interface;
    } value;
    unsigned long request = (unsigned)c->args[1];
    size_t len = request == SIOCOUTQ ? sizeof value.queued : sizeof value.interface;
    if ((request != SIOCOUTQ && !asks_about_interface(request)) || !take_service_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (!sc_tracee_read(c->tid, c->args[2], &value, len) || !sc_trap_call_is_valid(notify, c))
        return sc_trap_answer(notify, c, 0, EFAULT);
    int result = sc_ioctl(c->fd, request, &value);
    if (result == 0 && !sc_tracee_write(c->tid, c->args[2], &value, len))
        return sc_trap_answer(notify, c, 0, EFAULT);
    return sc_trap_answer_result(notify, c, result);
}

/* --- all -------------------------------------------------------------------------------------- */

static enum sc_trap_verdict on_send(int notify, struct sc_trap_call *c)
{
    if (c->fd < 0 && !sc_trap_take_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (sc_is_udp(c->fd))
        return sc_trap_datagram_send(notify, c);
    return c->nr == SYS_sendmmsg ? sc_trap_leave_to_kernel(notify, c)
                                 : sc_trap_stream_send(notify, c);
}

static enum sc_trap_verdict on_receive(int notify, struct sc_trap_call *c)
{
    if (c->fd < 0 && !sc_trap_take_socket(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    if (sc_is_udp(c->fd))
        return sc_trap_datagram_receive(notify, c);
    return c->nr == SYS_recvmmsg ? sc_trap_leave_to_kernel(notify, c)
                                 : sc_trap_stream_receive(notify, c);
}

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
    case SYS_ioctl:
        return on_ioctl(notify, c);
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
        return on_send(notify, c);
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
        return on_receive(notify, c);
    default:
        return sc_trap_leave_to_kernel(notify, c);
    }
}
