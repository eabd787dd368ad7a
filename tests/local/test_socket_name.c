/* Names of sockets: what is written is read back, and nothing else is understood. */
#include "local/socket_name.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define HEAD offsetof(struct sockaddr_un, sun_path)

static struct sc_socket_name sample(void)
{
    return (struct sc_socket_name){.daemon = {1000, 0x0badcafe},
                                   .kind = SC_SOCKET_CLIENT,
                                   .family = SC_FAMILY_INET,
                                   .address = sc_address_v4(0xc6120005, 0x1f90),
                                   .serial = 0x2a};
}

static struct sc_socket_name bound_sample(void)
{
    struct sc_socket_name n = sample();
    n.kind = SC_SOCKET_BOUND;
    n.owner = 33;
    return n;
}

static struct sc_socket_name local_sample(void)
{
    struct sc_socket_name n = sample();
    n.kind = SC_SOCKET_LOCAL;
    n.server_family = SC_FAMILY_INET6;
    n.reached = sc_address_v4(0xc6120007, 0x50);
    return n;
}

/* `text` as an abstract name, to which a leading zero is added, or as a path, with a final one. */
static bool parse(const char *text, bool abstract, struct sc_socket_name *out)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t len = strlen(text);
    assert_true(len < sizeof sun.sun_path);
    memcpy(sun.sun_path + abstract, text, len);
    return sc_socket_name_parse(&sun, (socklen_t)(HEAD + 1 + len), out);
}

static void assert_same(const struct sc_socket_name *a, const struct sc_socket_name *b)
{
    assert_int_equal(a->daemon.uid, b->daemon.uid);
    assert_int_equal(a->daemon.instance, b->daemon.instance);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->family, b->family);
    assert_int_equal(a->wildcard, b->wildcard);
    assert_memory_equal(a->address.ip, b->address.ip, sizeof a->address.ip);
    assert_int_equal(a->address.port, b->address.port);
    assert_int_equal(a->serial, b->serial);
    assert_int_equal(a->owner, b->owner);
    assert_memory_equal(&a->reached, &b->reached, sizeof a->reached);
    assert_int_equal(a->server_family, b->server_family);
}

static void the_documented_text(void **state)
{
    (void)state;
    struct sc_socket_name n = sample();
    struct sockaddr_un sun;
    const char text[] = "scaffold/1000/0badcafe/c/4-/c6120005:1f90/2a";
    assert_int_equal(sc_socket_name_format(&n, &sun), HEAD + 1 + strlen(text));
    assert_int_equal(sun.sun_path[0], 0);
    assert_memory_equal(sun.sun_path + 1, text, strlen(text));
}

/* Of a file, as the kernel shows it and as a directory lists it. */
static void the_documented_file(void **state)
{
    (void)state;
    struct sc_socket_name n = bound_sample();
    struct sockaddr_un sun;
    char key[SC_SOCKET_NAME_TEXT];
    const char text[] = "scaffold.1000.0badcafe.b.4-.c6120005:1f90.2a.33";
    assert_int_equal(sc_socket_name_format(&n, &sun), HEAD + sizeof text);
    assert_string_equal(sun.sun_path, text);
    sc_socket_name_key(&n, key);
    assert_string_equal(key, text);
}

/* Both addresses; the second in short when they differ by the port alone. */
static void the_documented_local_names(void **state)
{
    (void)state;
    struct sc_socket_name n = local_sample(), back;
    char key[SC_SOCKET_NAME_TEXT];
    sc_socket_name_key(&n, key);
    assert_string_equal(key, "scaffold/1000/0badcafe/l/46/c6120005:1f90/c6120007:0050/2a");
    assert_true(sc_socket_name_read_key(key, &back));
    assert_same(&n, &back);
    n.reached = sc_address_v4(0xc6120005, 0x50);
    sc_socket_name_key(&n, key);
    assert_string_equal(key, "scaffold/1000/0badcafe/l/46/c6120005:1f90/=:0050/2a");
    assert_true(sc_socket_name_read_key(key, &back));
    assert_same(&n, &back);
}

