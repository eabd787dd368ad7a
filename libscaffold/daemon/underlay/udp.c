#include "daemon/underlay/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* What the kernel may hold for us. Receive: a bulk flow's burst while scaffoldd is scheduled out.
 * Send: bounds what we put into a queueing discipline below us (8 ms at 1 Gbit/s). */
#define RECEIVE_BUFFER (8 * 1024 * 1024)
#define SEND_BUFFER (1024 * 1024)
/* And of what may be dropped: the 3 s of OPENs of strangers that the kernel waits for neighbours.
 */
#define ASIDE_BUFFER (8 * 1024 * 1024)
/* One GRO train. */
#define TRAIN_ROOM 65536

/* EPOLLOUT is asked for only while blocked: every packet that leaves would raise it. */
#define WATCHED (EPOLLIN | EPOLLET)

static void set_int(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof value);
}

static void set_buffer(int fd, int force, int plain, int size)
{
    if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size);
}

static void configure(struct sc_udp_socket *s, int family)
{
    int fd = s->watch.fd, on = 1;
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BUFFER);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER);
    if (family == AF_INET) {
        set_int(fd, IPPROTO_IP, IP_RECVTOS, 1);
        set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    } else {
        set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    }
    s->gro = setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
}

static void on_readable(struct sc_watch *w, uint32_t events)
{
    struct sc_udp_socket *s = sc_container(w, struct sc_udp_socket, watch);
    if (s->udp->blocked && (events & EPOLLOUT)) {
        s->udp->blocked = false;
        sc_loop_rewatch(s->udp->loop, w, WATCHED);
    }
    if (events & (EPOLLIN | EPOLLERR))
        s->readable = true;
    s->udp->received(s->udp);
}

/* Packets of both sockets leave from one port, and all that comes is the first one's. */
static int share_port(int first, int fd, const struct sockaddr *sa, socklen_t len)
{
    static struct sock_filter code = {.code = BPF_RET | BPF_K, .k = 0};
    static const struct sock_fprog program = {.len = 1, .filter = &code}; /* padding is zero, too */
    set_int(first, SOL_SOCKET, SO_REUSEPORT, 1); /* after its bind, which so found out who else */
    set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return bind(fd, sa, len) < 0
               ? -1
               : setsockopt(first, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

/* What goes to an address that nobody vouches for must not keep the rest waiting: the kernel holds
 * packets to a neighbour that does not answer for seconds, and counts them against their socket. So
 * they have a socket of their own. Without it they share the other. */
static int open_aside(int first)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    if (getsockname(first, (struct sockaddr *)&own, &len) < 0)
        return -1;
    int fd = socket(own.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (own.ss_family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, ASIDE_BUFFER);
    if (share_port(first, fd, (struct sockaddr *)&own, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int open_socket(struct sc_udp *u, struct sc_udp_socket *s, const struct sockaddr *sa,
                       socklen_t len)
{
    s->udp = u;
    s->watch.ready = on_readable;
    s->watch.fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->watch.fd < 0)
        return -errno;
    if (sa->sa_family == AF_INET6)
        set_int(s->watch.fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    configure(s, sa->sa_family);
    if (bind(s->watch.fd, sa, len) < 0) {
        int err = -errno;
        close(s->watch.fd);
        s->watch.fd = -1;
        return err;
    }
    s->aside = open_aside(s->watch.fd);
    return sc_loop_watch(u->loop, &s->watch, WATCHED);
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_in6 sin6;
    socklen_t len = sizeof sin6;
    getsockname(fd, (struct sockaddr *)&sin6, &len);
    return ntohs(sin6.sin6_port); /* the port stands at the same place in both families */
}

static int open_v4(struct sc_udp *u, const char *listen4, uint16_t port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, listen4, &sin.sin_addr) != 1)
        return -EINVAL;
    int err = open_socket(u, &u->v4, (struct sockaddr *)&sin, sizeof sin);
    if (err == 0)
        u->port = bound_port(u->v4.watch.fd);
    return err;
}

static int open_v6(struct sc_udp *u, const char *listen6, uint16_t port)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, listen6, &sin6.sin6_addr) != 1)
        return -EINVAL;
    int err = open_socket(u, &u->v6, (struct sockaddr *)&sin6, sizeof sin6);
    if (err == 0)
        u->port = bound_port(u->v6.watch.fd);
    return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL ? 0 : err; /* a host without IPv6 */
}

