#include "stack/connectionless.h"

#include <errno.h>
#include <string.h>

#include "stack/binding.h"
#include "stack/forward.h"

void sc_connectionless_init(struct sc_connectionless *g, struct sc_node *node,
                            struct sc_routing *routing, struct sc_peers *peers)
{
    g->node = node;
    g->routing = routing;
    g->peers = peers;
    sc_locators_init(&g->locators, peers->hosts, node->map_seed);
    sc_assembly_init(&g->assemblies, node);
}

void sc_connectionless_fini(struct sc_connectionless *g)
{
    sc_assembly_fini(&g->assemblies);
}

/* --- out -------------------------------------------------------------------------------------- */

/* Names a datagram so that only whoever saw it can say that it led nowhere. */
static uint64_t id_of(const struct sc_connectionless *g, uint32_t number, uint16_t port,
                      const struct sc_service_id *to)
{
    uint8_t text[4 + 2 + sizeof to->bytes];
    struct sc_writer w = sc_writer(text, sizeof text);
    sc_write_u32(&w, number);
    sc_write_u16(&w, port);
    sc_write_copy(&w, to->bytes, sizeof to->bytes);
    return sc_hash(g->node->map_seed, text, sizeof text) << 32 | number;
}

static bool is_ours(const struct sc_connectionless *g, const struct sc_header *h,
                    const struct sc_fragment *p)
{
    return h->number == id_of(g, (uint32_t)h->number, p->src_port, &p->to);
}

/* Where a packet for this host goes first; NULL: nowhere. */
static const struct sc_underlay *way_to(const struct sc_connectionless *g, uint64_t host)
{
    const struct sc_underlay *direct = sc_locators_find(&g->locators, host);
    return direct || g->node->router.family == 0 ? direct : &g->node->router;
}

static bool has_service(const struct sc_service_id *id)
{
    static const struct sc_service_id none;
    return !sc_service_id_equal(id, &none);
}

static struct sc_fragment fragment_of(const struct sc_connectionless *g,
                                      const struct sc_datagram *d, uint64_t choice)
{
    unsigned flags = (d->answer ? SC_FRAGMENT_ANSWER : 0) | (d->unicast ? SC_FRAGMENT_UNICAST : 0) |
                     (has_service(&d->from) ? SC_FRAGMENT_FROM : 0);
    return (struct sc_fragment){.src = g->node->env.address,
                                .src_pool = g->node->env.pool,
                                .src_port = d->from_port,
                                .choice = choice,
                                .flags = (uint8_t)flags,
                                .ttl = d->ttl,
                                .tos = d->tos,
                                .total = (uint16_t)d->len,
                                .to = d->to,
                                .from = d->from};
}

/* As few fragments as possible, all of one size, so that they, and those of the next datagram, are
 * one train. */
static size_t fragment_size(const struct sc_fragment *p)
{
    size_t overhead =
        SC_FRAGMENT_OVERHEAD + (p->flags & SC_FRAGMENT_FROM ? sizeof p->from.bytes : 0);
    size_t most = SC_DATAGRAM_BASE - overhead;
    size_t count = (p->total + most - 1) / most;
    return count > 1 ? (p->total + count - 1) / count : p->total;
}

static int send_fragments(struct sc_connectionless *g, const struct sc_underlay *to,
                          const struct sc_header *h, struct sc_fragment *p, const uint8_t *data)
{
    size_t size = fragment_size(p);
    size_t at = 0;
    do {
        uint8_t packet[SC_DATAGRAM_BASE];
        struct sc_writer w = sc_writer(packet, sizeof packet);
        p->offset = (uint16_t)at;
        p->data = (struct sc_field){data + at, p->total - at < size ? p->total - at : size};
        sc_fragment_write(&w, h, p);
        if (!sc_outbox_join(&g->node->outbox, SC_QUEUE_DATAGRAMS, to, packet, sc_writer_len(&w))) {
            g->node->counters.dropped_datagrams++;
            return -ENOBUFS;
        }
        at += size;
    } while (at < p->total);
    return 0;
}

static void undelivered(struct sc_connectionless *g, const struct sc_fragment *p)
{
    struct sc_event e = {.type = SC_EVENT_UNDELIVERED};
    e.datagram = (struct sc_datagram){.to = p->to, .from_port = p->src_port};
    sc_notices_tell(&g->node->notices, &e);
}

/* Returns 0 with a way, or without one when its sender hears that nobody serves it. */
static int bind_own(struct sc_connectionless *g, const struct sc_fragment *p,
                    const struct sc_underlay **way, sc_time now)
{
    struct sc_query q = {
        .service = p->to, .hash = p->choice, .scope = SC_SCOPE_OWN, .traffic = SC_TRAFFIC_DATAGRAM};
    struct sc_binding b = sc_binding_choose(g->routing, &q, now);
    *way = b.way;
    if (b.way)
        return 0;
    if (b.to == SC_BINDING_HOLD)
        return -ENOBUFS; /* as one that waits for its neighbour's address too long */
    if (b.reason == SC_REASON_NO_ROUTE)
        return -ENETUNREACH;
    undelivered(g, p);
    return 0;
}

