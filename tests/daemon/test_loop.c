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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_in_a_turn),
        cmocka_unit_test(the_longest_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
