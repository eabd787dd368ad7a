#include "stack/flows.h"

#include <errno.h>
#include <stdlib.h>

#include "stack/ways.h"

void sc_flows_init(struct sc_flows *all, struct sc_node *node, struct sc_peers *peers,
                   size_t memory_max)
{
    all->node = node;
    all->peers = peers;
    sc_block_pool_init(&all->blocks, memory_max);
    SC_MAP_INIT(&all->by_id, struct sc_entry, by_id, flow.id, node->map_seed);
    SC_MAP_INIT(&all->by_open, struct sc_entry, by_open, open_key, node->map_seed);
    SC_MAP_INIT(&all->by_token, struct sc_entry, by_token, flow.peer_token, node->map_seed);
    sc_heap_init(&all->timers);
    sc_list_init(&all->ready);
    sc_list_init(&all->changed);
    sc_list_init(&all->fed);
}

/* The earliest of a flow's own deadline and what the stack wants of it. */
static sc_time deadline_of(const struct sc_entry *e)
{
    sc_time at = sc_flow_deadline(&e->flow);
    if (e->flow.state == SC_FLOW_ANSWERED && !e->flow.relayed)
        at = sc_time_min(at, e->flow.answered_at + SC_OPEN_RELAY_AFTER);
    return at;
}

static struct sc_entry *new_entry(struct sc_flows *all)
{
    if (all->by_id.count >= SC_FLOWS_MAX)
        return NULL;
    struct sc_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    do
        e->flow.id = (uint32_t)sc_rng_next(&all->node->rng);
    while (e->flow.id == 0 || sc_map_find(&all->by_id, &e->flow.id));
    return e;
}

static int insert(struct sc_flows *all, struct sc_entry *e)
{
    sc_list_init(&e->ready);
    sc_list_init(&e->changed);
    sc_list_init(&e->siblings);
    sc_list_init(&e->fed);
    sc_list_init(&e->of_instance);
    sc_timer_init(&e->timer);
    return sc_map_insert(&all->by_id, &e->by_id);
}

struct sc_entry *sc_flows_find(const struct sc_flows *all, uint32_t id)
{
    struct sc_map_node *n = sc_map_find(&all->by_id, &id);
    return n ? sc_container(n, struct sc_entry, by_id) : NULL;
}

static struct sc_open_key key_of(const struct sc_open *p)
{
    return (struct sc_open_key){p->src, p->open_id, p->src_flow, 0};
}

struct sc_entry *sc_flows_find_open(const struct sc_flows *all, const struct sc_open *p)
{
    struct sc_open_key key = key_of(p);
    struct sc_map_node *n = sc_map_find(&all->by_open, &key);
    return n ? sc_container(n, struct sc_entry, by_open) : NULL;
}

struct sc_entry *sc_flows_find_token(const struct sc_flows *all, const uint8_t token[SC_TOKEN_LEN])
{
    struct sc_map_node *n = sc_map_find(&all->by_token, token);
    return n ? sc_container(n, struct sc_entry, by_token) : NULL;
}

/* Keeps the number of answered, unconfirmed flows. */
static void count_half_open(struct sc_flows *all, struct sc_entry *e, bool half_open)
{
    if (half_open && !e->half_open)
        all->half_open++;
    else if (!half_open && e->half_open)
        all->half_open--;
    e->half_open = half_open;
}

static void free_flow(struct sc_flows *all, struct sc_entry *e)
{
    count_half_open(all, e, false);
    sc_list_remove(&e->ready);
    sc_list_remove(&e->changed);
    sc_list_remove(&e->fed);
    sc_list_remove(&e->of_instance);
    sc_heap_set(&all->timers, &e->timer, SC_NEVER);
    sc_map_remove(&all->by_id, &e->by_id);
    sc_map_remove(&all->by_open, &e->by_open);
    sc_map_remove(&all->by_token, &e->by_token);
    sc_peers_drop(all->peers, e);
    sc_flow_fini(&e->flow);
    free(e);
}

static void note(struct sc_flows *all, struct sc_entry *e)
{
    if (e->flow.events && sc_list_empty(&e->changed))
        sc_list_append(&all->changed, &e->changed);
}

void sc_flows_answered_for(struct sc_entry *e, struct sc_instance *i)
{
    e->instance = i;
    sc_list_remove(&e->of_instance);
    if (i)
        sc_list_append(&i->flows, &e->of_instance);
}

void sc_flows_fed(struct sc_flows *all, struct sc_entry *e)
{
    if (sc_list_empty(&e->fed))
        sc_list_append(&all->fed, &e->fed);
    note(all, e);
}

