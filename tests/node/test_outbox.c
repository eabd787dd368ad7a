/* Packets that are no flow's: which of them leave as one train. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/outbox.h"

static struct sc_stack_counters counters;
static struct sc_outbox outbox;
static struct sc_train train;
static const struct sc_underlay here = {.family = 4, .port = 1}, there = {.family = 4, .port = 2};

static int set_up(void **state)
{
    (void)state;
    sc_outbox_init(&outbox, &counters);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sc_outbox_fini(&outbox);
    return 0;
}

static void put(const struct sc_underlay *to, char what, size_t len)
{
    uint8_t data[2000];
    memset(data, what, len);
    sc_outbox_put(&outbox, SC_QUEUE_ANSWERS, to, data, len);
}

/* The next train is made of these packets, one letter each. */
static void leaves(const struct sc_underlay *to, const char *what, size_t segment, size_t len)
{
    assert_true(sc_outbox_drain(&outbox, SC_QUEUE_ANSWERS, &train));
    assert_true(sc_underlay_equal(&train.to, to));
    assert_int_equal(train.iov_count, strlen(what));
    for (size_t i = 0; i < train.iov_count; i++)
        assert_int_equal(*(const char *)train.iov[i].iov_base, what[i]);
    assert_int_equal(train.segment, segment);
    assert_int_equal(train.len, len);
    assert_int_equal(train.packet_count, 0);
}

static void equals_leave_together(void **state)
{
    (void)state;
    put(&here, 'a', 100);
    put(&here, 'b', 100);
    put(&here, 'c', 100);
    leaves(&here, "abc", 100, 300);
    assert_true(sc_outbox_is_empty(&outbox));
}

static void nobody_is_padded_or_waits_for_company(void **state)
{
    (void)state;
    put(&here, 'a', 100);
    put(&here, 'b', 99);
    put(&there, 'c', 99);
    put(&here, 'd', 99);
    leaves(&here, "a", 100, 100);
    leaves(&here, "b", 99, 99);
    leaves(&there, "c", 99, 99);
    leaves(&here, "d", 99, 99);
    assert_false(sc_outbox_drain(&outbox, SC_QUEUE_ANSWERS, &train));
}

/* A train that was joined, and ends in a smaller packet, is over. */
static void a_short_one_ends_its_train(void **state)
{
    (void)state;
    static const uint8_t data[100];
    for (int i = 0; i < 2; i++) {
        assert_true(sc_outbox_join(&outbox, SC_QUEUE_ANSWERS, &here, data, 100));
        assert_true(sc_outbox_join(&outbox, SC_QUEUE_ANSWERS, &here, data, 40));
        put(&here, 0, 100);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(sc_outbox_drain(&outbox, SC_QUEUE_ANSWERS, &train));
        assert_int_equal(train.len, i == 0 ? 140 : 240);
    }
    assert_true(sc_outbox_drain(&outbox, SC_QUEUE_ANSWERS, &train));
    assert_int_equal(train.len, 100);
}

static void a_train_ends_somewhere(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        put(&here, 'a', 1200);
    size_t all = 0;
    while (sc_outbox_drain(&outbox, SC_QUEUE_ANSWERS, &train)) {
        assert_true(train.len <= SC_TRAIN_BYTES && train.iov_count <= SC_TRAIN_SEGMENTS);
        all += train.len;
    }
    assert_int_equal(all, 100 * 1200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(equals_leave_together),
        TEST(nobody_is_padded_or_waits_for_company),
        TEST(a_short_one_ends_its_train),
        TEST(a_train_ends_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
