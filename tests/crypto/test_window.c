/* The replay window: against a list of what has been there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "crypto/window.h"

#define NUMBERS (8 * SC_WINDOW)

static void each_number_fits_once(void **state)
{
    (void)state;
    struct sc_window w = {0};
    for (uint64_t i = 0; i < NUMBERS; i++) {
        assert_true(sc_window_fits(&w, i));
        sc_window_take(&w, i);
        assert_false(sc_window_fits(&w, i));
    }
    assert_false(sc_window_fits(&w, UINT64_MAX));
}

static void it_agrees_with_a_list(void **state)
{
    (void)state;
    static bool been[NUMBERS];
    struct sc_window w = {0};
    struct sc_rng rng;
    uint64_t next = 0;
    sc_rng_seed(&rng, 6479);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t reach = sc_rng_next(&rng) % (2 * SC_WINDOW + 3);
        uint64_t n = next > SC_WINDOW + 1 ? next - SC_WINDOW - 1 + reach : reach;
        if (n >= NUMBERS)
            continue;
        bool fits = n >= next || (next - n <= SC_WINDOW && !been[n]);
        assert_int_equal(sc_window_fits(&w, n), fits);
        if (!fits || i % 3 == 0)
            continue;
        sc_window_take(&w, n);
        been[n] = true;
        next = n >= next ? n + 1 : next;
    }
}

static void far_ahead_forgets_all(void **state)
{
    (void)state;
    struct sc_window w = {0};
    const uint64_t far = (uint64_t)1 << 40;
    sc_window_take(&w, 5);
    sc_window_take(&w, far);
    assert_false(sc_window_fits(&w, 6));
    assert_false(sc_window_fits(&w, far - SC_WINDOW));
    for (uint64_t n = far - SC_WINDOW + 1; n < far; n++)
        assert_true(sc_window_fits(&w, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_fits_once),
        cmocka_unit_test(it_agrees_with_a_list),
        cmocka_unit_test(far_ahead_forgets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
