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
    assert_int_equal(sc_pair_seed(pair.program), 1);
    assert_true(is_writable());
    size_t len = 1 + sc_pair_plug_lightly(pair.program);
    assert_false(is_writable());
    unplug(len);
    assert_false(is_writable());
    sc_pair_enlarge(pair.program);
    assert_true(is_writable());
}

static void holds_under_a_little_buffer(void **state)
{
    (void)state;
    size_t len = sc_pair_plug_lightly(pair.program);
    assert_false(is_writable());
    unplug(len);
    sc_pair_enlarge(pair.program);
    assert_true(is_writable());
}

/* A writer who waits would be woken by the first moment at which there was room. */
static void never_writable_between(void **state)
{
    (void)state;
    struct pollfd edge = {.fd = pair.program, .events = POLLOUT};
    size_t len = sc_pair_plug_lightly(pair.program);
    len += sc_pair_plug_fully(pair.program);
    assert_int_equal(poll(&edge, 1, 0), 0);
    assert_in_range(len, 64 * 1024, 1 << 20);
    unplug(len);
    assert_true(is_writable());
}

/* The buffer is that of every socket. */
static void is_as_large_as_any(void **state)
{
    (void)state;
    int light = 0, full = 0;
    socklen_t size = sizeof light;
    sc_pair_plug_lightly(pair.program);
    sc_pair_plug_fully(pair.program);
    sc_pair_enlarge(pair.own);
    getsockopt(pair.program, SOL_SOCKET, SO_SNDBUF, &light, &size);
    getsockopt(pair.own, SOL_SOCKET, SO_SNDBUF, &full, &size);
    assert_int_equal(light, full);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, make, unmake)
    const struct CMUnitTest tests[] = {
        WITH(a_seed_is_no_plug),
        WITH(holds_under_a_little_buffer),
        WITH(never_writable_between),
        WITH(is_as_large_as_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