/* Each name is one text. */
static void local_names_of_others_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "scaffold/1000/0badcafe/l/46/c6120005:1f90/2a",
        "scaffold/1000/0badcafe/l/4-/c6120005:1f90/=:0050/2a",
        "scaffold/1000/0badcafe/l/4/c6120005:1f90/=:0050/2a",
        "scaffold/1000/0badcafe/l/46/c6120005:1f90/c6120005:0050/2a",
        "scaffold/1000/0badcafe/l/46/c6120005:1f90/==:0050/2a",
        "scaffold/1000/0badcafe/l/46/=:1f90/c6120005:0050/2a",
        "scaffold/1000/0badcafe/l/46/c6120005:1f90/=/2a",
        "scaffold/1000/0badcafe/c/4-/c6120005:1f90/=:0050/2a",
    };
    struct sc_socket_name n;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i], true, &n) || sc_socket_name_read_key(bad[i], &n))
            fail_msg("understood: %s", bad[i]);
}

static void every_value_comes_back(void **state)
{
    (void)state;
    static const enum sc_socket_name_kind kinds[] = {SC_SOCKET_BOUND, SC_SOCKET_CLIENT,
                                                     SC_SOCKET_PEER, SC_SOCKET_ERROR};
    static const enum sc_family families[] = {SC_FAMILY_INET, SC_FAMILY_INET6, SC_FAMILY_SCAFFOLD};
    static const uint64_t serials[] = {0, 1, 15, 16, UINT32_MAX, UINT64_MAX};
    for (unsigned i = 0; i < 4 * 3 * 6 * 4; i++) {
        struct sc_socket_name n = sample(), back;
        struct sockaddr_un sun;
        n.kind = kinds[i % 4];
        n.family = families[i / 4 % 3];
        n.serial = serials[i / 12 % 6];
        n.wildcard = i / 72 % 2;
        if (n.kind == SC_SOCKET_BOUND)
            n.owner = (uint32_t)n.serial;
        if (i / 144 % 2) {
            memset(n.address.ip, 0xa5, sizeof n.address.ip);
            n.daemon.uid = UINT32_MAX;
        }
        char key[SC_SOCKET_NAME_TEXT];
        assert_true(sc_socket_name_parse(&sun, sc_socket_name_format(&n, &sun), &back));
        assert_same(&n, &back);
        sc_socket_name_key(&n, key);
        assert_true(sc_socket_name_read_key(key, &back));
        assert_same(&n, &back);
    }
}

static void the_longest_name_fits(void **state)
{
    (void)state;
    struct sc_socket_name n = {.daemon = {UINT32_MAX, UINT32_MAX},
                               .kind = SC_SOCKET_PEER,
                               .family = SC_FAMILY_INET6,
                               .address = {.ip = {0xfd}, .port = UINT16_MAX},
                               .serial = UINT64_MAX};
    struct sockaddr_un sun;
    assert_true(sc_socket_name_format(&n, &sun) < sizeof sun); /* a zero for its text in ctl.h */
    n.kind = SC_SOCKET_BOUND;
    n.owner = UINT32_MAX;
    assert_true(sc_socket_name_format(&n, &sun) < sizeof sun);
    n.kind = SC_SOCKET_LOCAL;
    n.server_family = SC_FAMILY_INET6;
    n.reached = n.address;
    assert_in_range(sc_socket_name_format(&n, &sun), 1, sizeof sun);
    n.address = sc_address_v4(0xc6120005, UINT16_MAX); /* to a service, by its IPv6 address */
    assert_in_range(sc_socket_name_format(&n, &sun), 1, sizeof sun);
    n.address = (struct sc_address){.ip = {0xfe}};
    assert_int_equal(sc_socket_name_format(&n, &sun), 0);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "scaffold/",
        "Scaffold/1000/0badcafe/c/4-/c6120005:1f90/2a",
        "scaffold/4294967296/0badcafe/c/4-/c6120005:1f90/2a",
        "scaffold//0badcafe/c/4-/c6120005:1f90/2a",
        "scaffold/-1/0badcafe/c/4-/c6120005:1f90/2a",
        "scaffold/1000/0badcafg/c/4-/c6120005:1f90/2a",
        "scaffold/1000/0badcafe/x/4-/c6120005:1f90/2a",
        "scaffold/1000/0badcafe/c/5-/c6120005:1f90/2a",
        "scaffold/1000/0badcafe/c/4x/c6120005:1f90/2a",
        "scaffold/1000/0badcafe/c/4-/c61200:1f90/2a",
        "scaffold/1000/0badcafe/c/4-/c61200055:1f90/2a",
        "scaffold/1000/0badcafe/c/4-/c6120005/1f90/2a",
        "scaffold/1000/0badcafe/c/4-/c6120005:/2a",
        "scaffold/1000/0badcafe/c/4-/c6120005:1f90/",
        "scaffold/1000/0badcafe/c/4-/c6120005:1f90/12345678901234567",
        "scaffold/1000/0badcafe/c/4-/c6120005:1f90/2a/",
        "scaffold/1000/0badcafe/ctl",
        "scaffold.1000.0badcafe.c.4-.c6120005:1f90.2a",
        "scaffold/1000.0badcafe/c/4-/c6120005:1f90/2a",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sc_socket_name n;
        if (parse(bad[i], true, &n) || parse(bad[i], false, &n) ||
            sc_socket_name_read_key(bad[i], &n))
            fail_msg("understood: %s", bad[i]);
    }
}

