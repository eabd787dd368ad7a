#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/limits.h"
#include "base/rng.h"
#include "transport/recv.h"

static struct sc_block_pool pool;
static struct sc_recv r;
static uint8_t stream[16 << 20];
static sc_time today;

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stream; i++)
        stream[i] = (uint8_t)(i * 7 + (i >> 8));
    sc_block_pool_init(&pool, 64 << 20);
    sc_recv_init(&r, &pool, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sc_recv_fini(&r);
    assert_int_equal(pool.used, 0);
    sc_block_pool_fini(&pool);
    return 0;
}

static int feed(uint64_t offset, size_t len, bool fin)
{
    return sc_recv_on_stream(&r, offset, stream + offset, len, fin);
}

/* Takes at most `most` bytes and compares them. Returns their number. */
static size_t take(size_t most)
{
    struct iovec iov[16];
    size_t n = sc_recv_peek(&r, iov, 16), total = 0;
    for (size_t i = 0; i < n && total < most; i++) {
        size_t part = iov[i].iov_len < most - total ? iov[i].iov_len : most - total;
        assert_memory_equal(iov[i].iov_base, stream + r.consumed + total, part);
        total += part;
    }
    sc_recv_consume(&r, total, 1000, today += SC_SECOND); /* too slow to widen the window */
    return total;
}

static void borrows_in_order(void **state)
{
    (void)state;
    struct iovec iov[4];
    assert_int_equal(feed(0, 1000, false), 0);
    assert_int_equal(feed(1000, 1000, false), 0);
    assert_int_equal(sc_recv_peek(&r, iov, 4), 2);
    assert_ptr_equal(iov[0].iov_base, stream);
    assert_int_equal(pool.used, 0);
    assert_int_equal(take(1500), 1500);
    assert_int_equal(sc_recv_settle(&r), 0);
    assert_int_equal(pool.used, 1);
    assert_int_equal(sc_recv_peek(&r, iov, 4), 1);
    assert_true((uint8_t *)iov[0].iov_base != stream + 1500);
    assert_int_equal(take(1000), 500);
    assert_int_equal(pool.used, 0);
}

static void fills_holes(void **state)
{
    (void)state;
    feed(0, 100, false);
    feed(200, 100, false);
    feed(400, 100, false);
    assert_int_equal(sc_recv_available(&r), 100);
    feed(300, 100, false);
    assert_int_equal(sc_recv_available(&r), 100);
    feed(50, 160, false);
    assert_int_equal(sc_recv_available(&r), 500);
    assert_int_equal(r.ahead.count, 0);
    feed(500, 100, true);
    assert_true(sc_recv_complete(&r));
    assert_int_equal(take(1000), 600);
    assert_true(sc_recv_eof(&r));
}

static void end_first(void **state)
{
    (void)state;
    assert_int_equal(feed(1000, 0, true), 0);
    assert_false(sc_recv_complete(&r));
    assert_int_equal(feed(0, 1000, false), 0);
    assert_true(sc_recv_complete(&r));
    assert_false(sc_recv_eof(&r));
    take(1000);
    assert_true(sc_recv_eof(&r));
}

static void empty_stream(void **state)
{
    (void)state;
    assert_false(sc_recv_eof(&r));
    assert_int_equal(feed(0, 0, true), 0);
    assert_true(sc_recv_eof(&r));
    assert_int_equal(feed(0, 0, true), 0);
}

static void rules_are_enforced(void **state)
{
    (void)state;
    assert_int_equal(feed(SC_WINDOW_INITIAL, 1, false), -EPROTO);
    assert_int_equal(feed(SC_WINDOW_INITIAL - 1, 1, false), 0);
    assert_int_equal(feed(0, 1000, true), -EPROTO); /* bytes were seen above */
    assert_int_equal(feed(SC_WINDOW_INITIAL, 0, true), 0);
    assert_int_equal(feed(SC_WINDOW_INITIAL - 1, 0, true), -EPROTO);
}

static void window_opens_by_quarters(void **state)
{
    (void)state;
    size_t quarter = SC_WINDOW_INITIAL / 4;
    feed(0, quarter - 1, false);
    take(quarter);
    assert_false(r.want_window);
    feed(quarter - 1, 1, false);
    take(1);
    assert_true(r.want_window);
    assert_int_equal(sc_recv_announce(&r), SC_WINDOW_INITIAL + quarter);
    assert_false(r.want_window);
    assert_int_equal(feed(SC_WINDOW_INITIAL, 10, false), 0);
}

/* Takes a quarter of the window, in a round trip of 20 ms, until `now`. */
static void consume_quarter(sc_time now)
{
    uint64_t to = r.consumed + r.window / 4;
    while (r.consumed < to) {
        sc_recv_announce(&r);
        assert_int_equal(feed(r.next, 8192, false), 0);
        sc_recv_consume(&r, 8192, 20 * SC_MS, now);
    }
}

