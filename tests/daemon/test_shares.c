/* Whatever other users take, root, the owner and whoever comes next still find something. */
#include "daemon/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

#define OWNER 1000
#define PLENTY 10000000
#define KIND SC_SHARE_CALLS

static struct sc_shares shares;
static struct sc_share taken[2 * SC_CALLS_MAX];
static size_t count;

static int start(void **state)
{
    (void)state;
    const uint64_t seed[2] = {1, 2};
    sc_shares_init(&shares, OWNER, PLENTY, seed);
    memset(taken, 0, sizeof taken);
    count = 0;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < count; i++)
        sc_share_give(&shares, &taken[i]);
    sc_shares_fini(&shares);
    return 0;
}

static bool takes(uid_t uid)
{
    if (!sc_share_take(&shares, &taken[count], uid, KIND))
        return false;
    count++;
    return true;
}

/* As much as this user can. */
static size_t takes_all(uid_t uid)
{
    size_t before = count;
    while (takes(uid))
        ;
    return count - before;
}

#define OTHERS (SC_CALLS_MAX * 3 / 4)
#define PART (OTHERS / 2 / 256)

static void one_gets_half_of_the_half(void **state)
{
    (void)state;
    assert_int_equal(takes_all(2000), PART + OTHERS / 4);
    assert_int_equal(shares.of[KIND].refused, 1);
    assert_int_equal(takes_all(2001), PART + OTHERS / 8);
}

/* Whether they come one after the other or all at once, and take what they can: the next one finds
 * his part. */
static void after_a_hundred_one_by_one(void **state)
{
    (void)state;
    for (uid_t uid = 2000; uid < 2255; uid++)
        assert_true(takes_all(uid) >= PART);
    assert_true(takes_all(3000) >= PART);
}

static void after_a_hundred_in_turn(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++)
        for (uid_t uid = 2000; uid < 2255; uid++)
            takes(uid);
    assert_true(takes_all(3000) >= PART);
}

static void root_and_the_owner_are_never_locked_out(void **state)
{
    (void)state;
    for (uid_t uid = 2000; uid < 2000 + 65536; uid++)
        takes(uid);
    assert_true(count <= SC_CALLS_MAX * 3 / 4);
    assert_true(takes_all(OWNER) >= SC_CALLS_MAX / 4);
    assert_false(takes(0));
    sc_share_give(&shares, &taken[--count]);
    assert_true(takes(0));
}

static void what_is_given_back_is_there_again(void **state)
{
    (void)state;
    size_t most = takes_all(2000);
    struct sc_share none = {0};
    sc_share_give(&shares, &none);
    for (size_t i = 0; i < most; i++) {
        sc_share_give(&shares, &taken[i]);
        sc_share_give(&shares, &taken[i]); /* twice is once */
    }
    count = 0;
    assert_int_equal(shares.users.count, 0);
    assert_int_equal(takes_all(2000), most);
}

/* However few there are, everything together stays below them, and one kind may have most. */
static void few_descriptors(void **state)
{
    (void)state;
    const uint64_t seed[2] = {1, 2};
    static const size_t limits[] = {64, 256, 1024, 8192};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct sc_shares s;
        struct sc_share one[8192] = {0};
        size_t n = 0, arrivals, calls = 0;
        sc_shares_init(&s, OWNER, limits[i], seed);
        while (sc_share_take(&s, &one[n], 0, SC_SHARE_ARRIVALS))
            n++;
        arrivals = n;
        assert_int_equal(s.of[SC_SHARE_DESCRIPTORS].refused, 1);
        assert_false(sc_share_take(&s, &one[n], 0, SC_SHARE_CLIENTS));
        for (; sc_share_take(&s, &one[n], 0, SC_SHARE_CALLS); n++)
            calls++;
        assert_int_equal(n + calls + 64, limits[i]); /* a call may have two */
        assert_true(arrivals >= calls);
        while (n > 0)
            sc_share_give(&s, &one[--n]);
        sc_shares_fini(&s);
    }
}

/* Whoever keeps what he has without its descriptor leaves that to others. */
static void a_descriptor_alone_is_given_back(void **state)
{
    (void)state;
    struct sc_share flow = {0};
    assert_true(sc_share_is_left(&shares, 2000, SC_SHARE_CLIENTS));
    assert_true(sc_share_take(&shares, &flow, 2000, SC_SHARE_CLIENTS));
    assert_int_equal(shares.of[SC_SHARE_DESCRIPTORS].taken, 1);
    sc_share_give_descriptor(&shares, &flow);
    sc_share_give_descriptor(&shares, &flow);
    assert_int_equal(shares.of[SC_SHARE_DESCRIPTORS].taken, 0);
    assert_int_equal(shares.of[SC_SHARE_CLIENTS].taken, 1);
    sc_share_give(&shares, &flow);
    assert_int_equal(shares.of[SC_SHARE_DESCRIPTORS].taken, 0);
    takes_all(2000);
    size_t refused = shares.of[KIND].refused;
    assert_false(sc_share_is_left(&shares, 2000, KIND));
    assert_true(sc_share_is_left(&shares, 2001, KIND));
    assert_int_equal(shares.of[KIND].refused, refused); /* nobody was refused anything */
}

int main(void)
{
#define WITH_SHARES(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        WITH_SHARES(one_gets_half_of_the_half),
        WITH_SHARES(after_a_hundred_one_by_one),
        WITH_SHARES(after_a_hundred_in_turn),
        WITH_SHARES(root_and_the_owner_are_never_locked_out),
        WITH_SHARES(what_is_given_back_is_there_again),
        WITH_SHARES(a_descriptor_alone_is_given_back),
        cmocka_unit_test(few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
