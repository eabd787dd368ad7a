#include "stack/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now);

static void make_route(uint8_t route[8 + SC_UNDERLAY_LEN], uint64_t address,
                       const struct sc_underlay *underlay)
{
    struct sc_writer w = sc_writer(route, 8 + SC_UNDERLAY_LEN);
    sc_write_u64(&w, address);
    sc_underlay_write(&w, underlay);
}

struct sc_peer *sc_peers_find(const struct sc_stack *s, uint64_t address,
                              const struct sc_underlay *underlay)
{
    uint8_t route[8 + SC_UNDERLAY_LEN];
    make_route(route, address, underlay);
    struct sc_map_node *n = sc_map_find(&s->peers, route);
    return n ? sc_container(n, struct sc_peer, by_route) : NULL;
}

static struct sc_peer *get(struct sc_stack *s, uint64_t address, const struct sc_underlay *underlay,
                           sc_time now)
{
    struct sc_peer *p = sc_peers_find(s, address, underlay);
    if (p)
        return p;
    p = s->peers.count < SC_PEERS_MAX ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    p->address = address;
    p->underlay = *underlay;
    p->last_heard = now;
    make_route(p->route, address, underlay);
    sc_list_init(&p->flows);
    sc_timer_init(&p->due.timer);
    p->due.fire = on_due;
    if (sc_map_insert(&s->peers, &p->by_route) < 0) {
        free(p);
        return NULL;
    }
    return p;
}

static void free_peer(struct sc_stack *s, struct sc_peer *p)
{
    sc_stack_arm(s, &p->due, SC_NEVER);
    sc_incarnations_leave(s, p);
    sc_map_remove(&s->probed, &p->by_transaction);
    sc_map_remove(&s->peers, &p->by_route);
    free(p);
}

bool sc_peers_adopt(struct sc_stack *s, struct sc_entry *e, uint64_t address,
                    const struct sc_underlay *underlay, sc_time now)
{
    struct sc_peer *p = get(s, address, underlay, now);
    if (!p) {
        s->counters.dropped_table_full++;
        return false;
    }
    if (e->peer == p)
        return true;
    sc_peers_drop(s, e);
    e->peer = p;
    sc_list_append(&p->flows, &e->flow.siblings);
    if (p->flow_count++ == 0)
        sc_stack_arm(s, &p->due, now + SC_PEER_PROBE_AFTER);
    return true;
}

void sc_peers_drop(struct sc_stack *s, struct sc_entry *e)
{
    struct sc_peer *p = e->peer;
    if (!p)
        return;
    e->peer = NULL;
    sc_list_remove(&e->flow.siblings);
    if (--p->flow_count == 0)
        free_peer(s, p);
}

/* The peer is elsewhere by now: what the flow has still to say, its ABORT, goes there. */
static void follow(struct sc_stack *s, struct sc_entry *e, const struct sc_underlay *where,
                   sc_time now)
{
    if (where->family != 0 && sc_peers_adopt(s, e, e->peer->address, where, now))
        e->flow.via = (struct sc_underlay){0};
}

/* Every flow with this peer fails; those of `keep_epoch`, when not 0, go on. */
static void fail_flows(struct sc_stack *s, struct sc_peer *p, int error, uint64_t keep_epoch,
                       sc_time now)
{
    struct sc_list *it, *tmp;
    struct sc_underlay where = {0};
    if (p->incarnation && !sc_underlay_equal(&p->incarnation->seen, &p->underlay))
        where = p->incarnation->seen;
    size_t left = p->flow_count; /* freeing or moving the last one frees the peer */
    for (it = p->flows.next; left > 0; it = tmp, left--) {
        tmp = it->next;
        struct sc_entry *e = sc_entry_of(sc_container(it, struct sc_flow, siblings));
        if (keep_epoch && (e->flow.peer_epoch == keep_epoch || e->flow.peer_epoch == 0))
            continue;
        sc_flow_on_peer_gone(&e->flow, error, now);
        follow(s, e, &where, now);
        sc_flows_touch(s, e, now);
    }
}

void sc_peers_heard(struct sc_stack *s, struct sc_peer *p, uint64_t epoch, sc_time now)
{
    p->last_heard = now;
    p->unanswered = 0;
    if (epoch == 0 || epoch == p->epoch)
        return;
    bool restarted = p->epoch != 0;
    p->epoch = epoch;
    sc_incarnations_join(s, p);
    if (restarted) {
        s->counters.peers_lost++;
        fail_flows(s, p, ECONNRESET, epoch, now);
    }
}

