/* The calls that know no sockets, and those that take many datagrams. Of other descriptors: one
 * load, and libc's call. */
#include <errno.h>
#include <time.h>

#include "client/client.h"
#include "client/datagram.h"
#include "client/real.h"

/* A number that was closed behind our back stands for a file now: the mark was another's. */
static bool is_stale(int fd, ssize_t result)
{
    if (result >= 0 || errno != ENOTSOCK)
        return false;
    sc_marks_forget(fd);
    return true;
}

static ssize_t receive(int fd, const struct iovec *iov, int count)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return sc_datagram_receive(fd, &msg, 0);
}

static ssize_t send_one(int fd, const struct iovec *iov, int count)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return sc_datagram_send(fd, &msg, 0);
}

ssize_t sc_read(int fd, void *buf, size_t n)
{
    if (!sc_is_datagram(fd) || n == 0)
        return sc_real.read(fd, buf, n);
    struct iovec iov = {buf, n};
    ssize_t got = receive(fd, &iov, 1);
    return is_stale(fd, got) ? sc_real.read(fd, buf, n) : got;
}

ssize_t sc_readv(int fd, const struct iovec *iov, int count)
{
    if (!sc_is_datagram(fd) || count <= 0)
        return sc_real.readv(fd, iov, count);
    ssize_t got = receive(fd, iov, count);
    return is_stale(fd, got) ? sc_real.readv(fd, iov, count) : got;
}

ssize_t sc_write(int fd, const void *buf, size_t n)
{
    if (!sc_is_datagram(fd))
        return sc_real.write(fd, buf, n);
    struct iovec iov = {(void *)(uintptr_t)buf, n};
    ssize_t sent = send_one(fd, &iov, 1);
    return is_stale(fd, sent) ? sc_real.write(fd, buf, n) : sent;
}

ssize_t sc_writev(int fd, const struct iovec *iov, int count)
{
    if (!sc_is_datagram(fd) || count <= 0)
        return sc_real.writev(fd, iov, count);
    ssize_t sent = send_one(fd, iov, count);
    return is_stale(fd, sent) ? sc_real.writev(fd, iov, count) : sent;
}

/* Refused as by descriptors that cannot: programs then read and write. */
ssize_t sc_sendfile(int out, int in, off_t *offset, size_t n)
{
    struct sc_name own;
    if (!sc_is_datagram(out) || !sc_datagram_identify(out, &own))
        return sc_real.sendfile(out, in, offset, n);
    errno = EINVAL;
    return -1;
}

/* --- many at once ------------------------------------------------------------------------------
 */

int sc_sendmmsg(int fd, struct mmsghdr *list, unsigned count, int flags)
{
    if (!sc_is_datagram(fd) && (count == 0 || !list[0].msg_hdr.msg_name))
        return sc_real.sendmmsg(fd, list, count, flags);
    unsigned done = 0;
    int kept = errno;
    for (; done < count; done++) {
        ssize_t n = sc_sendmsg(fd, &list[done].msg_hdr, flags);
        if (n < 0)
            break;
        list[done].msg_len = (unsigned)n;
    }
    if (done == 0 && count > 0)
        return -1;
    errno = kept;
    return (int)done;
}

static bool is_past(const struct timespec *deadline)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec ||
           (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* As in Linux the time is looked at after each datagram: a call that waits for one goes on waiting.
 */
int sc_recvmmsg(int fd, struct mmsghdr *list, unsigned count, int flags, struct timespec *timeout)
{
    struct timespec deadline = {0};
    if (!sc_is_datagram(fd))
        return sc_real.recvmmsg(fd, list, count, flags, timeout);
    if (timeout) {
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += timeout->tv_sec + (deadline.tv_nsec + timeout->tv_nsec) / 1000000000;
        deadline.tv_nsec = (deadline.tv_nsec + timeout->tv_nsec) % 1000000000;
    }
    unsigned done = 0;
    int kept = errno;
    for (; done < count; done++) {
        ssize_t n = sc_datagram_receive(fd, &list[done].msg_hdr, flags & ~MSG_WAITFORONE);
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
