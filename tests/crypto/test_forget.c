/* What is wiped is gone: from the objects, and from all memory that libcrypto has, or gives back.
 * Its memory passes through here, so no copy of a key that it makes escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "crypto/crypto.h"
#include "crypto/drawn.h"
#include "crypto/hash.h"
#include "crypto/kit.h"
#include "crypto/noise.h"

#define SECRETS_MAX 64

/* --- libcrypto's memory ----------------------------------------------------------------------- */

struct block {
    struct block *next, **at;
    size_t len;
    _Alignas(max_align_t) uint8_t bytes[];
};

static struct block *blocks;
static uint8_t secret[SECRETS_MAX][32];
static size_t secrets, freed_with_secret;

static bool has_secret(const void *memory, size_t len)
{
    for (size_t i = 0; i < secrets; i++)
        if (len >= sizeof secret[i] && memmem(memory, len, secret[i], sizeof secret[i]))
            return true;
    return false;
}

static void *get(size_t len, const char *file, int line)
{
    (void)file, (void)line;
    struct block *b = malloc(sizeof *b + len);
    if (!b)
        return NULL;
    *b = (struct block){.next = blocks, .at = &blocks, .len = len};
    if (blocks)
        blocks->at = &b->next;
    blocks = b;
    return b->bytes;
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    if (!memory)
        return;
    struct block *b = (struct block *)((uint8_t *)memory - offsetof(struct block, bytes));
    freed_with_secret += has_secret(b->bytes, b->len);
    *b->at = b->next;
    if (b->next)
        b->next->at = b->at;
    free(b);
}

static void *change(void *memory, size_t len, const char *file, int line)
{
    void *other = len ? get(len, file, line) : NULL;
    if (other && memory) {
        struct block *b = (struct block *)((uint8_t *)memory - offsetof(struct block, bytes));
        memcpy(other, memory, b->len < len ? b->len : len);
    }
    if (other || len == 0)
        give_back(memory, file, line);
    return other;
}

static bool libcrypto_has_secret(void)
{
    for (const struct block *b = blocks; b; b = b->next)
        if (has_secret(b->bytes, b->len))
            return true;
    return false;
}

/* From here on these bytes are looked for. */
static void remember(const void *bytes)
{
    assert_true(secrets < SECRETS_MAX);
    memcpy(secret[secrets++], bytes, sizeof *secret);
}

static int forget_all(void **state)
{
    (void)state;
    secrets = freed_with_secret = 0;
    return 0;
}

/* --- who has had a key ------------------------------------------------------------------------ */

static struct sc_rng rng;
static struct sc_crypto crypto;

static struct sc_field bytes_of(const uint8_t *bytes)
{
    return (struct sc_field){bytes, 32};
}

static void assert_nothing_left(void)
{
    assert_false(libcrypto_has_secret());
    assert_int_equal(freed_with_secret, 0);
    assert_false(has_secret(&crypto, sizeof crypto));
}

static void the_search_finds(void **state)
{
    (void)state;
    uint8_t key[32], out[48];
    sc_entropy_fill(&crypto.entropy, key, sizeof key);
    remember(key);
    sc_hmac(&crypto, bytes_of(key), (struct sc_pieces){NULL, 0}, out);
    assert_true(libcrypto_has_secret());
    sc_hmac_forget(&crypto);
    assert_nothing_left();
}

static void ciphers(void **state)
{
    (void)state;
    const struct sc_field plain = kit_text("nothing to hide");
    for (unsigned i = 0; i < SC_SUITES; i++) {
        struct sc_aead_key key = {.suite = (enum sc_suite)(i + 1)}, next;
        uint8_t out[64];
        sc_entropy_fill(&crypto.entropy, key.bytes, sizeof key.bytes);
        remember(key.bytes);
        next = key;
        sc_aead_rekey(&crypto.aead, &next);
        remember(next.bytes);
        for (int k = 0; k < 2; k++) {
            const struct sc_aead_key *use = k ? &next : &key;
            size_t len = sc_aead_seal(&crypto.aead, use, 0, (struct sc_pieces){NULL, 0},
                                      (struct sc_pieces){&plain, 1}, out);
            const struct sc_field sealed = {out, len};
            assert_true(
                sc_aead_open(&crypto.aead, use, 0, (struct sc_pieces){NULL, 0}, sealed, out));
        }
        assert_true(has_secret(&crypto, sizeof crypto)); /* it knows which key it has */
        sc_crypto_forget(&crypto);
        assert_nothing_left();
    }
}

