#include "trap/datagram_calls.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "client/client.h"
#include "client/datagram.h"
#include "client/swap.h"
#include "trap/relay.h"
#include "trap/tracee.h"

#define DATAGRAM_MAX 65535
/* As much as anybody asks of a datagram's control messages: a few of IP's, or 253 descriptors. */
#define CONTROL_MAX 2048

static struct sc_relay_socket socket_of(const struct sc_trap_call *c)
{
    return (struct sc_relay_socket){.fd = c->fd, .tid = c->tid, .number = sc_trap_number(c)};
}

/* --- connect, bind, names --------------------------------------------------------------------- */

enum sc_trap_verdict sc_trap_datagram_connect(int notify, const struct sc_trap_call *c,
                                              const struct sockaddr_storage *far, socklen_t len)
{
    struct sockaddr_storage at;
    socklen_t at_len;
    struct sc_relay_socket s = socket_of(c);
    if (!sc_relay_serves((const struct sockaddr *)far, len))
        return sc_trap_leave_to_kernel(notify, c);
    int err = sc_relay_towards(&s, (const struct sockaddr *)far, len, &at, &at_len);
    if (err)
        return sc_trap_answer(notify, c, 0, -err);
    return sc_trap_answer_result(notify, c, connect(c->fd, (struct sockaddr *)&at, at_len));
}

