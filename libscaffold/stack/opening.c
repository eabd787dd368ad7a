#include "stack/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

/* --- which instance --------------------------------------------------------------------------- */

/* The same for every repetition of one attempt, so that they all meet the same instance; the next
 * attempt's is another one, where there are several. */
static uint64_t choice_hash(const struct sc_stack *s, uint64_t open_id, uint8_t attempt)
{
    return sc_hash(s->map_seed, &open_id, sizeof open_id) + attempt;
}

/* An instance of a datagram service takes no flows, and its owner could not tell one from its own.
 */
static bool has_flows(const struct sc_service_id *id)
{
    return sc_service_id_proto(id) == IPPROTO_TCP || sc_service_id_proto(id) == 0;
}

static struct sc_instance *choose(struct sc_stack *s, const struct sc_open *p, bool local_only)
{
    struct sc_choice c = {.hash = choice_hash(s, p->open_id, p->attempt),
                          .exclude = p->exclude,
                          .exclude_count = p->exclude_count,
                          .own = s->env.address,
                          .local_only = local_only};
    return sc_service_table_choose(&s->services, &p->service, &c);
}

/* The host that is meant by its own name, unless it has refused already. */
static const struct sc_host *named_host(const struct sc_stack *s, const struct sc_service_id *id,
                                        const uint64_t *exclude, size_t count)
{
    const struct sc_host *h = sc_router_host_of(s, id);
    for (size_t i = 0; h && i < count; i++)
        if (exclude[i] == h->address)
            return NULL;
    return h;
}

/* Somebody wants a port of this very host, whatever service it belongs to. */
static struct sc_instance *choose_port(struct sc_stack *s, const struct sc_open *p)
{
    if (!sc_stack_is_own_host(s, &p->service))
        return NULL;
    return sc_service_table_local(&s->services, sc_service_id_port(&p->service),
                                  sc_service_id_proto(&p->service));
}

static struct sc_instance *find_instance(struct sc_stack *s, const struct sc_open *p)
{
    if (!has_flows(&p->service))
        return NULL;
    struct sc_instance *i = choose(s, p, !s->is_router);
    return i ? i : choose_port(s, p);
}

/* --- who opens -------------------------------------------------------------------------------- */

struct opener {
    struct sc_underlay at;
    bool known;
    enum sc_queue queue; /* for answers to it */
};

/* What our router forwards is done for whom it came from there, who may be anywhere. */
static struct opener opener_of(const struct sc_stack *s, const struct sc_open *p,
                               const struct sc_underlay *from)
{
    bool known = sc_stack_knows(s, p->src, from), direct = p->origin.family == 0;
    bool forwarded = !direct && !s->is_router && sc_underlay_equal(from, &s->config.router);
    return (struct opener){.at = forwarded ? p->origin : *from,
                           .known = known,
                           .queue = sc_stack_queue_for(known && direct)};
}

static void refuse(struct sc_stack *s, const struct sc_open *p, const struct opener *o,
                   const struct sc_underlay *to, uint64_t src, enum sc_refusal why)
{
    uint8_t packet[64];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_REFUSE,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = p->src,
                          .flow = p->src_flow};
    struct sc_refuse r = {.src = src, .open_id = p->open_id, .refusal = (uint8_t)why};
    sc_refuse_write(&w, &h, &r);
    s->counters.refused++;
    sc_outbox_put(s, o->queue, to, packet, sc_writer_len(&w));
}

static void retry(struct sc_stack *s, const struct sc_open *p, const struct opener *o,
                  const struct sc_underlay *to, sc_time now)
{
    uint8_t packet[128], cookie[32];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_RETRY,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = p->src,
                          .flow = p->src_flow};
    struct sc_retry r = {.open_id = p->open_id};
    r.cookie = (struct sc_field){cookie, sc_secrets_cookie(s, to, p->open_id, now, cookie)};
    sc_retry_write(&w, &h, &r);
    s->counters.retries++;
    sc_outbox_put(s, o->queue, to, packet, sc_writer_len(&w));
}

