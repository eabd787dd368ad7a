#include "daemon/datagram/outgoing.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/datagram/endpoint.h"
#include "daemon/datagram/inbox.h"
#include "daemon/datagram/question.h"
#include "daemon/datagram/receiver.h"
#include "daemon/meaning.h"
#include "daemon/underlay/host_address.h"
#include "naming/service_name.h"

#define LOOPBACK4 0x7f000001u

static void refuse(const struct sc_outgoing *p)
{
    p->from->daemon->datagrams.counters.refused++;
    sc_inbox_tell(p->from, &p->to, ECONNREFUSED);
}

static uint64_t balance_of(const struct sc_endpoint *e, uint64_t host)
{
    return host << 16 ^ e->port->number;
}

static uint32_t own_pool(struct sc_daemon *d)
{
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    return self.pool;
}

static struct sc_origin new_origin(const struct sc_outgoing *p)
{
    return (struct sc_origin){.ttl = p->head->ttl,
                              .tos = p->head->tos,
                              .segment = (size_t)p->head->segment < p->len ? p->head->segment : 0,
                              .balance = balance_of(p->from, 0)};
}

/* To a service the sender is its host and port; to a socket it is the service that it serves. */
static struct sc_origin local_origin(const struct sc_outgoing *p, bool answer)
{
    struct sc_endpoint *e = p->from;
    struct sc_origin o = new_origin(p);
    if (answer && e->bound && !p->as_host) {
        o.shown = e->own;
        o.service = e->service;
    } else {
        o.shown = sc_address_v4(own_pool(e->daemon), e->port->number);
    }
    return o;
}

/* A socket that is bound to no address of its own speaks from the one that it speaks to, as the
 * kernel routes it; on loopback from the first of them. */
static struct sc_address own_of_this_host(const struct sc_outgoing *p)
{
    const struct sc_address *own = p->head->has_own ? &p->head->own : &p->from->own;
    bool v4 = sc_address_is_v4(&p->to);
    bool named = p->head->has_own || !p->from->wildcard;
    if (!sc_address_is_loopback(&p->to))
        return named && sc_host_has_address(p->from->daemon, own) ? *own : p->to;
    if (sc_address_is_loopback(own) && sc_address_is_v4(own) == v4)
        return *own;
    return v4 ? sc_address_v4(LOOPBACK4, 0) : (struct sc_address){.ip = {[15] = 1}};
}

static void to_this_host(const struct sc_outgoing *p)
{
    struct sc_endpoint *e = p->from;
    struct sc_origin o = new_origin(p);
    o.shown = own_of_this_host(p);
    o.shown.port = e->loopback ? e->own.port : e->port->number;
    struct sc_service_id id =
        sc_service_id_at(e->daemon->datagrams.loopback, p->to.port, IPPROTO_UDP);
    if (sc_receiver_of_service(e->daemon, &id, &p->to, &o, p->data, p->len))
        return;
    struct sc_endpoint *to = sc_host_port_find(e->daemon, p->to.port);
    if (to && !to->loopback && sc_receiver_takes_from(to, &o)) /* it had asked a loopback service */
        sc_receiver_hand(to, &o, &p->to, p->data, p->len);
    else
        refuse(p);
}

static void to_own_host(const struct sc_outgoing *p)
{
    struct sc_origin o = local_origin(p, true);
    if (!sc_receiver_of_port(p->from->daemon, p->to.port, &p->to, &o, p->data, p->len))
        refuse(p);
}

/* A connected socket stays with the host that answered it. */
static bool is_pinned(const struct sc_outgoing *p)
{
    return p->from->connected && p->from->pinned_to && sc_address_equal(&p->to, &p->from->peer);
}

static void send_to_network(const struct sc_outgoing *p, struct sc_datagram *g)
{
    struct sc_daemon *d = p->from->daemon;
    /* The same socket meets the same instance while their set stays, like a flow in an anycast
     * network: what consists of several datagrams works, and sockets are spread. */
    uint64_t choice = balance_of(p->from, d->config.seed);
    int err = sc_stack_send_datagram(d->stack, g, choice, d->loop.now);
    if (err == 0)
        return;
    d->datagrams.counters.dropped_send++;
    if (err != -ENOBUFS) /* UDP says nothing when a queue is full */
        sc_inbox_tell(p->from, &p->to, -err);
}

static void to_network(const struct sc_outgoing *p, const struct sc_service_id *to, bool answer)
{
    struct sc_endpoint *e = p->from;
    struct sc_daemon *d = e->daemon;
    size_t step = p->head->segment ? (size_t)p->head->segment : p->len;
    struct sc_datagram g = {.to = *to,
                            .from_port = e->port->number,
                            .answer = answer,
                            .unicast = e->reply,
                            .ttl = p->head->ttl,
                            .tos = p->head->tos};
    if (e->bound && !p->as_host)
        g.from = e->service;
    if (!answer)
        g.to_host = is_pinned(p) ? e->pinned_to : sc_replier_host(d, to);
    e->remembered = true;
    size_t at = 0;
    do {
        g.data = p->data + at;
        g.len = p->len - at < step ? p->len - at : step;
        send_to_network(p, &g);
        at += g.len;
    } while (at < p->len);
}

