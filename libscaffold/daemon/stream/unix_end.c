#include "daemon/stream/unix_end.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/closer.h"
#include "local/accept_mark.h"

/* EPOLLOUT is asked for only while blocked: every read of the application would raise it. */
#define WATCHED (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET)

/* A read of less than this is a small message... */
#define SMALL 2048
/* ... and so many of them, or so many bytes, may stay in the queue: together well below a quarter
 * of the buffer, also when each write is charged its 768 bytes (A1). */
#define PEEKS_MAX 16
#define HELD_MAX 8192
#define HELD_LONG                                                                                  \
    64 /* bytes that stay from one look to the next, each perhaps a write of its own */

static int give_name(struct sc_end *e, const struct sc_socket_name *name)
{
    struct sockaddr_un sun;
    socklen_t len = sc_socket_name_format(name, &sun);
    if (bind(e->watch.fd, (const struct sockaddr *)&sun, len) < 0)
        return -errno;
    e->peer_serial = name->serial;
    return 0;
}

/* Bytes in the queue, forwarded or not. */
static size_t queued(const struct sc_end *e)
{
    int n = 0;
    return ioctl(e->watch.fd, SIOCINQ, &n) < 0 || n < 0 ? 0 : (size_t)n;
}

static uint8_t waste[128 * 1024]; /* a plug in one call */

/* Takes `len` bytes off the queue for good, which have been looked at, or are scaffoldd's own. */
static void drop(struct sc_end *e, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(e->watch.fd, waste, len < sizeof waste ? len : sizeof waste, MSG_DONTWAIT);
        if (n <= 0)
            return;
        len -= (size_t)n;
    }
}

static void unplug(struct sc_end *e)
{
    e->stage = SC_END_FLOWING;
    if (e->own.plug_len > 0) {
        drop(e, e->own.plug_len - 1);
        e->own.held = 1;
    }
}

static void leave_queue(struct sc_end *e)
{
    void (*accepted)(struct sc_end * e) = e->accepted;
    e->accepted = NULL;
    if (accepted)
        accepted(e);
}

/* An acceptor that knows us marks its socket (A8); the mark then is the first that is held.
 * Anything else is an acceptor's first data. A mark has no descriptors. */
static void look_for_mark(struct sc_end *e)
{
    uint8_t mark[SC_ACCEPT_MARK_LEN], begins[SC_ACCEPT_MARK_LEN];
    struct iovec iov = {begins, sizeof begins};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = recvmsg(e->watch.fd, &msg, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0)
        return;
    e->stage = SC_END_FLOWING;
    leave_queue(e);
    sc_accept_mark(e->peer_serial, mark);
    if (n == sizeof mark && memcmp(begins, mark, sizeof mark) == 0 && !(msg.msg_flags & MSG_CTRUNC))
        e->own.held = sizeof mark;
}