/* --- server ----------------------------------------------------------------------------------- */

static struct sc_entry *find_open(const struct sc_stack *s, const struct sc_open *p)
{
    struct sc_flow key = {.open_key = {p->src, p->open_id, p->src_flow, 0}};
    struct sc_map_node *n = sc_map_find(&s->opens, &key.open_key);
    return n ? sc_entry_of(sc_container(n, struct sc_flow, by_open)) : NULL;
}

/* The half-open flow for an OPEN; NULL when there is no room. */
static struct sc_entry *new_server_flow(struct sc_stack *s, const struct sc_open *p, sc_time now)
{
    struct sc_entry *e = sc_flows_new(s);
    uint8_t token[SC_TOKEN_LEN];
    if (!e)
        return NULL;
    uint32_t id = e->flow.id;
    sc_secrets_token(s, id, token);
    sc_flow_init_server(&e->flow, &s->env, id, p, token, now);
    if (sc_flows_insert(s, e) < 0 || sc_map_insert(&s->opens, &e->flow.by_open) < 0) {
        sc_map_remove(&s->flows, &e->flow.by_id);
        sc_flow_fini(&e->flow);
        free(e);
        return NULL;
    }
    return e;
}

/* With too many half-open flows only for who has shown that it is where it says, and then not too
 * often: what is confirmed late or never holds a flow for SC_HALF_OPEN_TIMEOUT. */
static bool may_be_half_open(struct sc_stack *s, const struct sc_open *p, const struct opener *o,
                             const struct sc_underlay *to, sc_time now)
{
    if (s->half_open < SC_HALF_OPEN_MAX)
        return true;
    if (sc_secrets_cookie_valid(s, to, p->open_id, &p->cookie, now))
        return sc_stack_allows(s, SC_RATE_CROWD, &o->at, o->known, now);
    s->counters.dropped_half_open++;
    retry(s, p, o, to, now);
    return false;
}

/* We serve it: answer to where the OPEN started. */
static void answer(struct sc_stack *s, const struct sc_open *p, const struct opener *o,
                   struct sc_instance *i, const struct sc_underlay *from, sc_time now)
{
    const struct sc_underlay *to = p->origin.family ? &p->origin : from;
    if (!may_be_half_open(s, p, o, to, now))
        return;
    struct sc_entry *e = new_server_flow(s, p, now);
    if (!e) {
        s->counters.dropped_table_full++;
        return;
    }
    sc_flows_answered_for(e, i);
    e->relay = *from;
    e->unproven = o->queue == SC_QUEUE_STRANGERS;
    e->flow.via = *to; /* until it is confirmed there is no peer: anyone can claim to be one */
    sc_flows_touch(s, e, now);
}

static void forward_open(struct sc_stack *s, const struct sc_host *host, uint8_t *data, size_t len,
                         const struct sc_underlay *from)
{
    if (!host) {
        s->counters.dropped_unknown_address++;
    } else if (!sc_packet_hop(data, len)) {
        s->counters.dropped_hops++;
    } else {
        sc_packet_set_origin(data, len, from);
        if (sc_outbox_join(s, SC_QUEUE_FORWARDS, &host->underlay, data, len))
            s->counters.forwarded++;
        else
            s->counters.dropped_queue++;
    }
}

