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
                         const struct sc_link **link, sc_time now)
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
    *link = b.link;
    return true;
}

/* Where packets of this flow go. False when it is not known. */
static bool address_train(struct sc_departures *d, struct sc_entry *e, struct sc_train *t,
                          const struct sc_link **link, sc_time now)
{
    *link = NULL;
    if (t->dst == 0)
        return address_open(d, &e->flow, t, link, now);
    t->to = sc_ways_of(e);
    return t->to.family != 0;
}

/* Whoever is next goes to the same place, and would go along. */
static bool has_company(const struct sc_departures *d, const struct sc_entry *e)
{
    const struct sc_list *first = sc_list_first(&d->flows->ready);
    if (!first)
        return false;
    const struct sc_entry *next = sc_container(first, struct sc_entry, ready);
    struct sc_underlay here = sc_ways_of(e), there = sc_ways_of(next);
    return e->flow.peer_address == next->flow.peer_address && sc_underlay_equal(&here, &there);
}

/* The only packet of the train leaves in a channel, with those that are no flow's. */
static void send_sealed(struct sc_departures *d, struct sc_train *t, const struct sc_link *link,
                        sc_time now)
{
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_departures_close(d, t, now);
    for (size_t i = 0; i < t->iov_count; i++)
        sc_write_copy(&w, t->iov[i].iov_base, t->iov[i].iov_len);
    if (!w.bad)
        sc_channels_send(d->routing->channels, link->now, &t->to, SC_QUEUE_OWN, packet,
                         sc_writer_len(&w));
}

bool sc_departures_lead(struct sc_departures *d, struct sc_train *t, bool company, sc_time now)
{
    for (struct sc_entry *e; (e = sc_flows_take_ready(d->flows)) != NULL;) {
        sc_train_begin(t, e->flow.peer_address);
        t->crowded = company && has_company(d, e);
        if (!sc_flow_produce(&e->flow, t, now)) {
            sc_flows_arm(d->flows, e, now); /* not now after all: its deadline says when */
            continue;
        }
        const struct sc_link *link;
        if (address_train(d, e, t, &link, now)) {
            if (link && d->node->secure) {
                send_sealed(d, t, link, now);
                continue;
            }
            t->expendable = e->unproven && e->flow.state == SC_FLOW_ANSWERED;
            return true;
        }
        d->node->counters.dropped_unknown_address++;
        sc_departures_close(d, t, now);
    }
    return false;
}

/* It goes where the train goes. */
static bool goes_along(const struct sc_entry *e, const struct sc_train *t)
{
    struct sc_underlay to = sc_ways_of(e);
    return e->flow.peer_address == t->dst && sc_underlay_equal(&to, &t->to);
}

void sc_departures_join(struct sc_departures *d, struct sc_train *t, sc_time now)
{
    size_t in_vain = 0;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->flows->ready)
    {
        struct sc_entry *e = sc_container(it, struct sc_entry, ready);
        if (sc_train_is_full(t) || in_vain == SC_TRAIN_LOOK)
            return;
        if (goes_along(e, t) && sc_flow_produce(&e->flow, t, now))
            sc_list_remove(it);
        else
            in_vain++;
    }
}

/* Each to the back of the list when it has more. */
void sc_departures_close(struct sc_departures *d, struct sc_train *t, sc_time now)
{
    sc_train_close(t, now);
    const struct sc_flow *last = NULL;
    for (size_t i = 0; i < t->packet_count; i++) {
        struct sc_flow *f = t->packet[i].flow;
        if (f != last)
            sc_flows_touch(d->flows, sc_entry_of(f), now);
        last = f;
    }
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
        sc_ways_follow(d->peers, e, now);
        sc_flows_touch(d->flows, e, now);
    }
}

void sc_departures_too_large(struct sc_departures *d, const struct sc_train *t, size_t segment,
                             sc_time now)
{
    if (segment >= t->packet_count || t->dst == 0)
        return;
    const struct sc_packet *p = &t->packet[segment];
    sc_flow_on_too_large(p->flow, p->sent.size, now);
    sc_flows_touch(d->flows, sc_entry_of(p->flow), now);
}
