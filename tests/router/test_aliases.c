/* Which service a name is to a router: by its alias's key, or by itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "crypto/crypto.h"
#include "naming/service_id.h"
#include "router/aliases.h"

static const uint64_t map_seed[2] = {1, 2};
static const uint8_t seed[SC_NETWORK_SEED_LEN];

static struct sc_crypto crypto;

static int set_up(void **state)
{
    (void)state;
    return sc_crypto_init(&crypto, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    sc_crypto_fini(&crypto);
    return 0;
}

static struct sc_service_id id_of(struct sc_aliases *a, const char *text, uint8_t key[SC_KEY_LEN])
{
    struct sc_service_name n;
    struct sc_service_id id;
    assert_int_equal(sc_service_name_read(text, &n, NULL), 0);
    sc_aliases_id(a, &n, key, &id);
    return id;
}

static void each_alias_has_a_key_of_its_own(void **state)
{
    (void)state;
    struct sc_aliases a;
    uint8_t demo[SC_KEY_LEN], acme[SC_KEY_LEN], key[SC_KEY_LEN];
    sc_aliases_init(&a, &crypto, seed, map_seed);
    struct sc_service_id one = id_of(&a, "web.demo.scaffold", demo);
    struct sc_service_id two = id_of(&a, "web.acme.scaffold", acme);
    struct sc_service_id other = id_of(&a, "db.demo.scaffold", key);
    assert_memory_equal(key, demo, sizeof key);
    assert_memory_not_equal(demo, acme, sizeof key);
    assert_memory_not_equal(one.bytes, two.bytes, SC_PROVIDER_LEN);
    assert_memory_equal(one.bytes + 16, two.bytes + 16, 8); /* the label's */
    assert_memory_equal(one.bytes, other.bytes, SC_PROVIDER_LEN);
    struct sc_service_id expected = service_id("web.demo.scaffold");
    assert_memory_equal(&one, &expected, sizeof one);
    sc_aliases_fini(&a);
}

static void an_alias_that_is_bound(void **state)
{
    (void)state;
    struct sc_aliases a;
    uint8_t own[SC_KEY_LEN] = {1}, key[SC_KEY_LEN], provider[SC_PROVIDER_LEN];
    sc_aliases_init(&a, &crypto, seed, map_seed);
    assert_int_equal(sc_aliases_bind(&a, "demo", own), 0);
    assert_int_equal(sc_aliases_bind(&a, "demo", own), -EEXIST);
    assert_int_equal(sc_aliases_bind(&a, "De mo", own), -EINVAL);
    assert_int_equal(sc_aliases_bind(&a, "aaisem2ekvthpcezvk54zxpo74", own), -EINVAL);
    struct sc_service_id id = id_of(&a, "web.demo.scaffold", key);
    assert_memory_equal(key, own, sizeof key);
    sc_provider_of_key(own, provider);
    assert_memory_equal(id.bytes, provider, sizeof provider);
    sc_aliases_fini(&a);
}

static void a_name_that_certifies_itself(void **state)
{
    (void)state;
    struct sc_aliases a;
    uint8_t key[SC_KEY_LEN];
    sc_aliases_init(&a, &crypto, seed, map_seed);
    struct sc_service_id id = id_of(&a, "web.aaisem2ekvthpcezvk54zxpo74.scaffold:80", key);
    assert_false(sc_provider_has_key(key));
    for (size_t i = 0; i < SC_PROVIDER_LEN; i++)
        assert_int_equal(id.bytes[i], i * 17);
    assert_int_equal(a.by_name.count, 0);
    sc_aliases_fini(&a);
}

/* Whoever makes aliases up does not fill the memory; what is bound goes in all the same. */
static void not_all_are_remembered(void **state)
{
    (void)state;
    struct sc_aliases a;
    char name[64];
    uint8_t key[SC_KEY_LEN], again[SC_KEY_LEN];
    sc_aliases_init(&a, &crypto, seed, map_seed);
    for (unsigned i = 0; i <= SC_ALIASES_REMEMBERED; i++) {
        snprintf(name, sizeof name, "web.a%u.scaffold", i);
        id_of(&a, name, key);
    }
    assert_int_equal(a.by_name.count, SC_ALIASES_REMEMBERED);
    id_of(&a, name, again);
    assert_memory_equal(key, again, sizeof key);
    assert_int_equal(sc_aliases_bind(&a, "bound", key), 0);
    sc_aliases_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_alias_has_a_key_of_its_own),
        cmocka_unit_test(an_alias_that_is_bound),
        cmocka_unit_test(a_name_that_certifies_itself),
        cmocka_unit_test(not_all_are_remembered),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
