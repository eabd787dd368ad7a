/* The hosts of a router. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "router/hosts.h"

static const uint64_t seed[2] = {1, 2};

static void hosts(void **state)
{
    (void)state;
    struct sc_hosts h;
    sc_hosts_init(&h, NULL, 5, seed);
    struct sc_host *b = sc_hosts_join(&h, "b", 0);
    struct sc_host *c = sc_hosts_join(&h, "c", sc_network_address(5, 77)); /* as it had before */
    struct sc_host *d = sc_hosts_join(&h, "d", sc_network_address(6, 78)); /* another domain's */
    struct sc_host *e = sc_hosts_join(&h, "e", b->address);
    assert_int_equal(b->address, sc_network_address(5, 2));
    assert_int_equal(c->address, sc_network_address(5, 77));
    assert_int_equal(d->address >> 32, 5);
    assert_true(e->address != b->address && e->address != d->address);
    assert_ptr_equal(sc_hosts_join(&h, "b", 0), b);
    assert_ptr_equal(sc_hosts_find(&h, c->address), c);
    assert_ptr_equal(sc_hosts_find_name(&h, "d"), d);
    assert_int_equal(h.by_address.count, 4);
    sc_hosts_fini(&h);
}

/* Hosts that are gone make room for new ones; those that are up do not. */
static void a_full_table_of_hosts(void **state)
{
    (void)state;
    struct sc_hosts h;
    char name[32];
    sc_hosts_init(&h, NULL, 5, seed);
    for (int i = 0; i < SC_HOSTS_MAX; i++) {
        snprintf(name, sizeof name, "h%d", i);
        sc_hosts_set_up(&h, sc_hosts_join(&h, name, 0), true);
    }
    assert_null(sc_hosts_join(&h, "more", 0));
    assert_non_null(sc_hosts_join(&h, "h7", 0));
    struct sc_host *gone = sc_hosts_find_name(&h, "h77");
    uint64_t address = gone->address;
    sc_hosts_set_up(&h, gone, false);
    sc_hosts_set_up(&h, sc_hosts_find_name(&h, "h78"), false);
    struct sc_host *more = sc_hosts_join(&h, "more", address);
    assert_non_null(more);
    assert_int_equal(more->address, address);
    assert_null(sc_hosts_find_name(&h, "h77")); /* who has been down for longest */
    assert_non_null(sc_hosts_find_name(&h, "h78"));
    sc_hosts_set_up(&h, sc_hosts_find_name(&h, "h78"), true);
    sc_hosts_set_up(&h, more, true);
    assert_null(sc_hosts_join(&h, "one more", 0));
    assert_int_equal(h.by_address.count, SC_HOSTS_MAX);
    assert_int_equal(h.by_name.count, SC_HOSTS_MAX);
    sc_hosts_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(a_full_table_of_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
