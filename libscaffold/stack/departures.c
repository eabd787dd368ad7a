#include "stack/departures.h"

#include "stack/binding.h"
#include "stack/ways.h"

static void refuse_own(struct sc_flow *f, enum sc_refusal why, sc_time now)
{
    struct sc_refuse p = {.open_id = f->open_id, .refusal = (uint8_t)why};
    sc_flow_on_refuse(f, &p, now);
}

/* Our own OPEN. While nobody can say where it goes, it is repeated. */
static bool address_open(struct sc_departures *d, struct sc_flow *f, struct sc_train *t,
                         sc_time now)
{
    struct sc_query q = {.service = f->service,
                         .hash = sc_binding_hash(d->node, f->open_id, f->opening.attempt),
                         .exclude = f->opening.exclude,
                         .exclude_count = f->opening.exclude_count,
                         .scope = SC_SCOPE_OWN,
                         .traffic = SC_TRAFFIC_FLOW};
    struct sc_binding b = sc_binding_choose(d->routing, &q, now);
    if (b.to == SC_BINDING_NOBODY)
        refuse_own(f, b.reason == SC_REASON_NO_ROUTE ? SC_REFUSE_NO_ROUTE : SC_REFUSE_NO_INSTANCE,
                   now);
    if (!b.way)
        return false;
    t->to = *b.way;
    return true;
}

/* Where packets of this flow go. False when it is not known. */
static bool address_train(struct sc_departures *d, struct sc_entry *e, struct sc_train *t,
                          sc_time now)
{
    if (t->dst == 0)
        return address_open(d, &e->flow, t, now);
    t->to = sc_ways_of(e);
    return t->to.family != 0;
}

bool sc_departures_drain(struct sc_departures *d, struct sc_train *t, sc_time now)
{
    for (struct sc_entry *e; (e = sc_flows_take_ready(d->flows)) != NULL;) {
        if (!sc_flow_produce(&e->flow, t, now)) {
            sc_flows_arm(d->flows, e, now); /* not now after all: its deadline says when */
            continue;
        }
        bool known = address_train(d, e, t, now);
        t->expendable = e->unproven && e->flow.state == SC_FLOW_ANSWERED;
        if (!known)
            d->node->counters.dropped_unknown_address++;
        sc_flows_touch(d->flows, e, now); /* to the back of the list when there is more */
        if (known)
            return true;
    }
    return false;
}

bool sc_departures_pending(const struct sc_departures *d)
{
    return !sc_list_empty(&d->flows->ready);
}

void sc_departures_tick(struct sc_departures *d, sc_time now)
{
    for (struct sc_entry *e; (e = sc_flows_take_due(d->flows, now)) != NULL;) {
        sc_flow_on_timer(&e->flow, now);
        sc_ways_consider_relay(d->peers, e, now);
        sc_flows_touch(d->flows, e, now);
    }
}

/* The flow that a train belongs to is named in its first packet: by the peer's id, which is not
 * ours to look up, so the peer's flows are asked who uses it. */
void sc_departures_too_large(struct sc_departures *d, const struct sc_train *t, sc_time now)
{
    struct sc_peer *p = t->dst ? sc_peers_find(d->peers, t->dst, &t->to) : NULL;
    if (!p || t->iov_count == 0)
        return;
    struct sc_reader r = sc_reader(t->iov[0].iov_base, t->iov[0].iov_len);
    struct sc_header h;
    sc_header_read(&r, &h);
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &p->flows)
    {
        struct sc_entry *e = sc_container(it, struct sc_entry, siblings);
        if (e->flow.peer_id != h.flow)
            continue;
        sc_flow_on_too_large(&e->flow, t->segment, now);
        sc_flows_touch(d->flows, e, now);
        return;
    }
}
