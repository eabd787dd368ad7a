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
        sc_loop_rewatch(s->udp->loop, w, SC_UDP_WATCHED);
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
    return sc_loop_watch(u->loop, &s->watch, SC_UDP_WATCHED);
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
    u->stash.data = malloc(TRAIN_ROOM);
    u->room = malloc(SC_UDP_BATCH * TRAIN_ROOM);
    if (!u->stash.data || !u->room)
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
    free(u->stash.data);
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
