#include "stack/internal.h"

#include <errno.h>
#include <stdlib.h>

/* The earliest of a flow's own deadline and what the stack wants of it. */
static sc_time deadline_of(const struct sc_entry *e)
{
    sc_time at = sc_flow_deadline(&e->flow);
    if (e->flow.state == SC_FLOW_ANSWERED && !e->flow.relayed)
        at = sc_time_min(at, e->flow.answered_at + SC_OPEN_RELAY_AFTER);
    return at;
}

struct sc_entry *sc_flows_new(struct sc_stack *s)
{
    if (s->flows.count >= SC_FLOWS_MAX)
        return NULL;
    struct sc_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    do
        e->flow.id = (uint32_t)sc_rng_next(&s->rng);
    while (e->flow.id == 0 || sc_map_find(&s->flows, &e->flow.id));
    return e;
}

int sc_flows_insert(struct sc_stack *s, struct sc_entry *e)
{
    sc_list_init(&e->fed);
    sc_list_init(&e->of_instance);
    return sc_map_insert(&s->flows, &e->flow.by_id);
}

struct sc_entry *sc_flows_find(const struct sc_stack *s, uint32_t id)
{
    struct sc_map_node *n = sc_map_find(&s->flows, &id);
    return n ? sc_entry_of(sc_container(n, struct sc_flow, by_id)) : NULL;
}

/* Keeps the number of answered, unconfirmed flows. */
static void count_half_open(struct sc_stack *s, struct sc_entry *e, bool half_open)
{
    if (half_open && !e->half_open)
        s->half_open++;
    else if (!half_open && e->half_open)
        s->half_open--;
    e->half_open = half_open;
}

static void free_flow(struct sc_stack *s, struct sc_entry *e)
{
    struct sc_flow *f = &e->flow;
    count_half_open(s, e, false);
    sc_list_remove(&f->ready);
    sc_list_remove(&f->changed);
    sc_list_remove(&e->fed);
    sc_list_remove(&e->of_instance);
    sc_heap_set(&s->flow_timers, &f->timer, SC_NEVER);
    sc_map_remove(&s->flows, &f->by_id);
    sc_map_remove(&s->opens, &f->by_open);
    sc_map_remove(&s->by_token, &e->by_token);
    sc_peers_drop(s, e);
    sc_flow_fini(f);
    free(e);
}

void sc_flows_note(struct sc_stack *s, struct sc_entry *e)
{
    if (e->flow.events && sc_list_empty(&e->flow.changed))
        sc_list_append(&s->changed, &e->flow.changed);
}

void sc_flows_answered_for(struct sc_entry *e, struct sc_instance *i)
{
    e->instance = i;
    sc_list_remove(&e->of_instance);
    if (i)
        sc_list_append(&i->flows, &e->of_instance);
}

void sc_flows_fed(struct sc_stack *s, struct sc_entry *e)
{
    if (sc_list_empty(&e->fed))
        sc_list_append(&s->fed, &e->fed);
    sc_flows_note(s, e);
}

/* A flow on the ready list is looked at when the link takes its train; that its pacer is due
 * already must not be a deadline in the past, which nothing but sending would move. */
static void arm(struct sc_stack *s, struct sc_entry *e, sc_time now)
{
    sc_time at = deadline_of(e);
    if (at <= now && !sc_list_empty(&e->flow.ready))
        at = now + SC_MS;
    if (sc_heap_set(&s->flow_timers, &e->flow.timer, at) < 0)
        s->counters.dropped_memory++;
}

/* From now on the peer may reset it. One that gives several of its flows the same token can reset
 * one of them. */
static void note_token(struct sc_stack *s, struct sc_entry *e)
{
    if (e->flow.peer_epoch && !e->by_token.linked &&
        !sc_map_find(&s->by_token, e->flow.peer_token) &&
        sc_map_insert(&s->by_token, &e->by_token) < 0)
        s->counters.dropped_memory++;
}

void sc_flows_touch(struct sc_stack *s, struct sc_entry *e, sc_time now)
{
    struct sc_flow *f = &e->flow;
    note_token(s, e);
    sc_flows_note(s, e);
    count_half_open(s, e, f->state == SC_FLOW_ANSWERED);
    if (f->state == SC_FLOW_DEAD)
        sc_peers_drop(s, e); /* however long its owner keeps it: its peer is not asked for it */
    if (f->state == SC_FLOW_DEAD && !e->owned) {
        free_flow(s, e);
        return;
    }
    bool wants = sc_flow_wants_send(f, now);
    if (wants && sc_list_empty(&f->ready))
        sc_list_append(&s->ready, &f->ready);
    arm(s, e, now);
}

void sc_flows_settle(struct sc_stack *s, sc_time now)
{
    struct sc_list *first;
    while ((first = sc_list_first(&s->fed)) != NULL) {
        struct sc_entry *e = sc_container(first, struct sc_entry, fed);
        sc_list_remove(&e->fed);
        sc_flow_settle(&e->flow, now);
        sc_flows_touch(s, e, now);
    }
}