int sc_udp_open(struct sc_udp *u, struct sc_loop *loop, const char *listen4, const char *listen6,
                uint16_t port, char *why, size_t why_size)
{
    u->loop = loop;
    u->v4.watch.fd = u->v6.watch.fd = u->v4.aside = u->v6.aside = -1;
    u->gso = true;
    u->stash = malloc(TRAIN_ROOM);
    u->room = malloc(SC_UDP_BATCH * TRAIN_ROOM);
    if (!u->stash || !u->room)
        return -ENOMEM;
    int err = *listen4 ? open_v4(u, listen4, port) : 0;
    if (err < 0)
        snprintf(why, why_size, "%s", listen4);
    if (err == 0 && *listen6) {
        err = open_v6(u, listen6, u->port ? u->port : port);
        if (err < 0)
            snprintf(why, why_size, "%s", listen6);
    }
    return err;
}

void sc_udp_close(struct sc_udp *u)
{
    struct sc_udp_socket *s[] = {&u->v4, &u->v6};
    for (size_t i = 0; i < 2; i++) {
        int fd = s[i]->watch.fd;
        sc_loop_unwatch(u->loop, &s[i]->watch);
        if (fd >= 0)
            close(fd);
        if (s[i]->aside >= 0)
            close(s[i]->aside);
    }
    free(u->stash);
    free(u->room);
}

/* --- receiving -------------------------------------------------------------------------------- */

struct received {
    struct sockaddr_storage from;
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int)) * 2 + 32];
    } control;
};

static void read_control(struct msghdr *m, size_t *segment, unsigned *ecn)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        int value = 0;
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            *segment = (size_t)value;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            *ecn = *CMSG_DATA(c) & 3;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            *ecn = (unsigned)value & 3;
        }
    }
}

static struct sc_underlay underlay_of(const struct sockaddr_storage *from)
{
    struct sc_underlay u = {0};
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *sin = (const void *)from;
        u.family = 4;
        u.port = ntohs(sin->sin_port);
        memcpy(u.ip, &sin->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *sin6 = (const void *)from;
        u.family = 6;
        u.port = ntohs(sin6->sin6_port);
        memcpy(u.ip, &sin6->sin6_addr, 16);
    }
    return u;
}

static void feed_train(struct sc_udp *u, struct sc_stack *stack, struct mmsghdr *m, uint8_t *data,
                       const struct sockaddr_storage *from, sc_time now)
{
    size_t len = m->msg_len, segment = len;
    unsigned ecn = 0;
    read_control(&m->msg_hdr, &segment, &ecn);
    struct sc_underlay source = underlay_of(from);
    if (m->msg_hdr.msg_flags & MSG_TRUNC || segment == 0)
        return;
    u->datagrams_received += sc_stack_feed_train(stack, data, len, segment, &source, ecn, now);
}

static bool receive_from(struct sc_udp *u, struct sc_udp_socket *s, struct sc_stack *stack,
                         sc_time now)
{
    static struct received meta[SC_UDP_BATCH];
    struct mmsghdr m[SC_UDP_BATCH];
    struct iovec iov[SC_UDP_BATCH];
    for (size_t i = 0; i < SC_UDP_BATCH; i++) {
        iov[i] = (struct iovec){u->room + i * TRAIN_ROOM, TRAIN_ROOM};
        m[i].msg_hdr = (struct msghdr){.msg_name = &meta[i].from,
                                       .msg_namelen = sizeof meta[i].from,
                                       .msg_iov = &iov[i],
                                       .msg_iovlen = 1,
                                       .msg_control = meta[i].control.room,
                                       .msg_controllen = sizeof meta[i].control.room};
    }
    int n = recvmmsg(s->watch.fd, m, SC_UDP_BATCH, MSG_DONTWAIT, NULL);
    u->reads++;
    if (n < SC_UDP_BATCH)
        s->readable = n < 0 && errno != EAGAIN; /* an error of an earlier send: read on */
    for (int i = 0; i < n; i++)
        feed_train(u, stack, &m[i], u->room + (size_t)i * TRAIN_ROOM, &meta[i].from, now);
    return n > 0;
}

