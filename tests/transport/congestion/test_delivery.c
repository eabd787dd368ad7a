#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "transport/congestion/delivery.h"

#define SIZE 1000
#define RTT (50 * SC_MS)

static struct sc_delivery d;
static struct sc_delivery_mark mark[200];
static sc_time sent_at[200];
static uint64_t in_flight;

static int setup(void **state)
{
    (void)state;
    d = (struct sc_delivery){0};
    in_flight = 0;
    return 0;
}

static void send(size_t n, sc_time now)
{
    sc_delivery_on_sent(&d, &mark[n], SIZE, in_flight, now);
    sent_at[n] = now;
    in_flight += SIZE;
}

static void ack(size_t n, sc_time now)
{
    sc_delivery_on_acked(&d, &mark[n], SIZE, sent_at[n], now);
    in_flight -= SIZE;
}

static struct sc_delivery_sample take(sc_time least)
{
    struct sc_delivery_sample s;
    sc_delivery_take(&d, least, &s);
    return s;
}

/* One packet each millisecond, and acknowledgements as they come: 1 MB/s. */
static void steady(void **state)
{
    (void)state;
    struct sc_delivery_sample s = {0};
    for (size_t i = 0; i < 150; i++) {
        sc_time now = SC_SECOND + i * SC_MS;
        if (i >= 50) {
            ack(i - 50, now);
            s = take(RTT);
        }
        send(i, now);
    }
    assert_int_equal(s.rate, 1000000);
    assert_int_equal(s.prior, 50 * SIZE);
    assert_int_equal(s.delivered, 50 * SIZE);
    assert_int_equal(s.in_flight, 50 * SIZE);
    assert_false(s.limited);
}

/* Acknowledgements that come all at once do not make a path faster than it was sent to. */
static void compressed_acknowledgements(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++)
        send(i, SC_SECOND + i * SC_MS);
    ack(0, SC_SECOND + 100 * SC_MS);
    take(RTT);
    for (size_t i = 1; i < 100; i++)
        ack(i, SC_SECOND + 101 * SC_MS);
    struct sc_delivery_sample s = take(RTT);
    assert_int_equal(s.delivered, 100 * SIZE);
    assert_in_range(s.rate, 980000, 1000000);
}

/* Nor does what was sent all at once, when its acknowledgements come one by one. */
static void burst(void **state)
{
    (void)state;
    struct sc_delivery_sample s = {0};
    for (size_t i = 0; i < 100; i++)
        send(i, SC_SECOND);
    for (size_t i = 0; i < 100; i++) {
        ack(i, SC_SECOND + RTT + i * SC_MS);
        s = take(RTT);
    }
    assert_int_equal(s.rate, 100 * SIZE * UINT64_C(1000) / 149);
}

static void faster_than_the_path_is_no_measurement(void **state)
{
    (void)state;
    send(0, SC_SECOND);
    ack(0, SC_SECOND + RTT / 2);
    assert_int_equal(take(RTT).rate, 0);
}

static void nothing_acknowledged_is_no_sample(void **state)
{
    (void)state;
    send(0, SC_SECOND);
    struct sc_delivery_sample s = take(RTT);
    assert_int_equal(s.rate, 0);
    assert_int_equal(s.delivered, 0);
}

/* What was sent before it ran dry is a measurement; what is sent from then on is not, until all of
 * that has arrived. */
static void limited_by_the_application(void **state)
{
    (void)state;
    send(0, SC_SECOND);
    sc_delivery_on_dry(&d, in_flight);
    send(1, SC_SECOND + 10 * SC_MS);
    ack(0, SC_SECOND + RTT);
    assert_false(take(RTT).limited);
    send(2, SC_SECOND + RTT);
    ack(1, SC_SECOND + RTT + 10 * SC_MS);
    assert_true(take(RTT).limited);
    send(3, SC_SECOND + 2 * RTT);
    ack(2, SC_SECOND + 2 * RTT);
    assert_true(take(RTT).limited);
    ack(3, SC_SECOND + 3 * RTT);
    assert_false(take(RTT).limited);
}

static void losses_are_counted_since(void **state)
{
    (void)state;
    struct sc_delivery_loss loss;
    for (size_t i = 0; i < 10; i++)
        send(i, SC_SECOND + i);
    ack(0, SC_SECOND + RTT);
    sc_delivery_on_lost(&d, &mark[1], SIZE, &loss);
    assert_int_equal(loss.lost, SIZE);
    assert_int_equal(loss.in_flight, 2 * SIZE);
    in_flight -= SIZE;
    send(10, SC_SECOND + RTT);
    sc_delivery_on_lost(&d, &mark[2], SIZE, &loss);
    assert_int_equal(loss.lost, 2 * SIZE);
    in_flight -= SIZE;
    ack(10, SC_SECOND + 2 * RTT);
    assert_int_equal(take(RTT).lost, SIZE); /* since it was sent */
}

/* Counts are kept by their lower bits. */
static void counts_wrap(void **state)
{
    (void)state;
    d.delivered = UINT32_MAX - 500;
    d.lost = UINT32_MAX;
    send(0, SC_SECOND);
    struct sc_delivery_loss loss;
    send(1, SC_SECOND);
    sc_delivery_on_lost(&d, &mark[1], SIZE, &loss);
    assert_int_equal(loss.lost, SIZE);
    ack(0, SC_SECOND + RTT);
    struct sc_delivery_sample s = take(RTT);
    assert_int_equal(s.delivered, SIZE);
    assert_int_equal(s.prior, (uint64_t)UINT32_MAX - 500);
    assert_int_equal(s.lost, SIZE);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(steady),
        TEST(compressed_acknowledgements),
        TEST(burst),
        TEST(faster_than_the_path_is_no_measurement),
        TEST(nothing_acknowledged_is_no_sample),
        TEST(limited_by_the_application),
        TEST(losses_are_counted_since),
        TEST(counts_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
