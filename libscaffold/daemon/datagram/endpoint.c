#include "daemon/datagram/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/closer.h"
#include "daemon/datagram/datagrams.h"
#include "daemon/datagram/inbox.h"
#include "daemon/datagram/question.h"
#include "daemon/journal.h"
#include "daemon/pair.h"

/* Datagrams read from one program before the others get their turn. */
#define TURN 32

struct packet {
    struct sc_datagram_head head;
    uint8_t data[SC_DATAGRAM_PAYLOAD_MAX];
};

static void on_program(struct sc_watch *w, uint32_t events);

/* --- opening ---------------------------------------------------------------------------------- */

/* Whoever closed before we were asked is not in the way. */
static int join_group(struct sc_endpoint *e, const struct sc_service_id *id)
{
    struct sc_endpoint *other;
    int err;
    do {
        err = sc_endpoint_group_join(e, id, &other);
    } while (err == EADDRINUSE && sc_endpoint_close_if_gone(other));
    return err;
}

/* The address it is reached at: a port of its own where it asked for none, which is then unique on
 * this host, too. */
static int take_address(struct sc_endpoint *e, const struct sc_service_id *service)
{
    struct sc_daemon *d = e->daemon;
    bool shares = e->bound || e->loopback;
    uint16_t wanted = e->own.port;
    struct sc_endpoint *other = wanted && !shares ? sc_host_port_find(d, wanted) : NULL;
    if (other)
        sc_endpoint_close_if_gone(other);
    e->port = sc_host_port_take(d, wanted, shares ? service : NULL);
    if (!e->port && shares && wanted) /* of another service here: only its name is not unique */
        e->port = sc_host_port_take(d, 0, NULL);
    if (!e->port)
        return wanted && !shares ? EADDRINUSE : EADDRNOTAVAIL;
    e->port->endpoint = e;
    if (!wanted)
        e->own.port = e->port->number;
    if (!shares)
        return 0;
    struct sc_service_id id = sc_service_id_at(*service, e->own.port, IPPROTO_UDP);
    if (e->bound)
        e->service = id;
    return join_group(e, &id);
}

/* The one that its name will carry. */
static int take_serial(struct sc_endpoint *e)
{
    e->serial = sc_serial(&e->daemon->serials);
    return -sc_map_insert(&e->daemon->endpoints.by_serial, &e->by_serial);
}

static struct sc_endpoint *new_endpoint(struct sc_daemon *d, const struct sc_endpoint_request *r)
{
    struct sc_endpoint *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    *e = (struct sc_endpoint){.daemon = d,
                              .watch = {.fd = -1, .ready = on_program},
                              .own = r->address,
                              .family = r->family,
                              .uid = r->uid,
                              .pid = r->pid,
                              .bound = r->bound,
                              .loopback = r->loopback,
                              .wildcard = r->wildcard,
                              .v6only = r->v6only,
                              .reply = r->bound && r->address.port == 0,
                              .reuseaddr = r->reuseaddr,
                              .reuseport = r->reuseport};
    sc_list_init(&e->member);
    return e;
}

/* SO_PEEK_OFF: looks go from packet to packet, or (-1) to the first one. */
static void look_from(int own, int offset)
{
    setsockopt(own, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset);
}

/* Both ends, of which scaffoldd's is watched from now on. */
static int make_pair(struct sc_endpoint *e, const struct sc_endpoint_request *r, int *program)
{
    struct sc_pair pair;
    struct sc_socket_name name = {.daemon = e->daemon->id,
                                  .kind = SC_SOCKET_DATAGRAM,
                                  .family = e->family,
                                  .wildcard = r->shows_wildcard,
                                  .address = e->own,
                                  .serial = e->serial};
    int err = sc_pair_make(&pair, SOCK_SEQPACKET, &name);
    if (err < 0)
        return -err;
    *program = pair.program;
    sc_inbox_size(pair.own, r->rcvbuf);
    if (!sc_rights_are_kept_out(&e->daemon->loop))
        look_from(pair.own, 0);
    e->watch.fd = pair.own;
    return -sc_loop_watch(&e->daemon->loop, &e->watch, EPOLLIN | EPOLLRDHUP);
}

/* In this order each step finds what it needs, and sc_endpoint_close what there is to undo. */
static int open_endpoint(struct sc_endpoint *e, const struct sc_endpoint_request *r, int *program)
{
    struct sc_daemon *d = e->daemon;
    if (!sc_share_take(&d->shares, &e->share, r->uid, SC_SHARE_DATAGRAMS))
        return ENOBUFS;
    int err = take_address(e, &r->service);
    if (!err)
        err = take_serial(e);
    if (!err)
        err = make_pair(e, r, program);
    if (!err && e->group && sc_endpoint_group_serve(d, e->group))
        err = ENOSPC;
    return err;
}

