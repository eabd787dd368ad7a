/* The relay's thread: datagrams from the program's sockets to services and name servers, and back;
 * and the end of relays whose sockets are closed. */
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/clock.h"
#include "trap/names.h"
#include "trap/relay_parts.h"
#include "trap/tracee.h"

#define DATAGRAM_MAX 65535
/* How late it is noticed that a program has closed a socket where the kernel does not tell. */
#define LOOK_MS 1000
#define EVENTS 64
/* Datagrams of one sender in a row: more than any burst that its order is asked of; the others wait
 * for them. */
#define BATCH 256

static uint8_t bytes[DATAGRAM_MAX];

/* --- from the program ------------------------------------------------------------------------- */

static void send_far(const struct sc_relay *r, const struct sc_far_end *e, size_t len)
{
    struct sockaddr_storage ss;
    if (e->upstream >= 0) {
        send(e->upstream, bytes, len, MSG_DONTWAIT); /* lost or refused: resolvers ask again */
        return;
    }
    if (r->service < 0)
        return;
    socklen_t far_len = sc_address_to_sockaddr(&e->far, r->family, &ss);
    sc_sendto(r->service, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&ss, far_len);
}

/* False: nothing waits, or the program's socket is closed, which the next look finds out. */
static bool from_program(const struct sc_relay *r, const struct sc_far_end *e)
{
    uint8_t out[SC_DNS_ANSWER_MAX];
    ssize_t n = recv(e->own, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0)
        return false;
    size_t answer = e->upstream >= 0 ? sc_trap_names_answer(bytes, (size_t)n, out) : 0;
    if (answer)
        send(e->own, out, answer, MSG_DONTWAIT);
    else
        send_far(r, e, (size_t)n);
    return true;
}

/* All that waits, before what another socket has sent later: over loopback UDP keeps that order. */
static void all_from_program(const struct sc_relay *r, struct sc_far_end *e)
{
    e->used = sc_clock_ms();
    for (int i = 0; i < BATCH && from_program(r, e); i++)
        ;
}

/* --- to the program --------------------------------------------------------------------------- */

static void from_name_server(const struct sc_far_end *e)
{
    ssize_t n = recv(e->upstream, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        send(e->own, bytes, (size_t)n, MSG_DONTWAIT);
}

/* Our number for the program's socket, -1 when whoever had it last has it no longer. */
static int reach(const struct sc_relay *r)
{
    int fd = sc_tracee_fd(r->holder.tid, r->holder.number);
    if (fd >= 0 && sc_cookie(fd) == r->cookie)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The kernel tells a UDP socket that nobody is at a port, if it is connected there or has asked for
 * errors: so for a moment nobody is, and a datagram finds that out. */
static void refuse(const struct sc_relay *r, struct sc_far_end *e)
{
    struct sockaddr_storage at;
    int fd = reach(r);
    if (fd < 0)
        return;
    socklen_t len = sc_address_to_sockaddr(&e->at, r->family, &at);
    sc_far_end_close(e);
    sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&at, len);
    close(fd);
    sc_far_end_open(r, e); /* a place that is taken by now is opened anew when it is needed */
}

static void leave(struct sc_relay *r)
{
    if (r->service >= 0)
        sc_close(r->service);
    r->service = -1;
}

/* Whom a datagram did not reach. */
static void read_error(struct sc_relay *r)
{
    struct sockaddr_storage ss;
    struct sc_address far;
    struct msghdr msg = {.msg_name = &ss, .msg_namelen = sizeof ss};
    if (sc_recvmsg(r->service, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 ||
        sc_address_from_sockaddr((struct sockaddr *)&ss, msg.msg_namelen, &far) < 0)
        return;
    struct sc_far_end *e = sc_relay_end(r, &far);
    if (e)
        refuse(r, e);
}

static void from_service(struct sc_relay *r)
{
    struct sockaddr_storage ss;
    struct sc_address far;
    socklen_t len = sizeof ss;
    ssize_t n =
        sc_recvfrom(r->service, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&ss, &len);
    if (n < 0) {
        if (errno == ENETDOWN) /* scaffoldd has ended; what is sent next looks for another */
            leave(r);
        else if (errno != EAGAIN)
            read_error(r);
        return;
    }
    if (sc_address_from_sockaddr((struct sockaddr *)&ss, len, &far) < 0)
        return;
    struct sc_far_end *e = sc_relay_end(r, &far);
    if (e && send(e->own, bytes, (size_t)n, MSG_DONTWAIT) >= 0)
        e->used = sc_clock_ms();
}

/* --- closed sockets --------------------------------------------------------------------------- */

/* What the program has sent before it closed still goes. */
void sc_relay_close(struct sc_relay *r)
{
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++) {
        if (r->ends[i].own >= 0)
            all_from_program(r, &r->ends[i]);
        sc_far_end_forget(&r->ends[i]);
    }
    leave(r);
    r->inode = 0;
}

/* Marks the relays whose program's socket stands in this file. */
static void mark_listed(const char *path, bool alive[SC_RELAYS_MAX])
{
    char line[512];
    uint64_t one; /* the tenth column */
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64, &one) == 1)
            for (size_t i = 0; i < SC_RELAYS_MAX; i++)
                alive[i] |= sc_relays.list[i].inode == one;
    if (file)
        fclose(file);
}

