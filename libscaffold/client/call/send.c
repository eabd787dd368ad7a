/* send: libc's own. Only a failure is looked at, and given the errno that TCP would have given. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "client/call/calls.h"
#include "client/datagram/datagram.h"
#include "client/explain/log.h"
#include "client/names/target.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/log_file.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/real.h"

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

/* A peer of the local plane that has closed, or shut its reading down, is seen at once. TCP takes
 * what is sent to the one that reads no more, and the first that is sent to the other. */
static bool is_lost(int fd)
{
    if (!sc_is_local_flow(fd) || sc_mark_is_set(fd, SC_MARK_ENDED | SC_MARK_SHUT_WR))
        return false;
    if (sc_is_hung_up(fd))
        sc_mark_set(fd, SC_MARK_ENDED);
    return true;
}

/* The first send after a reset reports it, once and without SIGPIPE; the next is EPIPE with it. The
 * kernel's own report is gone when a send that waited for room returned what it had sent by then:
 * scaffoldd still knows of it. */
static int error_of_pipe(int fd)
{
    struct sc_socket_name own;
    int error = 0;
    socklen_t len = sizeof error;
    if (!sc_is_service_socket(fd, &own) ||
        sc_real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return EPIPE;
    error = error ? sc_flow_error(fd, error) : sc_flow_untold(fd);
    if (error == 0 && is_lost(fd))
        return 0;
    return error ? error : EPIPE; /* EPIPE: the reset met an end that was read */
}

int sc_send_error(int fd, int error)
{
    struct sc_socket_name own;
    switch (error) {
    case EPIPE:
        return error_of_pipe(fd);
    case ENOTCONN:
        return sc_is_service_socket(fd, &own) ? EPIPE : ENOTCONN;
    default:
        return sc_flow_error(fd, error);
    }
}

static ssize_t length_of(const struct msghdr *msg)
{
    size_t length = 0;
    for (size_t i = 0; i < msg->msg_iovlen; i++)
        length += msg->msg_iov[i].iov_len;
    return (ssize_t)length;
}

static ssize_t on_pipe(const struct attempt *a)
{
    int error = sc_send_error(a->fd, EPIPE);
    if (error == 0)
        return length_of(a->msg);
    if (error != EPIPE || a->flags & MSG_NOSIGNAL)
        return sc_fail(error);
    return repeat(a); /* fails again, and the kernel sends the signal */
}

static ssize_t on_unconnected(const struct attempt *a)
{
    int error = sc_send_error(a->fd, ENOTCONN);
    if (error == EPIPE && !(a->flags & MSG_NOSIGNAL))
        sc_kernel_raise(SIGPIPE);
    return sc_fail(error);
}

/* TCP ignores the destination of a connected stream. */
static ssize_t on_destination(const struct attempt *a, int error)
{
    struct sc_socket_name own;
    if (!a->msg->msg_name || !sc_is_service_socket(a->fd, &own))
        return sc_fail(error);
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
        return sc_fail(sc_send_error(a->fd, error));
    }
}

