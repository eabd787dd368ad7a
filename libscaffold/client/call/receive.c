/* recv: libc's own. Only a failure is looked at, and given the errno that TCP would have given; so
 * is what AF_UNIX adds to a success (the peer's name). */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "client/call/calls.h"
#include "client/datagram/datagram.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"

/* Where connect itself reported the failure, the socket is unconnected again and has no end to
 * read. */
static ssize_t on_end(int fd)
{
    struct sc_identity id;
    if (!sc_mark_is_set(fd, SC_MARK_LOCAL) && sc_any_service_socket() &&
        sc_identify(fd, &id) == SC_STATE_FAILED && !sc_mark_is_set(fd, SC_MARK_UNTOLD))
        return sc_fail(ENOTCONN);
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
    return error ? sc_fail(error) : 0;
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
        return sc_fail(EMSGSIZE);
    if (!sc_memory_reads(msg->msg_iov, msg->msg_iovlen * sizeof *msg->msg_iov))
        return sc_fail(EFAULT);
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
    struct sc_socket_name own;
    return name && room >= sizeof(sa_family_t) && len >= sizeof(sa_family_t) &&
           ((const struct sockaddr *)name)->sa_family == AF_UNIX && sc_is_service_socket(fd, &own);
}

/* Where it must not be written at all, since TCP would not have. */
static bool goes_astray(int fd, void *name, socklen_t room)
{
    struct sc_socket_name own;
    return !sc_memory_writes(name, room) && sc_is_service_socket(fd, &own);
}

static ssize_t receive_datagram(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
                                socklen_t *len)
{
    struct iovec iov = {buf, n};
    if (from && !sc_memory_writes(len, sizeof *len))
        return sc_fail(EFAULT);
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
    struct sc_socket_name own;
    if (!(flags & MSG_ERRQUEUE))
        return false;
    sc_meet_passed(fd);
    return sc_is_service_socket(fd, &own);
}

ssize_t sc_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
    struct sc_socket_name own;
    if (sc_is_datagram(fd))
        return receive_datagram(fd, buf, n, flags, from, len);
    if (reads_error_queue(fd, flags))
        return sc_fail(EAGAIN);
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
    struct sc_socket_name own;
    if (!sc_memory_writes(msg, sizeof *msg))
        return sc_fail(EFAULT);
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
                                                  : sc_fail(EFAULT);
    if (reads_error_queue(fd, flags))
        return sc_fail(EAGAIN);
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
        return sc_fail(EAGAIN);
    int got = sc_next.recvmmsg(fd, list, count, flags, timeout);
    for (int i = 0; i < got && !sc_mark_is_set(fd, SC_MARK_PLAIN); i++)
        note_passed(&list[i].msg_hdr);
    return got;
}
