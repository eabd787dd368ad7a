/* send and recv: libc's own. Only a failure is looked at, and given the errno that TCP would have
 * given; so is what AF_UNIX adds to a success (the peer's name). */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "client/call/flow_error.h"
#include "client/client.h"
#include "client/datagram/datagram.h"
#include "client/explain/log.h"
#include "client/process/descriptors.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/memory.h"
#include "client/process/real.h"
#include "client/process/swap.h"
#include "scaffold/scaffold.h"

static int fail(int error)
{
    errno = error;
    return -1;
}

/* --- sending
 * ---------------------------------------------------------------------------------------- */

/* The plug leaves room in the buffer; TCP does not send before it is connected. Non-blocking:
 * EAGAIN. Blocking (connect was interrupted): waits. */
static bool may_send(int fd, int flags)
{
    struct sc_identity id;
    if (!sc_mark_is_set(fd, SC_MARK_CONNECTING))
        return true;
    if (sc_identify(fd, &id) != SC_STATE_CONNECTING) {
        sc_mark_clear(fd, SC_MARK_CONNECTING);
        return true;
    }
    if ((flags & MSG_DONTWAIT) || sc_is_nonblocking(fd)) {
        errno = EAGAIN;
        return false;
    }
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return sc_next.poll(&p, 1, -1) >= 0;
}

/* A send that is worth repeating as the kernel would treat it: `flags` without our MSG_NOSIGNAL,
 * and without the destination. */
struct attempt {
    int fd;
    const struct msghdr *msg;
    int flags; /* the program's */
};

static ssize_t repeat(const struct attempt *a)
{
    return sc_next.sendmsg(a->fd, a->msg, a->flags);
}

/* The first send after a reset reports it, once and without SIGPIPE; the next is EPIPE with it. The
 * kernel's own report is gone when a send that waited for room returned what it had sent by then:
 * scaffoldd still knows of it. */
static int error_of_pipe(int fd)
{
    struct sc_name own;
    int error = 0;
    socklen_t len = sizeof error;
    if (!sc_is_service_socket(fd, &own) ||
        sc_real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return EPIPE;
    error = error ? sc_flow_error(fd, error) : sc_flow_untold(fd);
    return error ? error : EPIPE; /* EPIPE: the reset met an end that was read */
}

int sc_send_error(int fd, int error)
{
    struct sc_name own;
    switch (error) {
    case EPIPE:
        return error_of_pipe(fd);
    case ENOTCONN:
        return sc_is_service_socket(fd, &own) ? EPIPE : ENOTCONN;
    default:
        return sc_flow_error(fd, error);
    }
}

static ssize_t on_pipe(const struct attempt *a)
{
    int error = sc_send_error(a->fd, EPIPE);
    if (error != EPIPE || a->flags & MSG_NOSIGNAL)
        return fail(error);
    return repeat(a); /* fails again, and the kernel sends the signal */
}

static ssize_t on_unconnected(const struct attempt *a)
{
    int error = sc_send_error(a->fd, ENOTCONN);
    if (error == EPIPE && !(a->flags & MSG_NOSIGNAL))
        sc_kernel_raise(SIGPIPE);
    return fail(error);
}

/* TCP ignores the destination of a connected stream. */
static ssize_t on_destination(const struct attempt *a, int error)
{
    struct sc_name own;
    if (!a->msg->msg_name || !sc_is_service_socket(a->fd, &own))
        return fail(error);
    struct msghdr msg = *a->msg;
    msg.msg_name = NULL;
    msg.msg_namelen = 0;
    return sc_sendmsg(a->fd, &msg, a->flags & ~MSG_FASTOPEN);
}

static ssize_t on_send_failure(const struct attempt *a)
{
    int error = errno;
    switch (error) {
    case EPIPE:
        return on_pipe(a);
    case ENOTCONN:
        return on_unconnected(a);
    case EISCONN:
    case EOPNOTSUPP:
        return on_destination(a, error);
    default:
        return fail(sc_send_error(a->fd, error));
    }
}

/* MSG_FASTOPEN towards a service is connect, then send. */
static bool opens_service(int flags, const struct sockaddr *to, socklen_t len)
{
    struct sc_address a;
    if (!(flags & MSG_FASTOPEN) || !to || len < sizeof to->sa_family)
        return false;
    return to->sa_family == AF_SCAFFOLD || (sc_address_from_sockaddr(to, len, &a) == 0 &&
                                            (sc_policy_connects(&a) || sc_policy_is_here(&a)));
}

/* It opens nothing on a flow that is open. */
static bool is_open_already(int fd, int flags)
{
    struct sc_identity id;
    return (flags & MSG_FASTOPEN) && sc_identify(fd, &id) == SC_STATE_OPEN;
}

/* Descriptors and credentials inside a flow would arrive in scaffoldd; TCP ignores them. */
static bool carries_rights(const struct msghdr *msg)
{
    if (msg->msg_controllen == 0 || !sc_memory_reads(msg->msg_control, msg->msg_controllen))
        return false;
    struct msghdr *m =
        (struct msghdr *)(uintptr_t)msg; /* CMSG_NXTHDR takes it so, and reads only */
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET &&
            (c->cmsg_type == SCM_RIGHTS || c->cmsg_type == SCM_CREDENTIALS))
            return true;
    return false;
}