static void remember_state(const struct sc_noise *n)
{
    remember(n->chaining);
    if (n->keyed)
        remember(n->key.bytes);
    if (n->drawn)
        remember(n->ephemeral.secret);
}

static void handshakes(void **state)
{
    enum sc_noise_pattern pattern = *state ? SC_NOISE_XX : SC_NOISE_NX;
    struct sc_x25519 own[2];
    struct sc_noise end[2];
    uint8_t message[256], payload[256];
    for (int i = 0; i < 2; i++) {
        sc_x25519_draw(&own[i], &crypto);
        remember(own[i].secret);
        const struct sc_noise_config config = {
            .pattern = pattern, .suite = SC_SUITE_AESGCM, .initiator = i == 0, .own = &own[i]};
        sc_noise_init(&end[i], &crypto, &config);
    }
    for (unsigned turn = 0; !sc_noise_done(&end[turn % 2]); turn++) {
        size_t len = sc_noise_write(&end[turn % 2], &crypto, kit_text("x"), message);
        const struct sc_field field = {message, len};
        remember_state(&end[turn % 2]);
        assert_true(sc_noise_read(&end[1 - turn % 2], &crypto, field, payload, &len));
        remember_state(&end[1 - turn % 2]);
    }
    for (int i = 0; i < 2; i++) {
        struct sc_aead_key send, receive;
        sc_noise_split(&end[i], &crypto, &send, &receive);
        remember(send.bytes);
        remember(receive.bytes);
        sc_x25519_wipe(&own[i]);
    }
    assert_nothing_left();
    assert_false(has_secret(end, sizeof end));
    assert_false(has_secret(own, sizeof own));
}

static void given_up(void **state)
{
    (void)state;
    struct sc_x25519 own;
    struct sc_noise n, copy;
    uint8_t message[64], payload[256];
    size_t len;
    sc_x25519_draw(&own, &crypto);
    const struct sc_noise_config config = {
        .pattern = SC_NOISE_NX, .suite = SC_SUITE_AESGCM, .initiator = true};
    sc_noise_init(&n, &crypto, &config);
    assert_true(sc_noise_write(&n, &crypto, kit_text(""), message) > 0);
    remember_state(&n);
    uint8_t answer[128] = {9};
    copy = n;
    assert_false(
        sc_noise_read(&copy, &crypto, (struct sc_field){answer, sizeof answer}, payload, &len));
    remember_state(&copy);
    sc_noise_wipe(&copy, &crypto);
    sc_noise_wipe(&n, &crypto);
    assert_nothing_left();
    assert_false(has_secret(&copy, sizeof copy) || has_secret(&n, sizeof n));
}

static void the_end(void **state)
{
    (void)state;
    struct sc_crypto own;
    const struct sc_field plain = kit_text("x");
    struct sc_aead_key key = {.suite = SC_SUITE_AESGCM};
    uint8_t out[32];
    assert_int_equal(sc_crypto_init(&own, &crypto.entropy), 0);
    sc_entropy_fill(&own.entropy, key.bytes, sizeof key.bytes);
    remember(key.bytes);
    sc_aead_seal(&own.aead, &key, 0, (struct sc_pieces){NULL, 0}, (struct sc_pieces){&plain, 1},
                 out);
    sc_hmac(&own, bytes_of(key.bytes), (struct sc_pieces){&plain, 1}, out);
    sc_crypto_fini(&own);
    assert_nothing_left();
    assert_false(has_secret(&own, sizeof own));
}

static int start(void **state)
{
    (void)state;
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
        cmocka_unit_test_setup(the_search_finds, forget_all),
        cmocka_unit_test_setup(ciphers, forget_all),
        {"nx", handshakes, forget_all, NULL, NULL},
        {"xx", handshakes, forget_all, NULL, ""},
        cmocka_unit_test_setup(given_up, forget_all),
        cmocka_unit_test_setup(the_end, forget_all),
    };
    if (!CRYPTO_set_mem_functions(get, change, give_back))
        return 1; /* libcrypto has memory already */
    return cmocka_run_group_tests(tests, start, end);
}
