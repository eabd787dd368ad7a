/* BBR against a path that is reckoned: a pipe of fixed rate and round trip, with a queue. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/rng.h"
#include "transport/congestion/congestion.h"

#define MSS 1000
#define RATE UINT64_C(10000000) /* bytes per second */
#define RTT (20 * SC_MS)
#define PIPE (RATE * RTT / SC_SECOND)
#define PACKETS_MAX 8192

static struct sc_congestion c;
static struct sc_rtt rtt;
static struct sc_delivery delivery;
static struct sc_rng rng;
static sc_time now, pipe_rtt;
static uint64_t next, oldest, in_flight, free_at_ns;
static uint64_t rate;      /* of the path */
static double budget;      /* bytes that pacing has let go */
static bool lose;          /* the next packet acknowledged is lost instead */
static unsigned per_mille; /* so many of 1,000 are lost */
static struct packet {
    sc_time sent, arrives;
    struct sc_delivery_mark mark;
} packet[PACKETS_MAX];

static void make(void)
{
    sc_rng_seed(&rng, 1);
    sc_congestion_init(&c, &sc_bbr, MSS, &rng);
    sc_rtt_init(&rtt);
    delivery = (struct sc_delivery){0};
    now = SC_SECOND;
    pipe_rtt = RTT;
    rate = RATE;
    next = oldest = in_flight = free_at_ns = 0;
    budget = 0;
    lose = false;
    per_mille = 0;
    sc_rtt_sample(&rtt, RTT, 0);
}

static int setup(void **state)
{
    (void)state;
    make();
    return 0;
}

static void send_one(void)
{
    struct packet *p = &packet[next++ % PACKETS_MAX];
    assert_true(next - oldest < PACKETS_MAX);
    sc_delivery_on_sent(&delivery, &p->mark, MSS, in_flight, now);
    uint64_t start = free_at_ns > now * 1000 ? free_at_ns : now * 1000;
    free_at_ns = start + MSS * UINT64_C(1000000000) / rate;
    p->sent = now;
    p->arrives = free_at_ns / 1000 + pipe_rtt;
    in_flight += MSS;
}

static void lose_one(const struct packet *p)
{
    struct sc_delivery_loss loss = {.number = oldest - 1};
    lose = false;
    sc_delivery_on_lost(&delivery, &p->mark, MSS, &loss);
    sc_congestion_on_lost(&c, &loss, now);
    sc_congestion_on_event(&c, p->sent, false, now);
}

static void ack_one(void)
{
    const struct packet *p = &packet[oldest++ % PACKETS_MAX];
    struct sc_acked a = {.bytes = MSS,
                         .largest = oldest - 1,
                         .sent_at = p->sent,
                         .next = next,
                         .in_flight = in_flight,
                         .left = in_flight - MSS,
                         .rtt_fresh = true,
                         .rtt = &rtt};
    in_flight -= MSS;
    if (lose || sc_rng_below(&rng, 1000) < per_mille) {
        lose_one(p);
        return;
    }
    sc_rtt_sample(&rtt, now - p->sent, 0);
    sc_delivery_on_acked(&delivery, &p->mark, MSS, p->sent, now);
    sc_delivery_take(&delivery, rtt.least, &a.sample);
    sc_congestion_on_acked(&c, &a, now);
}

/* A hundred microseconds. */
static void step(bool sending)
{
    now += 100;
    while (oldest < next && packet[oldest % PACKETS_MAX].arrives <= now)
        ack_one();
    budget += (double)sc_congestion_pacing_rate(&c, &rtt) / 1e4;
    while (sending && budget >= MSS && in_flight + MSS <= c.cwnd) {
        budget -= MSS;
        send_one();
    }
    if (budget > 10 * MSS)
        budget = 10 * MSS;
}

static void run(sc_time time)
{
    for (sc_time end = now + time; now < end;)
        step(true);
}

/* True when it came to be in this state within `time`. */
static bool reaches(enum sc_bbr_state state, sc_time time)
{
    for (sc_time end = now + time; now < end && c.bbr.state != state;)
        step(true);
    return c.bbr.state == state;
}

static void startup_finds_the_rate(void **state)
{
    (void)state;
    assert_true(reaches(SC_BBR_DRAIN, 20 * RTT));
    assert_in_range(sc_bbr_model_most(&c.bbr.model), RATE * 95 / 100, RATE * 102 / 100);
    assert_true(reaches(SC_BBR_CRUISE, 10 * RTT));
    assert_true(in_flight <= PIPE + 30 * MSS);
    assert_in_range(c.bbr.model.least_rtt, RTT, RTT + 300);
}

static void one_round_after_another(void **state)
{
    (void)state;
    assert_true(reaches(SC_BBR_CRUISE, SC_SECOND));
    assert_true(reaches(SC_BBR_REFILL, 4 * SC_SECOND));
    assert_true(reaches(SC_BBR_UP, 3 * RTT));
    assert_true(reaches(SC_BBR_DOWN, 20 * RTT));
    assert_true(reaches(SC_BBR_CRUISE, 10 * RTT));
}

static void a_faster_path_is_found(void **state)
{
    (void)state;
    run(SC_SECOND);
    rate = 3 * RATE;
    run(15 * SC_SECOND);
    assert_true(sc_bbr_model_most(&c.bbr.model) > 2 * RATE);
}

