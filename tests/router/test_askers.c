/* Names on the accounts of the places that asked for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "router/askers.h"

static const uint64_t seed[2] = {1, 2};

static void a_place_has_its_share(void **state)
{
    (void)state;
    struct sc_askers a;
    struct sc_asked n[4];
    struct sc_underlay here = {.family = 4, .port = 7213, .ip = {10, 0, 0, 1}};
    struct sc_underlay other = {.family = 4, .port = 7213, .ip = {10, 0, 0, 2}};
    struct sc_underlay there = {.family = 6, .port = 1, .ip = {0xfd, [7] = 1, [15] = 1}};
    sc_askers_init(&a, seed);
    for (size_t i = 0; i < 4; i++)
        sc_asked_init(&n[i]);
    for (size_t i = 0; i < 2; i++) {
        assert_true(sc_askers_may(&a, &here, 2, 100));
        sc_askers_put(&a, &here, &n[i], 100);
        here.port++; /* no matter */
    }
    assert_false(sc_askers_may(&a, &here, 2, 100));
    assert_true(sc_askers_may(&a, &other, 2, 100));
    sc_asked_touch(&n[0], 200);
    assert_false(sc_askers_may(&a, &here, 2, 99 + SC_NAME_COUNTS));
    assert_true(sc_askers_may(&a, &here, 2, 100 + SC_NAME_COUNTS)); /* without n[1] */
    assert_null(n[1].asker);
    sc_askers_put(&a, &here, &n[1], 100 + SC_NAME_COUNTS);
    sc_asked_keep(&n[0]);
    sc_asked_keep(&n[1]);
    assert_false(sc_askers_may(&a, &here, 2, 10 * SC_NAME_COUNTS)); /* used: for good */
    sc_askers_take(&a, &n[0]);
    assert_true(sc_askers_may(&a, &here, 2, 10 * SC_NAME_COUNTS));
    sc_askers_put(&a, &there, &n[2], 1);
    there.ip[15] = 2; /* of the same /64 */
    assert_false(sc_askers_may(&a, &there, 1, 1));
    there.ip[7] = 2;
    assert_true(sc_askers_may(&a, &there, 1, 1));
    sc_askers_take(&a, &n[1]);
    sc_askers_take(&a, &n[2]);
    assert_int_equal(a.accounts.count, 0);
    sc_askers_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_has_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
