#include "trap/datagram_calls.h"

#include <errno.h>
#include <stddef.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "client/supervise.h"
#include "trap/message.h"
#include "trap/relay/relay.h"
#include "trap/process/tracee.h"

/* What the relay carries, as under the shim: as much as IPv4 has room for. */
#define DATAGRAM_MAX 65507
/* What may come from plain IP. */
#define RECEIVED_MAX 65535

static struct sc_relay_socket socket_of(const struct sc_trap_call *c)
{
    return (struct sc_relay_socket){.fd = c->fd, .tid = c->tid, .number = sc_trap_number(c)};
}

/* --- connect, bind, names --------------------------------------------------------------------- */

/* To whom the relay has nothing to do with, the kernel connects; what was ours is over then. */
enum sc_trap_verdict sc_trap_datagram_connect(int notify, struct sc_trap_call *c,
                                              const struct sockaddr_storage *far, socklen_t len)
{
    struct sc_relay_socket s = socket_of(c);
    int err;
    if (far->ss_family == AF_UNSPEC)
        err = sc_relay_disconnect(&s);
    else if (sc_relay_serves((const struct sockaddr *)far, len))
        err = sc_relay_connect(&s, (const struct sockaddr *)far, len);
    else
        err = sc_relay_leave_peer(&s);
    return err == SC_RELAY_NOT_OURS ? sc_trap_leave_to_kernel(notify, c)
                                    : sc_trap_answer(notify, c, 0, -err);
}

enum sc_trap_verdict sc_trap_datagram_bind(int notify, struct sc_trap_call *c,
                                           const struct sockaddr_storage *to, socklen_t len)
{
    struct sc_address a;
    char name[256];
    uint16_t port;
    struct sc_relay_socket s = socket_of(c);
    if (sc_address_from_sockaddr((const struct sockaddr *)to, len, &a) < 0 ||
        !sc_policy_binds(&a, IPPROTO_UDP, name, &port))
        return sc_trap_leave_to_kernel(notify, c);
    /* A wildcard that is no captured name is plain IP's as well: the host's own addresses, groups,
     * whoever is not a service. */
    bool plain_too = sc_address_is_wildcard(&a) && !*name;
    int err = sc_relay_bind(&s, (const struct sockaddr *)to, len, plain_too);
    return sc_trap_answer(notify, c, 0, -err);
}

bool sc_trap_datagram_name(const struct sc_trap_call *c, struct sockaddr_storage *ss,
                           socklen_t *len)
{
    struct sockaddr_storage at;
    socklen_t at_len = sizeof at;
    if (c->nr == SYS_getsockname)
        return sc_relay_own(c->fd, ss, len);
    return getpeername(c->fd, (struct sockaddr *)&at, &at_len) == 0 &&
           sc_relay_far(c->fd, (struct sockaddr *)&at, at_len, ss, len);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Where the relay takes the message; false: the call is the kernel's. */
static bool read_far(int notify, const struct sc_trap_call *c, const struct sc_trap_message *m,
                     struct sockaddr_storage *far)
{
    return m->head.msg_name && m->head.msg_namelen >= sizeof far->ss_family &&
           m->head.msg_namelen <= sizeof *far &&
           sc_tracee_read(c->tid, (uintptr_t)m->head.msg_name, far, m->head.msg_namelen) &&
           sc_trap_call_is_valid(notify, c) &&
           sc_relay_serves((struct sockaddr *)far, m->head.msg_namelen);
}

/* Where it comes from is said among services: on loopback it would be somebody else's address. */
static bool names_source(const struct cmsghdr *h)
{
    return (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) ||
           (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO);
}

/* How the kernel is to send it (UDP_SEGMENT): the length of what is written to `out`, or a negative
 * errno. */
static ssize_t take_control(const struct sc_trap_call *c, const struct sc_trap_message *m,
                            char out[SC_TRAP_CONTROL_MAX])
{
    _Alignas(struct cmsghdr) char room[SC_TRAP_CONTROL_MAX];
    struct msghdr in = {.msg_control = room, .msg_controllen = m->head.msg_controllen};
    size_t len = 0;
    if (in.msg_controllen > sizeof room)
        return -ENOBUFS;
    if (!sc_tracee_read(c->tid, (uintptr_t)m->head.msg_control, room, in.msg_controllen))
        return -EFAULT;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&in); h; h = CMSG_NXTHDR(&in, h)) {
        size_t left = (size_t)(room + in.msg_controllen - (char *)h);
        if (h->cmsg_len < sizeof *h || h->cmsg_len > left)
            return -EINVAL;
        if (names_source(h))
            continue;
        memcpy(out + len, h, h->cmsg_len);
        len += CMSG_ALIGN(h->cmsg_len);
    }
    return (ssize_t)(len < sizeof room ? len : sizeof room);
}