int sc_endpoint_open(struct sc_daemon *d, const struct sc_endpoint_request *r,
                     struct sc_endpoint **out, int *program)
{
    struct sc_endpoint *e = new_endpoint(d, r);
    *program = -1;
    int err = e ? open_endpoint(e, r, program) : ENOMEM;
    if (err) {
        if (e)
            sc_endpoint_close(e);
        if (*program >= 0)
            close(*program);
        *program = -1;
        return err;
    }
    e->serves = true;
    sc_journal_endpoint(e, true);
    sc_daemon_on_activity(d);
    *out = e;
    return 0;
}

/* Whether a packet waits, be it empty: the program's end has a name, and the end of all has none.
 * Nothing is read any more then. */
static bool holds_more(const struct sc_endpoint *e)
{
    struct sockaddr_un from;
    look_from(e->watch.fd, -1);
    struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof from};
    ssize_t n = recvmsg(e->watch.fd, &msg, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && errno == ECONNRESET) /* as in read_turn */
        n = recvmsg(e->watch.fd, &msg, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 ? msg.msg_namelen > 0 : errno != EAGAIN;
}

static void let_go(struct sc_endpoint *e)
{
    struct sc_loop *l = &e->daemon->loop;
    if (sc_rights_are_kept_out(l) || (shutdown(e->watch.fd, SHUT_RD) == 0 && !holds_more(e)))
        sc_loop_close(l, &e->watch);
    else
        sc_closer_take(l, &e->watch);
}

void sc_endpoint_close(struct sc_endpoint *e)
{
    struct sc_daemon *d = e->daemon;
    if (e->serves)
        sc_journal_endpoint(e, false);
    if (e->watch.fd >= 0) {
        sc_inbox_hand_over(&d->datagrams.inbox);
        sc_questions_forget(&d->datagrams, e);
        let_go(e);
    }
    sc_gather_drop(&e->gather, e);
    sc_map_remove(&d->endpoints.by_serial, &e->by_serial);
    sc_endpoint_group_leave(e);
    if (e->port)
        sc_host_port_give(d, e->port, e->remembered);
    e->port = NULL;
    sc_share_give(&d->shares, &e->share);
    sc_loop_dispose(&d->loop, e);
    sc_daemon_on_activity(d);
}

void sc_endpoints_end(struct sc_daemon *d)
{
    size_t cursor = 0;
    do {
        struct sc_map_node *n = sc_map_scan(&d->endpoints.by_serial, &cursor), *next;
        for (; n; n = next) {
            struct sc_endpoint *e = sc_container(n, struct sc_endpoint, by_serial);
            next = n->next;
            sc_endpoint_close(e);
        }
    } while (cursor);
}

struct sc_endpoint *sc_endpoint_find(struct sc_daemon *d, const struct sc_socket_name *name)
{
    struct sc_map_node *n = sc_map_find(&d->endpoints.by_serial, &name->serial);
    return n && name->kind == SC_SOCKET_DATAGRAM ? sc_container(n, struct sc_endpoint, by_serial)
                                                 : NULL;
}

/* --- from the program ------------------------------------------------------------------------- */

static void take_whole(struct sc_endpoint *e, struct sc_gather *whole)
{
    static const uint8_t nothing;
    if (!whole->spoilt)
        sc_datagrams_from_program(e, &whole->head, whole->data ? whole->data : &nothing,
                                  whole->len);
    sc_gather_drop(whole, e);
}

/* What the program wrote, perhaps in pieces. */
static void take(struct sc_endpoint *e, const struct sc_datagram_head *head, const uint8_t *data,
                 size_t len)
{
    struct sc_gather whole;
    switch (sc_gather_take(e, head, data, len, &whole)) {
    case SC_GATHER_NOT:
        sc_datagrams_from_program(e, head, data, len);
        break;
    case SC_GATHER_WHOLE:
        take_whole(e, &whole);
        break;
    case SC_GATHER_TAKEN:
        break;
    }
}

static void take_packet(struct sc_endpoint *e, const struct packet *p, const struct mmsghdr *m)
{
    struct sc_datagram_counters *c = &e->daemon->datagrams.counters;
    if (m->msg_len < sizeof p->head)
        c->dropped_malformed++;
    else if (m->msg_hdr.msg_flags & MSG_TRUNC)
        sc_inbox_tell(e, &p->head.peer, EMSGSIZE);
    else
        take(e, &p->head, p->data, m->msg_len - sizeof p->head);
}

