/* So many at once, then the even rate; what is refused is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/throttle.h"

static unsigned take_many(struct sc_throttle *t, unsigned n, sc_time now)
{
    unsigned taken = 0;
    while (n-- > 0)
        taken += sc_throttle_take(t, now);
    return taken;
}

static void a_burst_then_the_rate(void **state)
{
    (void)state;
    struct sc_throttle t = {.burst = 20, .interval = SC_SECOND / 4};
    assert_int_equal(take_many(&t, 1000, SC_SECOND), 20);
    assert_int_equal(t.left_out, 980);
    assert_int_equal(take_many(&t, 1000, 2 * SC_SECOND), 4);
    assert_int_equal(take_many(&t, 1000, 2 * SC_SECOND + SC_SECOND / 4), 1);
    assert_int_equal(take_many(&t, 1000, 2 * SC_SECOND + SC_SECOND / 4), 0);
}

static void a_pause_gives_the_burst_back_and_no_more(void **state)
{
    (void)state;
    struct sc_throttle t = {.burst = 5, .interval = SC_SECOND};
    assert_int_equal(take_many(&t, 100, 0), 5);
    assert_int_equal(take_many(&t, 100, 1000 * SC_SECOND), 5);
}

/* Over a long flood the rate is what was said, whatever its steps. */
static void a_flood(void **state)
{
    (void)state;
    struct sc_throttle t = {.burst = 10, .interval = SC_SECOND / 10};
    unsigned taken = 0;
    for (sc_time now = 0; now < 100 * SC_SECOND; now += 777)
        taken += sc_throttle_take(&t, now);
    assert_in_range(taken, 10 + 999, 10 + 1000);
    assert_int_equal(taken + t.left_out, (100 * SC_SECOND + 776) / 777);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(a_pause_gives_the_burst_back_and_no_more),
        cmocka_unit_test(a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
