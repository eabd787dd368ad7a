#include "stack/peers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static void on_due(void *part, struct sc_due *d, sc_time now);

void sc_peers_init(struct sc_peers *all, struct sc_node *node, const struct sc_hosts *hosts)
{
    all->node = node;
    all->hosts = hosts;
    SC_MAP_INIT(&all->by_route, struct sc_peer, by_route, route, node->map_seed);
    SC_MAP_INIT(&all->by_transaction, struct sc_peer, by_transaction, transaction, node->map_seed);
    sc_incarnations_init(&all->incarnations, node);
    sc_list_init(&all->failed);
}

static void make_route(uint8_t route[8 + SC_UNDERLAY_LEN], uint64_t address,
                       const struct sc_underlay *underlay)
{
    struct sc_writer w = sc_writer(route, 8 + SC_UNDERLAY_LEN);
    sc_write_u64(&w, address);
    sc_underlay_write(&w, underlay);
}

struct sc_peer *sc_peers_find(const struct sc_peers *all, uint64_t address,
                              const struct sc_underlay *underlay)
{
    uint8_t route[8 + SC_UNDERLAY_LEN];
    make_route(route, address, underlay);
    struct sc_map_node *n = sc_map_find(&all->by_route, route);
    return n ? sc_container(n, struct sc_peer, by_route) : NULL;
}

bool sc_peers_knows(const struct sc_peers *all, uint64_t address, const struct sc_underlay *from)
{
    return sc_node_is_router(all->node, from) || sc_hosts_is_at(all->hosts, address, from) ||
           sc_peers_find(all, address, from) != NULL;
}

static struct sc_peer *get(struct sc_peers *all, uint64_t address,
                           const struct sc_underlay *underlay, sc_time now)
{
    struct sc_peer *p = sc_peers_find(all, address, underlay);
    if (p)
        return p;
    p = all->by_route.count < SC_PEERS_MAX ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    p->address = address;
    p->underlay = *underlay;
    p->last_heard = now;
    make_route(p->route, address, underlay);
    sc_list_init(&p->flows);
    sc_list_init(&p->failed);
    sc_due_init(&p->due, on_due, all);
    if (sc_map_insert(&all->by_route, &p->by_route) < 0) {
        free(p);
        return NULL;
    }
    return p;
}

static void free_peer(struct sc_peers *all, struct sc_peer *p)
{
    sc_dues_arm(&all->node->dues, &p->due, SC_NEVER);
    sc_incarnations_leave(&all->incarnations, p->incarnation);
    sc_list_remove(&p->failed);
    sc_map_remove(&all->by_transaction, &p->by_transaction);
    sc_map_remove(&all->by_route, &p->by_route);
    free(p);
}

bool sc_peers_adopt(struct sc_peers *all, struct sc_entry *e, uint64_t address,
                    const struct sc_underlay *underlay, sc_time now)
{
    struct sc_peer *p = get(all, address, underlay, now);
    if (!p) {
        all->node->counters.dropped_table_full++;
        return false;
    }
    if (e->peer == p)
        return true;
    sc_peers_drop(all, e);
    e->peer = p;
    sc_list_append(&p->flows, &e->siblings);
    if (p->flow_count++ == 0)
        sc_dues_arm(&all->node->dues, &p->due, now + SC_PEER_PROBE_AFTER);
    return true;
}

void sc_peers_drop(struct sc_peers *all, struct sc_entry *e)
{
    struct sc_peer *p = e->peer;
    if (!p)
        return;
    e->peer = NULL;
    sc_list_remove(&e->siblings);
    if (--p->flow_count == 0)
        free_peer(all, p);
}

/* Every flow with this peer has to fail; those of `kept_epoch`, when not 0, go on. */
static void fail(struct sc_peers *all, struct sc_peer *p, int error, uint64_t kept_epoch)
{
    all->node->counters.peers_lost += !p->lost; /* not again for those that have failed */
    p->error = error;
    p->kept_epoch = kept_epoch;
    if (sc_list_empty(&p->failed))
        sc_list_append(&all->failed, &p->failed);
}

struct sc_peer *sc_peers_take_failed(struct sc_peers *all)
{
    struct sc_list *first = sc_list_first(&all->failed);
    if (!first)
        return NULL;
    sc_list_remove(first);
    return sc_container(first, struct sc_peer, failed);
}

void sc_peers_heard(struct sc_peers *all, struct sc_peer *p, uint64_t epoch, sc_time now)
{
    p->last_heard = now;
    p->unanswered = 0;
    p->lost = false;
    if (epoch == 0 || epoch == p->epoch)
        return;
    bool restarted = p->epoch != 0;
    p->epoch = epoch;
    sc_incarnations_leave(&all->incarnations, p->incarnation);
    p->incarnation = sc_incarnations_join(&all->incarnations, p->address, p->epoch, &p->underlay);
    if (restarted)
        fail(all, p, ECONNRESET, epoch);
}

