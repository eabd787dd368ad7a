/* Which services a grant is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "naming/provider.h"
#include "naming/scope.h"
#include "naming/service_name.h"

static const uint8_t key[SC_KEY_LEN] = {1, 2, 3};

static struct sc_service_id id_of(const char *label, uint16_t port, uint8_t proto)
{
    struct sc_service_name n = {.port = port, .proto = proto};
    struct sc_service_id id;
    uint8_t provider[SC_PROVIDER_LEN];
    strncpy(n.label, label, sizeof n.label - 1);
    sc_provider_of_key(key, provider);
    sc_service_name_to_id(&n, provider, &id);
    return id;
}

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *label;
        bool known, unknown; /* covers it where its text is known, and where it is not */
    } cases[] = {
        {"*", "web", true, true},          {"web", "web", true, true},
        {"web", "web2", false, false},     {"web", "a.web", false, false},
        {"*.web", "a.web", true, false},   {"*.web", "a.b.web", true, false},
        {"*.web", "web", false, false},    {"*.web", "aweb", false, false},
        {"*.web", "a.webb", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_service_id id = id_of(cases[i].label, 80, 6);
        const char *pattern = cases[i].pattern, *label = cases[i].label;
        assert_true(sc_scope_is_pattern(pattern));
        assert_int_equal(sc_scope_covers_label(pattern, &id, label), cases[i].known);
        assert_int_equal(sc_scope_covers_label(pattern, &id, NULL), cases[i].unknown);
    }
}

static void what_is_no_pattern(void **state)
{
    static const char *const texts[] = {"", "*.", "*web", "a.*", "**", "WEB", "-a", "a..b", "a b"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(sc_scope_is_pattern(texts[i]));
}

static struct sc_grant grant(uint8_t flags, uint16_t first, uint16_t last, uint8_t proto)
{
    struct sc_grant g = {
        .flags = flags, .pattern = "*", .first_port = first, .last_port = last, .proto = proto};
    memcpy(g.provider, key, sizeof key);
    return g;
}

static void ports_and_protocols(void **state)
{
    static const struct {
        uint16_t first, last;
        uint8_t proto;
        uint16_t port;
        uint8_t of;
        bool may;
    } cases[] = {
        {0, 65535, 0, 80, 6, true}, {0, 65535, 0, 0, 0, true},  {0, 65535, 6, 80, 17, false},
        {80, 90, 6, 80, 6, true},   {80, 90, 6, 91, 6, false},  {80, 90, 6, 79, 6, false},
        {0, 90, 0, 0, 0, false},    {80, 90, 17, 85, 17, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_grant g = grant(SC_GRANT_SERVE, cases[i].first, cases[i].last, cases[i].proto);
        struct sc_service_id id = id_of("web", cases[i].port, cases[i].of);
        assert_int_equal(sc_scope_may_serve(&g, &id, "web"), cases[i].may);
    }
}

static void others_names_and_clients_are_not_served(void **state)
{
    struct sc_grant g = grant(SC_GRANT_SERVE, 0, 65535, 0);
    struct sc_grant client = grant(SC_GRANT_CLIENT, 0, 65535, 0);
    struct sc_service_id id = id_of("web", 80, 6);
    (void)state;
    assert_true(sc_scope_may_serve(&g, &id, "web"));
    assert_false(sc_scope_may_serve(&client, &id, "web"));
    g.provider[31] ^= 1;
    assert_false(sc_scope_may_serve(&g, &id, "web"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(what_is_no_pattern),
        cmocka_unit_test(ports_and_protocols),
        cmocka_unit_test(others_names_and_clients_are_not_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
