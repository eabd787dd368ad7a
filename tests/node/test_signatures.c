/* Signatures that are known to be good: a good one again and again, a bad one never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "node/signatures.h"

static void only_what_was_signed_to_the_bit_is_good(void **state)
{
    static struct sc_signatures signatures;
    static const uint8_t seed[SC_KEY_SEED_LEN] = {3};
    struct sc_grant g = {.from = 1, .until = 2, .flags = SC_GRANT_SERVE, .pattern = "*"};
    uint8_t bytes[SC_GRANT_MAX];
    struct sc_crypto c;
    struct sc_key provider;
    (void)state;
    assert_int_equal(sc_crypto_init(&c, NULL), 0);
    sc_key_init(&provider, &c, seed);
    for (g.serial = 0; g.serial < 64; g.serial++) {
        size_t len = sc_grant_write(bytes, &c, &g, &provider);
        struct sc_field grant = {bytes, len};
        bytes[5] ^= 1;
        assert_false(sc_signatures_is_good(&signatures, &c, grant));
        assert_false(sc_signatures_is_good(&signatures, &c, grant));
        bytes[5] ^= 1;
        assert_true(sc_signatures_is_good(&signatures, &c, grant));
        assert_true(sc_signatures_is_good(&signatures, &c, grant));
        bytes[len - 1] ^= 1;
        assert_false(sc_signatures_is_good(&signatures, &c, grant));
    }
    sc_crypto_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_was_signed_to_the_bit_is_good)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
