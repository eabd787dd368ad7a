/* HOST[:PORT] in all of its forms, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/underlay/router_name.h"
#include "wire/ids.h"

static const struct {
    const char *text, *host, *port;
} right[] = {
    {"r", "r", "7213"},
    {"router.example.org:80", "router.example.org", "80"},
    {"10.0.0.1", "10.0.0.1", "7213"},
    {"10.0.0.1:65535", "10.0.0.1", "65535"},
    {"::1", "::1", "7213"},
    {"fe80::1%eth0", "fe80::1%eth0", "7213"},
    {"[::1]", "::1", "7213"},
    {"[2001:db8::7]:1", "2001:db8::7", "1"},
    {"[fe80::1%eth0]:7", "fe80::1%eth0", "7"},
};

static const char *const wrong[] = {
    "",
    ":",
    ":7213",
    "[",
    "[::1",
    "[::1]99",
    "[::1]:",
    "[::1]:0",
    "[::1]:x",
    "[::1]:99999",
    "[]",
    "[]:1",
    "[r]:1",
    "[10.0.0.1]:1",
    "r:",
    "r:0",
    "r:65536",
    "r:-1",
    "r:1 ",
    "r: 1",
    "r:+1",
    "r:100000",
    "r:99999999999999999999",
    "a b",
    "a:b:c",
    "::1:x",
    "1:2:3",
    "a\nb",
    "http://r",
    "r]",
    "user@r",
    "\x7f",
    "[::1]]:1",
    "[[::1]]:1",
};

static void right_ones(void **state)
{
    (void)state;
    const char *why;
    struct sc_router_name n;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_int_equal(sc_router_name_read(right[i].text, &n, &why), 0);
        assert_string_equal(n.host, right[i].host);
        assert_string_equal(n.port, right[i].port);
    }
}

static void wrong_ones(void **state)
{
    (void)state;
    struct sc_router_name n;
    char longest[300];
    memset(longest, 'r', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        bool last = i == sizeof wrong / sizeof *wrong;
        const char *why = NULL;
        if (sc_router_name_read(last ? longest : wrong[i], &n, &why) == 0)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_true(why && *why && !strchr(why, '\n'));
    }
}

static void places(void **state)
{
    (void)state;
    const char *why;
    struct sc_router_name n;
    struct sc_underlay u;
    char text[64];
    assert_int_equal(sc_router_name_read("127.0.0.1:99", &n, &why), 0);
    assert_int_equal(sc_router_name_resolve(&n, &u, &why), 0);
    assert_string_equal(sc_underlay_format(&u, text, sizeof text), "127.0.0.1:99");
    assert_int_equal(sc_router_name_read("[::1]", &n, &why), 0);
    assert_int_equal(sc_router_name_resolve(&n, &u, &why), 0);
    assert_string_equal(sc_underlay_format(&u, text, sizeof text), "[::1]:7213");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_ones),
        cmocka_unit_test(wrong_ones),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
