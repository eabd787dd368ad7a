#include "crypto/crypto.h"
#include "naming/service_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "naming/service_name.h"

void provider_key(const char *alias, uint8_t key[SC_KEY_LEN])
{
    static const uint8_t seed[SC_NETWORK_SEED_LEN];
    struct sc_crypto c;
    assert_int_equal(sc_crypto_init(&c, NULL), 0);
    sc_provider_derive(&c, seed, alias, key);
    sc_crypto_fini(&c);
}

struct sc_service_id service_id(const char *name)
{
    struct sc_service_name n;
    struct sc_service_id id;
    uint8_t key[SC_KEY_LEN], provider[SC_PROVIDER_LEN];
    assert_int_equal(sc_service_name_read(name, &n, NULL), 0);
    provider_key(n.provider, key);
    sc_provider_of_key(key, provider);
    sc_service_name_to_id(&n, provider, &id);
    return id;
}
