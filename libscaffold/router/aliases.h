/* Whose an alias is, to a router: its operator's choice, or a key that follows from the seed of the
 * network, another for each alias. What was once registered is bound for good. Not thread-safe. */
#ifndef SC_ROUTER_ALIASES_H
#define SC_ROUTER_ALIASES_H

#include "base/map.h"
#include "naming/service_name.h"
#include "node/event.h"

struct sc_aliases {
    struct sc_crypto *crypto;
    /* sc_alias, by name and by their keys' hashes: what is bound, and some of what follows from the
     * seed */
    struct sc_map by_name, by_provider;
    uint8_t seed[SC_NETWORK_SEED_LEN];
};

void sc_aliases_init(struct sc_aliases *a, struct sc_crypto *crypto,
                     const uint8_t seed[SC_NETWORK_SEED_LEN], const uint64_t map_seed[2]);
void sc_aliases_fini(struct sc_aliases *a);

/* The alias has this key from now on. Returns 0, -EEXIST (it has one), -EINVAL (it is none) or
 * -ENOMEM. */
int sc_aliases_bind(struct sc_aliases *a, const char *alias, const uint8_t key[SC_KEY_LEN]);

/* Which service a name is, and its provider's key; zeros where the name certifies itself. */
void sc_aliases_id(struct sc_aliases *a, const struct sc_service_name *n, uint8_t key[SC_KEY_LEN],
                   struct sc_service_id *id);

/* Whether the alias is known to have this key. */
bool sc_aliases_has(const struct sc_aliases *a, const char *alias, const uint8_t key[SC_KEY_LEN]);

/* The alias whose provider this is, among those that are known; NULL: none of them. */
const char *sc_aliases_of(const struct sc_aliases *a, const uint8_t provider[SC_PROVIDER_LEN]);

/* Whether the alias is nobody's own: then its key pair is this, for the caller to wipe. */
bool sc_aliases_pair(struct sc_aliases *a, const char *alias, struct sc_key *pair);

/* The same without the pair, which takes less time the second time. */
bool sc_aliases_holds(struct sc_aliases *a, const char *alias);

/* Who vouches for it, at this router. */
static inline enum sc_vouched sc_aliases_vouch(const uint8_t key[SC_KEY_LEN])
{
    return sc_provider_has_key(key) ? SC_VOUCHED_LOCAL : SC_VOUCHED_SELF;
}

#endif