/* True when the program has closed, or writes no more, since its event was reported. */
static bool has_closed(const struct sc_endpoint *e)
{
    struct pollfd p = {.fd = e->watch.fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP));
}

/* Packets, into `m`; where descriptors may be in the queue, only after a look has found none: with
 * them, -EPERM, and they are where they were. (One that is larger than its room would be looked at
 * in pieces, and none is.) */
static int receive_turn(struct sc_endpoint *e, struct mmsghdr *m)
{
    struct mmsghdr taken[TURN] = {0};
    if (sc_rights_are_kept_out(&e->daemon->loop))
        return recvmmsg(e->watch.fd, m, TURN, MSG_DONTWAIT, NULL);
    int n = recvmmsg(e->watch.fd, m, TURN, MSG_DONTWAIT | MSG_PEEK, NULL);
    for (int i = 0; i < n; i++) {
        if (!(m[i].msg_hdr.msg_flags & (MSG_CTRUNC | MSG_TRUNC)))
            continue;
        e->daemon->datagrams.counters.dropped_rights++;
        errno = EPERM;
        return -1;
    }
    return n < 0 ? n : recvmmsg(e->watch.fd, taken, (unsigned)n, MSG_DONTWAIT, NULL);
}

/* Reads a turn's worth. Returns how many packets there were, or a negative errno. Where the program
 * writes no more (`closing`), an empty packet is the end: `e` is mute from then on. */
static int read_turn(struct sc_endpoint *e, bool closing)
{
    static struct packet packets[TURN]; /* only what is used of it is ever touched */
    struct iovec iov[TURN];
    struct mmsghdr m[TURN];
    for (int i = 0; i < TURN; i++) {
        iov[i] = (struct iovec){&packets[i], sizeof packets[i].head + sizeof packets[i].data};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    int n = receive_turn(e, m);
    if (n < 0 && errno == ECONNRESET) /* it closed with unread datagrams; said once */
        n = receive_turn(e, m);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n && !e->mute; i++) {
        e->mute = m[i].msg_len == 0 && (closing || has_closed(e));
        if (!e->mute)
            take_packet(e, &packets[i], &m[i]);
    }
    return n;
}

/* Its close is reported in any case. What stands behind an end that came with an empty packet is
 * nobody's; but it could be the program's own end, where descriptors are not kept out. */
static void go_mute(struct sc_endpoint *e)
{
    if (!sc_rights_are_kept_out(&e->daemon->loop) && holds_more(e))
        sc_endpoint_close(e);
    else
        sc_loop_rewatch(&e->daemon->loop, &e->watch, 0);
}

/* What the program wrote before it closed still goes its way. */
static void on_program(struct sc_watch *w, uint32_t events)
{
    struct sc_endpoint *e = sc_container(w, struct sc_endpoint, watch);
    int n = e->mute ? 0 : read_turn(e, events & EPOLLRDHUP);
    sc_inbox_hand_over(&e->daemon->datagrams.inbox); /* what it wrote to others of this host */
    if (n < 0 || (events & EPOLLHUP && (n == 0 || e->mute)))
        sc_endpoint_close(e);
    else if (e->mute)
        go_mute(e);
}

bool sc_endpoint_close_if_gone(struct sc_endpoint *e)
{
    struct pollfd p = {.fd = e->watch.fd};
    if (p.fd < 0 || poll(&p, 1, 0) != 1 || !(p.revents & POLLHUP))
        return false;
    while (e->watch.fd >= 0)
        on_program(&e->watch, EPOLLRDHUP | EPOLLHUP);
    return true;
}

/* --- options ---------------------------------------------------------------------------------- */

int sc_endpoint_set(struct sc_endpoint *e, uint32_t option, uint32_t value)
{
    switch (option) {
    case SC_OPT_RCVBUF:
        sc_inbox_size(e->watch.fd, value);
        return 0;
    case SC_OPT_GRO:
        e->gro = value != 0;
        return 0;
    case SC_OPT_RECVERR:
        e->wants_errors = value != 0;
        return 0;
    default:
        return ENOPROTOOPT;
    }
}

int sc_endpoint_get(const struct sc_endpoint *e, uint32_t option, uint32_t *value,
                    struct sc_ctl_info *info)
{
    if (option == SC_OPT_OUTQ) {
        *value = 0; /* what was taken from the program is under way, or gone */
        return 0;
    }
    if (option != SC_OPT_INFO)
        return ENOPROTOOPT;
    *info = (struct sc_ctl_info){.tx_bytes = e->rx, .rx_bytes = e->tx};
    return 0;
}
