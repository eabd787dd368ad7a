/* Handshakes: two ends agree, and about nothing that anybody has changed or cut. That they are
 * Noise's is what test_noise_vectors.py shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/drawn.h"
#include "crypto/kit.h"
#include "crypto/noise.h"

#define ROOM 512
#define TURNS 3

static struct sc_rng rng;
static struct sc_crypto crypto;
static struct sc_x25519 client, instance;

static const struct {
    enum sc_noise_pattern pattern;
    enum sc_suite suite;
    unsigned turns;
} kinds[] = {{SC_NOISE_NX, SC_SUITE_AESGCM, 2},
             {SC_NOISE_NX, SC_SUITE_CHACHAPOLY, 2},
             {SC_NOISE_XX, SC_SUITE_AESGCM, 3},
             {SC_NOISE_XX, SC_SUITE_CHACHAPOLY, 3}};
#define KINDS (sizeof kinds / sizeof *kinds)

/* Two ends, and what they have said so far. */
struct talk {
    struct sc_noise end[2];
    uint8_t message[TURNS][ROOM];
    size_t len[TURNS];
};

static const char *const payloads[TURNS] = {"", "the second payload", "and a third"};

static void begin(struct talk *t, size_t kind, const char *prologue, const char *other)
{
    struct sc_noise_config config = {.pattern = kinds[kind].pattern,
                                     .suite = kinds[kind].suite,
                                     .initiator = true,
                                     .prologue = kit_text(prologue),
                                     .own = config.pattern == SC_NOISE_XX ? &client : NULL};
    *t = (struct talk){0};
    sc_noise_init(&t->end[0], &crypto, &config);
    config.initiator = false;
    config.own = &instance;
    config.prologue = kit_text(other);
    sc_noise_init(&t->end[1], &crypto, &config);
}

static void write_turn(struct talk *t, unsigned turn)
{
    t->len[turn] =
        sc_noise_write(&t->end[turn % 2], &crypto, kit_text(payloads[turn]), t->message[turn]);
    assert_true(t->len[turn] > 0 && t->len[turn] <= strlen(payloads[turn]) + SC_NOISE_OVERHEAD);
}

static bool read_bytes(struct sc_noise *n, const uint8_t *bytes, size_t len, const char *payload)
{
    /* Exactly as long as it is, so that a sanitizer sees a byte beyond it. */
    uint8_t *exact = malloc(len + 1), got[ROOM];
    memcpy(exact, bytes, len);
    size_t got_len;
    bool good = sc_noise_read(n, &crypto, (struct sc_field){exact, len}, got, &got_len);
    if (good) {
        assert_int_equal(got_len, strlen(payload));
        assert_memory_equal(got, payload, got_len);
    }
    free(exact);
    return good;
}

static bool read_turn(struct talk *t, unsigned turn)
{
    return read_bytes(&t->end[1 - turn % 2], t->message[turn], t->len[turn], payloads[turn]);
}

static void talk_until(struct talk *t, unsigned turns)
{
    for (unsigned turn = 0; turn < turns; turn++) {
        write_turn(t, turn);
        assert_true(read_turn(t, turn));
    }
}

static void assert_keys(const struct sc_aead_key *a, const struct sc_aead_key *b)
{
    assert_int_equal(a->suite, b->suite);
    assert_memory_equal(a->bytes, b->bytes, sizeof a->bytes);
}

static void two_ends_agree(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct talk t;
        struct sc_aead_key send[2], receive[2];
        begin(&t, kind, "hello", "hello");
        talk_until(&t, kinds[kind].turns);
        for (int i = 0; i < 2; i++) {
            assert_true(sc_noise_done(&t.end[i]));
            sc_noise_split(&t.end[i], &crypto, &send[i], &receive[i]);
        }
        assert_keys(&send[0], &receive[1]);
        assert_keys(&send[1], &receive[0]);
        assert_memory_not_equal(send[0].bytes, send[1].bytes, SC_AEAD_KEY_LEN);
        assert_int_equal(send[0].suite, kinds[kind].suite);
        assert_memory_equal(t.end[0].hash, t.end[1].hash, SC_HASH_LEN);
        assert_memory_equal(t.end[0].peer, instance.public, SC_X25519_LEN);
        if (kinds[kind].pattern == SC_NOISE_XX)
            assert_memory_equal(t.end[1].peer, client.public, SC_X25519_LEN);
    }
}

