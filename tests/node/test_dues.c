/* What is due is given out when it is, in the order of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/dues.h"

static void fire(void *part, struct sc_due *d, sc_time now)
{
    (void)d;
    *(sc_time *)part = now;
}

static void in_order(void **state)
{
    (void)state;
    struct sc_stack_counters counters = {0};
    struct sc_dues all;
    struct sc_due early, late;
    sc_time fired = 0;
    sc_dues_init(&all, &counters);
    sc_due_init(&early, fire, &fired);
    sc_due_init(&late, fire, &fired);
    assert_int_equal(sc_dues_deadline(&all), SC_NEVER);
    sc_dues_arm(&all, &late, 20);
    sc_dues_arm(&all, &early, 30);
    sc_dues_arm(&all, &early, 10); /* instead */
    assert_int_equal(sc_dues_deadline(&all), 10);
    assert_null(sc_dues_take(&all, 9));
    assert_ptr_equal(sc_dues_take(&all, 25), &early);
    struct sc_due *d = sc_dues_take(&all, 25);
    assert_ptr_equal(d, &late);
    assert_int_equal(fired, 0); /* that is the caller's */
    d->fire(d->part, d, 25);
    assert_int_equal(fired, 25);
    assert_null(sc_dues_take(&all, SC_NEVER - 1));
    sc_dues_fini(&all);
}

static void not_at_all(void **state)
{
    (void)state;
    struct sc_stack_counters counters = {0};
    struct sc_dues all;
    struct sc_due d;
    sc_dues_init(&all, &counters);
    sc_due_init(&d, fire, NULL);
    sc_dues_arm(&all, &d, SC_NEVER); /* it was not armed */
    sc_dues_arm(&all, &d, 10);
    sc_dues_arm(&all, &d, SC_NEVER);
    assert_null(sc_dues_take(&all, 10));
    assert_int_equal(counters.dropped_memory, 0);
    sc_dues_fini(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
