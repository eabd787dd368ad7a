/* Sets of ranges against a bitmap, with a printed seed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/ranges.h"
#include "base/rng.h"

#define SPAN 200

static void check_order(const struct sc_ranges *s)
{
    for (size_t i = 0; i < s->count; i++) {
        assert_true(s->range[i].from < s->range[i].to);
        if (i)
            assert_true(s->range[i - 1].to < s->range[i].from);
    }
}

static void compare(const struct sc_ranges *s, const bool *model)
{
    bool seen[SPAN] = {false};
    for (size_t i = 0; i < s->count; i++)
        for (uint64_t n = s->range[i].from; n < s->range[i].to; n++)
            seen[n] = true;
    assert_memory_equal(seen, model, sizeof seen);
}

static void model_of(bool *model, uint64_t from, uint64_t to, bool value)
{
    for (uint64_t n = from; n < to; n++)
        model[n] = value;
}

static void against_a_bitmap(void **state)
{
    (void)state;
    uint64_t seed = 11;
    struct sc_rng rng;
    print_message("seed %llu\n", (unsigned long long)seed);
    sc_rng_seed(&rng, seed);
    for (int round = 0; round < 300; round++) {
        struct sc_ranges s;
        bool model[SPAN] = {false};
        sc_ranges_init(&s, SPAN);
        for (int step = 0; step < 60; step++) {
            uint64_t from = sc_rng_below(&rng, SPAN);
            uint64_t to = from + sc_rng_below(&rng, SPAN - from < 20 ? SPAN - from + 1 : 20);
            bool add = sc_rng_below(&rng, 3) > 0;
            assert_int_equal(add ? sc_ranges_add(&s, from, to) : sc_ranges_remove(&s, from, to), 0);
            model_of(model, from, to, add);
            check_order(&s);
            compare(&s, model);
            bool all = true;
            for (uint64_t n = from; n < to; n++)
                all &= model[n];
            assert_int_equal(sc_ranges_contain(&s, from, to), all);
        }
        sc_ranges_fini(&s);
    }
}

static void the_limit_holds(void **state)
{
    (void)state;
    struct sc_ranges s;
    sc_ranges_init(&s, 2);
    assert_int_equal(sc_ranges_add(&s, 0, 1), 0);
    assert_int_equal(sc_ranges_add(&s, 10, 20), 0);
    assert_int_equal(sc_ranges_add(&s, 5, 6), -ENOSPC);
    assert_int_equal(sc_ranges_remove(&s, 12, 13), -ENOSPC);
    assert_int_equal(s.count, 2);
    assert_true(sc_ranges_contain(&s, 10, 20));
    assert_int_equal(sc_ranges_add(&s, 1, 10), 0); /* joins what is there */
    assert_int_equal(s.count, 1);
    sc_ranges_drop_lowest(&s);
    assert_int_equal(s.count, 0);
    sc_ranges_drop_lowest(&s);
    sc_ranges_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_a_bitmap),
        cmocka_unit_test(the_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