/* A datagram socket, or one that becomes ours by what it sends to. *result is the call's, when it
 * was a datagram's. */
static bool is_datagram(int fd, const struct msghdr *msg, int flags, ssize_t *result)
{
    if (!sc_is_datagram(fd)) {
        if (!msg->msg_name || (flags & MSG_FASTOPEN))
            return false;
        enum sc_route route = sc_datagram_route(fd, msg->msg_name, msg->msg_namelen);
        if (route == SC_ROUTE_IP)
            return false;
        *result = -1;
        if (route == SC_ROUTE_NONE && sc_log_on())
            sc_log_unsent(fd, msg->msg_name, msg->msg_namelen);
        if (route == SC_ROUTE_NONE)
            return true;
    }
    *result = sc_datagram_send(fd, msg, flags);
    return true;
}

static ssize_t sendmsg_unlogged(int fd, const struct msghdr *msg, int flags)
{
    struct sc_name own;
    ssize_t result;
    if (!sc_memory_reads_head(msg))
        return sc_next.sendmsg(fd, msg, flags); /* EFAULT, unless something else comes first */
    if (is_datagram(fd, msg, flags, &result))
        return result;
    bool opens = opens_service(flags, msg->msg_name, msg->msg_namelen);
    if (!opens && sc_is_plain(fd))
        return sc_next.sendmsg(fd, msg, flags);
    if (!opens && is_open_already(fd, flags))
        return fail(EISCONN);
    if (!may_send(fd, flags))
        return -1;
    if (carries_rights(msg) && sc_is_service_socket(fd, &own)) {
        struct msghdr bare = *msg;
        bare.msg_control = NULL;
        bare.msg_controllen = 0;
        return sc_sendmsg(fd, &bare, flags);
    }
    if (opens) {
        if (sc_connect(fd, msg->msg_name, msg->msg_namelen) < 0)
            return -1;
        flags &= ~MSG_FASTOPEN;
    }
    ssize_t n = sc_next.sendmsg(fd, msg, flags | MSG_NOSIGNAL);
    if (n >= 0)
        return n;
    struct attempt a = {fd, msg, flags};
    return on_send_failure(&a);
}

ssize_t sc_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    ssize_t sent = sendmsg_unlogged(fd, msg, flags);
    if (sc_log_on() && sent >= 0)
        sc_log_sent(fd, msg->msg_name, msg->msg_namelen);
    return sent;
}