static bool is_held(const struct sc_relay *r)
{
    int fd = reach(r);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool is_any_missing(const bool alive[SC_RELAYS_MAX])
{
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode && !alive[i])
            return true;
    return false;
}

/* The lists are not of one moment: where others come and go while they are read, one that is there
 * may be missing. Whoever had the socket last is asked, too, and they are read once more for those
 * that somebody else may have. */
void sc_relay_sweep(void)
{
    bool alive[SC_RELAYS_MAX] = {0};
    for (int look = 0; look < 2 && is_any_missing(alive); look++) {
        mark_listed("/proc/net/udp", alive);
        mark_listed("/proc/net/udp6", alive);
        for (size_t i = 0; i < SC_RELAYS_MAX; i++)
            alive[i] = alive[i] || (sc_relays.list[i].inode && is_held(&sc_relays.list[i]));
    }
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode && !alive[i])
            sc_relay_close(&sc_relays.list[i]);
}

static void close_of(uint64_t cookie)
{
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode && sc_relays.list[i].cookie == cookie)
            sc_relay_close(&sc_relays.list[i]);
}

/* The kernel tells of each UDP socket that is gone. -1 where it does not (its module for sock_diag
 * is absent). */
static int hear_ends(void)
{
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                 .nl_groups = 1u << (SKNLGRP_INET_UDP_DESTROY - 1) |
                                              1u << (SKNLGRP_INET6_UDP_DESTROY - 1)};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&groups, sizeof groups) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void on_end(int ends)
{
    _Alignas(struct nlmsghdr) char room[4096];
    ssize_t n = recv(ends, room, sizeof room, MSG_DONTWAIT);
    if (n < 0 && errno == ENOBUFS) { /* more than could be told */
        sc_relay_sweep();
        return;
    }
    size_t left = n < 0 ? 0 : (size_t)n;
    for (const struct nlmsghdr *h = (void *)room; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
        struct inet_diag_msg m;
        if (h->nlmsg_len < NLMSG_LENGTH(sizeof m))
            continue;
        memcpy(&m, NLMSG_DATA(h), sizeof m);
        close_of((uint64_t)m.id.idiag_cookie[1] << 32 | m.id.idiag_cookie[0]);
    }
}

/* --- the rounds ------------------------------------------------------------------------------- */

/* A source, and whose it is: places in the table. */
static uint64_t mark_of(const struct sc_relay *r, const struct sc_far_end *e,
                        enum sc_relay_source source)
{
    uint64_t relay = r ? (uint64_t)(r - sc_relays.list) : 0;
    uint64_t end = e ? (uint64_t)(e - r->ends) : 0;
    return relay << 32 | end << 8 | source;
}

static void carry(uint64_t mark, int ends)
{
    struct sc_relay *r = &sc_relays.list[mark >> 32];
    struct sc_far_end *e = &r->ends[mark >> 8 & 0xffff];
    switch ((enum sc_relay_source)(mark & 0xff)) {
    case SC_RELAY_SERVICE:
        from_service(r);
        break;
    case SC_RELAY_PROGRAM:
        all_from_program(r, e);
        break;
    case SC_RELAY_UPSTREAM:
        from_name_server(e);
        break;
    case SC_RELAY_ENDS:
        on_end(ends);
        break;
    }
}

struct carrier {
    int set;  /* epoll: unlike poll it holds no socket open that is closed meanwhile */
    int ends; /* -1: the kernel does not tell */
};

static struct carrier carrier = {.set = -1, .ends = -1};

static void *run(void *unused)
{
    (void)unused;
    struct epoll_event events[EVENTS];
    int64_t next_look = sc_clock_ms() + LOOK_MS;
    for (;;) {
        int n = epoll_wait(carrier.set, events, EVENTS, carrier.ends < 0 ? LOOK_MS : -1);
        pthread_mutex_lock(&sc_relays.lock);
        /* What is closed or another's by now is read without waiting, and nothing is there. */
        for (int i = 0; i < n; i++)
            carry(events[i].data.u64, carrier.ends);
        if (carrier.ends < 0 && sc_clock_ms() >= next_look) {
            sc_relay_sweep();
            next_look = sc_clock_ms() + LOOK_MS;
        }
        pthread_mutex_unlock(&sc_relays.lock);
    }
    return NULL;
}

/* Once. */
static int start(void)
{
    pthread_t thread;
    carrier.set = epoll_create1(EPOLL_CLOEXEC);
    carrier.ends = hear_ends();
    int err = carrier.set < 0 ? errno : pthread_create(&thread, NULL, run, NULL);
    if (!err)
        pthread_detach(thread);
    return err || carrier.ends < 0 ? -err : sc_relay_watch(NULL, NULL, SC_RELAY_ENDS, carrier.ends);
}

int sc_relay_watch(const struct sc_relay *r, const struct sc_far_end *e,
                   enum sc_relay_source source, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = mark_of(r, e, source)};
    int err = carrier.set < 0 ? start() : 0;
    if (!err && epoll_ctl(carrier.set, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST)
        err = -errno;
    return err;
}