/* What anybody can bind is no listener's, and no listener's name is anything else's. */
static void a_listener_is_a_file_and_nothing_else_is(void **state)
{
    (void)state;
    struct sc_socket_name n;
    const char file[] = "scaffold.1000.0badcafe.b.4-.c6120005:1f90.2a.33";
    assert_true(parse(file, false, &n));
    assert_false(parse(file, true, &n));
    assert_false(parse("scaffold/1000/0badcafe/b/4-/c6120005:1f90/2a", true, &n));
    assert_false(parse("scaffold/1000/0badcafe/b/4-/c6120005:1f90/2a/33", true, &n));
    assert_false(parse("scaffold.1000.0badcafe.p.4-.c6120005:1f90.2a.33", false, &n));
    assert_false(parse("scaffold/1000/0badcafe/p/4-/c6120005:1f90/2a", false, &n));
    assert_false(parse("/tmp/scaffold.1000.0badcafe.b.4-.c6120005:1f90.2a.33", false, &n));
    assert_false(parse("scaffold.1000.0badcafe.b.4-.c6120005:1f90.2a", false, &n));
    assert_false(parse("scaffold.1000.0badcafe.b.4-.c6120005:1f90.2a.33.", false, &n));
    assert_false(parse("scaffold.1000.0badcafe.b.4-.c6120005:1f90.2a.4294967296", false, &n));
}

static void other_sockets_are_refused(void **state)
{
    (void)state;
    struct sc_socket_name n = sample(), back;
    struct sockaddr_un sun;
    socklen_t len = sc_socket_name_format(&n, &sun);
    assert_false(sc_socket_name_parse(&sun, HEAD, &back)); /* unnamed */
    assert_false(sc_socket_name_parse(&sun, 0, &back));
    for (socklen_t shorter = 0; shorter < len - 1; shorter++)
        assert_false(sc_socket_name_parse(&sun, shorter, &back));
    sun.sun_path[0] = '/'; /* a path */
    assert_false(sc_socket_name_parse(&sun, len, &back));
    assert_int_equal(sc_socket_name_text(&sun, HEAD, (char[SC_SOCKET_NAME_TEXT]){0}), 0);
    sun.sun_path[0] = 0;
    sun.sun_family = AF_INET;
    assert_false(sc_socket_name_parse(&sun, len, &back));
}

static void the_control_name(void **state)
{
    (void)state;
    struct sockaddr_un sun;
    const char text[] = "scaffold/0/00000007/ctl";
    socklen_t len = sc_socket_name_control((struct sc_daemon_id){0, 7}, &sun);
    assert_int_equal(len, HEAD + 1 + strlen(text));
    assert_memory_equal(sun.sun_path + 1, text, strlen(text));
}

/* scaffoldd, its clients and the tools in Python each compute it: it may never change. */
static void instances_are_stable(void **state)
{
    (void)state;
    assert_int_equal(sc_instance_of(""), 0xcbf29ce4 ^ 0x84222325);
    assert_int_equal(sc_instance_of("a"), 0xaf63dc4c ^ 0x8601ec8c);
    assert_int_not_equal(sc_instance_of("/run/scaffold"), sc_instance_of("/run/scaffolc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_text),
        cmocka_unit_test(the_documented_local_names),
        cmocka_unit_test(local_names_of_others_are_refused),
        cmocka_unit_test(every_value_comes_back),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(other_sockets_are_refused),
        cmocka_unit_test(the_control_name),
        cmocka_unit_test(instances_are_stable),
        cmocka_unit_test(the_documented_file),
        cmocka_unit_test(a_listener_is_a_file_and_nothing_else_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