int sc_connectionless_send(struct sc_connectionless *g, const struct sc_datagram *d,
                           uint64_t choice, sc_time now)
{
    struct sc_fragment p = fragment_of(g, d, choice);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_DATAGRAM,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = d->to_host,
                          .number = id_of(g, g->sent++, d->from_port, &d->to)};
    const struct sc_underlay *way = NULL;
    int err = 0;
    if (d->len > SC_DATAGRAM_PAYLOAD_MAX)
        return -EMSGSIZE;
    if (!d->to_host)
        err = bind_own(g, &p, &way, now);
    else if ((way = way_to(g, d->to_host)) == NULL)
        err = -ENETUNREACH;
    return way ? send_fragments(g, way, &h, &p, d->data) : err;
}

/* --- what leads nowhere ----------------------------------------------------------------------- */

/* It goes back without its data, hence never longer than it came. */
static void send_back(struct sc_connectionless *g, struct sc_fragment p, uint64_t number,
                      const struct sc_underlay *to, sc_time now)
{
    uint8_t packet[SC_FRAGMENT_OVERHEAD];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_DATAGRAM,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = p.src,
                          .number = number};
    bool known = sc_peers_knows(g->peers, p.src, to);
    if ((p.flags & SC_FRAGMENT_UNDELIVERED) || p.offset != 0 ||
        !sc_node_allows(g->node, SC_RATE_RESET, to, known, now))
        return;
    p.flags = SC_FRAGMENT_UNDELIVERED;
    p.total = p.offset = 0;
    p.data.len = 0;
    p.origin = (struct sc_underlay){0};
    sc_fragment_write(&w, &h, &p);
    g->node->counters.refused++;
    sc_outbox_put(&g->node->outbox, sc_outbox_queue_for(known), to, packet, sc_writer_len(&w));
}

void sc_connectionless_refuse(struct sc_connectionless *g, const struct sc_datagram *d, sc_time now)
{
    const struct sc_underlay *to = way_to(g, d->from_host);
    struct sc_fragment p = {.src = d->from_host, .src_port = d->from_port, .to = d->to};
    if (to)
        send_back(g, p, d->id, to, now);
}

/* --- in --------------------------------------------------------------------------------------- */

static struct sc_datagram datagram_of(const struct sc_header *h, const struct sc_fragment *p)
{
    return (struct sc_datagram){.to = p->to,
                                .to_host = h->dst,
                                .from = p->from,
                                .from_host = p->src,
                                .from_pool = p->src_pool,
                                .from_port = p->src_port,
                                .answer = p->flags & SC_FRAGMENT_ANSWER,
                                .unicast = p->flags & SC_FRAGMENT_UNICAST,
                                .ttl = p->ttl,
                                .tos = p->tos,
                                .id = h->number};
}

static void deliver(struct sc_connectionless *g, const struct sc_header *h,
                    const struct sc_fragment *p, sc_time now)
{
    struct sc_datagram d = datagram_of(h, p);
    if (p->data.len < p->total) {
        sc_assembly_add(&g->assemblies, &d, p, now);
        return;
    }
    struct sc_notice *n = sc_notices_new(&g->node->notices, SC_EVENT_DATAGRAM, p->data.len);
    if (!n)
        return;
    memcpy(n->data, p->data.data, p->data.len);
    d.data = n->data;
    d.len = p->data.len;
    n->event.datagram = d;
    sc_notices_post(&g->node->notices, n);
}

/* Bound late: the router's choice, or, on a host that the router chose, its own. */
static void bind_late(struct sc_connectionless *g, const struct sc_header *h,
                      const struct sc_fragment *p, uint8_t *data, size_t len,
                      const struct sc_underlay *from, sc_time now)
{
    struct sc_query q = {.service = p->to,
                         .hash = p->choice,
                         .scope = SC_SCOPE_ARRIVED,
                         .traffic = SC_TRAFFIC_DATAGRAM};
    struct sc_binding b = sc_binding_choose(g->routing, &q, now);
    if (b.to == SC_BINDING_LOCAL)
        deliver(g, h, p, now);
    else if (b.to == SC_BINDING_HOST)
        sc_forward(g->node, b.host, data, len, from, &g->node->counters.dropped_datagrams);
    else if (b.to == SC_BINDING_NOBODY)
        send_back(g, *p, h->number, p->origin.family ? &p->origin : from, now);
}

/* The underlay that the sender was heard from, unless that is a relay between us. */
static void learn(struct sc_connectionless *g, const struct sc_header *h,
                  const struct sc_fragment *p, const struct sc_underlay *from)
{
    bool direct = h->hop_limit == SC_HOP_LIMIT;
    bool by_router = sc_node_is_router(g->node, from);
    if (p->src == g->node->env.address)
        return;
    if (direct)
        sc_locators_learn(&g->locators, p->src, from);
    else if (by_router)
        sc_locators_learn(&g->locators, p->src, &p->origin);
}

void sc_connectionless_on_packet(struct sc_connectionless *g, const struct sc_header *h,
                                 uint8_t *data, size_t len, struct sc_reader *r,
                                 const struct sc_underlay *from, sc_time now)
{
    struct sc_fragment p;
    sc_fragment_read(r, &p);
    if (r->bad) {
        g->node->counters.dropped_malformed++;
    } else if (p.flags & SC_FRAGMENT_UNDELIVERED) {
        if (h->dst == g->node->env.address && is_ours(g, h, &p))
            undelivered(g, &p);
        else
            g->node->counters.dropped_unknown_flow++;
    } else {
        learn(g, h, &p, from);
        if (h->dst)
            deliver(g, h, &p, now);
        else
            bind_late(g, h, &p, data, len, from, now);
    }
}
