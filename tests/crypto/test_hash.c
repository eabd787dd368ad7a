/* Hashes against the vectors of their standards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/kit.h"

static struct sc_crypto crypto;

static struct sc_field repeated(uint8_t *room, uint8_t byte, size_t len)
{
    memset(room, byte, len);
    return (struct sc_field){room, len};
}

static struct sc_field counted(uint8_t *room, uint8_t first, size_t len)
{
    for (size_t i = 0; i < len; i++)
        room[i] = (uint8_t)(first + i);
    return (struct sc_field){room, len};
}

/* FIPS 180-4's examples, the first in pieces. */
static void sha256(void **state)
{
    (void)state;
    const struct sc_field abc[] = {kit_text("a"), {NULL, 0}, kit_text("bc")};
    uint8_t out[SC_HASH_LEN];
    sc_sha256(&crypto, (struct sc_pieces){abc, 3}, out);
    assert_memory_equal(
        out, kit_bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").data,
        sizeof out);
    sc_sha256(&crypto, (struct sc_pieces){NULL, 0}, out);
    assert_memory_equal(
        out, kit_bytes("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").data,
        sizeof out);
}

static void assert_hmac(struct sc_field key, const char *text, const char *hex)
{
    const struct sc_field data = kit_text(text);
    uint8_t out[SC_HASH_LEN];
    sc_hmac(&crypto, key, (struct sc_pieces){&data, 1}, out);
    assert_memory_equal(out, kit_bytes(hex).data, sizeof out);
}

/* RFC 4231, test cases 1, 2 and 6; and no key at all, computed with another implementation. */
static void hmac(void **state)
{
    (void)state;
    uint8_t room[131];
    assert_hmac(repeated(room, 0x0b, 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_hmac(kit_text("Jefe"), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_hmac(repeated(room, 0xaa, 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_hmac((struct sc_field){NULL, 0}, "",
                "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void assert_hkdf(struct sc_field salt, struct sc_field secret, struct sc_field info,
                        const char *hex)
{
    const struct sc_field good = kit_bytes(hex);
    uint8_t out[100];
    sc_hkdf(&crypto, salt, secret, info, out, good.len);
    assert_memory_equal(out, good.data, good.len);
}

/* RFC 5869, A.1 to A.3 */
static void hkdf(void **state)
{
    (void)state;
    static const struct sc_field none;
    uint8_t salt[80], secret[80], info[80];
    assert_hkdf(
        counted(salt, 0, 13), repeated(secret, 0x0b, 22), counted(info, 0xf0, 10),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    assert_hkdf(counted(salt, 0x60, 80), counted(secret, 0, 80), counted(info, 0xb0, 80),
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                "cc30c58179ec3e87c14c01d5c1f3434f1d87");
    assert_hkdf(
        none, repeated(secret, 0x0b, 22), none,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static int start(void **state)
{
    (void)state;
    return sc_crypto_init(&crypto, NULL);
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
        cmocka_unit_test(sha256),
        cmocka_unit_test(hmac),
        cmocka_unit_test(hkdf),
    };
    return cmocka_run_group_tests(tests, start, end);
}
