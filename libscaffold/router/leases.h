/* What a router's hosts have registered, and until when: a host that says nothing for a lease is
 * gone with its instances. Not thread-safe. */
#ifndef SC_ROUTER_LEASES_H
#define SC_ROUTER_LEASES_H

#include "node/node.h"
#include "router/hosts.h"
#include "router/pool.h"
#include "router/service_table.h"

struct sc_leases {
    struct sc_node *node;
    struct sc_hosts *hosts;
    struct sc_service_table *services;
    struct sc_pool *pool;
};

/* The host was heard of, from there: its lease begins anew. */
void sc_leases_renew(struct sc_leases *l, struct sc_host *h, const struct sc_underlay *from,
                     sc_time now);

/* Its lease ends now, whatever it says. It is up. */
void sc_leases_end(struct sc_leases *l, struct sc_host *h);

/* Its address in the pool, which nobody else is given while it is here; 0: none. */
void sc_leases_give_address(struct sc_leases *l, struct sc_host *h, uint32_t pool);

/* Whether the host serves this. */
bool sc_leases_has(const struct sc_leases *l, const struct sc_host *h,
                   const struct sc_service_id *id);

/* The host serves this, which it did not before. False: there is no room. */
bool sc_leases_add(struct sc_leases *l, struct sc_host *h, const struct sc_service_id *id);
void sc_leases_remove(struct sc_leases *l, struct sc_host *h, const struct sc_service_id *id);
void sc_leases_remove_all(struct sc_leases *l, struct sc_host *h);

/* The earliest end of a lease, or SC_NEVER. */
sc_time sc_leases_deadline(const struct sc_leases *l);

/* Ends what is over, a bounded number of instances at a time. */
void sc_leases_tick(struct sc_leases *l, sc_time now);

#endif
