#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/limits.h"
#include "transport/pmtu.h"

/* Probes until the search rests, over a path that carries `mtu`. Returns the number of probes. */
static unsigned search(struct sc_pmtu *p, size_t mtu, sc_time now)
{
    unsigned n = 0;
    for (size_t size; (size = sc_pmtu_probe(p, now)) != 0; n++) {
        assert_true(n < 100);
        sc_pmtu_on_probe_sent(p, size);
        assert_int_equal(sc_pmtu_probe(p, now), 0); /* one at a time */
        if (size <= mtu)
            sc_pmtu_on_probe_acked(p, size, now);
        else
            sc_pmtu_on_probe_lost(p, size, now);
    }
    return n;
}

static void finds_the_largest(void **state)
{
    (void)state;
    static const size_t mtu[] = {1200, 1452, 1471, 1472, 4100, 8932, 9000};
    static const size_t want[] = {1200, 1452, 1452, 1472, 4052, 8932, 8972};
    for (size_t i = 0; i < sizeof mtu / sizeof *mtu; i++) {
        struct sc_pmtu p;
        sc_pmtu_init(&p, 0);
        assert_int_equal(p.size, SC_DATAGRAM_BASE);
        unsigned n = search(&p, mtu[i], 0);
        assert_int_equal(p.size, want[i]);
        assert_true(n <= 7);
    }
}

static void ethernet_is_tried_first(void **state)
{
    (void)state;
    struct sc_pmtu p;
    sc_pmtu_init(&p, 0);
    assert_int_equal(sc_pmtu_probe(&p, 0), 1472);
}

static void limit_is_kept(void **state)
{
    (void)state;
    struct sc_pmtu p;
    sc_pmtu_init(&p, 1472);
    search(&p, 9000, 0);
    assert_int_equal(p.size, 1472);
    sc_pmtu_init(&p, 1000);
    assert_int_equal(p.size, 1000);
    assert_int_equal(sc_pmtu_probe(&p, 0), 0);
}

static void asks_again_after_ten_minutes(void **state)
{
    (void)state;
    struct sc_pmtu p;
    sc_pmtu_init(&p, 0);
    search(&p, 1472, 0);
    assert_int_equal(sc_pmtu_probe(&p, 599 * SC_SECOND), 0);
    search(&p, 9000, 600 * SC_SECOND);
    assert_int_equal(p.size, 8972);
}

static void black_hole(void **state)
{
    (void)state;
    struct sc_pmtu p;
    sc_pmtu_init(&p, 0);
    search(&p, 9000, 0);
    assert_false(sc_pmtu_on_timeout(&p, 1));
    assert_false(sc_pmtu_on_timeout(&p, 2));
    sc_pmtu_on_progress(&p);
    assert_false(sc_pmtu_on_timeout(&p, 3));
    assert_false(sc_pmtu_on_timeout(&p, 4));
    assert_true(sc_pmtu_on_timeout(&p, 5));
    assert_int_equal(p.size, SC_DATAGRAM_BASE);
    assert_int_equal(sc_pmtu_probe(&p, 6), 0);
    assert_true(sc_pmtu_probe(&p, 11 * SC_SECOND) > 0);
}

static void too_large_is_believed(void **state)
{
    (void)state;
    struct sc_pmtu p;
    sc_pmtu_init(&p, 0);
    sc_pmtu_on_probe_sent(&p, 1472);
    assert_false(sc_pmtu_on_too_large(&p, 1472, 0));
    assert_int_equal(sc_pmtu_probe(&p, 0), 1452);
    search(&p, 1460, 0);
    assert_int_equal(p.size, 1452);
    assert_true(sc_pmtu_on_too_large(&p, 1452, 0));
    assert_int_equal(p.size, SC_DATAGRAM_BASE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_largest), cmocka_unit_test(ethernet_is_tried_first),
        cmocka_unit_test(limit_is_kept),     cmocka_unit_test(asks_again_after_ten_minutes),
        cmocka_unit_test(black_hole),        cmocka_unit_test(too_large_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
