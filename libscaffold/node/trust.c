#include "node/trust.h"

#include "base/secret.h"

bool sc_trust_is_router(const struct sc_trust *t, struct sc_crypto *c,
                        const uint8_t key[SC_KEY_LEN])
{
    uint8_t hash[SC_KEY_HASH_LEN];
    sc_key_hash(c, key, hash);
    return t->knows_router && sc_secret_equal(hash, t->router, sizeof hash);
}
