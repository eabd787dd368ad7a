#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "transport/recovery.h"

static struct sc_recovery r;
static struct sc_rtt rtt;
static struct sc_recovery_news news;
static unsigned acked[1000], lost[1000], spurious;

static void on_acked(void *owner, const struct sc_sent *p, bool was_lost)
{
    (void)owner;
    acked[p->offset]++;
    spurious += was_lost;
}

static void on_lost(void *owner, uint64_t number, const struct sc_sent *p)
{
    (void)owner;
    (void)number;
    lost[p->offset]++;
}

static const struct sc_recovery_ops ops = {.acked = on_acked, .lost = on_lost};

static int setup(void **state)
{
    (void)state;
    sc_recovery_init(&r);
    sc_rtt_init(&rtt);
    spurious = 0;
    for (int i = 0; i < 1000; i++)
        acked[i] = lost[i] = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sc_recovery_fini(&r);
    return 0;
}

/* Sends packets numbered up to, and not including, `to`; each says its number in `offset`. */
static void send_to(uint64_t to, unsigned flags, sc_time now)
{
    while (r.next < to) {
        assert_true(sc_recovery_reserve(&r, 1));
        struct sc_sent p = {
            .at = now, .offset = r.next & 0xffffff, .flags = (uint16_t)flags, .size = 1000};
        sc_recovery_on_sent(&r, &p);
    }
}

static int ack(uint64_t from, uint64_t to, sc_time now)
{
    struct sc_ack a = {.largest = to - 1, .count = 1, .range = {{from, to}}};
    return sc_recovery_on_ack(&r, &a, &rtt, &ops, NULL, &news, now);
}

static void all_acknowledged(void **state)
{
    (void)state;
    send_to(10, SC_SENT_STREAM, 1000);
    assert_int_equal(r.in_flight, 10000);
    assert_int_equal(ack(0, 10, 51000), 0);
    assert_int_equal(news.acked_bytes, 10000);
    assert_int_equal(news.largest, 9);
    assert_int_equal(rtt.latest, 50000);
    assert_int_equal(r.in_flight, 0);
    assert_null(r.ring);
    assert_true(sc_recovery_deadline(&r, &rtt) == SC_NEVER);
    for (int i = 0; i < 10; i++)
        assert_int_equal(acked[i], 1);
}

static void packet_threshold(void **state)
{
    (void)state;
    send_to(5, SC_SENT_STREAM, 0);
    ack(1, 3, 50000);
    assert_false(news.congestion);
    ack(1, 4, 50000);
    assert_true(news.congestion);
    assert_int_equal(lost[0], 1);
    assert_int_equal(lost[4], 0);
    assert_int_equal(r.in_flight, 1000);
}

static void time_threshold(void **state)
{
    (void)state;
    send_to(1, SC_SENT_STREAM, 0);
    send_to(2, SC_SENT_STREAM, 1000);
    ack(1, 2, 49000); /* rtt 48 ms */
    assert_false(news.congestion);
    assert_int_equal(sc_recovery_deadline(&r, &rtt), 54000);
    assert_false(sc_recovery_on_timer(&r, &rtt, &ops, NULL, &news, 53999));
    assert_int_equal(lost[0], 0);
    assert_false(sc_recovery_on_timer(&r, &rtt, &ops, NULL, &news, 54000));
    assert_int_equal(lost[0], 1);
    assert_true(news.congestion);
}

static void probe_timeout_backs_off(void **state)
{
    (void)state;
    sc_rtt_sample(&rtt, 50000, 0);
    send_to(1, SC_SENT_STREAM, 0);
    sc_time pto = sc_rtt_pto(&rtt);
    assert_int_equal(sc_recovery_deadline(&r, &rtt), pto);
    assert_true(sc_recovery_on_timer(&r, &rtt, &ops, NULL, &news, pto));
    assert_int_equal(lost[0], 0);
    assert_int_equal(sc_recovery_deadline(&r, &rtt), pto + 2 * pto);
    for (int i = 0; i < 20; i++)
        sc_recovery_on_timer(&r, &rtt, &ops, NULL, &news, sc_recovery_deadline(&r, &rtt));
    sc_time at = sc_recovery_deadline(&r, &rtt);
    sc_recovery_on_timer(&r, &rtt, &ops, NULL, &news, at);
    assert_true(sc_recovery_deadline(&r, &rtt) - at <= 5 * SC_SECOND);
    ack(0, 1, at + 1);
    assert_int_equal(r.timeouts, 0);
}

static void acknowledging_the_unsent_is_refused(void **state)
{
    (void)state;
    send_to(3, SC_SENT_STREAM, 0);
    assert_int_equal(ack(2, 4, 100), -EPROTO);
}

