/* What this host may do with names of providers: the grants that it has, and the keys of providers
 * whose names are its own to grant. Those that the router gives it, or it gives itself, are renewed
 * at half their life; of those that people made it is said when they end. Not thread-safe. */
#ifndef SC_STACK_GRANTS_H
#define SC_STACK_GRANTS_H

#include "crypto/grant.h"
#include "node/node.h"
#include "router/pool.h"

enum sc_held_how {
    SC_HELD_GIVEN,     /* by the router, of an alias of its network */
    SC_HELD_OWN,       /* by this host, which has the provider's key */
    SC_HELD_INSTALLED, /* by people */
};

struct sc_held {
    struct sc_list link;
    enum sc_held_how how;
    uint8_t provider[SC_PROVIDER_LEN];
    struct sc_grant grant;
    uint64_t warned; /* seconds since 1970; 0: not yet */
    size_t len;
    uint8_t bytes[SC_GRANT_MAX];
};

struct sc_grants {
    struct sc_node *node;
    const struct sc_pool *pool; /* the texts of labels */
    struct sc_list all;         /* sc_held.link */
    size_t count;
    struct sc_key *own; /* keys of providers; NULL: none */
    size_t own_count;
    struct sc_due due;
};

void sc_grants_init(struct sc_grants *g, struct sc_node *node, const struct sc_pool *pool);
void sc_grants_fini(struct sc_grants *g);

/* The one that lets this host serve this for the longest; NULL: there is none that is good now, of
 * which *age says why. */
const struct sc_held *sc_grants_find(const struct sc_grants *g, const struct sc_service_id *id,
                                     sc_time now, enum sc_grant_age *age);

/* Whether one from the router would be of use: it is time, or there is no other. */
bool sc_grants_wants(const struct sc_grants *g, const struct sc_service_id *id, sc_time now);

/* Takes a grant, and the place of one that says the same. Returns 0, -EINVAL
 * (malformed), -EBADMSG (its provider has not signed it), -EXDEV (it is another host's), -ETIME (it
 * is over) or -ENOBUFS. */
int sc_grants_take(struct sc_grants *g, struct sc_field grant, enum sc_held_how how, sc_time now);

/* One that people installed and that was kept, before the first tick, which looks at its times.
 * False: it is none, or there are too many. */
bool sc_grants_restore(struct sc_grants *g, struct sc_field grant);

/* The key of a provider: whose names this host serves from now on, and grants. Returns 0, -EEXIST
 * or -ENOBUFS. */
int sc_grants_hold(struct sc_grants *g, const uint8_t seed[SC_KEY_SEED_LEN], sc_time now);

/* The key pair of a provider; NULL: this host does not have it. */
const struct sc_key *sc_grants_key(const struct sc_grants *g,
                                   const uint8_t provider[SC_PROVIDER_LEN]);

#endif
