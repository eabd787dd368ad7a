/* Trains out, and what becomes of those that the kernel does not take: one that it has no room for
 * waits, whole; one that it does not cut is sent packet by packet, so that an error is a packet's.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "daemon/underlay/udp.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

struct outgoing {
    struct msghdr msg;
    struct sockaddr_storage to;
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
    } control;
};

static void put_control(struct outgoing *o, int level, int type, const void *value, size_t len)
{
    struct cmsghdr *c = (void *)(o->control.room + o->msg.msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), value, len);
    o->msg.msg_controllen += CMSG_SPACE(len);
}

static int fd_of(const struct sc_udp_socket *s, bool expendable)
{
    return expendable && s->aside >= 0 ? s->aside : s->watch.fd;
}

/* Returns the descriptor to send from. */
static int address_of(struct outgoing *o, const struct sc_underlay *to, const struct sc_udp *u,
                      bool expendable)
{
    memset(&o->to, 0, sizeof o->to);
    if (to->family == 4) {
        struct sockaddr_in *sin = (void *)&o->to;
        sin->sin_family = AF_INET;
        sin->sin_port = htons(to->port);
        memcpy(&sin->sin_addr, to->ip, 4);
        o->msg.msg_namelen = sizeof *sin;
        return fd_of(&u->v4, expendable);
    }
    struct sockaddr_in6 *sin6 = (void *)&o->to;
    sin6->sin6_family = AF_INET6;
    sin6->sin6_port = htons(to->port);
    memcpy(&sin6->sin6_addr, to->ip, 16);
    o->msg.msg_namelen = sizeof *sin6;
    return fd_of(&u->v6, expendable);
}

