/* The calls that know no sockets, and those that take many datagrams. Of other descriptors: one
 * load, and libc's call. */
#include <errno.h>
#include <time.h>

#include "client/client.h"
#include "client/datagram/datagram.h"
#include "client/process/kernel.h"
#include "client/process/memory.h"
#include "client/process/real.h"

static int fail(int error)
{
    errno = error;
    return -1;
}

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
        return sc_next.read(fd, buf, n);
    struct iovec iov = {buf, n};
    ssize_t got = receive(fd, &iov, 1);
    return is_stale(fd, got) ? sc_next.read(fd, buf, n) : got;
}

ssize_t sc_readv(int fd, const struct iovec *iov, int count)
{
    if (!sc_is_datagram(fd) || count <= 0)
        return sc_next.readv(fd, iov, count);
    ssize_t got = receive(fd, iov, count);
    return is_stale(fd, got) ? sc_next.readv(fd, iov, count) : got;
}

ssize_t sc_write(int fd, const void *buf, size_t n)
{
    if (!sc_is_datagram(fd))
        return sc_next.write(fd, buf, n);
    struct iovec iov = {(void *)(uintptr_t)buf, n};
    ssize_t sent = send_one(fd, &iov, 1);
    return is_stale(fd, sent) ? sc_next.write(fd, buf, n) : sent;
}

ssize_t sc_writev(int fd, const struct iovec *iov, int count)
{
    if (!sc_is_datagram(fd) || count <= 0)
        return sc_next.writev(fd, iov, count);
    ssize_t sent = send_one(fd, iov, count);
    return is_stale(fd, sent) ? sc_next.writev(fd, iov, count) : sent;
}

/* Refused as by descriptors that cannot: programs then read and write. */
ssize_t sc_sendfile(int out, int in, off_t *offset, size_t n)
{
    struct sc_name own;
    if (!sc_is_datagram(out) || !sc_datagram_identify(out, &own))
        return sc_next.sendfile(out, in, offset, n);
    return fail(offset && !sc_memory_writes(offset, sizeof *offset) ? EFAULT : EINVAL);
}

/* --- many at once ------------------------------------------------------------------------------
 */

/* True when nothing of the list is, or may become, a datagram of ours, as far as it can be read:
 * the kernel's call is right. */
static bool is_all_plain(int fd, const struct mmsghdr *list, unsigned count)
{
    if (sc_is_datagram(fd))
        return false;
    for (unsigned i = 0; i < count && sc_memory_reads(&list[i], sizeof list[i]); i++) {
        const struct msghdr *m = &list[i].msg_hdr;
        if (m->msg_name && sc_memory_reads_address(m->msg_name, m->msg_namelen) &&
            sc_names_ours(m->msg_name, m->msg_namelen))
            return false;
    }
    return true;
}

int sc_sendmmsg(int fd, struct mmsghdr *list, unsigned count, int flags)
{
    if (is_all_plain(fd, list, count)) {
        sc_datagram_note_ip(fd);
        return sc_next.sendmmsg(fd, list, count, flags);
    }
    unsigned done = 0;
    int kept = errno;
    for (; done < count; done++) {
        bool there = sc_memory_writes(&list[done], sizeof list[done]);
        ssize_t n = there ? sc_sendmsg(fd, &list[done].msg_hdr, flags) : fail(EFAULT);
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
        return fail(EFAULT);
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
                          : fail(EFAULT);
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
