/* Grants: what is written is read, what is signed passes, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/grant.h"
#include "crypto/kit.h"

static struct sc_crypto crypto;
static struct sc_key provider;

static const struct sc_grant example = {.host = {7, 7, 7},
                                        .from = 1000,
                                        .until = 2000,
                                        .serial = 42,
                                        .flags = SC_GRANT_SERVE,
                                        .pattern = "*.web",
                                        .first_port = 80,
                                        .last_port = 90,
                                        .proto = 6};

static int set_up(void **state)
{
    static const uint8_t seed[SC_KEY_SEED_LEN] = {9};
    (void)state;
    if (sc_crypto_init(&crypto, NULL) < 0)
        return -1;
    sc_key_init(&provider, &crypto, seed);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sc_crypto_fini(&crypto);
    return 0;
}

static void is_read_as_it_was_written(void **state)
{
    uint8_t bytes[SC_GRANT_MAX];
    struct sc_grant g;
    (void)state;
    size_t len = sc_grant_write(bytes, &crypto, &example, &provider);
    assert_int_equal(len, SC_GRANT_FIXED + 5);
    assert_true(sc_grant_read(&g, (struct sc_field){bytes, len}));
    assert_memory_equal(g.provider, provider.public, SC_KEY_LEN);
    assert_memory_equal(g.host, example.host, SC_KEY_LEN);
    assert_true(g.from == 1000 && g.until == 2000 && g.serial == 42 && g.flags == SC_GRANT_SERVE);
    assert_string_equal(g.pattern, "*.web");
    assert_true(g.first_port == 80 && g.last_port == 90 && g.proto == 6);
    assert_true(sc_grant_is_signed((struct sc_field){bytes, len}, &crypto));
}

/* The layout of docs/protocol.md, of a key that anybody can make. */
static void is_laid_out_as_documented(void **state)
{
    uint8_t bytes[SC_GRANT_MAX];
    (void)state;
    sc_grant_write(bytes, &crypto, &example, &provider);
    struct sc_field begins = kit_text("SCG1"), fields = kit_bytes("00000000000003e8"
                                                                  "00000000000007d0"
                                                                  "000000000000002a"
                                                                  "01"
                                                                  "05"
                                                                  "2a2e776562"
                                                                  "0050005a"
                                                                  "06");
    assert_memory_equal(bytes, begins.data, begins.len);
    assert_memory_equal(bytes + 68, fields.data, fields.len);
}

static void no_bit_can_be_changed(void **state)
{
    uint8_t bytes[SC_GRANT_MAX];
    (void)state;
    size_t len = sc_grant_write(bytes, &crypto, &example, &provider);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct sc_grant g;
        struct sc_field changed = {bytes, len};
        assert_false(sc_grant_read(&g, changed) && sc_grant_is_signed(changed, &crypto));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void no_other_length_passes(void **state)
{
    uint8_t bytes[SC_GRANT_MAX + 8] = {0};
    struct sc_grant g;
    (void)state;
    size_t len = sc_grant_write(bytes, &crypto, &example, &provider);
    for (size_t other = 0; other < len + 8; other++)
        if (other != len)
            assert_false(sc_grant_read(&g, (struct sc_field){bytes, other}));
}

static void clocks_may_differ_by_five_minutes(void **state)
{
    static const struct {
        uint64_t wall;
        enum sc_grant_age age;
    } cases[] = {{0, SC_GRANT_EARLY},    {699, SC_GRANT_EARLY}, {700, SC_GRANT_GOOD},
                 {1500, SC_GRANT_GOOD},  {2299, SC_GRANT_GOOD}, {2300, SC_GRANT_OVER},
                 {90000, SC_GRANT_OVER}, {1000, SC_GRANT_GOOD}, {2000, SC_GRANT_GOOD}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(sc_grant_age(&example, cases[i].wall), cases[i].age);
}

static void what_cannot_be_meant_is_malformed(void **state)
{
    struct sc_grant wrong[] = {example, example, example, example, example};
    uint8_t bytes[SC_GRANT_MAX];
    struct sc_grant g;
    (void)state;
    wrong[0].until = wrong[0].from;
    wrong[1].first_port = 91;
    wrong[2].flags = 0;
    wrong[3].flags = 4;
    *wrong[4].pattern = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t len = sc_grant_write(bytes, &crypto, &wrong[i], &provider);
        assert_false(sc_grant_read(&g, (struct sc_field){bytes, len}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_as_it_was_written),
        cmocka_unit_test(is_laid_out_as_documented),
        cmocka_unit_test(no_bit_can_be_changed),
        cmocka_unit_test(no_other_length_passes),
        cmocka_unit_test(clocks_may_differ_by_five_minutes),
        cmocka_unit_test(what_cannot_be_meant_is_malformed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
