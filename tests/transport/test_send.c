#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/limits.h"
#include "base/rng.h"
#include "transport/send.h"

static struct sc_block_pool pool;
static struct sc_send s;

static int setup(void **state)
{
    (void)state;
    sc_block_pool_init(&pool, 1 << 20);
    sc_send_init(&s, &pool);
    s.limit = UINT64_MAX;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sc_send_fini(&s);
    assert_int_equal(pool.used, 0);
    sc_block_pool_fini(&pool);
    return 0;
}

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 7 + (offset >> 8));
}

static void append(size_t len)
{
    struct iovec iov[64];
    size_t n = sc_send_space(&s, len, iov, 64), total = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < iov[i].iov_len; k++)
            ((uint8_t *)iov[i].iov_base)[k] = byte_at(s.end + total++);
    assert_int_equal(total, len);
    sc_send_commit(&s, len);
}

static void check(uint64_t offset, size_t len)
{
    for (uint64_t at = offset; at < offset + len; at++)
        assert_int_equal(*sc_store_at(&s.store, at), byte_at(at));
}

static void sends_in_order(void **state)
{
    (void)state;
    struct sc_send_piece p;
    assert_false(sc_send_take(&s, 1000, &p));
    append(2500);
    assert_true(sc_send_take(&s, 1000, &p));
    assert_true(p.offset == 0 && p.len == 1000 && !p.fin && !p.again);
    assert_true(sc_send_take(&s, 1000, &p));
    assert_true(sc_send_take(&s, 1000, &p));
    assert_true(p.offset == 2000 && p.len == 500);
    assert_false(sc_send_take(&s, 1000, &p));
    check(0, 2500);
}

static void end_is_a_virtual_byte(void **state)
{
    (void)state;
    struct sc_send_piece p;
    append(1000);
    sc_send_close(&s);
    assert_true(sc_send_take(&s, 1000, &p));
    assert_true(p.fin && p.len == 1000);
    assert_false(sc_send_pending(&s));
    sc_send_on_lost(&s, 0, 1000, true);
    assert_true(sc_send_take(&s, 600, &p));
    assert_true(p.offset == 0 && p.len == 600 && !p.fin && p.again);
    assert_true(sc_send_take(&s, 600, &p));
    assert_true(p.offset == 600 && p.len == 400 && p.fin && p.again);
    sc_send_on_acked(&s, 0, 600, false);
    assert_false(sc_send_finished(&s));
    sc_send_on_acked(&s, 600, 400, true);
    assert_true(sc_send_finished(&s));
    assert_int_equal(pool.used, 0);
}

static void end_alone(void **state)
{
    (void)state;
    struct sc_send_piece p;
    sc_send_close(&s);
    assert_true(sc_send_take(&s, 600, &p));
    assert_true(p.offset == 0 && p.len == 0 && p.fin);
    sc_send_on_lost(&s, 0, 0, true);
    assert_true(sc_send_take(&s, 600, &p));
    assert_true(p.len == 0 && p.fin && p.again);
    sc_send_on_acked(&s, 0, 0, true);
    assert_true(sc_send_finished(&s));
}

static void window_holds_back(void **state)
{
    (void)state;
    struct sc_send_piece p;
    s.limit = 1000;
    append(1500);
    sc_send_close(&s);
    assert_true(sc_send_take(&s, 1400, &p));
    assert_int_equal(p.len, 1000);
    assert_false(p.fin);
    assert_false(sc_send_pending(&s));
    assert_false(sc_send_on_window(&s, 900));
    assert_true(sc_send_on_window(&s, 1500));
    assert_true(sc_send_take(&s, 1400, &p));
    assert_true(p.len == 500 && p.fin); /* the end needs no window */
}

static void acknowledged_is_never_lost(void **state)
{
    (void)state;
    struct sc_send_piece p;
    append(3000);
    for (int i = 0; i < 3; i++)
        sc_send_take(&s, 1000, &p);
    sc_send_on_acked(&s, 1000, 1000, false);
    sc_send_on_lost(&s, 0, 3000, false);
    assert_true(sc_send_take(&s, 2000, &p));
    assert_true(p.offset == 0 && p.len == 1000);
    assert_true(sc_send_take(&s, 2000, &p));
    assert_true(p.offset == 2000 && p.len == 1000);
    assert_int_equal(sc_send_on_acked(&s, 0, 1000, false), 2000);
    assert_int_equal(s.acked, 2000);
    sc_send_on_lost(&s, 0, 2500, false); /* only what is left of it */
    assert_true(sc_send_take(&s, 2000, &p));
    assert_true(p.offset == 2000 && p.len == 500);
}

