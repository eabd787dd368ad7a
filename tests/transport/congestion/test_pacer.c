#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/limits.h"
#include "transport/congestion/congestion.h"
#include "transport/congestion/pacer.h"

#define MSS 1200

static struct sc_congestion c;
static struct sc_rtt rtt;
static struct sc_pacer p;

static void make(uint64_t cwnd, sc_time round_trip, bool avoidance)
{
    sc_congestion_init(&c, NULL, MSS, NULL);
    c.cwnd = cwnd;
    if (avoidance)
        c.ssthresh = cwnd;
    sc_rtt_init(&rtt);
    sc_rtt_sample(&rtt, round_trip, 0);
    sc_pacer_init(&p, 0);
    sc_pacer_set_rate(&p, sc_congestion_pacing_rate(&c, &rtt), MSS, 0);
}

/* Sends as a flow does, waking `late` after each deadline. Returns bytes sent until `until`. */
static uint64_t pump(sc_time until, sc_time late)
{
    uint64_t total = 0;
    sc_time now = 0;
    while (now < until) {
        uint64_t may = sc_pacer_allowance(&p, now);
        if (may == 0) {
            now = sc_pacer_next(&p) + late;
            assert_true(sc_pacer_allowance(&p, now) > 0);
            continue;
        }
        size_t train = may > SC_TRAIN_BYTES ? SC_TRAIN_BYTES : (size_t)may;
        train = (train + MSS - 1) / MSS * MSS;
        sc_pacer_on_sent(&p, train, now);
        total += train;
    }
    return total;
}

static void unlimited_before_a_sample(void **state)
{
    (void)state;
    sc_pacer_init(&p, 0);
    sc_pacer_on_sent(&p, 1000000, 0);
    assert_true(sc_pacer_allowance(&p, 0) == UINT64_MAX);
    assert_int_equal(sc_pacer_next(&p), 0);
}

static void burst_then_rate(void **state)
{
    (void)state;
    make(125000, 10 * SC_MS, true);                            /* 12.5 MB/s x 1.25 */
    assert_int_equal(sc_pacer_allowance(&p, 0), 1000000 / 64); /* 1 ms of the rate */
    uint64_t sent = pump(SC_SECOND, 0);
    assert_true(sent > 15625000 * 97 / 100 && sent < 15625000 * 101 / 100 + 20000);
}

static void twice_in_slow_start(void **state)
{
    (void)state;
    make(125000, 10 * SC_MS, false);
    assert_true(p.rate >= 25000000 && p.rate < 25000100);
}

/* 10 Gbit/s with timers that are 100 us late. */
static void late_timers_cost_nothing(void **state)
{
    (void)state;
    make(2 * 1250000 / 10, 200, true);
    uint64_t sent = pump(SC_SECOND, 100);
    assert_true(sent > UINT64_C(1250000000));
}

static void slow_paths_send_packet_pairs(void **state)
{
    (void)state;
    make(12500, 100 * SC_MS, true);
    while (sc_pacer_allowance(&p, 0) > 0)
        sc_pacer_on_sent(&p, MSS, 0);
    assert_int_equal(p.step, 2 * MSS);
    sc_time wait = sc_pacer_next(&p);
    assert_true(wait > 10 * SC_MS && wait < 30 * SC_MS);
    assert_int_equal(sc_pacer_allowance(&p, wait - 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlimited_before_a_sample),    cmocka_unit_test(burst_then_rate),
        cmocka_unit_test(twice_in_slow_start),          cmocka_unit_test(late_timers_cost_nothing),
        cmocka_unit_test(slow_paths_send_packet_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
