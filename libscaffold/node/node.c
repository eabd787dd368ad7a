#include "node/node.h"

#include <errno.h>
#include <string.h>

#include "naming/service_name.h"

int sc_node_init(struct sc_node *n, const char *host_name, uint64_t seed,
                 const struct sc_entropy *entropy)
{
    struct sc_service_name name;
    if (sc_service_name_of_host(host_name, &name) < 0)
        return -EINVAL;
    if (sc_crypto_init(&n->crypto, entropy) < 0)
        return -ENOMEM;
    n->secrets.crypto = &n->crypto;
    strcpy(n->host_name, name.label);
    sc_rng_seed(&n->rng, seed);
    for (int i = 0; i < 2; i++)
        n->map_seed[i] = sc_rng_next(&n->rng);
    sc_dues_init(&n->dues, &n->counters);
    sc_notices_init(&n->notices, &n->counters);
    sc_outbox_init(&n->outbox, &n->counters);
    sc_rates_init(&n->rates, n->map_seed);
    return 0;
}

void sc_node_fini(struct sc_node *n)
{
    sc_dues_fini(&n->dues);
    sc_notices_fini(&n->notices);
    sc_outbox_fini(&n->outbox);
    sc_credentials_wipe(&n->credentials);
    sc_crypto_fini(&n->crypto);
}

void sc_node_secure(struct sc_node *n, const uint8_t seed[SC_KEY_SEED_LEN], sc_time now)
{
    n->secure = true;
    sc_credentials_init(&n->credentials, &n->crypto, seed, sc_node_wall(n, now), now);
}

void sc_node_renew_credentials(struct sc_node *n, sc_time now)
{
    sc_credentials_renew(&n->credentials, &n->crypto, sc_node_wall(n, now), now);
}

uint64_t sc_node_wall(const struct sc_node *n, sc_time now)
{
    return (uint64_t)(n->wall + (int64_t)(now / SC_SECOND));
}

void sc_node_take_provider(struct sc_node *n, const uint8_t key[SC_KEY_LEN])
{
    uint8_t provider[SC_PROVIDER_LEN];
    struct sc_service_name name;
    sc_provider_of_key(key, provider);
    if (sc_service_name_of_host(n->host_name, &name) == 0)
        sc_service_name_to_id(&name, provider, &n->id);
}

bool sc_node_is_router(const struct sc_node *n, const struct sc_underlay *from)
{
    return n->router.family != 0 && sc_underlay_equal(from, &n->router);
}

bool sc_node_is_own_id(const struct sc_node *n, const struct sc_service_id *id)
{
    struct sc_service_id whole = sc_service_id_at(*id, 0, 0);
    return sc_service_id_equal(&whole, &n->id);
}

bool sc_node_allows(struct sc_node *n, enum sc_rate kind, const struct sc_underlay *from,
                    bool known, sc_time now)
{
    bool allowed = sc_rates_allow(&n->rates, kind, from, known, now);
    n->counters.limited[kind] += !allowed;
    return allowed;
}