bool sc_udp_receive(struct sc_udp *u, struct sc_stack *stack, sc_time now)
{
    if (u->v4.readable)
        receive_from(u, &u->v4, stack, now);
    else if (u->v6.readable)
        receive_from(u, &u->v6, stack, now);
    return u->v4.readable || u->v6.readable;
}

/* --- sending ---------------------------------------------------------------------------------- */

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

/* Copies the train into one piece, so that it can wait or be cut. */
static void flatten(struct sc_udp *u, const struct sc_train *t)
{
    size_t at = 0;
    for (size_t i = 0; i < t->iov_count; i++) {
        memcpy(u->stash + at, t->iov[i].iov_base, t->iov[i].iov_len);
        at += t->iov[i].iov_len;
    }
    u->stash_len = at;
    u->stash_segment = t->segment;
    u->stash_to = t->to;
    u->stash_ect = t->ect;
}

/* Sends what is stashed, segment by segment where the kernel does not segment. */
static int send_stash(struct sc_udp *u)
{
    while (u->stash_len > 0) {
        size_t n = u->gso || u->stash_len < u->stash_segment ? u->stash_len : u->stash_segment;
        struct iovec iov = {u->stash, n};
        int err = send_once(u, &u->stash_to, &iov, 1, n, u->stash_segment, u->stash_ect, false);
        if (err < 0)
            return err;
        u->stash_len -= n;
        memmove(u->stash, u->stash + n, u->stash_len);
    }
    return 0;
}

/* The kernel has no room: wait until it has. */
static void block(struct sc_udp *u)
{
    struct sc_udp_socket *s = u->stash_to.family == 6 ? &u->v6 : &u->v4;
    if (!u->blocked)
        sc_loop_rewatch(u->loop, &s->watch, WATCHED | EPOLLOUT);
    u->blocked = true;
}

static int send_train(struct sc_udp *u, struct sc_train *t)
{
    int err = u->gso || t->len <= t->segment ? send_once(u, &t->to, t->iov, t->iov_count, t->len,
                                                         t->segment, t->ect, t->expendable)
                                             : -EIO;
    if (err == -EAGAIN && t->expendable) {
        u->expended++;
        return 0;
    }
    if (err == -EAGAIN) {
        flatten(u, t);
        block(u);
        return 0;
    }
    if ((err == -EIO || err == -EINVAL || err == -EOPNOTSUPP) && t->len > t->segment) {
        if (u->gso)
            sc_log(SC_LOG_INFO, "the kernel does not segment UDP here: sending one by one");
        u->gso = false;
        flatten(u, t);
        err = send_stash(u);
        if (err == -EAGAIN) {
            block(u);
            return 0;
        }
        u->stash_len = 0;
    }
    return err;
}

static bool flush_stash(struct sc_udp *u)
{
    if (u->stash_len == 0)
        return true;
    if (u->blocked)
        return false;
    int err = send_stash(u);
    if (err == -EAGAIN) {
        block(u);
        return false;
    }
    u->stash_len = 0;
    return true;
}

bool sc_udp_send(struct sc_udp *u, struct sc_stack *stack, size_t trains, sc_time now)
{
    static struct sc_train t;
    while (trains-- > 0) {
        if (!flush_stash(u) || u->blocked)
            return false;
        if (!sc_stack_drain(stack, &t, now))
            return false;
        int err = send_train(u, &t);
        u->trains_sent++;
        if (err == -EMSGSIZE)
            u->too_large++;
        else if (err < 0)
            u->send_errors++;
        if (err < 0)
            sc_stack_on_send_error(stack, &t, err == -EMSGSIZE, now);
    }
    return true;
}