void sc_peers_heard_from(struct sc_peers *all, struct sc_peer *p, const struct sc_underlay *from,
                         bool proven, sc_time now)
{
    if (proven || sc_underlay_equal(&p->underlay, from))
        sc_peers_heard(all, p, 0, now);
}

static void new_transaction(struct sc_peers *all, struct sc_peer *p)
{
    sc_map_remove(&all->by_transaction, &p->by_transaction);
    p->transaction = sc_rng_next(&all->node->rng);
    if (sc_map_insert(&all->by_transaction, &p->by_transaction) < 0)
        all->node->counters.dropped_memory++;
}

static void probe(struct sc_peers *all, struct sc_peer *p)
{
    if (p->unanswered++ == 0)
        new_transaction(all, p);
    struct sc_control c = {.message = SC_MSG_PROBE,
                           .transaction = p->transaction,
                           .src = all->node->env.address,
                           .epoch = all->node->env.epoch};
    sc_outbox_control(&all->node->outbox, SC_QUEUE_OWN, &p->underlay, p->address, &c);
}

/* Silence: probe, and at last give the peer up. Only unanswered probes count, so that a pause of
 * our own is not taken for theirs. */
static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_peers *all = part;
    struct sc_peer *p = sc_container(d, struct sc_peer, due);
    sc_time silent = now - p->last_heard;
    unsigned enough = (SC_PEER_DEAD_AFTER - SC_PEER_PROBE_AFTER) / SC_PEER_PROBE_EVERY;
    if (silent < SC_PEER_PROBE_AFTER) {
        sc_dues_arm(&all->node->dues, d, p->last_heard + SC_PEER_PROBE_AFTER);
        return;
    }
    if (silent >= SC_PEER_DEAD_AFTER && p->unanswered >= enough) {
        p->unanswered = 0;
        p->last_heard = now;
        sc_dues_arm(&all->node->dues, d, now + SC_PEER_PROBE_AFTER);
        fail(all, p, ETIMEDOUT, 0);
        p->lost = true;
        return;
    }
    probe(all, p);
    sc_dues_arm(&all->node->dues, d, now + SC_PEER_PROBE_EVERY);
}

void sc_peers_on_probe(struct sc_peers *all, const struct sc_control *c,
                       const struct sc_underlay *from, bool relayed, sc_time now)
{
    bool known = sc_peers_knows(all, c->src, from);
    if (!sc_node_allows(all->node, SC_RATE_PROBE, from, known, now))
        return;
    struct sc_control answer = {.message = SC_MSG_ALIVE,
                                .transaction = c->transaction,
                                .src = all->node->env.address,
                                .epoch = all->node->env.epoch};
    sc_outbox_control(&all->node->outbox, sc_outbox_queue_for(known), from, relayed ? c->src : 0,
                      &answer);
    const struct sc_peer *there = sc_peers_find(all, c->src, from);
    sc_incarnations_on_probe(&all->incarnations, c, from, there ? there->incarnation : NULL, now);
}

/* Only whoever got the probe knows its transaction: the peer is where we send to, even if it has
 * several addresses and answers from another one. */
void sc_peers_on_alive(struct sc_peers *all, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now)
{
    struct sc_map_node *n = sc_map_find(&all->by_transaction, &c->transaction);
    struct sc_peer *p = n ? sc_container(n, struct sc_peer, by_transaction) : NULL;
    if (p && p->unanswered > 0 && c->src == p->address)
        sc_peers_heard(all, p, c->epoch, now);
    else
        sc_incarnations_on_alive(&all->incarnations, c, from);
}

/* Anyone can send a hint, so it costs the peer one probe in a second at most. */
void sc_peers_hint(struct sc_peers *all, struct sc_peer *p, sc_time now)
{
    if (p->unanswered > 0 || now < p->hinted_at + SC_SECOND)
        return;
    p->hinted_at = now;
    probe(all, p);
    sc_dues_arm(&all->node->dues, &p->due, now + SC_PEER_PROBE_EVERY);
}

void sc_peers_hint_at(struct sc_peers *all, const struct sc_underlay *underlay, sc_time now)
{
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&all->by_route, n)) != NULL;) {
        struct sc_peer *p = sc_container(n, struct sc_peer, by_route);
        if (sc_underlay_equal(&p->underlay, underlay))
            sc_peers_hint(all, p, now);
    }
}

void sc_peers_fini(struct sc_peers *all)
{
    assert(all->by_route.count == 0); /* a peer lives as long as it has flows */
    sc_map_fini(&all->by_route);
    sc_map_fini(&all->by_transaction);
    sc_incarnations_fini(&all->incarnations);
}
