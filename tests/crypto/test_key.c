/* Ed25519: RFC 8032's own examples (7.1, tests 1 to 3), that no other text or key passes, and what
 * a host says of its key for handshakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/kit.h"
#include "crypto/statement.h"

static const struct {
    const char *seed, *public, *text, *signature;
} examples[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

static int set_up(void **state)
{
    static struct sc_crypto crypto;
    *state = &crypto;
    return sc_crypto_init(&crypto, NULL);
}

static int tear_down(void **state)
{
    sc_crypto_fini(*state);
    return 0;
}

static void examples_of_the_rfc(void **state)
{
    struct sc_crypto *c = *state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct sc_field seed = kit_bytes(examples[i].seed), text = kit_bytes(examples[i].text);
        struct sc_key key;
        uint8_t signature[SC_SIGNATURE_LEN];
        sc_key_init(&key, c, seed.data);
        assert_memory_equal(key.public, kit_bytes(examples[i].public).data, SC_KEY_LEN);
        sc_key_sign(&key, c, text, signature);
        assert_memory_equal(signature, kit_bytes(examples[i].signature).data, sizeof signature);
        assert_true(sc_key_verify(key.public, c, text, signature));
        for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(sc_key_verify(key.public, c, text, signature));
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_false(sc_key_verify(key.public, c, kit_text("another"), signature));
        sc_key_wipe(&key);
    }
}

static void a_statement_is_of_one_host_and_one_key(void **state)
{
    struct sc_crypto *c = *state;
    struct sc_key host, other;
    uint8_t statement[SC_STATEMENT_LEN], handshake[SC_X25519_LEN] = {1, 2, 3};
    sc_key_init(&host, c, kit_bytes(examples[0].seed).data);
    sc_key_init(&other, c, kit_bytes(examples[1].seed).data);
    sc_statement_write(statement, c, &host, handshake, 1800000000);
    assert_true(sc_statement_is_of(statement, c, host.public, handshake));
    assert_false(sc_statement_is_of(statement, c, other.public, handshake));
    for (size_t bit = 0; bit < 8 * sizeof statement; bit++) {
        statement[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sc_statement_is_of(statement, c, host.public, handshake));
        statement[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    handshake[0]++;
    assert_false(sc_statement_is_of(statement, c, host.public, handshake));
}

/* Of points of a small order: what the fuzzer found first was zeros, signed by zeros. */
static void keys_that_anybody_can_sign_for(void **state)
{
    static const char *const keys[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    const size_t count = sizeof keys / sizeof *keys;
    struct sc_field key[sizeof keys / sizeof *keys];
    for (size_t i = 0; i < count; i++)
        key[i] = kit_bytes(keys[i]);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < count; r++)
            for (uint8_t n = 0; n < 64; n++) {
                uint8_t signature[SC_SIGNATURE_LEN] = {0};
                memcpy(signature, key[r].data, SC_KEY_LEN);
                assert_false(
                    sc_key_verify(key[i].data, *state, (struct sc_field){&n, 1}, signature));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_anybody_can_sign_for),
        cmocka_unit_test(examples_of_the_rfc),
        cmocka_unit_test(a_statement_is_of_one_host_and_one_key),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
