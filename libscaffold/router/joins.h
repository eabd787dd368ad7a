/* Hosts that come: which of them get in, under which name and address. Not thread-safe. */
#ifndef SC_ROUTER_JOINS_H
#define SC_ROUTER_JOINS_H

#include "router/changes.h"
#include "router/invitations.h"
#include "router/leases.h"
#include "router/rights.h"

struct sc_joins {
    struct sc_node *node;
    struct sc_hosts *hosts;
    struct sc_pool *pool;
    struct sc_changes *changes;
    struct sc_leases *leases;
    struct sc_rights *rights;
    struct sc_invitations *invitations;
};

/* A JOIN is answered, or parked until its name is stored. One that draws nothing asks again. */
void sc_joins_on_join(struct sc_joins *j, const struct sc_parked *q, sc_time now);

/* The same of one that was parked; `error`: its name could not be stored. */
void sc_joins_resume(struct sc_joins *j, const struct sc_parked *q, int error, sc_time now);

#endif