/* Bytes sent, or a negative errno. */
static ssize_t send_one(int notify, const struct sc_trap_call *c, const struct sc_trap_message *m,
                        const struct sockaddr_storage *far, int flags)
{
    uint8_t bytes[DATAGRAM_MAX];
    _Alignas(struct cmsghdr) char control[SC_TRAP_CONTROL_MAX] = {0};
    struct sockaddr_storage at;
    socklen_t at_len;
    ssize_t control_len = take_control(c, m, control);
    struct sc_relay_socket s = socket_of(c);
    size_t len = sc_trap_message_length(m, DATAGRAM_MAX);
    if (control_len < 0 || len > DATAGRAM_MAX)
        return control_len < 0 ? control_len : -EMSGSIZE;
    if (!sc_trap_message_take(c, m, 0, bytes, len) || !sc_trap_call_is_valid(notify, c))
        return -EFAULT;
    int err = sc_relay_towards(&s, (const struct sockaddr *)far, m->head.msg_namelen, &at, &at_len);
    if (err)
        return err;
    struct iovec whole = {bytes, len};
    struct msghdr out = {.msg_name = &at,
                         .msg_namelen = at_len,
                         .msg_iov = &whole,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = (size_t)control_len};
    ssize_t n = sendmsg(c->fd, &out, flags | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static enum sc_trap_verdict send_single(int notify, struct sc_trap_call *c,
                                        struct sc_trap_message *m)
{
    struct sockaddr_storage far;
    int flags = (int)(c->nr == SYS_sendto ? c->args[3] : c->args[2]);
    if (c->nr == SYS_sendto)
        sc_trap_message_make(c, m, (socklen_t)c->args[5]);
    else if (sc_trap_message_read(notify, c, c->args[1], m) < 0)
        return sc_trap_leave_to_kernel(notify, c);
    if (!read_far(notify, c, m, &far))
        return sc_trap_leave_to_kernel(notify, c);
    ssize_t n = send_one(notify, c, m, &far, flags);
    return sc_trap_answer(notify, c, n, n < 0 ? (int)-n : 0);
}

/* The first one decides whose the call is; programs send to the same kind of place. */
static enum sc_trap_verdict send_many(int notify, struct sc_trap_call *c, struct sc_trap_message *m)
{
    struct sockaddr_storage far;
    ssize_t n = 0;
    uint64_t done = 0, count = c->args[2] < UIO_MAXIOV ? c->args[2] : UIO_MAXIOV;
    for (; done < count; done++) {
        uint64_t at = c->args[1] + done * sizeof(struct mmsghdr);
        if (sc_trap_message_read(notify, c, at, m) < 0 || !read_far(notify, c, m, &far)) {
            if (done == 0)
                return sc_trap_leave_to_kernel(notify, c);
            break;
        }
        n = send_one(notify, c, m, &far, (int)c->args[3]);
        unsigned sent = (unsigned)n;
        if (n < 0 ||
            !sc_tracee_write(c->tid, at + offsetof(struct mmsghdr, msg_len), &sent, sizeof sent))
            break;
    }
    bool failed = done == 0 && count > 0;
    return sc_trap_answer(notify, c, (int64_t)done, failed ? (n < 0 ? (int)-n : EFAULT) : 0);
}

enum sc_trap_verdict sc_trap_datagram_send(int notify, struct sc_trap_call *c)
{
    struct sc_trap_message *m = malloc(sizeof *m);
    if (!m)
        return sc_trap_answer(notify, c, 0, ENOMEM);
    enum sc_trap_verdict v =
        c->nr == SYS_sendmmsg ? send_many(notify, c, m) : send_single(notify, c, m);
    free(m);
    return v;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* Into the program's buffers; who sent it is who stands behind the address. -EAGAIN: nothing. */
static ssize_t receive_one(const struct sc_trap_call *c, struct sc_trap_message *m, int flags)
{
    uint8_t bytes[RECEIVED_MAX];
    _Alignas(struct cmsghdr) char control[SC_TRAP_CONTROL_MAX];
    struct sockaddr_storage from, far;
    size_t room = sc_trap_message_length(m, RECEIVED_MAX), control_room = m->head.msg_controllen;
    struct iovec whole = {bytes, room < sizeof bytes ? room : sizeof bytes};
    struct msghdr in = {.msg_name = &from,
                        .msg_namelen = sizeof from,
                        .msg_iov = &whole,
                        .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen =
                            control_room < sizeof control ? control_room : sizeof control};
    ssize_t n = recvmsg(c->fd, &in, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return -errno;
    socklen_t len = in.msg_namelen;
    const void *name = &from;
    if (sc_relay_far(c->fd, (struct sockaddr *)&from, in.msg_namelen, &far, &len))
        name = &far;
    size_t got = (size_t)n < whole.iov_len ? (size_t)n : whole.iov_len;
    size_t shown = len < m->head.msg_namelen ? len : m->head.msg_namelen;
    if (!sc_trap_message_give(c, m, 0, bytes, got) ||
        (m->head.msg_name && !sc_tracee_write(c->tid, (uintptr_t)m->head.msg_name, name, shown)) ||
        !sc_tracee_write(c->tid, (uintptr_t)m->head.msg_control, control, in.msg_controllen))
        return -EFAULT;
    m->head.msg_namelen = m->head.msg_name ? len : 0;
    m->head.msg_controllen = in.msg_controllen;
    m->head.msg_flags = in.msg_flags & (flags | ~MSG_CMSG_CLOEXEC);
    if (m->at && !sc_tracee_write(c->tid, m->at, &m->head, sizeof m->head))
        return -EFAULT;
    return n;
}

static enum sc_trap_verdict receive_from(int notify, struct sc_trap_call *c,
                                         struct sc_trap_message *m)
{
    struct sc_trap_out from = {0};
    int err = c->args[4] ? sc_trap_read_out(notify, c, 4, &from) : 0;
    if (err)
        return sc_trap_answer(notify, c, 0, -err);
    sc_trap_message_make(c, m, from.room);
    ssize_t n = receive_one(c, m, (int)c->args[3]);
    if (n >= 0 && from.length &&
        !sc_tracee_write(c->tid, from.length, &m->head.msg_namelen, sizeof from.room))
        n = -EFAULT;
    return sc_trap_answer(notify, c, n, n < 0 ? (int)-n : 0);
}

static enum sc_trap_verdict receive_single(int notify, struct sc_trap_call *c,
                                           struct sc_trap_message *m)
{
    ssize_t n = sc_trap_message_read(notify, c, c->args[1], m);
    if (n == 0)
        n = receive_one(c, m, (int)c->args[2]);
    return sc_trap_answer(notify, c, n, n < 0 ? (int)-n : 0);
}

/* As many as are there; the first has been waited for. */
static enum sc_trap_verdict receive_many(int notify, struct sc_trap_call *c,
                                         struct sc_trap_message *m)
{
    ssize_t n = 0;
    uint64_t done = 0, count = c->args[2] < UIO_MAXIOV ? c->args[2] : UIO_MAXIOV;
    for (; done < count; done++) {
        uint64_t at = c->args[1] + done * sizeof(struct mmsghdr);
        n = sc_trap_message_read(notify, c, at, m);
        if (n == 0)
            n = receive_one(c, m, (int)c->args[3] & ~MSG_WAITFORONE);
        unsigned len = (unsigned)n;
        if (n < 0 ||
            !sc_tracee_write(c->tid, at + offsetof(struct mmsghdr, msg_len), &len, sizeof len))
            break;
    }
    return sc_trap_answer(notify, c, (int64_t)done, done == 0 && n < 0 ? (int)-n : 0);
}

/* What it would block on is waited for without a thread. */
static bool must_wait(const struct sc_trap_call *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int flags = (int)(c->nr == SYS_recvmsg ? c->args[2] : c->args[3]);
    if (c->expired || (flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) || sc_is_nonblocking(c->fd))
        return false;
    return poll(&p, 1, 0) == 0;
}

enum sc_trap_verdict sc_trap_datagram_receive(int notify, struct sc_trap_call *c)
{
    if (!sc_relay_has(c->fd))
        return sc_trap_leave_to_kernel(notify, c);
    if (must_wait(c))
        return sc_trap_wait_for(c, EPOLLIN, SO_RCVTIMEO);
    struct sc_trap_message *m = malloc(sizeof *m);
    if (!m)
        return sc_trap_answer(notify, c, 0, ENOMEM);
    enum sc_trap_verdict v = c->nr == SYS_recvfrom  ? receive_from(notify, c, m)
                             : c->nr == SYS_recvmsg ? receive_single(notify, c, m)
                                                    : receive_many(notify, c, m);
    free(m);
    return v;
}