static void acknowledgements_only_use_up_numbers(void **state)
{
    (void)state;
    send_to(5, 0, 0);
    assert_null(r.ring);
    assert_true(sc_recovery_deadline(&r, &rtt) == SC_NEVER);
    send_to(6, SC_SENT_PING, 0);
    send_to(10, 0, 0);
    assert_int_equal(r.outstanding, 1);
    ack(0, 10, 1000);
    assert_int_equal(acked[5], 1);
    assert_null(r.ring);
}

static void lost_mtu_probe_is_no_congestion(void **state)
{
    (void)state;
    send_to(1, SC_SENT_MTU_PROBE, 0);
    send_to(6, SC_SENT_STREAM, 0);
    ack(1, 6, 1000);
    assert_int_equal(lost[0], 1);
    assert_false(news.congestion);
}

static void mistakes_teach_patience(void **state)
{
    (void)state;
    send_to(100, SC_SENT_STREAM, 0);
    ack(10, 50, 50000);
    assert_int_equal(news.lost_packets, 10);
    assert_true(r.packet_threshold == 3);
    ack(0, 50, 50500);
    assert_int_equal(spurious, 10);
    assert_true(news.undo);
    assert_true(r.packet_threshold >= 50);
    ack(60, 90, 51000); /* would have been a loss before */
    assert_int_equal(news.lost_packets, 0);
}

static void part_of_a_mistake_is_none(void **state)
{
    (void)state;
    send_to(20, SC_SENT_STREAM, 0);
    ack(2, 20, 50000);
    assert_int_equal(news.lost_packets, 2);
    ack(1, 20, 50100);
    assert_false(news.undo);
}

static void persistent_congestion(void **state)
{
    (void)state;
    send_to(1, SC_SENT_STREAM, 0);
    ack(0, 1, 50000);
    sc_time gap = 3 * sc_rtt_pto(&rtt) + 1000;
    send_to(3, SC_SENT_STREAM, 100000);
    send_to(5, SC_SENT_STREAM, 100000 + gap);
    send_to(6, SC_SENT_STREAM, 100000 + 2 * gap);
    ack(5, 6, 100000 + 2 * gap + 50000);
    assert_int_equal(news.lost_packets, 4);
    assert_true(news.persistent);
}

static void no_persistent_congestion_across_an_acknowledgement(void **state)
{
    (void)state;
    send_to(1, SC_SENT_STREAM, 0);
    ack(0, 1, 50000);
    sc_time gap = 3 * sc_rtt_pto(&rtt) + 1000;
    send_to(3, SC_SENT_STREAM, 100000);
    send_to(5, SC_SENT_STREAM, 100000 + gap);
    send_to(6, SC_SENT_STREAM, 100000 + 2 * gap);
    struct sc_ack a = {.largest = 5, .count = 2, .range = {{5, 6}, {2, 4}}};
    sc_recovery_on_ack(&r, &a, &rtt, &ops, NULL, &news, 100000 + 2 * gap + 50000);
    assert_int_equal(news.lost_packets, 2);
    assert_false(news.persistent);
}

static void ring_grows_and_shrinks(void **state)
{
    (void)state;
    send_to(900, SC_SENT_STREAM, 0);
    assert_true(r.room >= 900);
    ack(0, 890, 1000);
    assert_true(r.room <= 256);
    ack(0, 900, 1000);
    assert_null(r.ring);
    for (int i = 0; i < 900; i++)
        assert_int_equal(acked[i], 1);
}

static void every_other_packet_acknowledged(void **state)
{
    (void)state;
    send_to(900, SC_SENT_STREAM, 0);
    for (uint64_t n = 1; n < 900; n += 2) {
        struct sc_ack a = {.largest = n};
        for (uint64_t k = n + 1; k > 1 && a.count < SC_ACK_FRAME_RANGES; k -= 2)
            a.range[a.count++] = (struct sc_range){k - 1, k};
        assert_int_equal(sc_recovery_on_ack(&r, &a, &rtt, &ops, NULL, &news, 50000 + n), 0);
    }
    for (int i = 0; i < 890; i++) {
        assert_int_equal(acked[i], i % 2);
        assert_int_equal(lost[i], 1 - i % 2);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_acknowledged),
        TEST(packet_threshold),
        TEST(time_threshold),
        TEST(probe_timeout_backs_off),
        TEST(acknowledging_the_unsent_is_refused),
        TEST(acknowledgements_only_use_up_numbers),
        TEST(lost_mtu_probe_is_no_congestion),
        TEST(mistakes_teach_patience),
        TEST(part_of_a_mistake_is_none),
        TEST(persistent_congestion),
        TEST(no_persistent_congestion_across_an_acknowledgement),
        TEST(ring_grows_and_shrinks),
        TEST(every_other_packet_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