enum sc_trap_verdict sc_trap_datagram_bind(int notify, const struct sc_trap_call *c,
                                           const struct sockaddr_storage *to, socklen_t len)
{
    struct sc_address a;
    char name[256];
    uint16_t port;
    struct sc_relay_socket s = socket_of(c);
    if (sc_address_from_sockaddr((const struct sockaddr *)to, len, &a) < 0 ||
        !sc_policy_binds(&a, IPPROTO_UDP, name, &port))
        return sc_trap_leave_to_kernel(notify, c);
    int err = sc_relay_bind(&s, (const struct sockaddr *)to, len);
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

/* --- a message of the program's --------------------------------------------------------------- */

/* What a call says about one datagram: its address, its pieces, its control messages. The program's
 * addresses. */
struct message {
    struct msghdr head;
    uint64_t at; /* where `head` is; 0: nowhere, for sendto and recvfrom */
    struct iovec pieces[IOV_MAX];
};

static bool read_message(int notify, const struct sc_trap_call *c, uint64_t at, struct message *m)
{
    m->at = at;
    return sc_tracee_read(c->tid, at, &m->head, sizeof m->head) && m->head.msg_iovlen <= IOV_MAX &&
           sc_tracee_read(c->tid, (uintptr_t)m->head.msg_iov, m->pieces,
                          m->head.msg_iovlen * sizeof *m->pieces) &&
           sc_trap_call_is_valid(notify, c);
}

/* sendto and recvfrom as a message. */
static void make_message(const struct sc_trap_call *c, struct message *m, socklen_t name_len)
{
    m->at = 0;
    m->pieces[0] = (struct iovec){(void *)(uintptr_t)c->args[1], c->args[2]};
    m->head = (struct msghdr){
        .msg_name = (void *)(uintptr_t)c->args[4], .msg_namelen = name_len, .msg_iovlen = 1};
}

static size_t length_of(const struct message *m)
{
    size_t len = 0;
    for (size_t i = 0; i < m->head.msg_iovlen && len <= DATAGRAM_MAX; i++)
        len += m->pieces[i].iov_len;
    return len;
}

typedef bool copy_call(pid_t tid, uint64_t address, void *ours, size_t len);

static bool read_piece(pid_t tid, uint64_t address, void *ours, size_t len)
{
    return sc_tracee_read(tid, address, ours, len);
}

static bool write_piece(pid_t tid, uint64_t address, void *ours, size_t len)
{
    return sc_tracee_write(tid, address, ours, len);
}

static bool copy_pieces(const struct sc_trap_call *c, const struct message *m, uint8_t *bytes,
                        size_t len, copy_call *copy)
{
    for (size_t i = 0, at = 0; i < m->head.msg_iovlen && at < len; i++) {
        size_t part = len - at < m->pieces[i].iov_len ? len - at : m->pieces[i].iov_len;
        if (!copy(c->tid, (uintptr_t)m->pieces[i].iov_base, bytes + at, part))
            return false;
        at += part;
    }
    return true;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Where the relay takes the message; false: the call is the kernel's. */
static bool read_far(int notify, const struct sc_trap_call *c, const struct message *m,
                     struct sockaddr_storage *far)
{
    return m->head.msg_name && m->head.msg_namelen >= sizeof far->ss_family &&
           m->head.msg_namelen <= sizeof *far &&
           sc_tracee_read(c->tid, (uintptr_t)m->head.msg_name, far, m->head.msg_namelen) &&
           sc_trap_call_is_valid(notify, c) &&
           sc_relay_serves((struct sockaddr *)far, m->head.msg_namelen);
}

/* Bytes sent, or a negative errno. Control messages say how plain IP is to carry the datagram. */
static ssize_t send_one(int notify, const struct sc_trap_call *c, const struct message *m,
                        const struct sockaddr_storage *far, int flags)
{
    uint8_t bytes[DATAGRAM_MAX];
    struct sockaddr_storage at;
    socklen_t at_len;
    struct sc_relay_socket s = socket_of(c);
    size_t len = length_of(m);
    if (len > sizeof bytes)
        return -EMSGSIZE;
    if (!copy_pieces(c, m, bytes, len, read_piece) || !sc_trap_call_is_valid(notify, c))
        return -EFAULT;
    int err = sc_relay_towards(&s, (const struct sockaddr *)far, m->head.msg_namelen, &at, &at_len);
    if (err)
        return err;
    ssize_t n = sendto(c->fd, bytes, len, flags | MSG_NOSIGNAL, (struct sockaddr *)&at, at_len);
    return n < 0 ? -errno : n;
}

static bool is_udp_call(int notify, struct sc_trap_call *c)
{
    return (c->fd >= 0 || sc_trap_take_socket(notify, c)) && sc_is_udp(c->fd);
}

static enum sc_trap_verdict send_single(int notify, struct sc_trap_call *c, struct message *m)
{
    struct sockaddr_storage far;
    int flags = (int)(c->nr == SYS_sendto ? c->args[3] : c->args[2]);
    if (c->nr == SYS_sendto)
        make_message(c, m, (socklen_t)c->args[5]);
    else if (!read_message(notify, c, c->args[1], m))
        return sc_trap_leave_to_kernel(notify, c);
    if (!read_far(notify, c, m, &far))
        return sc_trap_leave_to_kernel(notify, c);
    ssize_t n = send_one(notify, c, m, &far, flags);
    return sc_trap_answer(notify, c, n, n < 0 ? (int)-n : 0);
}

/* The first one decides whose the call is; programs send to the same kind of place. */
static enum sc_trap_verdict send_many(int notify, struct sc_trap_call *c, struct message *m)
{
    struct sockaddr_storage far;
    ssize_t n = 0;
    uint64_t done = 0, count = c->args[2] < UIO_MAXIOV ? c->args[2] : UIO_MAXIOV;
    for (; done < count; done++) {
        uint64_t at = c->args[1] + done * sizeof(struct mmsghdr);
        if (!read_message(notify, c, at, m) || !read_far(notify, c, m, &far)) {
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
    if (!is_udp_call(notify, c))
        return sc_trap_leave_to_kernel(notify, c);
    struct message *m = malloc(sizeof *m);
    if (!m)
        return sc_trap_answer(notify, c, 0, ENOMEM);
    enum sc_trap_verdict v =
        c->nr == SYS_sendmmsg ? send_many(notify, c, m) : send_single(notify, c, m);
    free(m);
    return v;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* Into the program's buffers; who sent it is who stands behind the address. -EAGAIN: nothing. */
static ssize_t receive_one(const struct sc_trap_call *c, struct message *m, int flags)
{
    uint8_t bytes[DATAGRAM_MAX];
    _Alignas(struct cmsghdr) char control[CONTROL_MAX];
    struct sockaddr_storage from, far;
    size_t room = length_of(m), control_room = m->head.msg_controllen;
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
    if (!copy_pieces(c, m, bytes, got, write_piece) ||
        (m->head.msg_name && !sc_tracee_write(c->tid, (uintptr_t)m->head.msg_name, name, shown)) ||
        !sc_tracee_write(c->tid, (uintptr_t)m->head.msg_control, control, in.msg_controllen))
        return -EFAULT;
    m->head.msg_namelen = m->head.msg_name ? len : 0;
    m->head.msg_controllen = in.msg_controllen;
    m->head.msg_flags = in.msg_flags & ~MSG_CMSG_CLOEXEC;
    if (m->at && !sc_tracee_write(c->tid, m->at, &m->head, sizeof m->head))
        return -EFAULT;
    return n;
}

static enum sc_trap_verdict receive_from(int notify, struct sc_trap_call *c, struct message *m)
{
    socklen_t room;
    if (!sc_tracee_read(c->tid, c->args[5], &room, sizeof room) ||
        !sc_trap_call_is_valid(notify, c))
        return sc_trap_answer(notify, c, 0, EFAULT);
    make_message(c, m, room);
    ssize_t n = receive_one(c, m, (int)c->args[3]);
    if (n >= 0 && !sc_tracee_write(c->tid, c->args[5], &m->head.msg_namelen, sizeof room))
        n = -EFAULT;
    return sc_trap_answer(notify, c, n, n < 0 ? (int)-n : 0);
}

static enum sc_trap_verdict receive_single(int notify, struct sc_trap_call *c, struct message *m)
{
    ssize_t n =
        read_message(notify, c, c->args[1], m) ? receive_one(c, m, (int)c->args[2]) : -EFAULT;
    return sc_trap_answer(notify, c, n, n < 0 ? (int)-n : 0);
}

/* As many as are there; the first has been waited for. */
static enum sc_trap_verdict receive_many(int notify, struct sc_trap_call *c, struct message *m)
{
    ssize_t n = 0;
    uint64_t done = 0, count = c->args[2] < UIO_MAXIOV ? c->args[2] : UIO_MAXIOV;
    for (; done < count; done++) {
        uint64_t at = c->args[1] + done * sizeof(struct mmsghdr);
        n = read_message(notify, c, at, m) ? receive_one(c, m, (int)c->args[3] & ~MSG_WAITFORONE)
                                           : -EFAULT;
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
    if (!is_udp_call(notify, c) || !sc_relay_has(c->fd))
        return sc_trap_leave_to_kernel(notify, c);
    if (must_wait(c))
        return sc_trap_wait_for(c, EPOLLIN, SO_RCVTIMEO);
    struct message *m = malloc(sizeof *m);
    if (!m)
        return sc_trap_answer(notify, c, 0, ENOMEM);
    enum sc_trap_verdict v = c->nr == SYS_recvfrom  ? receive_from(notify, c, m)
                             : c->nr == SYS_recvmsg ? receive_single(notify, c, m)
                                                    : receive_many(notify, c, m);
    free(m);
    return v;
}
