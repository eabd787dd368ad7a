/* Receiving: the head is taken away, and says who sent it. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "client/datagram/address.h"
#include "client/datagram/control.h"
#include "client/datagram/datagram.h"
#include "client/datagram/error.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/real.h"

/* Pieces that are passed on as they are; for more the datagram is read in one and copied. */
#define PIECES 16

/* The end of what comes: the program has said that it reads no more, or scaffoldd has ended. Never
 * an empty datagram. */
static ssize_t on_end(int fd)
{
    if (sc_datagram_is_shut(fd, SHUT_RD))
        return 0;
    sc_explain(ENETDOWN, "scaffoldd has ended; the socket has no service any more");
    return sc_fail(ENETDOWN);
}

/* --- one packet ------------------------------------------------------------------------------- */

/* Length of head and datagram, whatever room there is. */
static ssize_t read_packet(int fd, struct sc_datagram_head *head, struct msghdr *msg, int flags)
{
    struct iovec iov[PIECES + 1];
    struct iovec *pieces = msg->msg_iov;
    size_t count = msg->msg_iovlen;
    iov[0] = (struct iovec){head, sizeof *head};
    for (size_t i = 0; i < count; i++)
        iov[i + 1] = pieces[i];
    msg->msg_iov = iov;
    msg->msg_iovlen = count + 1;
    ssize_t n = sc_next.recvmsg(fd, msg, flags);
    msg->msg_iov = pieces;
    msg->msg_iovlen = count;
    return n;
}

__attribute__((noinline)) static ssize_t read_copy(int fd, struct sc_datagram_head *head,
                                                   struct msghdr *msg, int flags)
{
    char data[SC_DATAGRAM_PAYLOAD_MAX];
    struct iovec whole = {data, sizeof data};
    struct iovec *pieces = msg->msg_iov;
    size_t count = msg->msg_iovlen, at = 0;
    msg->msg_iov = &whole;
    msg->msg_iovlen = 1;
    ssize_t n = read_packet(fd, head, msg, flags);
    size_t len = n > (ssize_t)sizeof *head ? (size_t)n - sizeof *head : 0;
    msg->msg_iov = pieces;
    msg->msg_iovlen = count;
    for (size_t i = 0; i < count && at < len; i++) {
        size_t part = len - at < pieces[i].iov_len ? len - at : pieces[i].iov_len;
        if (!sc_memory_writes(pieces[i].iov_base, part))
            return sc_fail(EFAULT);
        memcpy(pieces[i].iov_base, data + at, part);
        at += part;
    }
    if (at < len)
        msg->msg_flags |= MSG_TRUNC;
    return n;
}

/* The next datagram; errors in the queue are reported, or, where UDP would not, passed over. */
static ssize_t next_datagram(int fd, struct sc_datagram_head *head, struct msghdr *msg, int flags)
{
    size_t room = msg->msg_control ? msg->msg_controllen : 0;
    for (;;) {
        msg->msg_controllen = room;
        msg->msg_flags = 0;
        ssize_t n = msg->msg_iovlen <= PIECES ? read_packet(fd, head, msg, flags)
                                              : read_copy(fd, head, msg, flags);
        if (n < 0 && errno == ECONNRESET) /* it ended with datagrams of ours unread */
            return on_end(fd);
        if (n <= 0)
            return n == 0 ? on_end(fd) : n;
        if (n < (ssize_t)sizeof *head)
            continue; /* not scaffoldd's */
        if (head->kind == SC_DATAGRAM_DATA)
            return n;
        if (head->kind != SC_DATAGRAM_ERROR)
            continue;
        if (flags & MSG_PEEK)
            sc_real.recvfrom(fd, head, sizeof *head, MSG_DONTWAIT, NULL, NULL);
        int error = sc_datagram_on_error(fd, head);
        if (error)
            return sc_fail(error);
    }
}

static size_t room_of(const struct msghdr *msg)
{
    size_t room = 0;
    for (size_t i = 0; i < msg->msg_iovlen; i++)
        room += msg->msg_iov[i].iov_len;
    return room;
}