static void a_slower_path_is_believed(void **state)
{
    (void)state;
    run(SC_SECOND);
    rate = RATE / 2;
    run(12 * SC_SECOND);
    assert_true(sc_bbr_model_most(&c.bbr.model) < RATE * 60 / 100);
}

/* The round trip is probed for with little in flight, and the window is given back. */
static void the_round_trip_is_probed_for(void **state)
{
    (void)state;
    run(SC_SECOND);
    pipe_rtt = RTT + 2 * SC_MS; /* nothing as short comes any more */
    assert_true(reaches(SC_BBR_PROBE_RTT, 8 * SC_SECOND));
    run(3 * RTT);
    assert_true(in_flight <= PIPE * 60 / 100);
    assert_true(reaches(SC_BBR_CRUISE, SC_SECOND));
    run(2 * RTT);
    assert_true(in_flight >= PIPE * 80 / 100);
    run(10 * SC_SECOND);
    assert_in_range(c.bbr.model.least_rtt, pipe_rtt, pipe_rtt + 300);
}

/* One packet in a hundred is no reason to be slower; ten are. */
static void few_losses_are_borne(void **state)
{
    (void)state;
    run(SC_SECOND);
    per_mille = 10;
    run(10 * SC_SECOND);
    assert_true(sc_bbr_model_rate(&c.bbr.model) > RATE * 80 / 100);
    per_mille = 100;
    run(10 * SC_SECOND);
    assert_true(sc_bbr_model_rate(&c.bbr.model) < RATE * 80 / 100);
    assert_true(c.bbr.inflight.most < 2 * PIPE);
}

static void a_mark_bounds_it_for_the_time_being(void **state)
{
    (void)state;
    assert_true(reaches(SC_BBR_CRUISE, SC_SECOND));
    sc_congestion_on_event(&c, now, true, now);
    run(2 * RTT);
    assert_true(c.bbr.model.inflight_short != UINT64_MAX);
    assert_true(reaches(SC_BBR_REFILL, 4 * SC_SECOND));
    assert_true(c.bbr.model.inflight_short == UINT64_MAX);
}

static void reordering_bounds_nothing(void **state)
{
    (void)state;
    assert_true(reaches(SC_BBR_UP, 5 * SC_SECOND));
    run(2 * RTT);
    assert_int_equal(c.bbr.state, SC_BBR_UP);
    for (int i = 0; i < 40; i++) {
        lose = true;
        while (lose)
            step(true);
    }
    assert_int_equal(c.bbr.state, SC_BBR_DOWN);
    assert_true(c.bbr.inflight.most != UINT64_MAX);
    sc_congestion_on_spurious(&c);
    assert_int_equal(c.bbr.state, SC_BBR_UP);
    assert_true(c.bbr.inflight.most == UINT64_MAX);
}

/* What the application does not send says nothing of the path. */
static void idle_flows_keep_what_they_know(void **state)
{
    (void)state;
    run(SC_SECOND);
    while (in_flight > 0)
        step(false);
    for (int i = 0; i < 200; i++) { /* a packet each 100 ms: 20 s */
        sc_delivery_on_dry(&delivery, in_flight);
        sc_congestion_on_restart(&c, now);
        send_one();
        for (int k = 0; k < 1000; k++)
            step(false);
    }
    assert_in_range(sc_bbr_model_most(&c.bbr.model), RATE * 90 / 100, RATE * 102 / 100);
    assert_true(sc_congestion_pacing_rate(&c, &rtt) > RATE * 85 / 100);
    assert_true(c.cwnd >= PIPE);
}

static void persistent_congestion_is_recovered_from(void **state)
{
    (void)state;
    run(SC_SECOND);
    sc_congestion_on_persistent(&c);
    assert_int_equal(c.cwnd, 2 * MSS);
    run(10 * RTT);
    assert_true(c.cwnd > PIPE);
}

static void takes_over_and_hands_over(void **state)
{
    (void)state;
    sc_congestion_change(&c, &sc_cubic);
    c.cwnd = 30 * MSS;
    run(2 * RTT);
    uint64_t cwnd = c.cwnd;
    sc_congestion_change(&c, &sc_bbr);
    assert_int_equal(c.cwnd, cwnd);
    assert_int_equal(c.bbr.state, SC_BBR_STARTUP);
    assert_true(reaches(SC_BBR_CRUISE, 40 * RTT));
    cwnd = c.cwnd;
    sc_congestion_change(&c, &sc_newreno);
    assert_int_equal(c.cwnd, cwnd);
    run(5 * RTT);
    assert_true(c.cwnd >= cwnd);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(startup_finds_the_rate),
        TEST(one_round_after_another),
        TEST(a_faster_path_is_found),
        TEST(a_slower_path_is_believed),
        TEST(the_round_trip_is_probed_for),
        TEST(few_losses_are_borne),
        TEST(a_mark_bounds_it_for_the_time_being),
        TEST(reordering_bounds_nothing),
        TEST(idle_flows_keep_what_they_know),
        TEST(persistent_congestion_is_recovered_from),
        TEST(takes_over_and_hands_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