/* MSG_FASTOPEN towards a service is connect, then send. */
static bool opens_service(int flags, const struct sc_target *to)
{
    return (flags & MSG_FASTOPEN) && sc_target_is_ours(to);
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
static bool is_datagram(int fd, const struct msghdr *msg, int flags, const struct sc_target *to,
                        ssize_t *result)
{
    if (!sc_is_datagram(fd)) {
        if (!to->addr || (flags & MSG_FASTOPEN))
            return false;
        enum sc_route route = sc_datagram_route(fd, to);
        if (route == SC_ROUTE_IP)
            return false;
        *result = -1;
        if (route == SC_ROUTE_NONE && sc_log_on())
            sc_log_unsent(fd, to);
        if (route == SC_ROUTE_NONE)
            return true;
    }
    *result = sc_datagram_send(fd, msg, to, flags);
    return true;
}

static ssize_t send_message(int fd, const struct msghdr *msg, int flags, const struct sc_target *to)
{
    struct sc_socket_name own;
    ssize_t result;
    if (is_datagram(fd, msg, flags, to, &result))
        return result;
    bool opens = opens_service(flags, to);
    if (!opens && sc_is_plain(fd))
        return sc_next.sendmsg(fd, msg, flags);
    if (!opens && is_open_already(fd, flags))
        return sc_fail(EISCONN);
    if (!may_send(fd, flags))
        return -1;
    if (carries_rights(msg) && sc_is_service_socket(fd, &own)) {
        struct msghdr bare = *msg;
        bare.msg_control = NULL;
        bare.msg_controllen = 0;
        return sc_sendmsg(fd, &bare, flags);
    }
    if (opens) {
        if (sc_connect(fd, to->addr, to->len) < 0)
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
    if (!sc_memory_reads_head(msg))
        return sc_next.sendmsg(fd, msg, flags); /* EFAULT, unless something else comes first */
    struct sc_target to = sc_target_of(msg->msg_name, msg->msg_namelen);
    ssize_t sent = send_message(fd, msg, flags, &to);
    if (sc_log_on() && sent >= 0)
        sc_log_sent(fd, &to);
    return sent;
}

static ssize_t send_bytes(int fd, const void *buf, size_t n, int flags, const struct sc_target *to)
{
    if (!to->addr && sc_is_plain(fd))
        return sc_next.sendto(fd, buf, n, flags, NULL, to->len);
    struct iovec iov = {(void *)(uintptr_t)buf, n};
    struct msghdr msg = {.msg_name = (void *)(uintptr_t)to->addr,
                         .msg_namelen = to->len,
                         .msg_iov = &iov,
                         .msg_iovlen = 1};
    ssize_t result;
    if (is_datagram(fd, &msg, flags, to, &result))
        return result;
    if (opens_service(flags, to))
        return sc_sendmsg(fd, &msg, flags);
    if (sc_is_plain(fd))
        return sc_next.sendto(fd, buf, n, flags, to->addr, to->len);
    if (is_open_already(fd, flags))
        return sc_fail(EISCONN);
    if (!may_send(fd, flags))
        return -1;
    ssize_t sent = sc_next.sendto(fd, buf, n, flags | MSG_NOSIGNAL, to->addr, to->len);
    if (sent >= 0)
        return sent;
    struct attempt a = {fd, &msg, flags};
    return on_send_failure(&a);
}

ssize_t sc_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
                  socklen_t len)
{
    if (!sc_memory_reads_address(to, len))
        return sc_next.sendto(fd, buf, n, flags, to, len);
    struct sc_target target = sc_target_of(to, len);
    ssize_t sent = send_bytes(fd, buf, n, flags, &target);
    if (sc_log_on() && sent >= 0)
        sc_log_sent(fd, &target);
    return sent;
}

/* True when nothing of the list is, or may become, a datagram of ours, as far as it can be read:
 * the kernel's call is right. */
static bool is_all_plain(int fd, const struct mmsghdr *list, unsigned count)
{
    if (sc_is_datagram(fd))
        return false;
    for (unsigned i = 0; i < count && sc_memory_reads(&list[i], sizeof list[i]); i++) {
        const struct msghdr *m = &list[i].msg_hdr;
        if (!m->msg_name || !sc_memory_reads_address(m->msg_name, m->msg_namelen))
            continue;
        struct sc_target to = sc_target_of(m->msg_name, m->msg_namelen);
        if (sc_target_names_service(&to) || sc_target_is_here(&to))
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
        ssize_t n = there ? sc_sendmsg(fd, &list[done].msg_hdr, flags) : sc_fail(EFAULT);
        if (n < 0)
            break;
        list[done].msg_len = (unsigned)n;
    }
    if (done == 0 && count > 0)
        return -1;
    errno = kept;
    return (int)done;
}
