#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/limits.h"
#include "transport/congestion/rtt.h"

static void first_sample(void **state)
{
    (void)state;
    struct sc_rtt r;
    sc_rtt_init(&r);
    assert_int_equal(sc_rtt_pto(&r), 333000 + 4 * 166500 + SC_ACK_DELAY);
    sc_rtt_sample(&r, 40000, 5000);
    assert_int_equal(r.smoothed, 40000);
    assert_int_equal(r.variation, 20000);
    assert_int_equal(r.least, 40000);
}

/* RFC 9002 5.3, by hand. */
static void second_sample(void **state)
{
    (void)state;
    struct sc_rtt r;
    sc_rtt_init(&r);
    sc_rtt_sample(&r, 40000, 0);
    sc_rtt_sample(&r, 56000, 8000);
    assert_int_equal(r.variation, (3 * 20000 + 8000) / 4);
    assert_int_equal(r.smoothed, (7 * 40000 + 48000) / 8);
    assert_int_equal(r.least, 40000);
}

static void delay_never_undercuts_the_least(void **state)
{
    (void)state;
    struct sc_rtt r;
    sc_rtt_init(&r);
    sc_rtt_sample(&r, 40000, 0);
    sc_rtt_sample(&r, 41000, 9000);
    assert_int_equal(r.smoothed, (7 * 40000 + 41000) / 8);
}

static void delay_is_bounded(void **state)
{
    (void)state;
    struct sc_rtt r;
    sc_rtt_init(&r);
    sc_rtt_sample(&r, 40000, 0);
    sc_rtt_sample(&r, 140000, 90000);
    assert_int_equal(r.smoothed, (7 * 40000 + 130000) / 8);
}

static void zero_is_a_microsecond(void **state)
{
    (void)state;
    struct sc_rtt r;
    sc_rtt_init(&r);
    sc_rtt_sample(&r, 0, 0);
    assert_int_equal(r.smoothed, 1);
    for (int i = 0; i < 100; i++)
        sc_rtt_sample(&r, 0, 0);
    assert_true(r.smoothed >= 1);
    assert_int_equal(sc_rtt_pto(&r), 1 + SC_RTT_GRANULARITY + SC_ACK_DELAY);
}

/* A machine that slept for an hour: the first answer after it is late, not the path long. */
static void a_sleep_is_no_round_trip(void **state)
{
    (void)state;
    struct sc_rtt r;
    sc_rtt_init(&r);
    sc_rtt_sample(&r, 3600 * SC_SECOND, 0);
    assert_int_equal(r.smoothed, SC_RTT_MAX);
    sc_rtt_sample(&r, 40000, 0);
    sc_rtt_sample(&r, 3600 * SC_SECOND, 0);
    assert_true(r.smoothed <= SC_RTT_MAX && sc_rtt_pto(&r) <= 5 * SC_RTT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_sample),
        cmocka_unit_test(second_sample),
        cmocka_unit_test(delay_never_undercuts_the_least),
        cmocka_unit_test(delay_is_bounded),
        cmocka_unit_test(zero_is_a_microsecond),
        cmocka_unit_test(a_sleep_is_no_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
