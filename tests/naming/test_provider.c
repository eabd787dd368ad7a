/* Providers: the texts of those that certify themselves, and the keys of aliases that are nobody's
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "naming/service_name.h"

/* Base32 of RFC 4648, without padding, in small letters; by Python's base64.b32encode. */
static void as_text(void **state)
{
    (void)state;
    uint8_t provider[SC_PROVIDER_LEN], again[SC_PROVIDER_LEN];
    char text[SC_PROVIDER_TEXT + 1];
    for (size_t i = 0; i < sizeof provider; i++)
        provider[i] = (uint8_t)(i * 17);
    sc_provider_write(provider, text);
    assert_string_equal(text, "aaisem2ekvthpcezvk54zxpo74");
    assert_true(sc_provider_read(text, again));
    assert_memory_equal(again, provider, sizeof again);
    memset(provider, 0, sizeof provider);
    sc_provider_write(provider, text);
    assert_string_equal(text, "aaaaaaaaaaaaaaaaaaaaaaaaaa");
    memset(provider, 255, sizeof provider);
    sc_provider_write(provider, text);
    assert_string_equal(text, "77777777777777777777777774");
}

/* One form alone; whatever else has 26 characters is an alias. */
static void what_is_no_hash(void **state)
{
    (void)state;
    uint8_t provider[SC_PROVIDER_LEN];
    char text[] = "aaisem2ekvthpcezvk54zxpo7a";
    for (const char *c = "abcdefghijklmnopqrstuvwxyz0123456789-"; *c; c++) {
        text[25] = *c;
        bool certifies = strchr("aeimquy4", *c) != NULL;
        assert_int_equal(sc_provider_read(text, provider), certifies);
        assert_int_equal(sc_service_name_is_alias(text), !certifies && *c != '-');
    }
    assert_false(sc_provider_read("aaisem2ekvthpcezvk54zxpo7", provider));
    assert_false(sc_provider_read("aaisem2ekvthpcezvk54zxpo74a", provider));
    assert_false(sc_provider_read("AAISEM2EKVTHPCEZVK54ZXPO74", provider));
    assert_false(sc_provider_read("aaisem2ekvthpcezvk54zxpo14", provider));
    assert_false(sc_provider_read("", provider));
    assert_true(sc_service_name_is_alias("demo"));
    assert_false(sc_service_name_is_alias("a.b"));
    assert_false(sc_service_name_is_alias("-a"));
}

static void as_hex(const uint8_t *bytes, size_t len, char *hex)
{
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* By Python's cryptography, from docs/protocol.md: HKDF(SHA256, 32, salt=None,
 * info=b"scaffold alias" + alias) of the seed, as an Ed25519 private key. */
static void derived(void **state)
{
    (void)state;
    static const struct {
        const char *alias, *key, *provider;
    } cases[] = {
        {"demo", "4d4fd36873da11472cfb3b5bcf3e8ef27bbd77bab8a6403f1f4abe1a0a008758",
         "9005e50f2984ba810f3a42443e2481cc"},
        {"host", "afe8eb14e6540be302d7f6b9835f7b8cefec4c4edde21706637bc41d547c6c18",
         "0c8538f596495fa5e7ead2dc676b9dd7"},
    };
    uint8_t seed[SC_NETWORK_SEED_LEN], key[SC_KEY_LEN], provider[SC_PROVIDER_LEN];
    char hex[65];
    struct sc_crypto c;
    assert_int_equal(sc_crypto_init(&c, NULL), 0);
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sc_provider_derive(&c, seed, cases[i].alias, key);
        as_hex(key, sizeof key, hex);
        assert_string_equal(hex, cases[i].key);
        sc_provider_of_key(key, provider);
        as_hex(provider, sizeof provider, hex);
        assert_string_equal(hex, cases[i].provider);
    }
    sc_crypto_fini(&c);
}

static void no_key(void **state)
{
    (void)state;
    uint8_t key[SC_KEY_LEN] = {0};
    assert_false(sc_provider_has_key(key));
    key[31] = 1;
    assert_true(sc_provider_has_key(key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_text),
        cmocka_unit_test(what_is_no_hash),
        cmocka_unit_test(derived),
        cmocka_unit_test(no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
