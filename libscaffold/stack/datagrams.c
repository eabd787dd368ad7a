/* Connectionless datagrams. One that is bound late goes by way of the router, each on its own; one
 * that must reach a certain host goes there directly where that was heard from, else by way of the
 * router, too. No congestion control: that is its program's duty, as with UDP (RFC 8085 3.1). */
#include "stack/internal.h"

#include <errno.h>

/* --- out -------------------------------------------------------------------------------------- */

/* Names a datagram so that only who saw it can say that it led nowhere. */
static uint64_t id_of(const struct sc_stack *s, uint32_t number, uint16_t port,
                      const struct sc_service_id *to)
{
    uint8_t text[4 + 2 + sizeof to->bytes];
    struct sc_writer w = sc_writer(text, sizeof text);
    sc_write_u32(&w, number);
    sc_write_u16(&w, port);
    sc_write_copy(&w, to->bytes, sizeof to->bytes);
    return sc_hash(s->map_seed, text, sizeof text) << 32 | number;
}

static bool is_ours(const struct sc_stack *s, const struct sc_header *h,
                    const struct sc_fragment *p)
{
    return h->number == id_of(s, (uint32_t)h->number, p->src_port, &p->to);
}

/* Where a packet for this host goes first. */
static const struct sc_underlay *way_to(const struct sc_stack *s, uint64_t host)
{
    const struct sc_underlay *direct = sc_locators_find(s, host);
    return direct || s->is_router ? direct : &s->config.router;
}

static bool has_service(const struct sc_service_id *id)
{
    static const struct sc_service_id none;
    return !sc_service_id_equal(id, &none);
}

static struct sc_fragment fragment_of(const struct sc_stack *s, const struct sc_datagram *d,
                                      uint64_t choice)
{
    unsigned flags = (d->answer ? SC_FRAGMENT_ANSWER : 0) | (d->unicast ? SC_FRAGMENT_UNICAST : 0) |
                     (has_service(&d->from) ? SC_FRAGMENT_FROM : 0);
    return (struct sc_fragment){.src = s->env.address,
                                .src_pool = s->env.pool,
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

static int send_fragments(struct sc_stack *s, const struct sc_underlay *to,
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
        if (!sc_outbox_join(s, SC_QUEUE_DATAGRAMS, to, packet, sc_writer_len(&w))) {
            s->counters.dropped_datagrams++;
            return -ENOBUFS;
        }
        at += size;
    } while (at < p->total);
    return 0;
}

static void undelivered(struct sc_stack *s, const struct sc_fragment *p)
{
    struct sc_event e = {.type = SC_EVENT_UNDELIVERED};
    e.datagram = (struct sc_datagram){.to = p->to, .from_port = p->src_port};
    sc_stack_notify(s, &e);
}

/* A router's own datagram that is bound late: the host that it chooses; NULL: nobody serves it. */
static const struct sc_underlay *choose_host(struct sc_stack *s, const struct sc_fragment *p)
{
    struct sc_choice c = {.hash = p->choice, .own = s->env.address, .remote_only = true};
    struct sc_instance *i = sc_service_table_choose(&s->services, &p->to, &c);
    const struct sc_host *host =
        i ? sc_hosts_find(&s->hosts, i->host) : sc_router_host_of(s, &p->to);
    if (host)
        sc_changes_use(s, &p->to);
    return host ? &host->underlay : NULL;
}

int sc_stack_send_datagram(struct sc_stack *s, const struct sc_datagram *d, uint64_t choice,
                           sc_time now)
{
    struct sc_fragment p = fragment_of(s, d, choice);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_DATAGRAM,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = d->to_host,
                          .number = id_of(s, s->datagrams.sent++, d->from_port, &d->to)};
    const struct sc_underlay *to;
    if (d->len > SC_DATAGRAM_PAYLOAD_MAX)
        return -EMSGSIZE;
    if (d->to_host) {
        to = way_to(s, d->to_host);
    } else if (s->is_router) {
        to = choose_host(s, &p);
        if (!to)
            undelivered(s, &p);
    } else {
        to = sc_registrar_reachable(s, now) ? &s->config.router : NULL;
    }
    if (!to && sc_registrar_is_new(s, now))
        return -ENOBUFS; /* as one that waits for its neighbour's address too long */
    if (!to)
        return s->is_router && !d->to_host ? 0 : -ENETUNREACH;
    return send_fragments(s, to, &h, &p, d->data);
}

/* --- what leads nowhere ----------------------------------------------------------------------- */