/* A flow on the ready list is looked at when the link takes its train; that its pacer is due
 * already must not be a deadline in the past, which nothing but sending would move. */
void sc_flows_arm(struct sc_flows *all, struct sc_entry *e, sc_time now)
{
    sc_time at = deadline_of(e);
    if (at <= now && !sc_list_empty(&e->ready))
        at = now + SC_MS;
    if (sc_heap_set(&all->timers, &e->timer, at) < 0)
        all->node->counters.dropped_memory++;
}

/* From now on the peer may reset it. One that gives several of its flows the same token can reset
 * one of them. */
static void note_token(struct sc_flows *all, struct sc_entry *e)
{
    if (e->flow.peer_epoch && !e->by_token.linked &&
        !sc_map_find(&all->by_token, e->flow.peer_token) &&
        sc_map_insert(&all->by_token, &e->by_token) < 0)
        all->node->counters.dropped_memory++;
}

void sc_flows_touch(struct sc_flows *all, struct sc_entry *e, sc_time now)
{
    struct sc_flow *f = &e->flow;
    note_token(all, e);
    note(all, e);
    count_half_open(all, e, f->state == SC_FLOW_ANSWERED);
    if (f->state == SC_FLOW_DEAD)
        sc_peers_drop(all->peers,
                      e); /* however long its owner keeps it: its peer is not asked for it */
    if (f->state == SC_FLOW_DEAD && !e->owned) {
        free_flow(all, e);
        return;
    }
    bool wants = sc_flow_wants_send(f, now);
    if (wants && sc_list_empty(&e->ready))
        sc_list_append(&all->ready, &e->ready);
    sc_flows_arm(all, e, now);
}

void sc_flows_settle(struct sc_flows *all, sc_time now)
{
    struct sc_list *first;
    while ((first = sc_list_first(&all->fed)) != NULL) {
        struct sc_entry *e = sc_container(first, struct sc_entry, fed);
        sc_list_remove(&e->fed);
        sc_flow_settle(&e->flow, now);
        sc_flows_touch(all, e, now);
    }
}

void sc_flows_forget_instance(struct sc_flows *all, struct sc_instance *i, sc_time now)
{
    struct sc_list *first;
    while ((first = sc_list_first(&i->flows)) != NULL) {
        struct sc_entry *e = sc_container(first, struct sc_entry, of_instance);
        sc_flows_answered_for(e, NULL);
        if (!e->arrived) { /* nobody will take it any more */
            sc_flow_abort(&e->flow, SC_ABORT_REFUSED, ECONNREFUSED, now);
            sc_flows_touch(all, e, now); /* it has failed, so it is not freed yet */
        }
    }
}

/* Those with a peer that has failed; those of the epoch that is kept go on. */
static void fail_flows(struct sc_flows *all, struct sc_peer *p, sc_time now)
{
    struct sc_list *it, *tmp;
    int error = p->error;
    uint64_t kept = p->kept_epoch;
    size_t left = p->flow_count; /* freeing or moving the last one frees the peer */
    for (it = p->flows.next; left > 0; it = tmp, left--) {
        tmp = it->next;
        struct sc_entry *e = sc_container(it, struct sc_entry, siblings);
        if (kept && (e->flow.peer_epoch == kept || e->flow.peer_epoch == 0))
            continue;
        sc_flow_on_peer_gone(&e->flow, error, now);
        sc_ways_follow(all->peers, e, now);
        sc_flows_touch(all, e, now);
    }
}

void sc_flows_fail(struct sc_flows *all, sc_time now)
{
    for (struct sc_peer *p; (p = sc_peers_take_failed(all->peers)) != NULL;)
        fail_flows(all, p, now);
}

/* --- what is next ----------------------------------------------------------------------------- */

struct sc_entry *sc_flows_take_ready(struct sc_flows *all)
{
    struct sc_list *first = sc_list_first(&all->ready);
    if (!first)
        return NULL;
    sc_list_remove(first);
    return sc_container(first, struct sc_entry, ready);
}

struct sc_entry *sc_flows_take_due(struct sc_flows *all, sc_time now)
{
    struct sc_timer *t = sc_heap_pop_due(&all->timers, now);
    return t ? sc_container(t, struct sc_entry, timer) : NULL;
}

sc_time sc_flows_deadline(const struct sc_flows *all)
{
    return sc_heap_next(&all->timers);
}

