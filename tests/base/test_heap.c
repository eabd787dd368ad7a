/* Deadlines come out in order, whatever was changed or taken out before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/heap.h"
#include "base/rng.h"

#define TIMERS 500

static void in_order(void **state)
{
    (void)state;
    static struct sc_timer t[TIMERS];
    static sc_time model[TIMERS];
    uint64_t seed = 7;
    struct sc_heap h;
    struct sc_rng rng;
    print_message("seed %llu\n", (unsigned long long)seed);
    sc_rng_seed(&rng, seed);
    sc_heap_init(&h);
    for (size_t i = 0; i < TIMERS; i++) {
        sc_timer_init(&t[i]);
        model[i] = SC_NEVER;
    }
    for (int step = 0; step < 20000; step++) {
        size_t i = sc_rng_below(&rng, TIMERS);
        model[i] = sc_rng_below(&rng, 4) ? sc_rng_below(&rng, 1000) : SC_NEVER;
        assert_int_equal(sc_heap_set(&h, &t[i], model[i]), 0);
        sc_time least = SC_NEVER;
        for (size_t k = 0; step % 50 == 0 && k < TIMERS; k++)
            least = sc_time_min(least, model[k]);
        if (step % 50 == 0)
            assert_int_equal(sc_heap_next(&h), least);
    }
    sc_time last = 0;
    struct sc_timer *due;
    while ((due = sc_heap_pop_due(&h, 500)) != NULL) {
        sc_time at = model[due - t];
        assert_true(at >= last && at <= 500);
        assert_true(due->at == SC_NEVER);
        model[due - t] = SC_NEVER;
        last = at;
    }
    for (size_t i = 0; i < TIMERS; i++)
        assert_true(model[i] > 500);
    sc_heap_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
