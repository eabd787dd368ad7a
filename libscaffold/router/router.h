/* The role of service router: answers hosts' requests, keeps their leases, and implements the
 * operations of routing.h from its tables. On other hosts it is idle, and its tables are empty. Not
 * thread-safe. */
#ifndef SC_ROUTER_ROUTER_H
#define SC_ROUTER_ROUTER_H

#include "router/aliases.h"
#include "router/answers.h"
#include "router/changes.h"
#include "router/hosts.h"
#include "router/joins.h"
#include "router/leases.h"
#include "router/rights.h"
#include "router/invitations.h"
#include "router/routing.h"
#include "channel/greetings.h"

struct sc_router {
    struct sc_routing routing; /* first: a pointer to it is a pointer to the router */
    struct sc_hosts hosts;
    struct sc_aliases aliases;
    struct sc_changes changes;
    struct sc_leases leases;
    struct sc_rights rights;
    struct sc_joins joins;
    struct sc_answers answers;
    struct sc_greetings greetings;
    struct sc_invitations invitations;
    struct sc_due naming; /* its own name */
};

/* `services` and `pool` are the caller's, who ends them before the router, since their entries are
 * on its lists. domain: of the addresses that it assigns; seed: of its aliases' keys. */
void sc_router_init(struct sc_router *r, struct sc_node *node, struct sc_service_table *services,
                    struct sc_pool *pool, struct sc_channels *channels, uint32_t domain,
                    const uint8_t seed[SC_NETWORK_SEED_LEN], sc_time now);
void sc_router_fini(struct sc_router *r);

/* It is this host's role from now on. */
void sc_router_start(struct sc_router *r, sc_time now);

/* The host of this name is let go, and nobody who has its key joins any more. Returns 0, -ENOENT or
 * -EAGAIN. */
int sc_router_forget_host(struct sc_router *r, const char *name);

/* What SC_EVENT_STORE asked for is stored, or could not be (`error`: a positive errno). */
void sc_router_stored(struct sc_router *r, uint64_t token, int error, sc_time now);

#endif