static ssize_t sendto_unlogged(int fd, const void *buf, size_t n, int flags,
                               const struct sockaddr *to, socklen_t len)
{
    if ((!to && sc_is_plain(fd)) || !sc_memory_reads_address(to, len))
        return sc_next.sendto(fd, buf, n, flags, to, len);
    struct iovec iov = {(void *)(uintptr_t)buf, n};
    struct msghdr msg = {
        .msg_name = (void *)(uintptr_t)to, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t result;
    if (is_datagram(fd, &msg, flags, &result))
        return result;
    if (opens_service(flags, to, len))
        return sc_sendmsg(fd, &msg, flags);
    if (sc_is_plain(fd))
        return sc_next.sendto(fd, buf, n, flags, to, len);
    if (is_open_already(fd, flags))
        return fail(EISCONN);
    if (!may_send(fd, flags))
        return -1;
    ssize_t sent = sc_next.sendto(fd, buf, n, flags | MSG_NOSIGNAL, to, len);
    if (sent >= 0)
        return sent;
    struct attempt a = {fd, &msg, flags};
    return on_send_failure(&a);
}

ssize_t sc_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
                  socklen_t len)
{
    ssize_t sent = sendto_unlogged(fd, buf, n, flags, to, len);
    if (sc_log_on() && sent >= 0)
        sc_log_sent(fd, to, len);
    return sent;
}

/* --- receiving
 * --------------------------------------------------------------------------------------- */

/* Where connect itself reported the failure, the socket is unconnected again and has no end to
 * read. */
static ssize_t on_end(int fd)
{
    struct sc_identity id;
    if (sc_any_service_socket() && sc_identify(fd, &id) == SC_STATE_FAILED &&
        !sc_mark_is_set(fd, SC_MARK_UNTOLD))
        return fail(ENOTCONN);
    return 0;
}

/* A flow that was reset after its end had been read is at its end; only writing is an error. */
int sc_recv_error(int fd, int error)
{
    struct sc_identity id;
    switch (error) {
    case ECONNRESET:
        error = sc_flow_error(fd, error);
        return error == EPIPE ? 0 : error;
    case EINVAL:
        if (sc_identify(fd, &id) == SC_STATE_BOUND || id.state == SC_STATE_LISTENING)
            return ENOTCONN;
        return error;
    default:
        return error;
    }
}

static ssize_t on_recv_failure(int fd)
{
    int error = sc_recv_error(fd, errno);
    return error ? fail(error) : 0;
}

/* Room that is written by whoever throws bytes away, and read by nobody. */
static char waste[65536];

static size_t length_of(const struct iovec *pieces, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].iov_len;
    return length;
}

/* MSG_TRUNC of a TCP stream: as many bytes as there is room for are taken, or with MSG_PEEK
 * counted, and none is written to the program's memory. */
static ssize_t discard(int fd, struct msghdr *msg, int flags)
{
    struct iovec pieces[IOV_MAX];
    struct msghdr m = {.msg_iov = pieces};
    if (msg->msg_iovlen > IOV_MAX)
        return fail(EMSGSIZE);
    if (!sc_memory_reads(msg->msg_iov, msg->msg_iovlen * sizeof *msg->msg_iov))
        return fail(EFAULT);
    size_t wanted = length_of(msg->msg_iov, msg->msg_iovlen);
    for (size_t left = wanted; left > 0 && m.msg_iovlen < IOV_MAX; m.msg_iovlen++) {
        size_t part = left < sizeof waste ? left : sizeof waste;
        pieces[m.msg_iovlen] = (struct iovec){waste, part};
        left -= part;
    }
    ssize_t got = sc_next.recvmsg(fd, &m, flags & ~MSG_TRUNC);
    msg->msg_namelen = 0;
    msg->msg_controllen = 0;
    msg->msg_flags = m.msg_flags;
    if (got < 0)
        return on_recv_failure(fd);
    return got == 0 && wanted > 0 ? on_end(fd) : got;
}

/* AF_UNIX tells who sent the bytes of a stream; TCP does not. */
static bool is_told(int fd, const void *name, socklen_t room, socklen_t len)
{
    struct sc_name own;
    return name && room >= sizeof(sa_family_t) && len >= sizeof(sa_family_t) &&
           ((const struct sockaddr *)name)->sa_family == AF_UNIX && sc_is_service_socket(fd, &own);
}

/* Where it must not be written at all, since TCP would not have. */
static bool goes_astray(int fd, void *name, socklen_t room)
{
    struct sc_name own;
    return !sc_memory_writes(name, room) && sc_is_service_socket(fd, &own);
}

