/* X25519 against RFC 7748, and keys that stand for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/drawn.h"
#include "crypto/kit.h"
#include "crypto/x25519.h"

static struct sc_crypto crypto;

static void assert_shared(const char *secret, const char *peer, const char *good)
{
    struct sc_x25519 pair;
    uint8_t out[SC_X25519_LEN];
    sc_x25519_init(&pair, &crypto, kit_bytes(secret).data);
    assert_true(sc_x25519_share(&pair, &crypto, kit_bytes(peer).data, out));
    assert_memory_equal(out, kit_bytes(good).data, sizeof out);
}

/* 5.2 */
static void scalars(void **state)
{
    (void)state;
    assert_shared("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    assert_shared("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

/* 5.2, the second kind: each result is the next secret, each secret the next peer. */
static void a_thousand_times(void **state)
{
    (void)state;
    uint8_t k[SC_X25519_LEN] = {9}, u[SC_X25519_LEN] = {9}, out[SC_X25519_LEN];
    for (int i = 1; i <= 1000; i++) {
        struct sc_x25519 pair;
        sc_x25519_init(&pair, &crypto, k);
        assert_true(sc_x25519_share(&pair, &crypto, u, out));
        memcpy(u, k, sizeof u);
        memcpy(k, out, sizeof k);
        if (i == 1)
            assert_memory_equal(
                k,
                kit_bytes("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079").data,
                sizeof k);
    }
    assert_memory_equal(
        k, kit_bytes("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51").data,
        sizeof k);
}

/* 6.1 */
static void two_ends(void **state)
{
    (void)state;
    static const char alice[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
                      bob[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                      alices[] = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
                      bobs[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
                      both[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    struct sc_x25519 pair;
    sc_x25519_init(&pair, &crypto, kit_bytes(alice).data);
    assert_memory_equal(pair.public, kit_bytes(alices).data, sizeof pair.public);
    assert_shared(alice, bobs, both);
    assert_shared(bob, alices, both);
}

/* All points of small order, and those that are the same modulo 2^255 - 19 (the list that
 * libsodium refuses): the secret has no part in the result. */
static void worth_nothing(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
    };
    static const uint8_t zeros[SC_X25519_LEN];
    uint8_t out[SC_X25519_LEN];
    struct sc_x25519 pair;
    sc_x25519_draw(&pair, &crypto);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        memset(out, 1, sizeof out);
        assert_false(sc_x25519_share(&pair, &crypto, kit_bytes(points[i]).data, out));
        assert_memory_equal(out, zeros, sizeof out);
    }
    sc_x25519_wipe(&pair);
    assert_memory_equal(pair.secret, zeros, sizeof pair.secret);
}

static void drawn(void **state)
{
    (void)state;
    struct sc_x25519 a, b, again;
    sc_x25519_draw(&a, &crypto);
    sc_x25519_draw(&b, &crypto);
    assert_memory_not_equal(a.secret, b.secret, sizeof a.secret);
    sc_x25519_init(&again, &crypto, a.secret);
    assert_memory_equal(&a, &again, sizeof a);
}

static int start(void **state)
{
    (void)state;
    static struct sc_rng rng;
    struct sc_entropy entropy = drawn_from(&rng);
    sc_rng_seed(&rng, 1);
    return sc_crypto_init(&crypto, &entropy);
}

static int end(void **state)
{
    (void)state;
    sc_crypto_fini(&crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),  cmocka_unit_test(a_thousand_times),
        cmocka_unit_test(two_ends), cmocka_unit_test(worth_nothing),
        cmocka_unit_test(drawn),
    };
    return cmocka_run_group_tests(tests, start, end);
}
