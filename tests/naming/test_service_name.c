/* Names: what is well-formed, what is wrong and why, and ids that every host computes alike. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "naming/service_name.h"

static void well_formed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *label, *provider, *again;
        int port, proto;
    } cases[] = {
        {"web.acme.scaffold", "web", "acme", "web.acme.scaffold", 0, 0},
        {"A.b.Acme.Scaffold.", "a.b", "acme", "a.b.acme.scaffold", 0, 0},
        {"web.acme.scaffold:80", "web", "acme", "web.acme.scaffold:80", 80, 6},
        {"dns.acme.scaffold:53/udp", "dns", "acme", "dns.acme.scaffold:53/udp", 53, 17},
        {"x.acme.scaffold:1/132", "x", "acme", "x.acme.scaffold:1/132", 1, 132},
        {"b-1.host.scaffold", "b-1", "host", "b-1.host.scaffold", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_service_name n;
        char again[SC_NAME_MAX + 16];
        assert_int_equal(sc_service_name_read(cases[i].text, &n, NULL), 0);
        assert_string_equal(n.label, cases[i].label);
        assert_string_equal(n.provider, cases[i].provider);
        assert_int_equal(n.port, cases[i].port);
        assert_int_equal(n.proto, cases[i].proto);
        assert_true(sc_service_name_write(&n, again, sizeof again) > 0);
        assert_string_equal(again, cases[i].again);
    }
}

static void malformed(void **state)
{
    (void)state;
    char longer[400], part[128];
    memset(longer, 'a', sizeof longer);
    strcpy(longer + 300, ".b.scaffold");
    memset(part, 'a', 64);
    strcpy(part + 64, ".acme.scaffold");
    const char *cases[] = {"",
                           "scaffold",
                           ".scaffold",
                           "acme.scaffold",
                           "web..scaffold",
                           ".acme.scaffold",
                           "web.acme.scaffold..",
                           "web.acme.example",
                           "web.acme.scaffoldx",
                           "-web.acme.scaffold",
                           "web-.acme.scaffold",
                           "w_b.acme.scaffold",
                           "w b.acme.scaffold",
                           "web.acme.scaffold:",
                           "web.acme.scaffold:0",
                           "web.acme.scaffold:65536",
                           "web.acme.scaffold:80x",
                           "web.acme.scaffold: 80",
                           "web.acme.scaffold:80/",
                           "web.acme.scaffold:80/sctpx",
                           "web.acme.scaffold:80/256",
                           longer,
                           part};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_service_name n;
        const char *why = NULL;
        if (sc_service_name_read(cases[i], &n, &why) != -EINVAL || !why)
            fail_msg("\"%s\" was accepted, or refused without a reason", cases[i]);
    }
}

static void as_hex(const uint8_t *bytes, size_t len, char *hex)
{
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* Computed with another implementation of SHA-256 from the definition in docs/protocol.md. */
static void a_known_id(void **state)
{
    (void)state;
    struct sc_service_name n;
    struct sc_service_id id;
    char hex[65];
    uint8_t provider[SC_PROVIDER_LEN];
    for (size_t i = 0; i < sizeof provider; i++)
        provider[i] = (uint8_t)(i * 17);
    assert_int_equal(sc_service_name_read("web.demo.scaffold:80", &n, NULL), 0);
    sc_service_name_to_id(&n, provider, &id);
    as_hex(id.bytes, 32, hex);
    assert_string_equal(hex, "00112233445566778899aabbccddeeff4b5e57f6eb2f42b90000000000500601");
    struct sc_service_id base = sc_service_id_at(id, 0, 0);
    uint8_t a[10], b[10];
    sc_id_ula_hash(&id, a);
    sc_id_ula_hash(&base, b);
    assert_memory_equal(a, b, sizeof a); /* the address is the service's, whatever the port */
}

static void hosts(void **state)
{
    (void)state;
    struct sc_service_name n, m;
    char longer[SC_HOST_NAME_MAX + 2];
    assert_int_equal(sc_service_name_of_host("B-1", &n), 0);
    assert_int_equal(sc_service_name_read("b-1.host.scaffold", &m, NULL), 0);
    assert_memory_equal(&n, &m, sizeof n);
    memset(longer, 'a', sizeof longer);
    longer[SC_HOST_NAME_MAX + 1] = 0;
    assert_int_equal(sc_service_name_of_host(longer, &n), -EINVAL);
    assert_int_equal(sc_service_name_of_host(longer + 1, &n), 0);
    const char *wrong[] = {"", "a.b", "a:80", "a b", "-a", "a.", "a.b.scaffold:80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(sc_service_name_of_host(wrong[i], &n), -EINVAL);
    assert_int_equal(sc_service_name_host_len("b-1.host.scaffold"), 3);
    const char *others[] = {"",
                            "b",
                            "web.demo.scaffold",
                            "a.b.host.scaffold",
                            "host.scaffold",
                            ".host.scaffold",
                            "b.host.scaffold:80"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(sc_service_name_host_len(others[i]), 0);
}

static void no_room(void **state)
{
    (void)state;
    struct sc_service_name n;
    char small[21];
    assert_int_equal(sc_service_name_read("web.demo.scaffold:80", &n, NULL), 0);
    assert_int_equal(sc_service_name_write(&n, small, sizeof small), 20);
    assert_int_equal(sc_service_name_write(&n, small, 20), -ENOSPC);
    assert_int_equal(sc_service_name_write(&n, small, 5), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed), cmocka_unit_test(malformed), cmocka_unit_test(a_known_id),
        cmocka_unit_test(hosts),       cmocka_unit_test(no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