static void on_ready(struct sc_watch *w, uint32_t events)
{
    struct sc_end *e = sc_container(w, struct sc_end, watch);
    e->rdhup |= (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    e->hup |= (events & EPOLLHUP) != 0;
    e->error |= (events & EPOLLERR) != 0;
    e->urgent |= (events & EPOLLPRI) != 0;
    e->readable |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (e->own.blocked && (events & EPOLLOUT)) {
        e->own.blocked = false;
        sc_loop_rewatch(e->loop, w, WATCHED);
    }
    if (e->stage == SC_END_QUEUED && (events & (EPOLLIN | EPOLLHUP)))
        look_for_mark(e);
    if (e->stage != SC_END_PLUGGED || events & (EPOLLHUP | EPOLLERR))
        e->ready(e);
}

static size_t iov_total(const struct iovec *iov, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += iov[i].iov_len;
    return n;
}

/* What recvmsg returns. The rest of the queue is not touched any more once descriptors are met. */
static ssize_t peek(struct sc_end *e, struct msghdr *msg)
{
    ssize_t got = recvmsg(e->watch.fd, msg, MSG_DONTWAIT | MSG_PEEK);
    e->own.rights |= got >= 0 && (msg->msg_flags & MSG_CTRUNC);
    return got;
}

/* So that no more is taken than this. */
static void shorten(struct msghdr *msg, size_t len)
{
    for (size_t i = 0; i < msg->msg_iovlen; i++) {
        struct iovec *v = &msg->msg_iov[i];
        v->iov_len = v->iov_len < len ? v->iov_len : len;
        len -= v->iov_len;
    }
}

/* The same, off the queue; where descriptors may be in it, as much of it as was looked at. */
static ssize_t take(struct sc_end *e, struct msghdr *msg)
{
    if (!sc_rights_are_kept_out(e->loop)) {
        ssize_t got = peek(e, msg);
        if (got <= 0 || e->own.rights)
            return got;
        shorten(msg, (size_t)got);
    }
    return recvmsg(e->watch.fd, msg, MSG_DONTWAIT);
}

/* Receives the first `skip` bytes into nowhere and up to `want` into iov. Returns how many of the
 * latter, or a negative errno. */
static ssize_t receive(struct sc_end *e, size_t skip, const struct iovec *iov, size_t count,
                       size_t want, int flags)
{
    static uint8_t old[HELD_MAX];
    struct iovec v[16];
    size_t n = 0;
    if (skip)
        v[n++] = (struct iovec){old, skip};
    for (size_t i = 0; i < count && n < 16 && want > 0; i++) {
        size_t len = iov[i].iov_len < want ? iov[i].iov_len : want;
        v[n++] = (struct iovec){iov[i].iov_base, len};
        want -= len;
    }
    struct msghdr msg = {.msg_iov = v, .msg_iovlen = n};
    ssize_t got = flags & MSG_PEEK ? peek(e, &msg) : take(e, &msg);
    if (got < 0)
        return errno == EAGAIN ? 0 : -errno;
    return (size_t)got > skip ? got - (ssize_t)skip : 0;
}

/* Where byte number `at` of the pieces stands. */
static uint8_t *iov_at(const struct iovec *iov, size_t at)
{
    while (at >= iov->iov_len) {
        at -= iov->iov_len;
        iov++;
    }
    return (uint8_t *)iov->iov_base + at;
}

/* Leaves one forwarded byte in the queue. */
static void drop_held(struct sc_end *e)
{
    if (e->own.held > 1)
        drop(e, e->own.held - 1);
    e->own.held = e->own.held ? 1 : 0;
    e->own.peeks = 0;
}

/* Whether an urgent byte is in the queue. */
static bool has_urgent(const struct sc_end *e)
{
    uint8_t byte;
    return recv(e->watch.fd, &byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Whether it is at the head; SIOCATMARK is also true behind one that has been taken. */
static bool is_at_urgent(const struct sc_end *e)
{
    int at_mark = 0;
    return ioctl(e->watch.fd, SIOCATMARK, &at_mark) == 0 && at_mark && has_urgent(e);
}

/* The same before its event has come: reads would throw the byte away, and peeks look past it. */
static bool meets_urgent(struct sc_end *e)
{
    e->urgent |= is_at_urgent(e);
    return e->urgent;
}

/* A small message: copied, and left where it is. Returns its length; `want` or more means that
 * there may be more behind it. */
static ssize_t read_small(struct sc_end *e, const struct iovec *iov, size_t count, size_t want)
{
    if (e->own.peeks >= PEEKS_MAX || e->own.held + want > HELD_MAX)
        drop_held(e);
    ssize_t got = receive(e, e->own.held, iov, count, want, MSG_PEEK);
    if (e->own.held == 0 && meets_urgent(e))
        return 0;
    if (got > 0) {
        e->own.held += (size_t)got;
        e->own.peeks++;
    }
    if (e->own.held > HELD_LONG)
        drop_held(e);
    return got;
}

/* Takes `want` of `fresh` bytes; the last one of all is copied, but stays. */
static ssize_t read_bulk(struct sc_end *e, const struct iovec *iov, size_t count, size_t want,
                         size_t fresh)
{
    size_t leave = want == fresh, got = 0;
    drop_held(e);
    if (e->own.held == 0 && meets_urgent(e))
        return 0;
    if (want - leave + e->own.held > 0) {
        ssize_t n = receive(e, e->own.held, iov, count, want - leave, 0);
        if (n < 0)
            return n;
        got = (size_t)n;
        bool only_old = e->own.held && got == 0 && want > leave;
        e->own.held = 0;
        if (meets_urgent(e))
            return n;
        if (only_old) /* the kernel ended the read behind the old byte; 0 would mean that nothing
                         is there, and no further event would come */
            return read_bulk(e, iov, count, want, fresh);
        if (got < want - leave)
            return n;
    }
    struct iovec last = {leave ? iov_at(iov, got) : NULL, 1};
    if (leave && receive(e, 0, &last, 1, 1, MSG_PEEK) == 1) {
        e->own.held = 1;
        got++;
    }
    return (ssize_t)got;
}

static int reset_errno(struct sc_end *e)
{
    int err = 0;
    socklen_t len = sizeof err;
    getsockopt(e->watch.fd, SOL_SOCKET, SO_ERROR, &err, &len);
    return err ? err : ECONNRESET;
}

/* Bytes now, small or many; 0: none. */
static ssize_t read_now(struct sc_end *e, const struct iovec *iov, size_t count, size_t want)
{
    if (!e->own.bulk) {
        ssize_t got = read_small(e, iov, count, want < SMALL ? want : SMALL);
        e->own.bulk = got >= SMALL;
        return got;
    }
    size_t have = queued(e);
    size_t fresh = have > e->own.held ? have - e->own.held : 0;
    if (fresh == 0)
        return 0;
    ssize_t got = read_bulk(e, iov, count, want < fresh ? want : fresh, fresh);
    e->own.bulk = got >= SMALL;
    return got;
}

static size_t unread(const struct sc_end *e)
{
    size_t old = e->stage == SC_END_FLOWING   ? e->own.held
                 : e->stage == SC_END_PLUGGED ? e->own.plug_len
                                              : SC_ACCEPT_MARK_LEN; /* of the acceptor who asks */
    size_t have = queued(e);
    return have > old ? have - old : 0;
}

static bool at_urgent(struct sc_end *e)
{
    if (!e->urgent)
        return false;
    if (e->stage == SC_END_QUEUED)
        look_for_mark(e);
    drop(e, e->own.held); /* for a moment the urgent byte is the one that stays unread */
    e->own.held = 0;
    e->own.peeks = 0;
    return is_at_urgent(e);
}

/* The urgent byte keeps its place: a read stops before it, and one that starts at it would drop it.
 */
static ssize_t read_before_urgent(struct sc_end *e, const struct iovec *iov, size_t count,
                                  size_t want)
{
    if (at_urgent(e))
        return 0;
    return receive(e, e->own.held, iov, count, want, 0);
}

/* Whether what still waits is an urgent byte, behind which the stream ends. */
static bool is_urgent_left(struct sc_end *e)
{
    e->urgent = true;
    e->urgent = at_urgent(e);
    return e->urgent;
}

static ssize_t read_some(struct sc_end *e, const struct iovec *iov, size_t count)
{
    if (e->error)
        return -reset_errno(e);
    if (!e->readable)
        return 0;
    bool last = e->rdhup; /* read before the queue: what follows it is then complete */
    if (e->stage == SC_END_QUEUED)
        look_for_mark(e);
    if (e->stage == SC_END_QUEUED)
        return last ? -EPIPE : 0; /* a mark that comes now is not data */
    size_t want = iov_total(iov, count);
    e->urgent = e->urgent && has_urgent(e); /* it may have been taken since */
    ssize_t got =
        e->urgent ? read_before_urgent(e, iov, count, want) : read_now(e, iov, count, want);
    if (e->own.rights)
        return -ECONNRESET; /* no program of TCP passes any */
    if (got < 0)
        return got;
    e->rx += (size_t)got;
    if (got == 0 && last && queued(e) > e->own.held && is_urgent_left(e))
        return 0;
    if (got == 0 && last) /* SO_LINGER {1, 0}: a reset, behind what TCP would have sent by now */
        return e->hup && e->abort_on_close && !e->finished ? -ECONNRESET : -EPIPE;
    /* Less than there was room for is all there was: the next bytes raise a new edge. */
    if ((size_t)got < want && (size_t)got < SMALL && !last)
        e->readable = false;
    return got;
}

/* EPIPE is SHUT_RD (the peer may go on sending, nobody reads it) unless the program is gone. */
static bool reads_no_more(struct sc_end *e)
{
    struct pollfd p = {.fd = e->watch.fd};
    if (!e->hup && poll(&p, 1, 0) == 1 && (p.revents & POLLHUP))
        e->hup = e->rdhup = true;
    return !e->hup;
}

static void wait_for_room(struct sc_end *e)
{
    if (!e->own.blocked)
        sc_loop_rewatch(e->loop, &e->watch, WATCHED | EPOLLOUT);
    e->own.blocked = true;
}

static ssize_t send_all(struct sc_end *e, const struct iovec *iov, size_t count, int flags)
{
    if (e->own.discard)
        return (ssize_t)iov_total(iov, count);
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
    ssize_t n = sendmsg(e->watch.fd, &msg, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
        e->tx += (uint64_t)n;
        if ((size_t)n <
            iov_total(iov, count)) /* the caller waits for room, and does not ask again */
            wait_for_room(e);
        return n;
    }
    if (errno == EAGAIN) {
        wait_for_room(e);
        return 0;
    }
    if (errno == EPIPE && reads_no_more(e)) {
        e->own.discard = true;
        return (ssize_t)iov_total(iov, count);
    }
    return -errno;
}

static ssize_t write_some(struct sc_end *e, const struct iovec *iov, size_t count)
{
    return send_all(e, iov, count, 0);
}

static ssize_t write_urgent(struct sc_end *e, uint8_t byte)
{
    struct iovec iov = {&byte, 1};
    return send_all(e, &iov, 1, MSG_OOB);
}

/* Only a read in line says so. */
static bool urgent_has_rights(struct sc_end *e)
{
    int on = 1, off = 0;
    uint8_t byte;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (sc_rights_are_kept_out(e->loop))
        return false;
    setsockopt(e->watch.fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
    peek(e, &msg);
    setsockopt(e->watch.fd, SOL_SOCKET, SO_OOBINLINE, &off, sizeof off);
    return e->own.rights;
}

static bool read_urgent(struct sc_end *e, uint8_t *byte)
{
    e->urgent = false;
    e->readable = true; /* the last read ended in front of it, whatever stood behind */
    if (urgent_has_rights(e))
        return false;
    return recv(e->watch.fd, byte, 1, MSG_OOB | MSG_DONTWAIT) == 1;
}

static void finish(struct sc_end *e)
{
    if (!e->finished)
        shutdown(e->watch.fd, SHUT_WR);
    e->finished = true;
}

/* What is forwarded was looked at, and the plug is scaffoldd's own; nothing comes beside meanwhile.
 */
static bool may_hold_rights(const struct sc_end *e)
{
    if (sc_rights_are_kept_out(e->loop))
        return false;
    shutdown(e->watch.fd, SHUT_RD);
    size_t known = e->stage == SC_END_FLOWING   ? e->own.held
                   : e->stage == SC_END_PLUGGED ? e->own.plug_len
                                                : 0;
    return e->own.rights || queued(e) > known;
}

static void close_end(struct sc_end *e)
{
    leave_queue(e);
    if (may_hold_rights(e))
        sc_closer_take(e->loop, &e->watch);
    else
        sc_loop_close(e->loop, &e->watch);
}

static void close_clean(struct sc_end *e)
{
    struct iovec all = {waste, sizeof waste};
    size_t left = queued(e);
    ssize_t n = 1;
    if (!sc_rights_are_kept_out(e->loop) && has_urgent(e))
        left = 0; /* a read would throw it away, and what came with it */
    for (; left > 0 && n > 0; left -= n > 0 ? (size_t)n : 0)
        n = receive(e, 0, &all, 1, left < sizeof waste ? left : sizeof waste, 0);
    e->own.held = 0;
    close_end(e);
}

static const struct sc_end_ops ops = {.name = give_name,
                                      .unplug = unplug,
                                      .read = read_some,
                                      .unread = unread,
                                      .write = write_some,
                                      .write_urgent = write_urgent,
                                      .at_urgent = at_urgent,
                                      .read_urgent = read_urgent,
                                      .finish = finish,
                                      .close = close_clean,
                                      .abort = close_end};

int sc_unix_end_init(struct sc_end *e, struct sc_loop *loop, int fd, enum sc_end_stage stage,
                     void (*ready)(struct sc_end *e), void *owner)
{
    *e = (struct sc_end){.watch = {.fd = -1},
                         .loop = loop,
                         .ops = &ops,
                         .ready = ready,
                         .owner = owner,
                         .stage = stage};
    sc_list_init(&e->in_queue);
    e->watch = (struct sc_watch){.fd = fd, .ready = on_ready};
    int err = sc_loop_watch(loop, &e->watch, WATCHED);
    if (err < 0)
        e->watch.fd = -1;
    return err;
}

void sc_unix_end_plug(struct sc_end *e, size_t len)
{
    e->own.plug_len = len;
}
