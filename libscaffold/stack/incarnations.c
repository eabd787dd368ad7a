#include "stack/internal.h"

#include <stdlib.h>

/* A host that says to be elsewhere is asked whether it is this often: anyone can say so. */
#define ASK_EVERY SC_SECOND

static struct sc_incarnation *find(const struct sc_stack *s, uint64_t address, uint64_t epoch)
{
    uint64_t key[2] = {address, epoch};
    struct sc_map_node *n = sc_map_find(&s->incarnations, key);
    return n ? sc_container(n, struct sc_incarnation, node) : NULL;
}

static struct sc_incarnation *get(struct sc_stack *s, uint64_t address, uint64_t epoch)
{
    struct sc_incarnation *i = find(s, address, epoch);
    if (i)
        return i;
    i = calloc(1, sizeof *i);
    if (!i)
        return NULL;
    i->key[0] = address;
    i->key[1] = epoch;
    if (sc_map_insert(&s->incarnations, &i->node) < 0) {
        free(i);
        return NULL;
    }
    return i;
}

void sc_incarnations_join(struct sc_stack *s, struct sc_peer *p)
{
    sc_incarnations_leave(s, p);
    p->incarnation = get(s, p->address, p->epoch);
    if (!p->incarnation) {
        s->counters.dropped_memory++;
        return;
    }
    p->incarnation->routes++;
    p->incarnation->seen = p->underlay;
}

void sc_incarnations_leave(struct sc_stack *s, struct sc_peer *p)
{
    struct sc_incarnation *i = p->incarnation;
    p->incarnation = NULL;
    if (!i || --i->routes > 0)
        return;
    sc_map_remove(&s->incarnations, &i->node);
    free(i);
}

static void ask(struct sc_stack *s, struct sc_incarnation *i, const struct sc_underlay *where,
                sc_time now)
{
    struct sc_control c = {.message = SC_MSG_PROBE,
                           .transaction = sc_rng_next(&s->rng),
                           .src = s->env.address,
                           .epoch = s->env.epoch};
    i->asked = *where;
    i->transaction = c.transaction;
    i->asked_at = now;
    sc_outbox_control(s, SC_QUEUE_OWN, where, i->key[0], &c);
}

void sc_incarnations_on_probe(struct sc_stack *s, const struct sc_control *c,
                              const struct sc_underlay *from, sc_time now)
{
    struct sc_incarnation *i = find(s, c->src, c->epoch);
    if (!i || sc_underlay_equal(&i->seen, from))
        return;
    const struct sc_peer *p = sc_peers_find(s, c->src, from);
    if (p && p->incarnation == i)
        i->seen = *from; /* flows are proof enough */
    else if (i->asked_at == 0 || now >= i->asked_at + ASK_EVERY)
        ask(s, i, from, now);
}

void sc_incarnations_on_alive(struct sc_stack *s, const struct sc_control *c,
                              const struct sc_underlay *from)
{
    struct sc_incarnation *i = find(s, c->src, c->epoch);
    if (!i || i->asked_at == 0 || i->transaction != c->transaction ||
        !sc_underlay_equal(&i->asked, from))
        return;
    i->seen = *from;
    i->asked_at = 0;
}
