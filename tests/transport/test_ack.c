#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/limits.h"
#include "transport/ack.h"

static struct sc_ack_state a;

static int setup(void **state)
{
    (void)state;
    sc_ack_init(&a);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sc_ack_fini(&a);
    return 0;
}

static void one_packet_waits(void **state)
{
    (void)state;
    sc_ack_on_packet(&a, 0, true, 0, 100);
    sc_ack_settle(&a);
    assert_false(a.due);
    assert_int_equal(a.deadline, 100 + SC_ACK_DELAY);
    sc_ack_on_timer(&a, a.deadline);
    assert_true(a.due);
    struct sc_ack frame;
    assert_true(sc_ack_fill(&a, &frame, 1000, 5000));
    assert_int_equal(frame.largest, 0);
    assert_int_equal(frame.delay_us, 4900);
    assert_false(a.due);
    assert_true(a.deadline == SC_NEVER);
}

static void two_packets_do_not(void **state)
{
    (void)state;
    sc_ack_on_packet(&a, 0, true, 0, 0);
    sc_ack_on_packet(&a, 1, true, 0, 0);
    assert_false(a.due);
    sc_ack_settle(&a);
    assert_true(a.due);
}

static void holes_and_marks_do_not_wait(void **state)
{
    (void)state;
    struct sc_ack frame;
    sc_ack_on_packet(&a, 1, true, 0, 0); /* 0 is missing */
    sc_ack_settle(&a);
    assert_true(a.due);
    sc_ack_fill(&a, &frame, 0, 0);
    sc_ack_on_packet(&a, 0, true, 0, 0); /* late */
    sc_ack_settle(&a);
    assert_true(a.due);
    sc_ack_fill(&a, &frame, 0, 0);
    sc_ack_on_packet(&a, 2, true, 3, 0);
    sc_ack_settle(&a);
    assert_true(a.due);
    sc_ack_fill(&a, &frame, 0, 0);
    assert_true(frame.has_ecn);
    assert_int_equal(frame.ce, 1);
}

static void acknowledgements_are_not_acknowledged(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 10; n++)
        sc_ack_on_packet(&a, n, false, 0, 0);
    sc_ack_settle(&a);
    assert_false(a.due);
    assert_true(a.deadline == SC_NEVER);
}

static void duplicates_are_known(void **state)
{
    (void)state;
    assert_false(sc_ack_is_duplicate(&a, 0));
    sc_ack_on_packet(&a, 5, true, 0, 0);
    assert_true(sc_ack_is_duplicate(&a, 5));
    assert_false(sc_ack_is_duplicate(&a, 4));
    assert_false(sc_ack_is_duplicate(&a, 6));
}

static void ranges_are_bounded(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 1000; n += 2)
        sc_ack_on_packet(&a, n, true, 0, 0);
    assert_true(a.received.count <= SC_ACK_RANGES);
    assert_true(sc_ack_is_duplicate(&a, 0));
    assert_true(sc_ack_is_duplicate(&a, 1)); /* too old to tell */
    assert_false(sc_ack_is_duplicate(&a, 997));
    struct sc_ack frame;
    assert_true(sc_ack_fill(&a, &frame, 0, 0));
    assert_int_equal(frame.count, SC_ACK_FRAME_RANGES);
    assert_int_equal(frame.largest, 998);
}

/* A hole that never fills is not reported for ever. */
static void old_ranges_are_forgotten(void **state)
{
    (void)state;
    struct sc_ack frame;
    uint64_t n = 0;
    for (int i = 0; i < 100; i++) {
        n += i == 10 ? 2 : 1;
        sc_ack_on_packet(&a, n, true, 0, (sc_time)i * 10 * SC_MS);
        assert_true(sc_ack_fill(&a, &frame, SC_MS, (sc_time)i * 10 * SC_MS));
        if (i >= 10 && i < 15)
            assert_int_equal(frame.count, 2);
    }
    assert_int_equal(frame.count, 1);
    assert_int_equal(frame.largest, n);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_packet_waits),
        TEST(two_packets_do_not),
        TEST(holes_and_marks_do_not_wait),
        TEST(acknowledgements_are_not_acknowledged),
        TEST(duplicates_are_known),
        TEST(ranges_are_bounded),
        TEST(old_ranges_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