/* Where packets of this flow go. False when it is not known. */
static bool address_train(struct sc_stack *s, struct sc_entry *e, struct sc_train *t, sc_time now)
{
    if (t->dst == 0)
        return sc_opening_route(s, e, t, now);
    t->to = e->flow.via;
    if (t->to.family == 0 && e->peer)
        t->to = e->peer->underlay;
    return t->to.family != 0;
}

bool sc_flows_drain(struct sc_stack *s, struct sc_train *t, sc_time now)
{
    struct sc_list *first;
    while ((first = sc_list_first(&s->ready)) != NULL) {
        struct sc_entry *e = sc_entry_of(sc_container(first, struct sc_flow, ready));
        sc_list_remove(first);
        if (!sc_flow_produce(&e->flow, t, now)) {
            arm(s, e, now); /* not now after all: its deadline says when */
            continue;
        }
        bool known = address_train(s, e, t, now);
        t->expendable = e->unproven && e->flow.state == SC_FLOW_ANSWERED;
        if (!known)
            s->counters.dropped_unknown_address++;
        sc_flows_touch(s, e, now); /* to the back of the list when there is more */
        if (known)
            return true;
    }
    return false;
}

void sc_flows_tick(struct sc_stack *s, sc_time now)
{
    struct sc_timer *t;
    while ((t = sc_heap_pop_due(&s->flow_timers, now)) != NULL) {
        struct sc_entry *e = sc_entry_of(sc_container(t, struct sc_flow, timer));
        sc_flow_on_timer(&e->flow, now);
        sc_opening_consider_relay(s, e, now);
        sc_flows_touch(s, e, now);
    }
}

void sc_flows_forget_instance(struct sc_stack *s, struct sc_instance *i, sc_time now)
{
    struct sc_list *first;
    while ((first = sc_list_first(&i->flows)) != NULL) {
        struct sc_entry *e = sc_container(first, struct sc_entry, of_instance);
        sc_flows_answered_for(e, NULL);
        if (!e->arrived) { /* nobody will take it any more */
            sc_flow_abort(&e->flow, SC_ABORT_REFUSED, ECONNREFUSED, now);
            sc_flows_touch(s, e, now); /* it has failed, so it is not freed yet */
        }
    }
}

void sc_flows_fini(struct sc_stack *s)
{
    struct sc_map_node *next;
    for (struct sc_map_node *n = sc_map_next(&s->flows, NULL); n; n = next) {
        next = sc_map_next(&s->flows, n);
        free_flow(s, sc_entry_of(sc_container(n, struct sc_flow, by_id)));
    }
    sc_map_fini(&s->flows);
    sc_map_fini(&s->opens);
    sc_map_fini(&s->by_token);
    sc_heap_fini(&s->flow_timers);
}

/* --- the owner's calls ------------------------------------------------------------------------ */

int sc_stack_connect(struct sc_stack *s, const struct sc_service_id *service, uint16_t own_port,
                     sc_time timeout, void *app, struct sc_flow **flow, sc_time now)
{
    struct sc_entry *e = sc_flows_new(s);
    if (!e)
        return s->flows.count >= SC_FLOWS_MAX ? -ENOBUFS : -ENOMEM;
    uint32_t id = e->flow.id;
    sc_flow_init_client(&e->flow, &s->env, id, service, own_port, timeout, now);
    if (sc_flows_insert(s, e) < 0) {
        sc_flow_fini(&e->flow);
        free(e);
        return -ENOMEM;
    }
    sc_secrets_token(s, id, e->flow.own_token);
    e->owned = e->accepted = true;
    e->flow.app = app;
    *flow = &e->flow;
    sc_flows_touch(s, e, now);
    return 0;
}

void sc_stack_accept(struct sc_stack *s, struct sc_flow *f, void *app)
{
    struct sc_entry *e = sc_entry_of(f);
    e->accepted = true;
    f->app = app;
    sc_flows_note(s, e);
}

void sc_stack_touch(struct sc_stack *s, struct sc_flow *f, sc_time now)
{
    sc_flows_touch(s, sc_entry_of(f), now);
}

/* It delivers what was written, as long as somebody reads it. */
static void orphan(struct sc_flow *f, sc_time now)
{
    sc_flow_recv_discard(f, now);
    if (f->user_timeout == 0 || f->user_timeout > SC_ORPHAN_TIMEOUT)
        f->user_timeout = SC_ORPHAN_TIMEOUT;
    f->progress_at = now;
}

void sc_stack_release(struct sc_stack *s, struct sc_flow *f, sc_time now)
{
    struct sc_entry *e = sc_entry_of(f);
    e->owned = e->arrived = false;
    sc_flows_answered_for(
        e, NULL); /* it was taken: neither offered again, nor ended with its listener */
    f->app = NULL;
    f->events = 0;
    sc_list_remove(&f->changed);
    if (f->state == SC_FLOW_OPEN || f->state == SC_FLOW_OPENING) {
        if (!f->send.fin)
            sc_flow_abort(f, SC_ABORT_RESET, ECONNABORTED, now);
        else
            orphan(f, now);
        f->events = 0;
    }
    sc_flows_touch(s, e, now);
}
