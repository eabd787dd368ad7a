/* Addresses as applications see them. */
#include "local/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static void the_default_pool(void **state)
{
    (void)state;
    struct sc_pool4 pool;
    assert_int_equal(sc_pool4_parse(NULL, &pool), 0);
    assert_int_equal(pool.base, SC_POOL4_BASE);
    assert_int_equal(pool.bits, SC_POOL4_BITS);
}

static void another_pool(void **state)
{
    (void)state;
    struct sc_pool4 pool;
    assert_int_equal(sc_pool4_parse("10.64.0.0/10", &pool), 0);
    assert_int_equal(pool.base, 0x0a400000);
    assert_int_equal(pool.bits, 10);
    assert_int_equal(sc_pool4_parse("10.1.2.3/8", &pool), 0);
    assert_int_equal(pool.base, 0x0a000000); /* host bits do not count */
}

static void bad_pools_leave_the_default(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.0",     "10.0.0.0/7",  "10.0.0.0/31", "10.0.0/8",
                                      "256.0.0.0/8",  "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/-8",
                                      "10.0.0.0.0/8", "a.b.c.d/8",   "10..0.0/8",   "/8",
                                      "10.0.0.0/8/8", "10.0.0.0/",   "1000.0.0.0/8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sc_pool4 pool = {1, 1};
        assert_int_equal(sc_pool4_parse(bad[i], &pool), -EINVAL);
        assert_int_equal(pool.base, SC_POOL4_BASE);
        assert_int_equal(pool.bits, SC_POOL4_BITS);
    }
}

static void what_is_in_the_pool(void **state)
{
    (void)state;
    struct sc_pool4 pool;
    sc_pool4_parse(NULL, &pool);
    struct sc_address first = sc_address_v4(0xc6120000, 0), last = sc_address_v4(0xc613ffff, 1);
    struct sc_address below = sc_address_v4(0xc611ffff, 0), above = sc_address_v4(0xc6140000, 0);
    struct sc_address ula = {.ip = SC_POOL6_PREFIX}, other = {.ip = {0xfd, 0x53, 0x43}};
    assert_true(sc_address_in_pool(&first, &pool));
    assert_true(sc_address_in_pool(&last, &pool));
    assert_false(sc_address_in_pool(&below, &pool));
    assert_false(sc_address_in_pool(&above, &pool));
    assert_true(sc_address_in_pool(&ula, &pool));
    assert_false(sc_address_in_pool(&other, &pool));
}

static void kinds_of_addresses(void **state)
{
    (void)state;
    struct sc_address lo4 = sc_address_v4(0x7f010203, 0), any4 = sc_address_v4(0, 9);
    struct sc_address lo6 = {.ip = {[15] = 1}}, any6 = {.port = 9}, other = sc_address_v4(1, 0);
    assert_true(sc_address_is_loopback(&lo4) && sc_address_is_loopback(&lo6));
    assert_false(sc_address_is_loopback(&any4) || sc_address_is_loopback(&any6));
    assert_true(sc_address_is_wildcard(&any4) && sc_address_is_wildcard(&any6));
    assert_false(sc_address_is_wildcard(&other) || sc_address_is_wildcard(&lo6));
    assert_true(sc_address_is_v4(&any4));
    assert_false(sc_address_is_v4(&any6));
    assert_int_equal(sc_address_to_v4(&lo4), 0x7f010203);
}

static void from_libcs_addresses(void **state)
{
    (void)state;
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc6120005)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
    in6.sin6_addr.s6_addr[0] = 0xfd;
    struct sc_address a;
    assert_int_equal(sc_address_from_sockaddr((struct sockaddr *)&in, sizeof in, &a), 0);
    assert_int_equal(sc_address_to_v4(&a), 0xc6120005);
    assert_int_equal(a.port, 80);
    assert_int_equal(sc_address_from_sockaddr((struct sockaddr *)&in6, sizeof in6, &a), 0);
    assert_int_equal(a.ip[0], 0xfd);
    assert_int_equal(a.port, 81);
    /* Linux takes a sockaddr_in6 without its scope id. */
    assert_int_equal(sc_address_from_sockaddr((struct sockaddr *)&in6, 24, &a), 0);
}

static void addresses_that_are_none(void **state)
{
    (void)state;
    struct sockaddr_storage ss = {.ss_family = AF_UNIX};
    struct sockaddr *sa = (struct sockaddr *)&ss;
    struct sc_address a;
    assert_int_equal(sc_address_from_sockaddr(sa, sizeof ss, &a), -EAFNOSUPPORT);
    assert_int_equal(sc_address_from_sockaddr(sa, 1, &a), -EINVAL);
    ss.ss_family = AF_INET;
    assert_int_equal(sc_address_from_sockaddr(sa, sizeof(struct sockaddr_in) - 1, &a), -EINVAL);
    ss.ss_family = AF_INET6;
    assert_int_equal(sc_address_from_sockaddr(sa, 23, &a), -EINVAL);
}

static void to_libcs_addresses(void **state)
{
    (void)state;
    struct sc_address a = sc_address_v4(0xc6120005, 80), b = {.ip = {0xfd}, .port = 81};
    struct sockaddr_storage ss;
    struct sockaddr_in *in = (struct sockaddr_in *)&ss;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
    assert_int_equal(sc_address_to_sockaddr(&a, SC_FAMILY_INET, &ss), sizeof *in);
    assert_int_equal(in->sin_family, AF_INET);
    assert_int_equal(ntohl(in->sin_addr.s_addr), 0xc6120005);
    assert_int_equal(sc_address_to_sockaddr(&a, SC_FAMILY_INET6, &ss), sizeof *in6);
    assert_true(IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr));
    assert_int_equal(ntohs(in6->sin6_port), 80);
    assert_int_equal(sc_address_to_sockaddr(&b, SC_FAMILY_INET, &ss), sizeof *in);
    assert_int_equal(in->sin_addr.s_addr, 0); /* what it cannot show */
    assert_int_equal(ntohs(in->sin_port), 81);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_pool),
        cmocka_unit_test(another_pool),
        cmocka_unit_test(bad_pools_leave_the_default),
        cmocka_unit_test(what_is_in_the_pool),
        cmocka_unit_test(kinds_of_addresses),
        cmocka_unit_test(from_libcs_addresses),
        cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(to_libcs_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