ssize_t sc_datagram_receive(int fd, struct msghdr *msg, int flags)
{
    if (flags & MSG_ERRQUEUE)
        return sc_datagram_read_error(fd, msg);
    if (msg->msg_name && (int)msg->msg_namelen < 0)
        return sc_fail(EINVAL);
    if (msg->msg_iovlen > IOV_MAX)
        return sc_fail(EMSGSIZE);
    if (!sc_memory_reads(msg->msg_iov, msg->msg_iovlen * sizeof *msg->msg_iov))
        return sc_fail(EFAULT);
    struct sc_datagram_head head = {0};
    size_t control_room = msg->msg_control ? msg->msg_controllen : 0;
    struct msghdr m = {.msg_iov = msg->msg_iov,
                       .msg_iovlen = msg->msg_iovlen,
                       .msg_control = msg->msg_control,
                       .msg_controllen = control_room};
    int wanted = flags & (MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    ssize_t n = next_datagram(fd, &head, &m, wanted | MSG_TRUNC);
    if (n < 0)
        return n;
    if (!sc_mark_is_set(fd, SC_MARK_SPOKEN))
        sc_mark_set(fd, SC_MARK_SPOKEN);
    size_t room = room_of(msg);
    size_t len = n == 0 ? 0 : (size_t)n - sizeof head;
    if (msg->msg_name) {
        socklen_t name_len = n == 0 ? 0 : msg->msg_namelen;
        if (n > 0 && sc_datagram_give_address(&head.peer, sc_datagram_family(fd), msg->msg_name,
                                              &name_len) < 0)
            return -1; /* the datagram is gone, as it is in Linux */
        msg->msg_namelen = name_len;
    }
    if (n > 0 && sc_mark_is_set(fd, SC_MARK_ASKS))
        sc_datagram_write_control(fd, &head, &m, control_room);
    msg->msg_controllen = m.msg_controllen;
    msg->msg_flags = (m.msg_flags & ~MSG_EOR) | (len > room ? MSG_TRUNC : 0);
    return (ssize_t)(len > room && !(flags & MSG_TRUNC) ? room : len);
}

static bool is_past(const struct timespec *deadline)
{
    struct timespec now = sc_kernel_now(CLOCK_MONOTONIC);
    return now.tv_sec > deadline->tv_sec ||
           (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* As in Linux the time is looked at after each datagram: a call that waits for one goes on waiting.
 */
int sc_datagram_receive_many(int fd, struct mmsghdr *list, unsigned count, int flags,
                             const struct timespec *timeout)
{
    struct timespec deadline = {0};
    if (timeout && !sc_memory_reads(timeout, sizeof *timeout))
        return sc_fail(EFAULT);
    if (timeout) {
        deadline = sc_kernel_now(CLOCK_MONOTONIC);
        deadline.tv_sec += timeout->tv_sec + (deadline.tv_nsec + timeout->tv_nsec) / 1000000000;
        deadline.tv_nsec = (deadline.tv_nsec + timeout->tv_nsec) % 1000000000;
    }
    unsigned done = 0;
    int kept = errno;
    for (; done < count; done++) {
        bool there = sc_memory_writes(&list[done], sizeof list[done]);
        ssize_t n = there ? sc_datagram_receive(fd, &list[done].msg_hdr, flags & ~MSG_WAITFORONE)
                          : sc_fail(EFAULT);
        if (n < 0)
            break;
        list[done].msg_len = (unsigned)n;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (timeout && is_past(&deadline)) {
            done++;
            break;
        }
    }
    if (done == 0 && count > 0)
        return -1;
    errno = kept;
    return (int)done;
}

int sc_datagram_next_length(int fd)
{
    struct sc_datagram_head head;
    int kept = errno;
    ssize_t n =
        sc_real.recvfrom(fd, &head, sizeof head, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC, NULL, NULL);
    errno = kept;
    return n > (ssize_t)sizeof head ? (int)(n - (ssize_t)sizeof head) : 0;
}

bool sc_datagram_waits(int fd)
{
    char byte;
    int kept = errno;
    ssize_t n = sc_real.recvfrom(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
    errno = kept;
    return n > 0;
}
