/* The plug of a connecting socket: as long as it is there, nobody sees the socket writable. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/pair.h"

static struct sc_pair pair;

static int make(void **state)
{
    static uint64_t serial;
    (void)state;
    struct sc_socket_name name = {.daemon = {.uid = geteuid(), .instance = 7},
                                  .kind = SC_SOCKET_CLIENT,
                                  .family = SC_FAMILY_INET,
                                  .serial = (uint64_t)getpid() << 32 | ++serial};
    return sc_pair_make(&pair, SOCK_STREAM, &name);
}

static int unmake(void **state)
{
    (void)state;
    close(pair.program);
    close(pair.own);
    return 0;
}

static bool is_writable(void)
{
    struct pollfd p = {.fd = pair.program, .events = POLLOUT};
    return poll(&p, 1, 0) == 1;
}

/* All but the last byte, as scaffoldd does. */
static void unplug(size_t len)
{
    static char waste[1 << 20];
    assert_in_range(len, 2, sizeof waste);
    assert_int_equal(recv(pair.own, waste, len - 1, MSG_DONTWAIT), len - 1);
    assert_int_equal(recv(pair.own, waste, sizeof waste, MSG_DONTWAIT | MSG_PEEK), 1);
}

static void a_seed_is_no_plug(void **state)
{
    (void)state;
    assert_int_equal(sc_pair_seed(&pair), 1);
    assert_true(is_writable());
}

static void a_plug_holds_until_it_is_read(void **state)
{
    (void)state;
    size_t len = sc_pair_seed(&pair);
    len += sc_pair_plug(pair.program);
    assert_false(is_writable());
    unplug(len);
    assert_true(is_writable());
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, make, unmake)
    const struct CMUnitTest tests[] = {
        WITH(a_seed_is_no_plug),
        WITH(a_plug_holds_until_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
