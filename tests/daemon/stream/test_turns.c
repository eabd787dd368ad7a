/* Who moves bytes, and how many of them before it is another's turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"
#include "daemon/scaffoldd.h"
#include "daemon/stream/session_parts.h"

/* As many as one event batch brings. */
#define MANY 128

static const struct sc_plane_ops *const planes[] = {&sc_carry, NULL};

static struct sc_daemon *start(struct sc_session **s, size_t count)
{
    struct sc_daemon *d = scaffoldd_start(planes, true);
    for (size_t i = 0; i < count; i++) {
        s[i] = sc_session_new(d);
        assert_non_null(s[i]);
    }
    return d;
}

static void stop(struct sc_daemon *d, struct sc_session **s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sc_session_end(s[i]);
    assert_false(sc_turns_pending(&d->turns));
    scaffoldd_stop(d);
}

static void waits_with_much(struct sc_session *s)
{
    s->takes_much = true;
    sc_turns_wait(s);
}

static void one_after_the_other(void **state)
{
    (void)state;
    struct sc_session *s[3];
    struct sc_daemon *d = start(s, 3);
    for (size_t i = 0; i < 3; i++)
        sc_turns_wait(s[i]);
    sc_turns_wait(s[0]); /* it has its place already */
    sc_turns_begin(&d->turns);
    assert_ptr_equal(sc_turns_next(&d->turns), s[0]);
    sc_turns_wait(s[0]); /* there is more */
    assert_ptr_equal(sc_turns_next(&d->turns), s[1]);
    assert_ptr_equal(sc_turns_next(&d->turns), s[2]);
    assert_ptr_equal(sc_turns_next(&d->turns), s[0]);
    assert_null(sc_turns_next(&d->turns));
    stop(d, s, 3);
}

/* What many have to send waits with their programs until there is time for it. */
static void no_more_than_leaves_in_a_turn(void **state)
{
    (void)state;
    struct sc_session *s[8];
    struct sc_daemon *d = start(s, 8);
    size_t taken = 0, turns = 0, loops = 0;
    for (size_t i = 0; i < 8; i++)
        waits_with_much(s[i]);
    for (; sc_turns_pending(&d->turns); loops++) {
        sc_turns_begin(&d->turns);
        for (taken = 0; sc_turns_next(&d->turns); turns++) {
            taken += d->turns.share;
            sc_turns_took(&d->turns, d->turns.share);
            assert_int_equal(d->turns.share, 0);
        }
        assert_in_range(taken, 1, SC_SEND_AHEAD);
    }
    assert_int_equal(turns, 8);
    assert_true(loops > 1);
    stop(d, s, 8);
}

/* Small messages of many leave together. */
static void all_that_have_little(void **state)
{
    (void)state;
    struct sc_session *s[MANY];
    struct sc_daemon *d = start(s, MANY);
    size_t turns = 0;
    for (size_t i = 0; i < MANY; i++)
        sc_turns_wait(s[i]);
    sc_turns_begin(&d->turns);
    for (; sc_turns_next(&d->turns); turns++)
        sc_turns_took(&d->turns, 1000);
    assert_int_equal(turns, MANY);
    stop(d, s, MANY);
}

/* ... and do not wait for those that have much, which get their turn all the same. */
static void little_before_much(void **state)
{
    (void)state;
    struct sc_session *s[MANY];
    struct sc_daemon *d = start(s, MANY);
    size_t turns = 0;
    waits_with_much(s[0]);
    for (size_t i = 1; i < MANY; i++)
        sc_turns_wait(s[i]);
    sc_turns_begin(&d->turns);
    for (; sc_turns_next(&d->turns) != s[0]; turns++)
        sc_turns_took(&d->turns, 10000);
    assert_int_equal(turns, MANY - 1);
    stop(d, s, MANY);
}

static void what_it_took_the_last_time(void **state)
{
    (void)state;
    struct sc_session *s[1];
    struct sc_daemon *d = start(s, 1);
    for (size_t took = 1000; took <= 100000; took += 99000) {
        sc_turns_wait(s[0]);
        sc_turns_begin(&d->turns);
        assert_ptr_equal(sc_turns_next(&d->turns), s[0]);
        sc_turns_took(&d->turns, took);
        assert_null(sc_turns_next(&d->turns));
        assert_int_equal(s[0]->takes_much, took == 100000);
    }
    stop(d, s, 1);
}

static void nothing_outside_of_a_turn(void **state)
{
    (void)state;
    struct sc_session *s[1];
    struct sc_daemon *d = start(s, 1);
    assert_int_equal(d->turns.share, 0);
    sc_turns_wait(s[0]);
    sc_turns_begin(&d->turns);
    assert_ptr_equal(sc_turns_next(&d->turns), s[0]);
    assert_true(d->turns.share > 0);
    assert_null(sc_turns_next(&d->turns));
    assert_int_equal(d->turns.share, 0);
    stop(d, s, 1);
}

static void no_turn_after_the_end(void **state)
{
    (void)state;
    struct sc_session *s[2];
    struct sc_daemon *d = start(s, 2);
    sc_turns_wait(s[0]);
    sc_session_end(s[0]);
    sc_turns_wait(s[0]); /* an event that came with it */
    sc_turns_wait(s[1]);
    sc_turns_begin(&d->turns);
    assert_ptr_equal(sc_turns_next(&d->turns), s[1]);
    assert_null(sc_turns_next(&d->turns));
    stop(d, s, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(no_more_than_leaves_in_a_turn),
        cmocka_unit_test(all_that_have_little),
        cmocka_unit_test(little_before_much),
        cmocka_unit_test(what_it_took_the_last_time),
        cmocka_unit_test(nothing_outside_of_a_turn),
        cmocka_unit_test(no_turn_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