/* One call; `segment` < `len` asks for segmentation. Returns 0 or a negative errno. */
static int send_once(struct sc_udp *u, const struct sc_underlay *to, struct iovec *iov,
                     size_t count, size_t len, size_t segment, bool ect, bool expendable)
{
    struct outgoing o;
    memset(&o.control, 0, sizeof o.control);
    o.msg = (struct msghdr){
        .msg_name = &o.to, .msg_iov = iov, .msg_iovlen = count, .msg_control = o.control.room};
    int fd = address_of(&o, to, u, expendable);
    if (ect) {
        int ecn = 2;
        bool v4 = to->family == 4;
        put_control(&o, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &ecn,
                    sizeof ecn);
    }
    if (segment < len) {
        uint16_t size = (uint16_t)segment;
        put_control(&o, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    if (o.msg.msg_controllen == 0)
        o.msg.msg_control = NULL;
    for (int tries = 0;; tries++) {
        if (sendmsg(fd, &o.msg, MSG_DONTWAIT) >= 0)
            return 0;
        /* An ICMP error of an earlier datagram is reported once, to whoever calls next. */
        if (errno != ECONNREFUSED || tries == 3)
            return -errno;
    }
}

/* Copies the train into one piece, so that it can wait, or be cut. */
static void stash(struct sc_udp *u, const struct sc_train *t)
{
    struct sc_udp_stash *s = &u->stash;
    s->at = s->len = 0;
    for (size_t i = 0; i < t->iov_count; i++) {
        memcpy(s->data + s->len, t->iov[i].iov_base, t->iov[i].iov_len);
        s->len += t->iov[i].iov_len;
    }
    s->segment = t->segment;
    s->to = t->to;
    s->ect = t->ect;
    s->expendable = t->expendable;
    s->apart = !u->gso;
    s->suspect = false;
}

/* The kernel has no room: wait until it has. */
static void block(struct sc_udp *u)
{
    struct sc_udp_socket *s = u->stash.to.family == 6 ? &u->v6 : &u->v4;
    if (!u->blocked)
        sc_loop_rewatch(u->loop, &s->watch, SC_UDP_WATCHED | EPOLLOUT);
    u->blocked = true;
}

/* What is being sent: `train` is NULL when the stack has forgotten it meanwhile. */
struct sending {
    struct sc_udp *udp;
    struct sc_stack *stack;
    const struct sc_train *train;
    sc_time now;
};

static void on_error(const struct sending *s, size_t segment, int err)
{
    if (err == -EMSGSIZE)
        s->udp->too_large++;
    else
        s->udp->send_errors++;
    if (s->train)
        sc_stack_on_send_error(s->stack, s->train, segment, err == -EMSGSIZE, s->now);
}

/* It is the train that was refused, or a kernel cannot tell: its packets are tried one by one. */
static bool is_about_trains(int err)
{
    return err == -EIO || err == -EINVAL || err == -EOPNOTSUPP || err == -EMSGSIZE;
}

/* Alone the packets pass. */
static void give_up_segmentation(const struct sending *s)
{
    sc_log(SC_LOG_INFO, "the kernel does not segment UDP here: sending one by one");
    s->udp->gso = s->udp->stash.suspect = false;
    sc_stack_on_unsegmented(s->stack);
}

/* Sends the rest of the stash: all of it, or one packet. Returns what was tried, 0: the kernel is
 * full. */
static size_t send_some(const struct sending *s)
{
    struct sc_udp_stash *w = &s->udp->stash;
    size_t left = w->len - w->at;
    size_t n = w->apart && left > w->segment ? w->segment : left;
    struct iovec iov = {w->data + w->at, n};
    int err = send_once(s->udp, &w->to, &iov, 1, n, w->segment, w->ect, w->expendable);
    if (err == -EAGAIN)
        return 0;
    if (n > w->segment && is_about_trains(err)) {
        w->apart = w->suspect = true;
        return send_some(s);
    }
    if (err < 0)
        on_error(s, w->at / w->segment, err);
    w->suspect &= err != -EMSGSIZE;
    if (w->suspect && err == 0)
        give_up_segmentation(s);
    return n;
}

/* The kernel is full. True: what is stashed may be dropped, and was. */
static bool on_full(struct sc_udp *u)
{
    if (!u->stash.expendable) {
        block(u);
        return false;
    }
    u->expended++;
    u->stash.at = u->stash.len;
    return true;
}

/* False: the kernel is full. */
static bool send_stash(const struct sending *s)
{
    struct sc_udp_stash *w = &s->udp->stash;
    while (w->at < w->len) {
        size_t n = send_some(s);
        w->at += n;
        if (n == 0 && !on_full(s->udp))
            return false;
    }
    return true;
}

static void send_train(const struct sending *s, struct sc_train *t)
{
    struct sc_udp *u = s->udp;
    bool single = t->len <= t->segment;
    int err = u->gso || single ? send_once(u, &t->to, t->iov, t->iov_count, t->len, t->segment,
                                           t->ect, t->expendable)
                               : -EIO;
    if (err == -EAGAIN) {
        stash(u, t);
        on_full(u);
    } else if (!single && is_about_trains(err)) {
        stash(u, t);
        u->stash.suspect = u->gso;
        u->stash.apart = true;
        send_stash(s);
    } else {
        for (size_t at = 0; err < 0 && at < t->len; at += t->segment)
            on_error(s, at / t->segment, err);
    }
}

/* A train that waited for room. False: there is none yet. */
static bool flush_stash(struct sc_udp *u, struct sc_stack *stack, sc_time now)
{
    struct sending s = {u, stack, NULL, now};
    return !u->blocked && send_stash(&s);
}

bool sc_udp_send(struct sc_udp *u, struct sc_stack *stack, size_t trains, sc_time now)
{
    static struct sc_train t;
    struct sending s = {u, stack, &t, now};
    while (trains-- > 0) {
        if (!flush_stash(u, stack, now))
            return false;
        if (!sc_stack_drain(stack, &t, now))
            return false;
        send_train(&s, &t);
        u->trains_sent++;
    }
    return true;
}
