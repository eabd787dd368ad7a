/* Sealing: every library against the vectors of the standards; nonces, pieces and places; and that
 * nothing opens that was changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/kit.h"

#define LEN_MAX 4096

static struct sc_crypto crypto;

static const struct sc_aead_ops *const libraries[] = {&sc_aead_libcrypto};
static const enum sc_suite suites[] = {SC_SUITE_AESGCM, SC_SUITE_CHACHAPOLY};

static const struct sc_pieces none;

static struct sc_pieces one(const struct sc_field *field)
{
    return (struct sc_pieces){field, 1};
}

/* --- the standards' vectors ------------------------------------------------------------------- */

struct vector {
    enum sc_suite suite;
    const char *key, *nonce, *aad, *plain, *sealed;
};

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define PLAIN                                                                                      \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6" \
    "b525b16aedf5aa0de657ba637b39"
#define SEALED                                                                                     \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682" \
    "8838c5f61e6393ba7a0abcc9f662"

/* AES: test cases 13 to 16 of the proposal of GCM to NIST (McGrew and Viega, 2005), and ChaCha:
 * RFC 8439 2.8.2 and A.5's key and nonce are not Noise's, so this is below the nonces of aead.c. */
static const struct vector vectors[] = {
    {SC_SUITE_AESGCM, ZEROS, "000000000000000000000000", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {SC_SUITE_AESGCM, ZEROS, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {SC_SUITE_AESGCM, KEY, "cafebabefacedbaddecaf888", "", PLAIN "1aafd255",
     SEALED "898015adb094dac5d93471bdec1a502270e3cc6c"},
    {SC_SUITE_AESGCM, KEY, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     PLAIN, SEALED "76fc6ece0f4e1768cddf8853bb2d551b"},
    {SC_SUITE_CHACHAPOLY, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492"
     "0"
     "636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20737"
     "5"
     "6e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da927"
     "2"
     "8b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b483"
     "1"
     "d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
};

static void assert_vector(const struct sc_aead_ops *ops, const struct vector *v)
{
    const struct sc_field aad = kit_bytes(v->aad), plain = kit_bytes(v->plain),
                          sealed = kit_bytes(v->sealed);
    const uint8_t *key = kit_bytes(v->key).data, *nonce = kit_bytes(v->nonce).data;
    uint8_t out[LEN_MAX];
    void *seals = ops->make(&crypto, v->suite, true), *opens = ops->make(&crypto, v->suite, false);
    if (!seals || !opens)
        skip(); /* not this library's, or not on this CPU */
    for (int again = 0; again < 2; again++) {
        ops->seal(seals, again ? NULL : key, nonce, one(&aad), one(&plain), out);
        assert_memory_equal(out, sealed.data, sealed.len);
        assert_true(ops->open(opens, again ? NULL : key, nonce, one(&aad), sealed, out));
        assert_memory_equal(out, plain.data, plain.len);
    }
    ops->free(seals);
    ops->free(opens);
}

static void standards(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
            assert_vector(libraries[i], &vectors[k]);
}

/* --- what is ours ----------------------------------------------------------------------------- */

static struct sc_aead_key a_key(enum sc_suite suite, uint8_t byte)
{
    struct sc_aead_key key = {.suite = suite};
    memset(key.bytes, byte, sizeof key.bytes);
    return key;
}

/* As many bytes as there are, each another. */
static const uint8_t *text(void)
{
    static uint8_t bytes[LEN_MAX];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    return bytes;
}

/* Noise 12.3, 12.4: what a number looks like to the cipher. */
static void nonces(void **state)
{
    (void)state;
    static const uint8_t bytes[][SC_AEAD_NONCE_LEN] = {{[4] = 1, 2, 3, 4, 5, 6, 7, 8},
                                                       {[4] = 8, 7, 6, 5, 4, 3, 2, 1}};
    for (size_t i = 0; i < 2; i++) {
        const struct sc_field plain = {text(), 100};
        struct sc_aead_key key = a_key(suites[i], 5);
        uint8_t out[2][116];
        void *cipher = sc_aead_libcrypto.make(&crypto, suites[i], true);
        sc_aead_libcrypto.seal(cipher, key.bytes, bytes[i], none, one(&plain), out[0]);
        sc_aead_libcrypto.free(cipher);
        size_t len =
            sc_aead_seal(&crypto.aead, &key, 0x0102030405060708, none, one(&plain), out[1]);
        assert_int_equal(len, sizeof out[1]);
        assert_memory_equal(out[0], out[1], len);
    }
}

/* However it is cut, and wherever it goes, it is the same. */
static void pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t len = 0; len < 300; len += 1 + len / 7) {
            struct sc_aead_key key = a_key(suites[i], 6);
            const struct sc_field whole = {text(), len},
                                  cut[] = {{text(), len / 3},
                                           {NULL, 0},
                                           {text() + len / 3, len - len / 3}};
            uint8_t once[400], out[400], place[400];
            size_t sealed = sc_aead_seal(&crypto.aead, &key, len, one(&whole), one(&whole), once);
            assert_int_equal(sealed, len + SC_AEAD_TAG_LEN);
            sc_aead_seal(&crypto.aead, &key, len, (struct sc_pieces){cut, 3},
                         (struct sc_pieces){cut, 3}, out);
            assert_memory_equal(once, out, sealed);
            memcpy(place, text(), len);
            const struct sc_field in_place = {place, len};
            sc_aead_seal(&crypto.aead, &key, len, one(&whole), one(&in_place), place);
            assert_memory_equal(once, place, sealed);
            const struct sc_field field = {place, sealed};
            assert_true(sc_aead_open(&crypto.aead, &key, len, one(&whole), field, place));
            assert_memory_equal(place, text(), len);
        }
}

static void assert_closed(const struct sc_aead_key *key, uint64_t nonce, struct sc_field aad,
                          struct sc_field sealed)
{
    static const uint8_t zeros[LEN_MAX];
    uint8_t out[LEN_MAX];
    size_t len = sealed.len < SC_AEAD_TAG_LEN ? 0 : sealed.len - SC_AEAD_TAG_LEN;
    memset(out, 0xee, sizeof out);
    assert_false(sc_aead_open(&crypto.aead, key, nonce, one(&aad), sealed, out));
    assert_memory_equal(out, zeros, len);
    assert_int_equal(out[len], 0xee); /* and nothing beyond it */
}

static void changed(enum sc_suite suite)
{
    struct sc_aead_key key = a_key(suite, 7), other = a_key(suite, 8);
    const struct sc_field plain = {text(), 40};
    uint8_t aad[20] = "twenty bytes of it..", sealed[56], out[40];
    const struct sc_field with = {aad, sizeof aad}, whole = {sealed, sizeof sealed};
    sc_aead_seal(&crypto.aead, &key, 9, one(&with), one(&plain), sealed);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_closed(&key, 9, with, whole);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof aad; bit++) {
        aad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_closed(&key, 9, with, whole);
        aad[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < sizeof sealed; len++)
        assert_closed(&key, 9, with, (struct sc_field){sealed, len});
    assert_closed(&key, 10, with, whole);
    assert_closed(&key, SC_AEAD_NONCE_NEVER, with, whole);
    assert_closed(&other, 9, with, whole);
    assert_true(sc_aead_open(&crypto.aead, &key, 9, one(&with), whole, out));
}

static void nothing_changed_opens(void **state)
{
    (void)state;
    changed(SC_SUITE_AESGCM);
    changed(SC_SUITE_CHACHAPOLY);
}

/* Contexts are shared: each key comes and goes, and none is taken for another. */
static void keys_in_turn(void **state)
{
    (void)state;
    const struct sc_field plain = {text(), 64};
    uint8_t sealed[8][80], out[80];
    for (int round = 0; round < 3; round++)
        for (unsigned i = 0; i < 8; i++) {
            struct sc_aead_key key = a_key(suites[i % 2], (uint8_t)(i / 2));
            sc_aead_seal(&crypto.aead, &key, 1, none, one(&plain), out);
            if (round == 0)
                memcpy(sealed[i], out, sizeof out);
            assert_memory_equal(sealed[i], out, sizeof out);
            const struct sc_field field = {sealed[i], sizeof sealed[i]};
            assert_true(sc_aead_open(&crypto.aead, &key, 1, none, field, out));
            if (i % 3 == 0)
                sc_aead_forget(&crypto.aead);
        }
}

/* Noise 4.2: the first 32 bytes of ENCRYPT(k, 2^64 - 1, "", 32 zeros). */
static void rekey(void **state)
{
    (void)state;
    static const uint8_t zeros[32],
        nonce[SC_AEAD_NONCE_LEN] = {[4] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct sc_field plain = {zeros, sizeof zeros};
    for (size_t i = 0; i < 2; i++) {
        struct sc_aead_key key = a_key(suites[i], 9), next = key;
        uint8_t out[48];
        void *cipher = sc_aead_libcrypto.make(&crypto, suites[i], true);
        sc_aead_libcrypto.seal(cipher, key.bytes, nonce, none, one(&plain), out);
        sc_aead_libcrypto.free(cipher);
        sc_aead_rekey(&crypto.aead, &next);
        assert_memory_equal(next.bytes, out, sizeof next.bytes);
        assert_int_equal(next.suite, suites[i]);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(sc_aead_name(&crypto.aead, SC_SUITE_CHACHAPOLY), "libcrypto");
    assert_false(sc_suite_known(0));
    assert_true(sc_suite_known(SC_SUITE_AESGCM));
    assert_true(sc_suite_known(SC_SUITE_CHACHAPOLY));
    assert_false(sc_suite_known(3));
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
        cmocka_unit_test(standards),    cmocka_unit_test(nonces),
        cmocka_unit_test(pieces),       cmocka_unit_test(nothing_changed_opens),
        cmocka_unit_test(keys_in_turn), cmocka_unit_test(rekey),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, start, end);
}