/* A confirmed flow is offered to the owner of its instance; without one it ends. */
static bool offer(struct sc_entry *e, struct sc_event *out)
{
    if (e->flow.state != SC_FLOW_OPEN || e->arrived || !e->instance)
        return false;
    e->arrived = e->owned = true;
    *out = (struct sc_event){.type = SC_EVENT_ARRIVED, .flow = &e->flow, .instance = e->instance};
    return true;
}

/* False: there is nothing to tell of it. */
static bool tell(struct sc_entry *e, struct sc_event *out)
{
    *out = (struct sc_event){.type = SC_EVENT_FLOW, .flow = &e->flow, .bits = e->flow.events};
    if (e->accepted && e->owned) {
        e->flow.events = 0;
        return true;
    }
    if (offer(e, out))
        return true;
    out->bits = SC_FLOW_ENDED; /* it died in the owner's queue */
    return e->arrived && (e->flow.events & SC_FLOW_ENDED);
}

bool sc_flows_next_event(struct sc_flows *all, struct sc_event *out)
{
    struct sc_list *first;
    while ((first = sc_list_first(&all->changed)) != NULL) {
        sc_list_remove(first);
        if (tell(sc_container(first, struct sc_entry, changed), out))
            return true;
    }
    return false;
}

/* --- life ------------------------------------------------------------------------------------- */

int sc_flows_connect(struct sc_flows *all, const struct sc_service_id *service, uint16_t own_port,
                     sc_time timeout, void *app, struct sc_flow **flow, sc_time now)
{
    struct sc_entry *e = new_entry(all);
    if (!e)
        return all->by_id.count >= SC_FLOWS_MAX ? -ENOBUFS : -ENOMEM;
    uint32_t id = e->flow.id;
    sc_flow_init_client(&e->flow, &all->node->env, id, service, own_port, timeout, now);
    if (insert(all, e) < 0) {
        sc_flow_fini(&e->flow);
        free(e);
        return -ENOMEM;
    }
    sc_secrets_token(&all->node->secrets, id, e->flow.own_token);
    e->owned = e->accepted = true;
    e->flow.app = app;
    *flow = &e->flow;
    sc_flows_touch(all, e, now);
    return 0;
}

void sc_flows_accept(struct sc_flows *all, struct sc_entry *e, void *app)
{
    e->accepted = true;
    e->flow.app = app;
    note(all, e);
}

/* It delivers what was written, as long as somebody reads it. */
static void orphan(struct sc_flow *f, sc_time now)
{
    sc_flow_recv_discard(f, now);
    if (f->user_timeout == 0 || f->user_timeout > SC_ORPHAN_TIMEOUT)
        f->user_timeout = SC_ORPHAN_TIMEOUT;
    f->progress_at = now;
}

void sc_flows_release(struct sc_flows *all, struct sc_entry *e, sc_time now)
{
    struct sc_flow *f = &e->flow;
    e->owned = e->arrived = false;
    sc_flows_answered_for(e, NULL); /* neither offered again, nor ended with its listener */
    f->app = NULL;
    f->events = 0;
    sc_list_remove(&e->changed);
    if (f->state == SC_FLOW_OPEN || f->state == SC_FLOW_OPENING) {
        if (!f->send.fin)
            sc_flow_abort(f, SC_ABORT_RESET, ECONNABORTED, now);
        else
            orphan(f, now);
        f->events = 0;
    }
    sc_flows_touch(all, e, now);
}

struct sc_entry *sc_flows_answer(struct sc_flows *all, const struct sc_open *p, sc_time now)
{
    struct sc_entry *e = new_entry(all);
    uint8_t token[SC_TOKEN_LEN];
    if (!e)
        return NULL;
    uint32_t id = e->flow.id;
    sc_secrets_token(&all->node->secrets, id, token);
    sc_flow_init_server(&e->flow, &all->node->env, id, p, token, now);
    e->open_key = key_of(p);
    if (insert(all, e) < 0 || sc_map_insert(&all->by_open, &e->by_open) < 0) {
        sc_map_remove(&all->by_id, &e->by_id);
        sc_flow_fini(&e->flow);
        free(e);
        return NULL;
    }
    return e;
}

void sc_flows_fini(struct sc_flows *all)
{
    struct sc_map_node *next;
    for (struct sc_map_node *n = sc_map_next(&all->by_id, NULL); n; n = next) {
        next = sc_map_next(&all->by_id, n);
        free_flow(all, sc_container(n, struct sc_entry, by_id));
    }
    sc_map_fini(&all->by_id);
    sc_map_fini(&all->by_open);
    sc_map_fini(&all->by_token);
    sc_heap_fini(&all->timers);
    sc_block_pool_fini(&all->blocks);
}
