#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "transport/congestion/congestion.h"

#define MSS 1000
#define RTT (100 * SC_MS)

static struct sc_congestion c;
static struct sc_rtt rtt;
static uint64_t number;

static void make(const struct sc_congestion_ops *ops)
{
    sc_congestion_init(&c, ops, MSS, NULL);
    sc_rtt_init(&rtt);
    sc_rtt_sample(&rtt, RTT, 0);
    number = 0;
}

/* One round trip in which a full window is acknowledged, packet by packet. */
static void round_trip(sc_time now, bool limited)
{
    uint64_t packets = c.cwnd / MSS, next = number + packets + 1;
    c.limited = limited;
    for (uint64_t i = 0; i < packets; i++) {
        struct sc_acked a = {.bytes = MSS,
                             .largest = ++number,
                             .sent_at = now - RTT,
                             .next = next + i,
                             .in_flight = limited ? c.cwnd : c.cwnd / 4,
                             .rtt_fresh = true,
                             .rtt = &rtt};
        sc_congestion_on_acked(&c, &a, now + i * RTT / packets);
    }
}

static void slow_start_doubles(void **state)
{
    (void)state;
    make(&sc_cubic);
    assert_int_equal(c.cwnd, 10 * MSS);
    round_trip(SC_SECOND, true);
    assert_int_equal(c.cwnd, 20 * MSS);
}

static void idle_windows_do_not_grow(void **state)
{
    (void)state;
    make(&sc_cubic);
    round_trip(SC_SECOND, false);
    assert_int_equal(c.cwnd, 10 * MSS);
}

static void loss_takes_three_tenths_once(void **state)
{
    (void)state;
    make(&sc_cubic);
    c.cwnd = 100 * MSS;
    assert_true(sc_congestion_on_event(&c, SC_SECOND, false, SC_SECOND + RTT));
    assert_int_equal(c.cwnd, 70 * MSS);
    assert_false(sc_congestion_on_event(&c, SC_SECOND + 1000, false, SC_SECOND + RTT + 1000));
    assert_int_equal(c.cwnd, 70 * MSS);
    assert_true(sc_congestion_on_event(&c, SC_SECOND + RTT + 1, false, SC_SECOND + 2 * RTT));
    assert_int_equal(c.cwnd, 49 * MSS);
    assert_true(fabs(c.cubic.w_max - 70 * MSS * 0.85) < 1); /* fast convergence */
}

/* RFC 9438 4.2: K = cbrt(w_max * 0.3 / C); the window is back at w_max after K seconds. */
static void follows_the_curve(void **state)
{
    (void)state;
    make(&sc_cubic);
    c.cwnd = 1000 * MSS;
    sc_time now = SC_SECOND;
    sc_congestion_on_event(&c, now, false, now);
    double k = cbrt(1000 * 0.3 / 0.4);
    unsigned rounds = (unsigned)(k * 1e6 / (double)RTT);
    for (unsigned i = 0; i < rounds; i++)
        round_trip(now += RTT + 1, true);
    assert_true(fabs(c.cubic.k - k) < 0.01);
    assert_true(c.cwnd > 985 * MSS && c.cwnd < 1015 * MSS);
    for (unsigned i = 0; i < 30; i++) /* 3 s further on the convex part: C t^3 = 10.8 packets */
        round_trip(now += RTT + 1, true);
    assert_true(c.cwnd > 1005 * MSS && c.cwnd < 1045 * MSS);
}

/* RFC 9438 4.3: on short paths never slower than Reno's average: alpha = 0.53 packets per RTT. */
static void friendly_to_reno(void **state)
{
    (void)state;
    make(&sc_cubic);
    c.cwnd = 40 * MSS;
    sc_rtt_init(&rtt);
    sc_rtt_sample(&rtt, 1000, 0);
    sc_time now = SC_SECOND;
    sc_congestion_on_event(&c, now, false, now);
    for (int i = 0; i < 20; i++)
        round_trip(now += 2 * RTT, true);
    assert_true(c.cwnd >= 38 * MSS);
}

static void undo_restores(void **state)
{
    (void)state;
    make(&sc_cubic);
    c.cwnd = 100 * MSS;
    sc_congestion_on_event(&c, SC_SECOND, false, SC_SECOND);
    sc_congestion_on_spurious(&c);
    assert_int_equal(c.cwnd, 100 * MSS);
    assert_true(sc_congestion_slow_start(&c));
}

static void persistent_congestion_starts_anew(void **state)
{
    (void)state;
    make(&sc_cubic);
    c.cwnd = 100 * MSS;
    sc_congestion_on_event(&c, SC_SECOND, false, SC_SECOND);
    sc_congestion_on_persistent(&c);
    assert_int_equal(c.cwnd, 2 * MSS);
    assert_int_equal(c.ssthresh, 70 * MSS);
}

static void window_has_a_floor(void **state)
{
    (void)state;
    make(&sc_cubic);
    for (sc_time t = 1; t < 100; t++)
        sc_congestion_on_event(&c, t * SC_SECOND, false, t * SC_SECOND + 1);
    assert_int_equal(c.cwnd, 2 * MSS);
}

/* RFC 9406: a growing round trip ends slow start before anything is lost. */
static void delay_ends_slow_start(void **state)
{
    (void)state;
    make(&sc_cubic);
    sc_time now = SC_SECOND;
    round_trip(now, true);
    round_trip(now += RTT, true);
    uint64_t before = c.cwnd;
    for (int i = 0; i < 8; i++) {
        rtt.latest = RTT + 20 * SC_MS;
        round_trip(now += RTT, true);
    }
    assert_false(sc_congestion_slow_start(&c));
    assert_true(c.cwnd < before * 16);
}

static void newreno_halves_and_adds(void **state)
{
    (void)state;
    make(&sc_newreno);
    c.cwnd = 100 * MSS;
    sc_congestion_on_event(&c, SC_SECOND, false, SC_SECOND);
    assert_int_equal(c.cwnd, 50 * MSS);
    sc_time now = SC_SECOND + 2 * RTT;
    for (int i = 0; i < 10; i++)
        round_trip(now += RTT, true);
    assert_true(c.cwnd >= 59 * MSS && c.cwnd <= 60 * MSS);
}

static void found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(sc_congestion_find("cubic"), &sc_cubic);
    assert_ptr_equal(sc_congestion_find("reno"), &sc_newreno);
    assert_ptr_equal(sc_congestion_find("newreno"), &sc_newreno);
    assert_ptr_equal(sc_congestion_find("bbr"), &sc_bbr);
    assert_null(sc_congestion_find("vegas"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_start_doubles),
        cmocka_unit_test(idle_windows_do_not_grow),
        cmocka_unit_test(loss_takes_three_tenths_once),
        cmocka_unit_test(follows_the_curve),
        cmocka_unit_test(friendly_to_reno),
        cmocka_unit_test(undo_restores),
        cmocka_unit_test(persistent_congestion_starts_anew),
        cmocka_unit_test(window_has_a_floor),
        cmocka_unit_test(delay_ends_slow_start),
        cmocka_unit_test(newreno_halves_and_adds),
        cmocka_unit_test(found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
