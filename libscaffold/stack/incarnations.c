#include "stack/incarnations.h"

#include <stdlib.h>

#include "base/limits.h"

/* A host that says to be elsewhere is asked whether it is this often: anyone can say so. */
#define ASK_EVERY SC_SECOND
/* It says so again after 5 s, or sooner: unless two of them get lost, it is sought all the time. */
#define SOUGHT_FOR (2 * SC_PEER_PROBE_AFTER)

void sc_incarnations_init(struct sc_incarnations *all, struct sc_node *node)
{
    all->node = node;
    SC_MAP_INIT(&all->all, struct sc_incarnation, node, key, node->map_seed);
}

void sc_incarnations_fini(struct sc_incarnations *all)
{
    sc_map_fini(&all->all);
}

static struct sc_incarnation *find(const struct sc_incarnations *all, uint64_t address,
                                   uint64_t epoch)
{
    uint64_t key[2] = {address, epoch};
    struct sc_map_node *n = sc_map_find(&all->all, key);
    return n ? sc_container(n, struct sc_incarnation, node) : NULL;
}

static struct sc_incarnation *get(struct sc_incarnations *all, uint64_t address, uint64_t epoch)
{
    struct sc_incarnation *i = find(all, address, epoch);
    if (i)
        return i;
    i = calloc(1, sizeof *i);
    if (!i)
        return NULL;
    i->key[0] = address;
    i->key[1] = epoch;
    if (sc_map_insert(&all->all, &i->node) < 0) {
        free(i);
        return NULL;
    }
    return i;
}

struct sc_incarnation *sc_incarnations_join(struct sc_incarnations *all, uint64_t address,
                                            uint64_t epoch, const struct sc_underlay *seen)
{
    struct sc_incarnation *i = get(all, address, epoch);
    if (!i) {
        all->node->counters.dropped_memory++;
        return NULL;
    }
    i->routes++;
    i->seen = *seen;
    return i;
}

void sc_incarnations_leave(struct sc_incarnations *all, struct sc_incarnation *i)
{
    if (!i || --i->routes > 0)
        return;
    sc_map_remove(&all->all, &i->node);
    free(i);
}

static void ask(struct sc_node *node, struct sc_incarnation *i, const struct sc_underlay *where,
                sc_time now)
{
    struct sc_control c = {.message = SC_MSG_PROBE,
                           .transaction = sc_rng_next(&node->rng),
                           .src = node->env.address,
                           .epoch = node->env.epoch};
    i->asked = *where;
    i->transaction = c.transaction;
    i->asked_at = now;
    sc_outbox_control(&node->outbox, SC_QUEUE_OWN, where, i->key[0], &c);
}

void sc_incarnations_on_probe(struct sc_incarnations *all, const struct sc_control *c,
                              const struct sc_underlay *from, const struct sc_incarnation *there,
                              sc_time now)
{
    struct sc_incarnation *i = find(all, c->src, c->epoch);
    if (!i || sc_underlay_equal(&i->seen, from))
        return;
    if (there == i)
        i->seen = *from; /* flows are proof enough */
    else if (i->asked_at == 0 || now >= i->asked_at + ASK_EVERY)
        ask(all->node, i, from, now);
}

void sc_incarnations_on_alive(struct sc_incarnations *all, const struct sc_control *c,
                              const struct sc_underlay *from)
{
    struct sc_incarnation *i = find(all, c->src, c->epoch);
    if (!i || i->asked_at == 0 || i->transaction != c->transaction ||
        !sc_underlay_equal(&i->asked, from))
        return;
    i->seen = *from;
    i->asked_at = 0;
}

bool sc_incarnations_is_sought(const struct sc_incarnation *i, sc_time now)
{
    return i->asked_at != 0 && now < i->asked_at + SOUGHT_FOR;
}
