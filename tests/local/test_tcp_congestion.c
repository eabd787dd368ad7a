#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "local/tcp_congestion.h"

#include "transport/congestion/congestion.h"

static void found_by_name(void **state)
{
    (void)state;
    assert_int_equal(sc_tcp_congestion_find("cubic", 5), 1);
    assert_int_equal(sc_tcp_congestion_find("cubic\0more", 10), 1);
    assert_int_equal(sc_tcp_congestion_find("cubi", 4), 0);
    assert_int_equal(sc_tcp_congestion_find("bbrx", 3), 3);
    assert_int_equal(sc_tcp_congestion_find("newreno", 7), 0); /* Linux has no such name */
    assert_int_equal(sc_tcp_congestion_find("", 0), 0);
}

/* All of them, and under the names by which the stack finds them. */
static void numbers_have_names(void **state)
{
    (void)state;
    uint32_t count = 0;
    for (const char *name; (name = sc_tcp_congestion_name(count + 1)); count++)
        assert_string_equal(sc_congestion_find(name)->name, name);
    assert_int_equal(count, 3);
    assert_null(sc_tcp_congestion_name(0));
    assert_null(sc_tcp_congestion_name(UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_name),
        cmocka_unit_test(numbers_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
