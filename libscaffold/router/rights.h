/* Which services a host may register. Those of its network's aliases, and its own name, are the
 * router's to grant; for all others it has to show what their provider has granted it, and what a
 * host has shown once is remembered until it ends. Not thread-safe. */
#ifndef SC_ROUTER_RIGHTS_H
#define SC_ROUTER_RIGHTS_H

#include "router/aliases.h"
#include "router/leases.h"
#include "router/right.h"

struct sc_rights {
    struct sc_node *node;
    struct sc_pool *pool;
    struct sc_aliases *aliases;
    struct sc_leases *leases;
    bool listed;                  /* only what is in the list; else every host may serve all */
    const struct sc_right *right; /* the owner's, who keeps them */
    size_t right_count;
    struct sc_map shown; /* by host key */
    size_t shown_count;
    struct sc_due due; /* the end of the first of them */
};

void sc_rights_init(struct sc_rights *r, struct sc_node *node, struct sc_pool *pool,
                    struct sc_aliases *aliases, struct sc_leases *leases);
void sc_rights_fini(struct sc_rights *r);

/* Why the host may not register this; SC_DENIAL_NONE: it may. Without security it always may. */
enum sc_denial sc_rights_deny(struct sc_rights *r, const struct sc_host *h,
                              const struct sc_service_id *id, sc_time now);

/* The host shows a grant: if it is its own and signed, it is remembered, and SC_EVENT_GRANT
 * follows. */
void sc_rights_show(struct sc_rights *r, const struct sc_host *h, struct sc_field grant,
                    sc_time now);

/* One that was kept, before the first tick. False: there are too many. */
bool sc_rights_restore(struct sc_rights *r, const struct sc_grant *g);

/* What the router grants a host by itself: names of this service's provider. Returns its length; 0:
 * that is not the router's to grant, or the host is not to have it. */
size_t sc_rights_grant(struct sc_rights *r, const struct sc_host *h, const struct sc_service_id *id,
                       sc_time now, uint8_t out[SC_GRANT_MAX]);

#endif