static ssize_t receive_datagram(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
                                socklen_t *len)
{
    struct iovec iov = {buf, n};
    if (from && !sc_memory_writes(len, sizeof *len))
        return fail(EFAULT);
    struct msghdr msg = {
        .msg_name = from, .msg_namelen = from ? *len : 0, .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t got = sc_datagram_receive(fd, &msg, flags);
    if (got >= 0 && from)
        *len = msg.msg_namelen;
    return got;
}

/* Descriptors that came along may be ours. */
static void note_passed(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
            sc_note_passed(fd);
        }
    }
}

/* TCP's queue of errors is empty, and nobody waits for it; AF_UNIX has none, and would take the
 * stream. True for a stream of ours, which is asked about for this flag alone. */
static bool reads_error_queue(int fd, int flags)
{
    struct sc_name own;
    if (!(flags & MSG_ERRQUEUE))
        return false;
    sc_meet_passed(fd);
    return sc_is_service_socket(fd, &own);
}

ssize_t sc_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
    struct sc_name own;
    if (sc_is_datagram(fd))
        return receive_datagram(fd, buf, n, flags, from, len);
    if (reads_error_queue(fd, flags))
        return fail(EAGAIN);
    if (sc_is_plain(fd))
        return sc_next.recvfrom(fd, buf, n, flags, from, len);
    if (flags & MSG_TRUNC && sc_is_service_socket(fd, &own)) {
        struct iovec iov = {buf, n};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        return discard(fd, &msg, flags);
    }
    socklen_t room = from && sc_memory_reads(len, sizeof *len) ? *len : 0;
    if (room && goes_astray(fd, from, room)) {
        from = NULL;
        room = *len = 0;
    }
    ssize_t got = sc_next.recvfrom(fd, buf, n, flags, from, from ? len : NULL);
    if (got < 0) {
        got = on_recv_failure(fd);
        if (got == 0 && room)
            *len = 0;
        return got;
    }
    if (got == 0 && n > 0)
        return on_end(fd);
    if (room && is_told(fd, from, room, *len))
        *len = 0;
    return got;
}

/* With the end comes nothing else, which the kernel did not say when it failed. */
static ssize_t on_message_failure(int fd, struct msghdr *msg)
{
    ssize_t got = on_recv_failure(fd);
    if (got == 0) {
        msg->msg_namelen = 0;
        msg->msg_controllen = 0;
        msg->msg_flags = 0;
    }
    return got;
}

static ssize_t receive_message(int fd, struct msghdr *msg, int flags)
{
    if (sc_is_plain(fd))
        return sc_next.recvmsg(fd, msg, flags);
    struct sc_name own;
    if (!sc_memory_writes(msg, sizeof *msg))
        return fail(EFAULT);
    if (flags & MSG_TRUNC && sc_is_service_socket(fd, &own))
        return discard(fd, msg, flags);
    socklen_t room = msg->msg_name ? msg->msg_namelen : 0;
    if (room && goes_astray(fd, msg->msg_name, room))
        room = msg->msg_namelen = 0;
    ssize_t got = sc_next.recvmsg(fd, msg, flags);
    if (got < 0)
        return on_message_failure(fd, msg);
    if (room && is_told(fd, msg->msg_name, room, msg->msg_namelen))
        msg->msg_namelen = 0;
    return got;
}

ssize_t sc_recvmsg(int fd, struct msghdr *msg, int flags)
{
    if (sc_is_datagram(fd))
        return sc_memory_writes(msg, sizeof *msg) ? sc_datagram_receive(fd, msg, flags)
                                                  : fail(EFAULT);
    if (reads_error_queue(fd, flags))
        return fail(EAGAIN);
    ssize_t got = receive_message(fd, msg, flags);
    if (got >= 0 && msg->msg_controllen > 0 && !sc_mark_is_set(fd, SC_MARK_PLAIN))
        note_passed(msg);
    return got;
}

int sc_recvmmsg(int fd, struct mmsghdr *list, unsigned count, int flags, struct timespec *timeout)
{
    if (sc_is_datagram(fd))
        return sc_datagram_receive_many(fd, list, count, flags, timeout);
    if (reads_error_queue(fd, flags))
        return fail(EAGAIN);
    int got = sc_next.recvmmsg(fd, list, count, flags, timeout);
    for (int i = 0; i < got && !sc_mark_is_set(fd, SC_MARK_PLAIN); i++)
        note_passed(&list[i].msg_hdr);
    return got;
}
