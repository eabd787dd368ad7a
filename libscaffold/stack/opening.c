#include "stack/opening.h"

#include <errno.h>

#include "stack/binding.h"
#include "stack/forward.h"
#include "stack/ways.h"

/* --- who opens -------------------------------------------------------------------------------- */

struct opener {
    struct sc_underlay at;
    bool known;
    enum sc_queue queue;        /* for answers to it */
    struct sc_underlay answer;  /* where the OPEN started */
    struct sc_channel *channel; /* in which it came */
};

/* What our router forwards is done for whom it came from there, who may be anywhere. */
static struct opener opener_of(const struct sc_opening *o, const struct sc_open *p,
                               const struct sc_caller *caller)
{
    bool known = caller->known || sc_peers_knows(o->peers, p->src, &caller->at);
    bool direct = p->origin.family == 0;
    bool forwarded = !direct && sc_node_is_router(o->node, &caller->at);
    return (struct opener){.at = forwarded ? p->origin : caller->at,
                           .known = known,
                           .queue = sc_outbox_queue_for(known && direct),
                           .answer = direct ? caller->at : p->origin,
                           .channel = caller->channel};
}

/* In a channel: the way that the OPEN came, since only those with keys may refuse. */
static void refuse(struct sc_opening *o, const struct sc_open *p, const struct opener *who,
                   const struct sc_underlay *to, uint64_t src, enum sc_refusal why)
{
    struct sc_node *node = o->node;
    uint8_t packet[64];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_REFUSE,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = p->src,
                          .flow = p->src_flow};
    struct sc_refuse r = {.src = src, .open_id = p->open_id, .refusal = (uint8_t)why};
    sc_refuse_write(&w, &h, &r);
    node->counters.refused++;
    sc_channels_send(o->routing->channels, who->channel, to, who->queue, packet, sc_writer_len(&w));
}

static void retry(struct sc_node *node, const struct sc_open *p, const struct opener *who,
                  sc_time now)
{
    uint8_t packet[128], cookie[SC_COOKIE_MAX];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_RETRY,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = p->src,
                          .flow = p->src_flow};
    const struct sc_cookie_use use = {SC_COOKIE_OPEN, p->open_id};
    struct sc_retry r = {.open_id = p->open_id};
    r.cookie = (struct sc_field){cookie,
                                 sc_secrets_cookie(&node->secrets, &who->answer, use, now, cookie)};
    sc_retry_write(&w, &h, &r);
    node->counters.retries++;
    sc_outbox_put(&node->outbox, who->queue, &who->answer, packet, sc_writer_len(&w));
}

/* --- server ----------------------------------------------------------------------------------- */

/* With too many half-open flows only for who has shown that it is where it says, and then not too
 * often: what is confirmed late or never holds a flow for SC_HALF_OPEN_TIMEOUT. */
static bool may_be_half_open(struct sc_opening *o, const struct sc_open *p,
                             const struct opener *who, sc_time now)
{
    const struct sc_cookie_use use = {SC_COOKIE_OPEN, p->open_id};
    struct sc_node *node = o->node;
    if (o->flows->half_open < SC_HALF_OPEN_MAX)
        return true;
    if (sc_secrets_cookie_valid(&node->secrets, &who->answer, use, &p->cookie, now))
        return sc_node_allows(node, SC_RATE_CROWD, &who->at, who->known, now);
    node->counters.dropped_half_open++;
    retry(node, p, who, now);
    return false;
}

/* We serve it: answer to where the OPEN started. */
static void answer(struct sc_opening *o, const struct sc_open *p, const struct opener *who,
                   struct sc_instance *i, const struct sc_underlay *from, sc_time now)
{
    if (!may_be_half_open(o, p, who, now))
        return;
    struct sc_entry *e = sc_flows_answer(o->flows, p, now);
    if (!e) {
        o->node->counters.dropped_table_full++;
        return;
    }
    sc_flows_answered_for(e, i);
    e->relay = *from;
    e->unproven = who->queue == SC_QUEUE_STRANGERS;
    e->flow.via = who->answer; /* until it is confirmed there is no peer: anyone can claim to be */
    sc_flows_touch(o->flows, e, now);
}

/* A router refuses for the network, to whoever sent the OPEN; another host for itself, to whoever
 * began. */
static void refuse_unbound(struct sc_opening *o, const struct sc_open *p, const struct opener *who,
                           const struct sc_binding *b, const struct sc_underlay *from)
{
    if (b->reason == SC_REASON_UNSERVED)
        refuse(o, p, who, from, 0, SC_REFUSE_NO_INSTANCE);
    else
        refuse(o, p, who, &who->answer, o->node->env.address, SC_REFUSE_INSTANCE);
}

static struct sc_binding bind_open(struct sc_opening *o, const struct sc_open *p, sc_time now)
{
    struct sc_query q = {.service = p->service,
                         .hash = sc_binding_hash(o->node, p->open_id, p->attempt),
                         .exclude = p->exclude,
                         .exclude_count = p->exclude_count,
                         .scope = SC_SCOPE_ARRIVED,
                         .traffic = SC_TRAFFIC_FLOW};
    return sc_binding_choose(o->routing, &q, now);
}

static void pass_on(struct sc_opening *o, const struct sc_host *host, uint8_t *data, size_t len,
                    const struct sc_caller *caller)
{
    if (caller->channel)
        sc_forward_sealed(o->routing->channels, host, data, len, &caller->at);
    else
        sc_forward(o->node, host, data, len, &caller->at, &o->node->counters.dropped_queue);
}