void sc_opening_on_open(struct sc_stack *s, uint8_t *data, size_t len, struct sc_reader *r,
                        const struct sc_underlay *from, sc_time now)
{
    struct sc_open p;
    sc_open_read(r, &p);
    if (r->bad) {
        s->counters.dropped_malformed++;
        return;
    }
    struct opener o = opener_of(s, &p, from);
    if (!sc_stack_allows(s, SC_RATE_OPEN, &o.at, o.known, now))
        return;
    struct sc_entry *e = find_open(s, &p);
    if (e) {
        sc_flow_on_open(&e->flow, &p, now);
        sc_flows_touch(s, e, now);
        return;
    }
    struct sc_instance *i = find_instance(s, &p);
    const struct sc_host *host = i ? sc_hosts_find(&s->hosts, i->host)
                                   : named_host(s, &p.service, p.exclude, p.exclude_count);
    if (i || host)
        sc_changes_use(s, &p.service);
    if (i && i->host == 0)
        answer(s, &p, &o, i, from, now);
    else if (i || host)
        forward_open(s, host, data, len, from);
    else if (s->is_router)
        refuse(s, &p, &o, from, 0, SC_REFUSE_NO_INSTANCE);
    else
        refuse(s, &p, &o, p.origin.family ? &p.origin : from, s->env.address, SC_REFUSE_INSTANCE);
}

/* A packet that lost hops came through a relay. */
static bool is_relayed(const struct sc_header *h)
{
    return h->hop_limit < SC_HOP_LIMIT;
}

/* From now on the flow's packets go there. */
static bool settle_route(struct sc_stack *s, struct sc_entry *e, bool relayed, uint64_t address,
                         const struct sc_underlay *to, sc_time now)
{
    bool room = sc_peers_adopt(s, e, address, to, now);
    e->flow.relayed = relayed;
    e->flow.via = relayed || !room ? *to : (struct sc_underlay){0};
    return room;
}

/* The client got no word from us and has taken the way its OPEN went: so do we, or either side
 * would wait for signs of life on a way that the other has left. */
static bool takes_the_relay(const struct sc_entry *e, const struct sc_header *h,
                            const struct sc_underlay *from)
{
    return e->flow.state == SC_FLOW_OPEN && !e->flow.relayed && is_relayed(h) &&
           sc_underlay_equal(&e->relay, from);
}

void sc_opening_on_confirm(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                           size_t len, const struct sc_underlay *from, sc_time now)
{
    struct sc_confirm c;
    struct sc_entry *e = sc_flows_find(s, h->flow);
    sc_confirm_read(r, &c);
    if (r->bad) {
        s->counters.dropped_malformed++;
        return;
    }
    if (!e || e->flow.is_client || c.open_id != e->flow.open_id || c.src != e->flow.peer_address) {
        s->counters.dropped_unknown_flow++;
        if (!e) /* the client may have been silent for longer than a half-open flow lives */
            sc_resets_send(s, h->flow, is_relayed(h) ? c.src : 0, len, from, now);
        return;
    }
    bool fresh = e->flow.state == SC_FLOW_ANSWERED;
    bool settles = fresh || takes_the_relay(e, h, from);
    bool room = !settles || settle_route(s, e, is_relayed(h), c.src, from, now);
    sc_flow_on_confirm(&e->flow, h, &c, now);
    if (!room)
        sc_flow_abort(&e->flow, SC_ABORT_NO_MEMORY, ENOBUFS, now);
    else if (fresh && !e->instance)
        sc_flow_abort(&e->flow, SC_ABORT_REFUSED, ECONNREFUSED, now);
    if (e->peer && sc_underlay_equal(&e->peer->underlay, from))
        sc_peers_heard(s, e->peer, c.epoch, now);
    sc_flows_fed(s, e);
}

/* --- client ----------------------------------------------------------------------------------- */

void sc_opening_on_answer(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                          const struct sc_underlay *from, sc_time now)
{
    struct sc_answer a;
    struct sc_entry *e = sc_flows_find(s, h->flow);
    sc_answer_read(r, &a);
    if (r->bad || !e || !e->flow.is_client || a.open_id != e->flow.open_id) {
        s->counters.dropped_unknown_flow += !r->bad;
        s->counters.dropped_malformed += r->bad;
        return;
    }
    bool first = e->flow.state == SC_FLOW_OPENING;
    sc_flow_on_answer(&e->flow, &a, now);
    if (first && e->flow.state == SC_FLOW_OPEN) {
        if (settle_route(s, e, is_relayed(h), a.src, from, now))
            sc_peers_heard(s, e->peer, a.epoch, now);
        else
            sc_flow_abort(&e->flow, SC_ABORT_NO_MEMORY, ENOBUFS, now);
    } else if (is_relayed(h) && !sc_flow_answer_is_stray(&e->flow, &a)) {
        e->relay = *from; /* our third packet may not get through directly */
    }
    sc_flows_fed(s, e);
}

