/* Random numbers: the published generator, without bias, the same for the same seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"

/* What rand_xoshiro, another implementation, gives for seed_from_u64(0). */
static void the_published_sequence(void **state)
{
    (void)state;
    static const uint64_t want[] = {0x99ec5f36cb75f2b4, 0xbf6e1f784956452a, 0x1a5f849d4933e6e0,
                                    0x6aa594f1262d2d2c};
    struct sc_rng r;
    sc_rng_seed(&r, 0);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(sc_rng_next(&r) == want[i]);
}

static void a_seed_repeats_and_another_differs(void **state)
{
    (void)state;
    struct sc_rng a, b, c;
    sc_rng_seed(&a, 17);
    sc_rng_seed(&b, 17);
    sc_rng_seed(&c, 18);
    for (int i = 0; i < 100; i++) {
        uint64_t x = sc_rng_next(&a);
        assert_true(x == sc_rng_next(&b));
        assert_true(x != sc_rng_next(&c));
    }
}

/* Each of ten values within five standard deviations (300 of 10,000). */
static void below_is_uniform(void **state)
{
    (void)state;
    unsigned seen[10] = {0};
    struct sc_rng r;
    sc_rng_seed(&r, 1);
    for (int i = 0; i < 100000; i++) {
        uint64_t x = sc_rng_below(&r, 10);
        assert_true(x < 10);
        seen[x]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 9500, 10500);
}

static void the_ends_of_below(void **state)
{
    (void)state;
    struct sc_rng r;
    sc_rng_seed(&r, 2);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(sc_rng_below(&r, 1), 0);
        assert_true(sc_rng_below(&r, UINT64_MAX) < UINT64_MAX);
        assert_true(sc_rng_below(&r, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
    }
}

static void a_unit_is_below_one(void **state)
{
    (void)state;
    double sum = 0;
    struct sc_rng r;
    sc_rng_seed(&r, 3);
    for (int i = 0; i < 100000; i++) {
        double x = sc_rng_unit(&r);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(sum > 49000 && sum < 51000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_sequence),
        cmocka_unit_test(a_seed_repeats_and_another_differs),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(the_ends_of_below),
        cmocka_unit_test(a_unit_is_below_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