/* The second message's length, of which docs/protocol.md counts. */
static void lengths(void **state)
{
    (void)state;
    struct talk t;
    begin(&t, 2, "", "");
    talk_until(&t, 3);
    assert_int_equal(t.len[0], SC_X25519_LEN);
    assert_int_equal(t.len[1], SC_NOISE_OVERHEAD + strlen(payloads[1]));
    assert_int_equal(t.len[2], SC_NOISE_OVERHEAD - SC_X25519_LEN + strlen(payloads[2]));
}

static void another_prologue(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct talk t;
        begin(&t, kind, "hello", "hellp");
        talk_until(&t, 1); /* nothing is sealed yet */
        write_turn(&t, 1);
        assert_false(read_turn(&t, 1));
    }
}

/* A client has shown its ephemeral key before it knows which pattern it will be. */
static void shown_before(void **state)
{
    (void)state;
    struct talk t;
    struct sc_x25519 e;
    sc_x25519_draw(&e, &crypto);
    begin(&t, 0, "", "");
    const struct sc_noise_config config = {
        .pattern = SC_NOISE_NX, .suite = SC_SUITE_AESGCM, .initiator = true, .ephemeral = &e};
    sc_noise_init(&t.end[0], &crypto, &config);
    talk_until(&t, 2);
    assert_memory_equal(t.message[0], e.public, SC_X25519_LEN);
}

/* What a flipped bit of this message leads to: it is not read, or, where nothing seals it yet, the
 * next one is not. */
static void assert_flip_fails(const struct talk *before, unsigned turn, size_t bit)
{
    struct talk t = *before;
    t.message[turn][bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (!read_turn(&t, turn))
        return;
    assert_int_equal(turn, 0);
    size_t len = sc_noise_write(&t.end[1], &crypto, kit_text(payloads[1]), t.message[1]);
    t.len[1] = len;
    assert_true(len == 0 || !read_turn(&t, 1));
}

static void each_bit(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct talk t;
        begin(&t, kind, "", "");
        for (unsigned turn = 0; turn < kinds[kind].turns; turn++) {
            write_turn(&t, turn);
            for (size_t bit = 0; bit < 8 * t.len[turn]; bit++)
                assert_flip_fails(&t, turn, bit);
            assert_true(read_turn(&t, turn)); /* the trials were on copies */
        }
    }
}

static void each_length(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct talk t;
        begin(&t, kind, "", "");
        for (unsigned turn = 0; turn < kinds[kind].turns; turn++) {
            write_turn(&t, turn);
            for (size_t len = 0; len < t.len[turn]; len++) {
                struct sc_noise copy = t.end[1 - turn % 2];
                assert_false(read_bytes(&copy, t.message[turn], len, payloads[turn]));
            }
            assert_true(read_turn(&t, turn));
        }
    }
}

static void too_long(void **state)
{
    (void)state;
    static uint8_t message[SC_NOISE_MESSAGE_MAX + 1], payload[sizeof message];
    struct talk t;
    size_t len;
    begin(&t, 0, "", "");
    const struct sc_field whole = {message, sizeof message};
    assert_false(sc_noise_read(&t.end[1], &crypto, whole, payload, &len));
}

/* A peer's key that leads to a secret which everybody knows. */
static void worth_nothing(void **state)
{
    (void)state;
    static const uint8_t zeros[SC_X25519_LEN];
    struct talk t;
    begin(&t, 0, "", "");
    assert_true(read_bytes(&t.end[1], zeros, sizeof zeros, "")); /* no DH yet */
    assert_int_equal(sc_noise_write(&t.end[1], &crypto, kit_text("x"), t.message[1]), 0);
    begin(&t, 0, "", "");
    talk_until(&t, 1);
    write_turn(&t, 1);
    memset(t.message[1], 0, SC_X25519_LEN);
    assert_false(read_turn(&t, 1));
}

static int start(void **state)
{
    (void)state;
    struct sc_entropy entropy = drawn_from(&rng);
    sc_rng_seed(&rng, 1);
    if (sc_crypto_init(&crypto, &entropy) < 0)
        return -1;
    sc_x25519_draw(&client, &crypto);
    sc_x25519_draw(&instance, &crypto);
    return 0;
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
        cmocka_unit_test(two_ends_agree),   cmocka_unit_test(lengths),
        cmocka_unit_test(another_prologue), cmocka_unit_test(shown_before),
        cmocka_unit_test(each_bit),         cmocka_unit_test(each_length),
        cmocka_unit_test(too_long),         cmocka_unit_test(worth_nothing),
    };
    return cmocka_run_group_tests(tests, start, end);
}
