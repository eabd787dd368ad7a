/* The loop: whose alarm is due is served once in a turn, whatever it sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/list.h"
#include "daemon/loop.h"

struct eager {
    struct sc_alarm alarm;
    struct sc_loop *loop;
    unsigned fired;
};

static void fire_again(struct sc_alarm *a)
{
    struct eager *e = sc_container(a, struct eager, alarm);
    e->fired++;
    sc_loop_alarm(e->loop, a, e->loop->now);
}

static void never(struct sc_alarm *a)
{
    (void)a;
    fail();
}

static void once_in_a_turn(void **state)
{
    (void)state;
    enum { OTHERS = 50, TURNS = 20 };
    struct sc_loop l;
    struct sc_alarm other[OTHERS];
    struct eager e[3];
    assert_int_equal(sc_loop_init(&l), 0);
    for (size_t i = 0; i < OTHERS; i++) { /* how many there are does not matter */
        sc_alarm_init(&other[i], never);
        sc_loop_alarm(&l, &other[i], l.now + 1000 * SC_SECOND);
    }
    for (size_t i = 0; i < 3; i++) {
        e[i] = (struct eager){.loop = &l};
        sc_alarm_init(&e[i].alarm, fire_again);
        sc_loop_alarm(&l, &e[i].alarm, l.now);
    }
    for (unsigned turn = 1; turn <= TURNS; turn++) {
        sc_loop_turn(&l, SC_NEVER);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(e[i].fired, turn);
    }
    sc_loop_fini(&l);
}

static void sleep_long(struct sc_alarm *a)
{
    (void)a;
    usleep(2 * SC_LONG_TURN);
}

static void the_longest_turn(void **state)
{
    (void)state;
    struct sc_loop l;
    struct sc_alarm a;
    assert_int_equal(sc_loop_init(&l), 0);
    sc_alarm_init(&a, sleep_long);
    sc_loop_alarm(&l, &a, l.now);
    sc_loop_turn(&l, SC_NEVER);
    sc_loop_turn(&l, l.now); /* a turn ends where the next one begins to wait */
    assert_int_equal(l.long_turns, 1);
    assert_true(sc_loop_take_longest_turn(&l) >= 2 * SC_LONG_TURN);
    assert_int_equal(sc_loop_take_longest_turn(&l), 0);
    sc_loop_fini(&l);
}

static void ready(struct sc_watch *w, uint32_t events)
{
    (void)w;
    (void)events;
}

/* A turn that an event ends before its deadline. */
static void turn_with_event(struct sc_loop *l, sc_time deadline)
{
    struct sc_watch w = {.ready = ready};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    w.fd = ends[1];
    assert_int_equal(sc_loop_watch(l, &w, EPOLLOUT), 0);
    sc_loop_turn(l, deadline);
    sc_loop_close(l, &w);
    close(ends[0]);
}

static unsigned turns_until(struct sc_loop *l, sc_time deadline)
{
    unsigned turns = 0;
    for (; l->now < deadline; turns++)
        sc_loop_turn(l, deadline);
    return turns;
}

/* The timer stays where it was: it costs one turn in which nothing is due. */
static void a_deadline_that_moves_away(void **state)
{
    (void)state;
    struct sc_loop l;
    assert_int_equal(sc_loop_init(&l), 0);
    for (sc_time i = 0; i < 3; i++)
        turn_with_event(&l, l.now + (20 + i) * SC_MS);
    assert_in_range(turns_until(&l, l.now + 40 * SC_MS), 1, 2);
    sc_loop_fini(&l);
}

/* An idle process is not woken for nothing. */
static void a_late_deadline_that_moves_away(void **state)
{
    (void)state;
    struct sc_loop l;
    assert_int_equal(sc_loop_init(&l), 0);
    sc_time start = l.now;
    turn_with_event(&l, start + 200 * SC_MS);
    assert_int_equal(turns_until(&l, start + 400 * SC_MS), 1);
    turn_with_event(&l, start + 700 * SC_MS);
    turn_with_event(&l, SC_NEVER);
    assert_int_equal(turns_until(&l, start + 1000 * SC_MS), 1);
    sc_loop_fini(&l);
}

static void a_deadline_that_comes_nearer(void **state)
{
    (void)state;
    struct sc_loop l;
    assert_int_equal(sc_loop_init(&l), 0);
    turn_with_event(&l, l.now + 1000 * SC_SECOND);
    assert_int_equal(turns_until(&l, l.now + 2 * SC_MS), 1);
    assert_int_equal(turns_until(&l, l.now + 2 * SC_MS), 1);
    sc_loop_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_in_a_turn),
        cmocka_unit_test(the_longest_turn),
        cmocka_unit_test(a_deadline_that_moves_away),
        cmocka_unit_test(a_late_deadline_that_moves_away),
        cmocka_unit_test(a_deadline_that_comes_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
