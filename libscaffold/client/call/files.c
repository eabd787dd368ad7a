/* The calls that know no sockets. Of other descriptors than datagram sockets, and streams of the
 * local plane that are written to: one load, and libc's call. */
#include <errno.h>
#include <limits.h>

#include "client/call/calls.h"
#include "client/datagram/datagram.h"
#include "client/names/target.h"
#include "client/process/fail.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/real.h"

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

/* No address: where the socket is connected to. */
static const struct sc_target nowhere = {.error = -EINVAL};

static ssize_t send_one(int fd, const struct iovec *iov, int count)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return sc_datagram_send(fd, &msg, &nowhere, 0);
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

/* To a stream of the local plane: as TCP's write, whose first one to a peer that has closed is no
 * error. */
static ssize_t write_stream(int fd, const void *buf, size_t n)
{
    ssize_t sent = sc_sendto(fd, buf, n, 0, NULL, 0);
    return is_stale(fd, sent) ? sc_next.write(fd, buf, n) : sent;
}

static ssize_t send_stream(int fd, const struct iovec *iov, int count)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return sc_sendmsg(fd, &msg, 0);
}

ssize_t sc_write(int fd, const void *buf, size_t n)
{
    if (!sc_is_datagram(fd))
        return sc_mark_is_set(fd, SC_MARK_LOCAL) ? write_stream(fd, buf, n)
                                                 : sc_next.write(fd, buf, n);
    struct iovec iov = {(void *)(uintptr_t)buf, n};
    ssize_t sent = send_one(fd, &iov, 1);
    return is_stale(fd, sent) ? sc_next.write(fd, buf, n) : sent;
}

ssize_t sc_writev(int fd, const struct iovec *iov, int count)
{
    if (!sc_mark_is_set(fd, SC_MARK_DATAGRAM | SC_MARK_LOCAL) || count <= 0 || count > IOV_MAX)
        return sc_next.writev(fd, iov, count);
    ssize_t sent = sc_is_datagram(fd) ? send_one(fd, iov, count) : send_stream(fd, iov, count);
    return is_stale(fd, sent) ? sc_next.writev(fd, iov, count) : sent;
}

/* Refused as by descriptors that cannot: programs then read and write. */
ssize_t sc_sendfile(int out, int in, off_t *offset, size_t n)
{
    struct sc_socket_name own;
    if (!sc_is_datagram(out) || !sc_is_datagram_socket(out, &own))
        return sc_next.sendfile(out, in, offset, n);
    return sc_fail(offset && !sc_memory_writes(offset, sizeof *offset) ? EFAULT : EINVAL);
}
