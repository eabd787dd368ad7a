/* Runs of other hosts' stacks, whichever way they are reached, and where each was last proven to
 * be: a host that has moved is still the same one. Not thread-safe. */
#ifndef SC_STACK_INCARNATIONS_H
#define SC_STACK_INCARNATIONS_H

#include "base/map.h"
#include "node/node.h"

/* Lives as long as a peer refers to it. */
struct sc_incarnation {
    struct sc_map_node node;
    uint64_t key[2]; /* network address and epoch: whoever knows it has talked to that host */
    size_t routes;   /* peers of this address and epoch */
    struct sc_underlay seen;
    struct sc_underlay asked; /* it says to be there: a PROBE is on its way... */
    uint64_t transaction;
    sc_time asked_at; /* ...since then; 0: none */
};

struct sc_incarnations {
    struct sc_node *node;
    struct sc_map all; /* by key */
};

void sc_incarnations_init(struct sc_incarnations *all, struct sc_node *node);
void sc_incarnations_fini(struct sc_incarnations *all); /* of which none may be left */

/* One more peer is this run, and was seen there. NULL, and counted, without memory. */
struct sc_incarnation *sc_incarnations_join(struct sc_incarnations *all, uint64_t address,
                                            uint64_t epoch, const struct sc_underlay *seen);

/* One less; `i` may be NULL. */
void sc_incarnations_leave(struct sc_incarnations *all, struct sc_incarnation *i);

/* A host says by PROBE where it is. Believed when `there`, whose flows are at that place, is it, or
 * once it has answered there. */
void sc_incarnations_on_probe(struct sc_incarnations *all, const struct sc_control *c,
                              const struct sc_underlay *from, const struct sc_incarnation *there,
                              sc_time now);
void sc_incarnations_on_alive(struct sc_incarnations *all, const struct sc_control *c,
                              const struct sc_underlay *from);

/* It has said to be elsewhere, not long ago, and has not answered there yet. */
bool sc_incarnations_is_sought(const struct sc_incarnation *i, sc_time now);

#endif