void sc_opening_on_open(struct sc_opening *o, uint8_t *data, size_t len, struct sc_reader *r,
                        const struct sc_caller *caller, sc_time now)
{
    const struct sc_underlay *from = &caller->at;
    struct sc_open p;
    sc_open_read(r, &p);
    if (r->bad) {
        o->node->counters.dropped_malformed++;
        return;
    }
    if (caller->channel && o->node->router.family == 0)
        p.origin = (struct sc_underlay){0}; /* whatever a host says: it is where its channel is */
    struct opener who = opener_of(o, &p, caller);
    if (!sc_node_allows(o->node, SC_RATE_OPEN, &who.at, who.known, now))
        return;
    struct sc_entry *e = sc_flows_find_open(o->flows, &p);
    if (e) {
        sc_flow_on_open(&e->flow, &p, now);
        sc_flows_touch(o->flows, e, now);
        return;
    }
    struct sc_binding b = bind_open(o, &p, now);
    if (b.to == SC_BINDING_LOCAL)
        answer(o, &p, &who, b.instance, from, now);
    else if (b.to == SC_BINDING_HOST)
        pass_on(o, b.host, data, len, caller);
    else if (b.to == SC_BINDING_NOBODY)
        refuse_unbound(o, &p, &who, &b, from);
}

/* The client got no word from us and has taken the way its OPEN went: so do we, or either side
 * would wait for signs of life on a way that the other has left. */
static bool takes_the_relay(const struct sc_entry *e, const struct sc_header *h,
                            const struct sc_underlay *from)
{
    return e->flow.state == SC_FLOW_OPEN && !e->flow.relayed && sc_ways_is_relayed(h) &&
           sc_underlay_equal(&e->relay, from);
}

void sc_opening_on_confirm(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                           size_t len, const struct sc_underlay *from, sc_time now)
{
    struct sc_confirm c;
    struct sc_entry *e = sc_flows_find(o->flows, h->flow);
    sc_confirm_read(r, &c);
    if (r->bad) {
        o->node->counters.dropped_malformed++;
        return;
    }
    if (!e || e->flow.is_client || c.open_id != e->flow.open_id || c.src != e->flow.peer_address) {
        o->node->counters.dropped_unknown_flow++;
        if (!e) /* the client may have been silent for longer than a half-open flow lives */
            sc_resets_send(o->resets, h->flow, sc_ways_is_relayed(h) ? c.src : 0, len, from, now);
        return;
    }
    bool fresh = e->flow.state == SC_FLOW_ANSWERED;
    bool settles = fresh || takes_the_relay(e, h, from);
    bool room = !settles || sc_ways_settle(o->peers, e, sc_ways_is_relayed(h), c.src, from, now);
    sc_flow_on_confirm(&e->flow, h, &c, now);
    if (!room)
        sc_flow_abort(&e->flow, SC_ABORT_NO_MEMORY, ENOBUFS, now);
    else if (fresh && !e->instance)
        sc_flow_abort(&e->flow, SC_ABORT_REFUSED, ECONNREFUSED, now);
    if (e->peer && sc_underlay_equal(&e->peer->underlay, from))
        sc_peers_heard(o->peers, e->peer, c.epoch, now);
    sc_flows_fed(o->flows, e);
}

/* --- client ----------------------------------------------------------------------------------- */

void sc_opening_on_answer(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                          const struct sc_underlay *from, sc_time now)
{
    struct sc_answer a;
    struct sc_entry *e = sc_flows_find(o->flows, h->flow);
    sc_answer_read(r, &a);
    if (r->bad || !e || !e->flow.is_client || a.open_id != e->flow.open_id) {
        o->node->counters.dropped_unknown_flow += !r->bad;
        o->node->counters.dropped_malformed += r->bad;
        return;
    }
    bool first = e->flow.state == SC_FLOW_OPENING;
    sc_flow_on_answer(&e->flow, &a, now);
    if (first && e->flow.state == SC_FLOW_OPEN) {
        if (sc_ways_settle(o->peers, e, sc_ways_is_relayed(h), a.src, from, now))
            sc_peers_heard(o->peers, e->peer, a.epoch, now);
        else
            sc_flow_abort(&e->flow, SC_ABORT_NO_MEMORY, ENOBUFS, now);
    } else if (sc_ways_is_relayed(h) && !sc_flow_answer_is_stray(&e->flow, &a)) {
        e->relay = *from; /* our third packet may not get through directly */
    }
    sc_flows_fed(o->flows, e);
}

void sc_opening_on_refuse(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                          sc_time now)
{
    struct sc_refuse p;
    struct sc_entry *e = sc_flows_find(o->flows, h->flow);
    sc_refuse_read(r, &p);
    if (r->bad || !e) {
        o->node->counters.dropped_malformed += r->bad;
        o->node->counters.dropped_unknown_flow += !r->bad;
        return;
    }
    sc_flow_on_refuse(&e->flow, &p, now);
    sc_flows_fed(o->flows, e);
}

void sc_opening_on_retry(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                         sc_time now)
{
    struct sc_retry p;
    struct sc_entry *e = sc_flows_find(o->flows, h->flow);
    sc_retry_read(r, &p);
    if (r->bad || !e) {
        o->node->counters.dropped_malformed += r->bad;
        o->node->counters.dropped_unknown_flow += !r->bad;
        return;
    }
    sc_flow_on_retry(&e->flow, &p, now);
    sc_flows_fed(o->flows, e);
}
