#include "trap/stream_calls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/connecting.h"
#include "trap/message.h"
#include "trap/process/tracee.h"

/* What is copied at once between the program and its flow. */
#define PART 65536

static int flags_of(const struct sc_trap_call *c)
{
    return (int)(c->nr == SYS_sendto || c->nr == SYS_recvfrom ? c->args[3] : c->args[2]);
}

static bool may_wait(const struct sc_trap_call *c)
{
    return !c->expired && !(flags_of(c) & (MSG_DONTWAIT | MSG_ERRQUEUE)) &&
           !sc_is_nonblocking(c->fd);
}

/* A flow that goes on as usual is the kernel's business; what it says at the end is not TCP's. */
static bool is_over(int fd)
{
    struct pollfd p = {.fd = fd};
    return poll(&p, 1, 0) == 1;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* MSG_FASTOPEN: connect and send in one. */
static bool is_to_be_opened(int notify, const struct sc_trap_call *c,
                            const struct sc_trap_message *m, struct sockaddr_storage *ss)
{
    struct sc_socket_name own;
    socklen_t len = m->head.msg_namelen;
    return (flags_of(c) & MSG_FASTOPEN) && m->head.msg_name && len >= sizeof ss->ss_family &&
           len <= sizeof *ss && sc_tracee_read(c->tid, (uintptr_t)m->head.msg_name, ss, len) &&
           sc_trap_call_is_valid(notify, c) && sc_trap_is_ours_to_connect(c, ss, len) &&
           (!sc_is_service_socket(c->fd, &own) ||
            getpeername(c->fd, &(struct sockaddr){0}, &(socklen_t){0}) < 0);
}

/* The program is told of a broken pipe as by the kernel. */
static enum sc_trap_verdict fail_to_send(int notify, struct sc_trap_call *c, int error)
{
    if (c->done)
        return sc_trap_answer(notify, c, (int64_t)c->done, 0);
    if (error == EPIPE && !(flags_of(c) & MSG_NOSIGNAL))
        syscall(SYS_tkill, c->tid, SIGPIPE);
    return sc_trap_answer(notify, c, 0, error);
}

/* The next part; the control messages that TCP ignores are the first one's. Bytes, or a negative
 * errno. */
static ssize_t send_part(const struct sc_trap_call *c, const struct sc_trap_message *m, size_t len)
{
    char bytes[PART];
    _Alignas(struct cmsghdr) char control[SC_TRAP_CONTROL_MAX];
    struct iovec whole = {bytes, len - c->done < PART ? len - c->done : PART};
    struct msghdr out = {.msg_iov = &whole, .msg_iovlen = 1};
    if (!sc_trap_message_take(c, m, c->done, bytes, whole.iov_len))
        return -EFAULT;
    if (c->done == 0 && m->head.msg_controllen > 0) {
        if (m->head.msg_controllen > sizeof control)
            return -ENOBUFS;
        out.msg_control = control;
        out.msg_controllen = m->head.msg_controllen;
        if (!sc_tracee_read(c->tid, (uintptr_t)m->head.msg_control, control, out.msg_controllen))
            return -EFAULT;
    }
    int flags = c->opened ? flags_of(c) & ~MSG_FASTOPEN : flags_of(c);
    ssize_t n = sc_sendmsg(c->fd, &out, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static enum sc_trap_verdict send_all(int notify, struct sc_trap_call *c,
                                     const struct sc_trap_message *m)
{
    size_t len = sc_trap_message_length(m, SSIZE_MAX);
    do {
        ssize_t n = send_part(c, m, len);
        if (n == -EAGAIN && may_wait(c))
            return sc_trap_wait_for(c, EPOLLOUT, SO_SNDTIMEO);
        if (n < 0)
            return fail_to_send(notify, c, (int)-n);
        c->done += (size_t)n;
    } while (c->done < len);
    return sc_trap_answer(notify, c, (int64_t)c->done, 0);
}

static bool has_readable_name(const struct sc_trap_call *c, const struct sc_trap_message *m)
{
    struct sockaddr_storage ss;
    socklen_t len = m->head.msg_namelen;
    return len <= sizeof ss && sc_tracee_read(c->tid, (uintptr_t)m->head.msg_name, &ss, len);
}

/* False: the verdict is there already. */
static bool open_first(int notify, struct sc_trap_call *c, const struct sockaddr_storage *ss,
                       socklen_t len, enum sc_trap_verdict *v)
{
    int error =
        c->connecting ? sc_trap_connect_end(notify, c) : sc_trap_connect_begin(notify, c, ss, len);
    c->connecting = error < 0;
    c->opened = error == 0;
    if (c->opened)
        return true;
    *v = error < 0 ? sc_trap_wait_for(c, EPOLLOUT, SO_SNDTIMEO) : fail_to_send(notify, c, error);
    return false;
}

static enum sc_trap_verdict send_message(int notify, struct sc_trap_call *c,
                                         const struct sc_trap_message *m)
{
    struct sockaddr_storage ss;
    struct sc_socket_name own;
    enum sc_trap_verdict v;
    if ((c->connecting || is_to_be_opened(notify, c, m, &ss)) &&
        !open_first(notify, c, &ss, m->head.msg_namelen, &v))
        return v;
    if (m->head.msg_name && !has_readable_name(c, m)) /* the kernel knows what is wrong with it */
        return sc_trap_leave_to_kernel(notify, c);
    bool ours = sc_is_service_socket(c->fd, &own);
    bool shows = m->head.msg_name || m->head.msg_controllen > 0 || (flags_of(c) & MSG_FASTOPEN) ||
                 c->events || is_over(c->fd);
    if (!ours || !shows)
        return sc_trap_leave_to_kernel(notify, c);
    return send_all(notify, c, m);
}

enum sc_trap_verdict sc_trap_stream_send(int notify, struct sc_trap_call *c)
{
    struct sc_trap_message *m = malloc(sizeof *m);
    if (!m)
        return sc_trap_answer(notify, c, 0, ENOMEM);
    int err = 0;
    if (c->nr == SYS_sendto)
        sc_trap_message_make(c, m, (socklen_t)c->args[5]);
    else
        err = sc_trap_message_read(notify, c, c->args[1], m);
    enum sc_trap_verdict v = err ? sc_trap_leave_to_kernel(notify, c) : send_message(notify, c, m);
    free(m);
    return v;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* A stream's bytes have no sender. */
static bool give_heads(const struct sc_trap_call *c, struct sc_trap_message *m, int flags)
{
    socklen_t none = 0;
    if (c->nr == SYS_recvfrom)
        return !c->args[4] || sc_tracee_write(c->tid, c->args[5], &none, sizeof none);
    m->head.msg_namelen = 0;
    m->head.msg_controllen = 0;
    m->head.msg_flags = flags;
    return sc_tracee_write(c->tid, m->at, &m->head, sizeof m->head);
}

/* Bytes, or a negative errno. What TCP counts or throws away for MSG_TRUNC has no place. */
static ssize_t receive_part(const struct sc_trap_call *c, struct sc_trap_message *m, size_t room)
{
    char bytes[PART];
    int flags = (flags_of(c) & ~MSG_WAITALL) | MSG_DONTWAIT;
    bool counts = flags & MSG_TRUNC;
    size_t want = room - c->done < PART ? room - c->done : PART;
    struct iovec whole = {bytes, want};
    struct msghdr in = {.msg_iov = &whole, .msg_iovlen = 1};
    ssize_t n = sc_recvmsg(c->fd, &in, flags);
    if (n < 0)
        return -errno;
    if ((!counts && !sc_trap_message_give(c, m, c->done, bytes, (size_t)n)) ||
        !give_heads(c, m, in.msg_flags))
        return -EFAULT;
    return n;
}

static enum sc_trap_verdict receive_all(int notify, struct sc_trap_call *c,
                                        struct sc_trap_message *m)
{
    size_t room = sc_trap_message_length(m, SSIZE_MAX);
    bool whole = (flags_of(c) & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL;
    ssize_t n;
    do {
        n = receive_part(c, m, room);
        if (n == -EAGAIN && may_wait(c))
            return sc_trap_wait_for(c, EPOLLIN, SO_RCVTIMEO);
        if (n > 0)
            c->done += (size_t)n;
    } while (n > 0 && whole && c->done < room);
    bool any = n >= 0 || c->done > 0;
    return sc_trap_answer(notify, c, (int64_t)c->done, any ? 0 : (int)-n);
}

static enum sc_trap_verdict receive_message(int notify, struct sc_trap_call *c,
                                            struct sc_trap_message *m)
{
    struct sc_socket_name own;
    int special = MSG_TRUNC | MSG_ERRQUEUE;
    bool shows = m->head.msg_name || (flags_of(c) & special) || c->events || is_over(c->fd);
    if (!shows || !sc_is_service_socket(c->fd, &own))
        return sc_trap_leave_to_kernel(notify, c);
    socklen_t room;
    if (c->nr == SYS_recvfrom && c->args[4] &&
        !sc_tracee_read(c->tid, c->args[5], &room, sizeof room))
        return sc_trap_answer(notify, c, 0, EFAULT);
    return receive_all(notify, c, m);
}

enum sc_trap_verdict sc_trap_stream_receive(int notify, struct sc_trap_call *c)
{
    struct sc_trap_message *m = malloc(sizeof *m);
    if (!m)
        return sc_trap_answer(notify, c, 0, ENOMEM);
    int err = 0;
    if (c->nr == SYS_recvfrom)
        sc_trap_message_make(c, m, 0);
    else
        err = sc_trap_message_read(notify, c, c->args[1], m);
    enum sc_trap_verdict v =
        err ? sc_trap_leave_to_kernel(notify, c) : receive_message(notify, c, m);
    free(m);
    return v;
}