/* The instances of this host come first, as for streams. */
static void to_service(const struct sc_outgoing *p, const struct sc_service_id *service)
{
    struct sc_endpoint *e = p->from;
    struct sc_origin o = local_origin(p, false);
    if (is_pinned(p) || !sc_receiver_of_service(e->daemon, service, &p->to, &o, p->data, p->len))
        to_network(p, service, false);
}

static bool is_host(const struct sc_mapping *m)
{
    return sc_service_name_host_len(m->name) != 0;
}

/* IPv6 addresses are hashes, which stand for nothing else. A host's is what its datagrams came
 * from, so that nobody has looked it up. */
static bool is_meant(const struct sc_outgoing *p, const struct sc_mapping *m)
{
    static const uint8_t nothing[SC_MEANING_LEN];
    const uint8_t *meaning = p->head->peer.port ? p->head->meaning : p->from->meaning;
    if (!sc_address_is_v4(&p->to) || (is_host(m) && memcmp(meaning, nothing, sizeof nothing) == 0))
        return true;
    return sc_mapping_means(m, meaning);
}

static void to_mapping(const struct sc_outgoing *p, const struct sc_mapping *m)
{
    struct sc_service_id id = sc_service_id_at(m->service, p->to.port, IPPROTO_UDP);
    if (m->pool == own_pool(p->from->daemon))
        to_own_host(p);
    else if (!is_meant(p, m))
        sc_inbox_tell(p->from, &p->to, ENETUNREACH);
    else if (is_host(m))
        to_network(p, &id, true);
    else
        to_service(p, &id);
}

static void to_unknown(const struct sc_outgoing *p, const struct sc_question *q)
{
    struct sc_waiting w = {.from = p->from, .head = *p->head, .len = p->len};
    if (w.head.peer.port == 0)
        memcpy(w.head.meaning, p->from->meaning, sizeof w.head.meaning);
    w.head.peer = p->to;
    if (p->again)
        p->from->daemon->datagrams.counters.dropped_unresolved++;
    else
        sc_question_wait(p->from->daemon, q, &w, p->data);
}

static void to_pool(const struct sc_outgoing *p)
{
    struct sc_question q = {.by = SC_LOOKUP_POOL, .pool = sc_address_to_v4(&p->to)};
    struct sc_mapping m;
    if (q.pool == own_pool(p->from->daemon))
        to_own_host(p);
    else if (sc_stack_mapping_of_pool(p->from->daemon->stack, q.pool, &m))
        to_mapping(p, &m);
    else
        to_unknown(p, &q);
}

static void to_ula(const struct sc_outgoing *p)
{
    struct sc_daemon *d = p->from->daemon;
    struct sc_question q = {.by = SC_LOOKUP_SERVICE};
    struct sc_mapping m;
    if (!sc_ula_find(&d->ula, &p->to, &q.service)) {
        d->datagrams.counters.dropped_unresolved++;
        sc_inbox_tell(p->from, &p->to, ENETUNREACH);
    } else if (sc_stack_mapping_of_service(d->stack, &q.service, &m)) {
        to_mapping(p, &m);
    } else {
        to_unknown(p, &q);
    }
}

/* Whether the source address that the program asks for is one of its socket. */
static bool is_own(struct sc_endpoint *e, const struct sc_address *own, bool *as_host)
{
    *as_host = sc_address_is_v4(own) && sc_address_to_v4(own) == own_pool(e->daemon);
    if (*as_host || sc_address_is_wildcard(own) || sc_address_is_loopback(own) ||
        (e->loopback && e->wildcard && sc_host_has_address(e->daemon, own)) ||
        memcmp(own->ip, e->own.ip, sizeof own->ip) == 0)
        return true;
    struct sc_address ula = sc_ula_of(&e->daemon->ula, &e->service);
    return e->bound && memcmp(own->ip, ula.ip, sizeof own->ip) == 0;
}

void sc_outgoing_go(struct sc_outgoing *p)
{
    struct sc_endpoint *e = p->from;
    if (p->head->has_own && !is_own(e, &p->head->own, &p->as_host)) {
        sc_inbox_tell(e, &p->to, EINVAL); /* as the kernel says it of a foreign source */
        return;
    }
    if (sc_host_has_address(e->daemon, &p->to)) {
        to_this_host(p);
    } else if (!sc_address_in_pool(&p->to, &e->daemon->config.pool)) {
        sc_inbox_tell(e, &p->to, ENETUNREACH); /* an address that has gone */
    } else if (sc_address_is_v4(&p->to)) {
        to_pool(p);
    } else {
        e->shows_ula = true;
        to_ula(p);
    }
}

void sc_outgoing_new(struct sc_endpoint *e, const struct sc_datagram_head *head,
                     const uint8_t *data, size_t len)
{
    struct sc_outgoing p = {.from = e, .head = head, .to = head->peer, .data = data, .len = len};
    if (p.to.port == 0)
        p.to = e->peer;
    e->daemon->datagrams.counters.from_programs++;
    if (head->peer.port == 0 && !e->connected) {
        sc_inbox_tell(e, &head->peer, EDESTADDRREQ);
        return;
    }
    e->rx += len;
    sc_outgoing_go(&p);
}