static void room_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(sc_send_room(&s, 128 * 1024), 128 * 1024);
    append(100000);
    assert_int_equal(sc_send_room(&s, 128 * 1024), 128 * 1024 - 100000);
    /* The pool gives writers half of its 1 MiB. */
    assert_int_equal(sc_send_room(&s, 1 << 30), (1 << 19) - 100000);
    sc_send_close(&s);
    assert_int_equal(sc_send_room(&s, 128 * 1024), 0);
}

static void unused_room_is_given_back(void **state)
{
    (void)state;
    struct iovec iov[64];
    append(10);
    assert_true(sc_send_space(&s, 200000, iov, 64) > 10);
    sc_send_commit(&s, 100);
    assert_int_equal(pool.used, 1);
    sc_send_space(&s, 0, iov, 64);
    struct sc_send_piece p;
    sc_send_take(&s, 1000, &p);
    sc_send_on_acked(&s, 0, 110, false);
    assert_int_equal(pool.used, 0);
    sc_send_space(&s, 1000, iov, 64);
    sc_send_commit(&s, 0);
    assert_int_equal(pool.used, 0);
}

/* Random losses and acknowledgements: every byte stays until it is acknowledged, and in the end all
 * are. */
static void model(void **state)
{
    (void)state;
    static struct sc_send_piece sent[100000];
    struct sc_rng rng;
    sc_rng_seed(&rng, 5);
    size_t count = 0, first = 0;
    for (int turn = 0; turn < 20000 || !sc_send_finished(&s); turn++) {
        assert_true(turn < 40000);
        if (turn < 20000 && sc_rng_below(&rng, 2))
            append(sc_rng_below(&rng, sc_send_room(&s, 200000) % 3000 + 1));
        if (turn == 20000)
            sc_send_close(&s);
        struct sc_send_piece p;
        if (count < 100000 && sc_send_take(&s, 1 + sc_rng_below(&rng, 1400), &p)) {
            check(p.offset, p.len);
            sent[count++] = p;
        }
        while (first < count && (turn >= 20000 || sc_rng_below(&rng, 3))) {
            size_t i = first + sc_rng_below(&rng, count - first);
            struct sc_send_piece hit = sent[i];
            sent[i] = sent[first++];
            if (sc_rng_below(&rng, 10) == 0)
                sc_send_on_lost(&s, hit.offset, hit.len, hit.fin);
            else
                sc_send_on_acked(&s, hit.offset, hit.len, hit.fin);
        }
    }
    assert_int_equal(s.acked, s.end + 1);
    assert_int_equal(s.lost.count, 0);
    assert_int_equal(s.early.count, 0);
}

/* Every other byte acknowledged: more ranges than are remembered. Nothing may get stuck. */
static void fragmentation_is_survived(void **state)
{
    (void)state;
    struct sc_send_piece p;
    append(20000);
    for (int i = 0; i < 20000; i++)
        sc_send_take(&s, 1, &p);
    for (uint64_t i = 1; i < 20000; i += 2)
        sc_send_on_acked(&s, i, 1, false);
    for (uint64_t i = 0; i < 20000; i += 2)
        sc_send_on_lost(&s, i, 1, false);
    sc_send_on_acked(&s, 0, 1, false);
    while (sc_send_take(&s, 700, &p)) {
        check(p.offset, p.len);
        sc_send_on_acked(&s, p.offset, p.len, p.fin);
    }
    assert_int_equal(s.acked, 20000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sends_in_order),
        TEST(end_is_a_virtual_byte),
        TEST(end_alone),
        TEST(window_holds_back),
        TEST(acknowledged_is_never_lost),
        TEST(room_is_bounded),
        TEST(unused_room_is_given_back),
        TEST(model),
        TEST(fragmentation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