void sc_opening_on_refuse(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                          sc_time now)
{
    struct sc_refuse p;
    struct sc_entry *e = sc_flows_find(s, h->flow);
    sc_refuse_read(r, &p);
    if (r->bad || !e) {
        s->counters.dropped_malformed += r->bad;
        s->counters.dropped_unknown_flow += !r->bad;
        return;
    }
    sc_flow_on_refuse(&e->flow, &p, now);
    sc_flows_fed(s, e);
}

void sc_opening_on_retry(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                         sc_time now)
{
    struct sc_retry p;
    struct sc_entry *e = sc_flows_find(s, h->flow);
    sc_retry_read(r, &p);
    if (r->bad || !e) {
        s->counters.dropped_malformed += r->bad;
        s->counters.dropped_unknown_flow += !r->bad;
        return;
    }
    sc_flow_on_retry(&e->flow, &p, now);
    sc_flows_fed(s, e);
}

static void refuse_own(struct sc_entry *e, enum sc_refusal why, sc_time now)
{
    struct sc_refuse p = {.open_id = e->flow.open_id, .refusal = (uint8_t)why};
    sc_flow_on_refuse(&e->flow, &p, now);
}

/* Our own OPEN: a router chooses at once, a host leaves it to its router. One that has not joined
 * yet repeats it, since nobody could answer it now. */
bool sc_opening_route(struct sc_stack *s, struct sc_entry *e, struct sc_train *t, sc_time now)
{
    if (!s->is_router) {
        bool reachable = sc_registrar_reachable(s, now);
        if (!reachable && !sc_registrar_is_new(s, now))
            refuse_own(e, SC_REFUSE_NO_ROUTE, now);
        t->to = s->config.router;
        return reachable;
    }
    struct sc_flow *f = &e->flow;
    struct sc_choice c = {.hash = choice_hash(s, f->open_id, f->opening.attempt),
                          .exclude = f->opening.exclude,
                          .exclude_count = f->opening.exclude_count,
                          .own = s->env.address,
                          .remote_only = true};
    struct sc_instance *i = sc_service_table_choose(&s->services, &f->service, &c);
    const struct sc_host *host =
        i ? sc_hosts_find(&s->hosts, i->host)
          : named_host(s, &f->service, f->opening.exclude, f->opening.exclude_count);
    if (!host) {
        refuse_own(e, SC_REFUSE_NO_INSTANCE, now);
        return false;
    }
    sc_changes_use(s, &f->service);
    t->to = host->underlay;
    return true;
}

/* --- both ------------------------------------------------------------------------------------- */

/* Without direct word from the client (NAT or a firewall, perhaps) the ANSWER is repeated through
 * the relay. A client whose third packet then draws nothing takes that way, too. */
void sc_opening_consider_relay(struct sc_stack *s, struct sc_entry *e, sc_time now)
{
    struct sc_flow *f = &e->flow;
    if (f->relayed || e->relay.family == 0)
        return;
    if (f->state == SC_FLOW_ANSWERED && now >= f->answered_at + SC_OPEN_RELAY_AFTER) {
        f->relayed = true;
        f->want_answer |= !sc_underlay_equal(&e->relay, &f->via);
        f->via = e->relay;
    } else if (f->state == SC_FLOW_OPEN && f->is_client && f->opening.confirming &&
               f->recovery.timeouts > 0) {
        settle_route(s, e, true, f->peer_address, &e->relay, now);
    }
}
