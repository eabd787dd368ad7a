/* The role of a host that has a router elsewhere: implements the operations of router/routing.h by
 * asking it. On a router it is idle. Not thread-safe. */
#ifndef SC_STACK_REMOTE_H
#define SC_STACK_REMOTE_H

#include "router/routing.h"
#include "stack/lookups.h"
#include "stack/registrar.h"

struct sc_remote {
    struct sc_routing routing; /* first: a pointer to it is a pointer to this */
    struct sc_registrar registrar;
    struct sc_pins pins;
    struct sc_lookups lookups;
};

/* `services`, `pool` and `grants` outlive it. */
void sc_remote_init(struct sc_remote *m, struct sc_node *node, struct sc_service_table *services,
                    struct sc_pool *pool, struct sc_channels *channels, struct sc_grants *grants,
                    bool require_verified, sc_time now);
void sc_remote_fini(struct sc_remote *m);

/* It is this host's role from now on. */
void sc_remote_start(struct sc_remote *m, sc_time now);

#endif