/* It goes back without its data, hence never longer than it came. */
static void send_back(struct sc_stack *s, struct sc_fragment p, uint64_t number,
                      const struct sc_underlay *to, sc_time now)
{
    uint8_t packet[SC_FRAGMENT_OVERHEAD];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_DATAGRAM,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = p.src,
                          .number = number};
    bool known = sc_stack_knows(s, p.src, to);
    if ((p.flags & SC_FRAGMENT_UNDELIVERED) || p.offset != 0 ||
        !sc_stack_allows(s, SC_RATE_RESET, to, known, now))
        return;
    p.flags = SC_FRAGMENT_UNDELIVERED;
    p.total = p.offset = 0;
    p.data.len = 0;
    p.origin = (struct sc_underlay){0};
    sc_fragment_write(&w, &h, &p);
    s->counters.refused++;
    sc_outbox_put(s, sc_stack_queue_for(known), to, packet, sc_writer_len(&w));
}

void sc_stack_refuse_datagram(struct sc_stack *s, const struct sc_datagram *d, sc_time now)
{
    const struct sc_underlay *to = way_to(s, d->from_host);
    struct sc_fragment p = {.src = d->from_host, .src_port = d->from_port, .to = d->to};
    if (to)
        send_back(s, p, d->id, to, now);
}

/* --- in --------------------------------------------------------------------------------------- */

static void deliver(struct sc_stack *s, const struct sc_header *h, const struct sc_fragment *p,
                    sc_time now)
{
    struct sc_event e = {.type = SC_EVENT_DATAGRAM};
    e.datagram = (struct sc_datagram){.to = p->to,
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
    if (p->data.len < p->total) {
        sc_assembly_add(s, &e.datagram, p, now);
        return;
    }
    struct sc_notice *n = sc_stack_notice_new(s, &e, p->data.len);
    if (!n)
        return;
    memcpy(n->data, p->data.data, p->data.len);
    n->event.datagram.data = n->data;
    n->event.datagram.len = p->data.len;
    sc_stack_post(s, n);
}

static void forward(struct sc_stack *s, const struct sc_host *host, uint8_t *data, size_t len,
                    const struct sc_underlay *from)
{
    if (!host || !host->up) {
        s->counters.dropped_unknown_address++;
    } else if (!sc_packet_hop(data, len)) {
        s->counters.dropped_hops++;
    } else {
        sc_packet_set_origin(data, len, from);
        if (sc_outbox_join(s, SC_QUEUE_FORWARDS, &host->underlay, data, len))
            s->counters.forwarded++;
        else
            s->counters.dropped_datagrams++;
    }
}

/* Bound late: the router's choice, or, on a host that the router chose, its own. */
static void bind_late(struct sc_stack *s, const struct sc_header *h, const struct sc_fragment *p,
                      uint8_t *data, size_t len, const struct sc_underlay *from, sc_time now)
{
    struct sc_choice c = {.hash = p->choice, .own = s->env.address, .local_only = !s->is_router};
    struct sc_instance *i = sc_service_table_choose(&s->services, &p->to, &c);
    const struct sc_host *host = i ? NULL : sc_router_host_of(s, &p->to);
    if (i || host)
        sc_changes_use(s, &p->to);
    if ((i && i->host == 0) || sc_stack_is_own_host(s, &p->to))
        deliver(s, h, p, now);
    else if (i || host)
        forward(s, i ? sc_hosts_find(&s->hosts, i->host) : host, data, len, from);
    else
        send_back(s, *p, h->number, p->origin.family ? &p->origin : from, now);
}

/* The underlay that the sender was heard from, unless that is a relay between us. */
static void learn(struct sc_stack *s, const struct sc_header *h, const struct sc_fragment *p,
                  const struct sc_underlay *from)
{
    bool direct = h->hop_limit == SC_HOP_LIMIT;
    bool by_router = !s->is_router && sc_underlay_equal(from, &s->config.router);
    if (p->src == s->env.address)
        return;
    if (direct)
        sc_locators_learn(s, p->src, from);
    else if (by_router)
        sc_locators_learn(s, p->src, &p->origin);
}

void sc_datagrams_on_packet(struct sc_stack *s, const struct sc_header *h, uint8_t *data,
                            size_t len, struct sc_reader *r, const struct sc_underlay *from,
                            sc_time now)
{
    struct sc_fragment p;
    sc_fragment_read(r, &p);
    if (r->bad) {
        s->counters.dropped_malformed++;
    } else if (p.flags & SC_FRAGMENT_UNDELIVERED) {
        if (h->dst == s->env.address && is_ours(s, h, &p))
            undelivered(s, &p);
        else
            s->counters.dropped_unknown_flow++;
    } else {
        learn(s, h, &p, from);
        if (h->dst)
            deliver(s, h, &p, now);
        else
            bind_late(s, h, &p, data, len, from, now);
    }
}