static void window_grows_for_the_fast(void **state)
{
    (void)state;
    consume_quarter(15 * SC_MS);
    assert_int_equal(r.window, 2 * SC_WINDOW_INITIAL);
    for (sc_time t = 500 * SC_MS; t < 650 * SC_MS; t += 15 * SC_MS) { /* too slow: stays */
        feed(r.next, 8192, false);
        sc_recv_consume(&r, 8192, 20 * SC_MS, t);
    }
    assert_int_equal(r.window, 2 * SC_WINDOW_INITIAL);
    sc_time now = SC_SECOND;
    consume_quarter(now); /* ends the slow measurement */
    while (r.window < SC_WINDOW_MAX)
        consume_quarter(now += 10 * SC_MS);
    consume_quarter(now);
    assert_int_equal(r.window, SC_WINDOW_MAX); /* and no further */
}

/* Two round trips pass behind a hole, and then two of them are consumed at once. */
static void window_grows_behind_holes(void **state)
{
    (void)state;
    uint64_t half = r.window / 2;
    sc_recv_consume(&r, 0, 20 * SC_MS, 5 * SC_MS);
    for (uint64_t at = 8192; at < half; at += 8192)
        assert_int_equal(feed(at, 8192, false), 0);
    assert_int_equal(feed(0, 8192, false), 0);
    sc_recv_consume(&r, half, 20 * SC_MS, 40 * SC_MS);
    assert_int_equal(r.window, 2 * SC_WINDOW_INITIAL);
    assert_int_equal(feed(half, 8192, false), 0);
    sc_recv_consume(&r, 8192, 20 * SC_MS, 80 * SC_MS); /* too little for that time */
    assert_int_equal(r.window, 2 * SC_WINDOW_INITIAL);
}

static void discard_consumes(void **state)
{
    (void)state;
    feed(0, 1000, false);
    feed(2000, 1000, false);
    sc_recv_discard(&r);
    assert_int_equal(r.consumed, 1000);
    feed(1000, 1000, false);
    assert_int_equal(r.consumed, 3000);
    assert_int_equal(sc_recv_available(&r), 0);
    assert_int_equal(pool.used, 0);
    feed(3000, SC_WINDOW_INITIAL / 4, false);
    assert_true(r.want_window);
}

static void holes_are_bounded(void **state)
{
    (void)state;
    int refused = 0;
    for (uint64_t at = 1; at < 4000; at += 2)
        refused += feed(at, 1, false) == -ENOBUFS;
    assert_true(refused > 0);
    assert_true(r.ahead.count <= SC_RECV_HOLES);
    /* The refused come again, like everything that was not acknowledged. */
    for (uint64_t at = 0; at < 4000; at++)
        assert_int_equal(feed(at, 1, false), 0);
    assert_int_equal(sc_recv_available(&r), 4000);
    size_t total = 0, n;
    while ((n = take(sizeof stream)) > 0)
        total += n;
    assert_int_equal(total, 4000);
}

static void full_memory_spares_who_holds_none(void **state)
{
    (void)state;
    uint8_t *taken[100];
    size_t n = 0;
    pool.limit = 100;
    while (sc_block_left(&pool, SC_BLOCK_RECEIVE) > 0)
        taken[n++] = sc_block_take(&pool, SC_BLOCK_RECEIVE);
    assert_int_equal(feed(0, 1000, false), 0); /* nothing unread: gets its block */
    assert_int_equal(sc_recv_settle(&r), 0);
    assert_int_equal(feed(1000, 1000, false), 0); /* fits into that block */
    assert_int_equal(sc_recv_settle(&r), 0);
    assert_int_equal(feed(2000, 30000, false), -ENOBUFS);
    assert_int_equal(feed(40000, 1000, false), -ENOBUFS);
    assert_int_equal(take(2000), 2000);
    assert_int_equal(feed(2000, 1000, false), 0);
    while (n > 0)
        sc_block_put(&pool, taken[--n]);
}

/* Random segments against a plain array. */
static void model(void **state)
{
    (void)state;
    struct sc_rng rng;
    sc_rng_seed(&rng, 9);
    const uint64_t length = 3000000;
    for (int turn = 0; !sc_recv_eof(&r); turn++) {
        assert_true(turn < 2000000);
        uint64_t from = r.next > 3000 ? r.next - 3000 : 0;
        uint64_t offset = from + sc_rng_below(&rng, 30000);
        size_t len = sc_rng_below(&rng, 3000);
        if (offset > length)
            offset = length;
        if (len > length - offset)
            len = (size_t)(length - offset);
        uint64_t limit = sc_recv_announce(&r);
        int rc = feed(offset, len, offset + len == length);
        assert_int_equal(rc, offset + len > limit ? -EPROTO : 0);
        if (sc_rng_below(&rng, 4) == 0)
            take(sc_rng_below(&rng, 20000));
        if (sc_rng_below(&rng, 8) == 0)
            assert_int_equal(sc_recv_settle(&r), 0);
    }
    assert_int_equal(r.consumed, length);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(borrows_in_order),
        TEST(fills_holes),
        TEST(end_first),
        TEST(empty_stream),
        TEST(rules_are_enforced),
        TEST(window_opens_by_quarters),
        TEST(window_grows_for_the_fast),
        TEST(window_grows_behind_holes),
        TEST(discard_consumes),
        TEST(holes_are_bounded),
        TEST(full_memory_spares_who_holds_none),
        TEST(model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