void sc_peers_heard_from(struct sc_stack *s, struct sc_peer *p, const struct sc_underlay *from,
                         bool proven, sc_time now)
{
    if (proven || sc_underlay_equal(&p->underlay, from))
        sc_peers_heard(s, p, 0, now);
}

static void new_transaction(struct sc_stack *s, struct sc_peer *p)
{
    sc_map_remove(&s->probed, &p->by_transaction);
    p->transaction = sc_rng_next(&s->rng);
    if (sc_map_insert(&s->probed, &p->by_transaction) < 0)
        s->counters.dropped_memory++;
}

static void probe(struct sc_stack *s, struct sc_peer *p)
{
    if (p->unanswered++ == 0)
        new_transaction(s, p);
    struct sc_control c = {.message = SC_MSG_PROBE,
                           .transaction = p->transaction,
                           .src = s->env.address,
                           .epoch = s->env.epoch};
    sc_outbox_control(s, SC_QUEUE_OWN, &p->underlay, p->address, &c);
}

/* Silence: probe, and at last give the peer up. Only unanswered probes count, so that a pause of
 * our own is not taken for theirs. */
static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now)
{
    struct sc_peer *p = sc_container(d, struct sc_peer, due);
    sc_time silent = now - p->last_heard;
    unsigned enough = (SC_PEER_DEAD_AFTER - SC_PEER_PROBE_AFTER) / SC_PEER_PROBE_EVERY;
    if (silent < SC_PEER_PROBE_AFTER) {
        sc_stack_arm(s, d, p->last_heard + SC_PEER_PROBE_AFTER);
        return;
    }
    if (silent >= SC_PEER_DEAD_AFTER && p->unanswered >= enough) {
        s->counters.peers_lost++;
        p->unanswered = 0;
        p->last_heard = now;
        sc_stack_arm(s, d, now + SC_PEER_PROBE_AFTER);
        fail_flows(s, p, ETIMEDOUT, 0, now);
        return;
    }
    probe(s, p);
    sc_stack_arm(s, d, now + SC_PEER_PROBE_EVERY);
}

void sc_peers_on_probe(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, bool relayed, sc_time now)
{
    bool known = sc_stack_knows(s, c->src, from);
    if (!sc_stack_allows(s, SC_RATE_PROBE, from, known, now))
        return;
    struct sc_control answer = {.message = SC_MSG_ALIVE,
                                .transaction = c->transaction,
                                .src = s->env.address,
                                .epoch = s->env.epoch};
    sc_outbox_control(s, sc_stack_queue_for(known), from, relayed ? c->src : 0, &answer);
    sc_incarnations_on_probe(s, c, from, now);
}

/* Only who got the probe knows its transaction: the peer is where we send to, even if it has
 * several addresses and answers from another one. */
void sc_peers_on_alive(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now)
{
    struct sc_map_node *n = sc_map_find(&s->probed, &c->transaction);
    struct sc_peer *p = n ? sc_container(n, struct sc_peer, by_transaction) : NULL;
    if (p && p->unanswered > 0 && c->src == p->address)
        sc_peers_heard(s, p, c->epoch, now);
    else
        sc_incarnations_on_alive(s, c, from);
}

/* Anyone can send a hint, so it costs the peer one probe in a second at most. */
void sc_peers_hint(struct sc_stack *s, struct sc_peer *p, sc_time now)
{
    if (p->unanswered > 0 || now < p->hinted_at + SC_SECOND)
        return;
    p->hinted_at = now;
    probe(s, p);
    sc_stack_arm(s, &p->due, now + SC_PEER_PROBE_EVERY);
}

void sc_stack_on_unreachable(struct sc_stack *s, const struct sc_underlay *underlay, sc_time now)
{
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&s->peers, n)) != NULL;) {
        struct sc_peer *p = sc_container(n, struct sc_peer, by_route);
        if (sc_underlay_equal(&p->underlay, underlay))
            sc_peers_hint(s, p, now);
    }
}

void sc_peers_fini(struct sc_stack *s)
{
    assert(s->peers.count == 0); /* a peer lives as long as it has flows */
    sc_map_fini(&s->peers);
    sc_map_fini(&s->probed);
    sc_map_fini(&s->incarnations);
}
