/* Service ids, network addresses, underlay addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/ids.h"

static bool read_underlay(const uint8_t bytes[SC_UNDERLAY_LEN], size_t len, struct sc_underlay *u)
{
    struct sc_reader r = sc_reader(bytes, len);
    sc_underlay_read(&r, u);
    return !r.bad;
}

static void an_underlay_keeps_its_values(void **state)
{
    (void)state;
    const struct sc_underlay cases[] = {
        {.family = 0},
        {.family = 4, .port = 7213, .ip = {192, 0, 2, 1}},
        {.family = 6, .port = 1, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 9}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[SC_UNDERLAY_LEN];
        struct sc_underlay u;
        struct sc_writer w = sc_writer(bytes, sizeof bytes);
        sc_underlay_write(&w, &cases[i]);
        assert_false(w.bad);
        assert_int_equal(sc_writer_len(&w), SC_UNDERLAY_LEN);
        assert_true(read_underlay(bytes, sizeof bytes, &u));
        assert_true(sc_underlay_equal(&u, &cases[i]));
        assert_false(read_underlay(bytes, sizeof bytes - 1, &u));
        w = sc_writer(bytes, sizeof bytes - 1);
        sc_underlay_write(&w, &cases[i]);
        assert_true(w.bad);
    }
}

/* Two spellings of one endpoint would be two endpoints to all who compare. */
static void an_underlay_has_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint8_t bytes[SC_UNDERLAY_LEN];
    } cases[] = {
        {"family 1", {1}},
        {"family 5", {5}},
        {"family 255", {255}},
        {"no family, but a port", {0, 0, 1}},
        {"no family, but an address", {0, [18] = 1}},
        {"IPv4 with a fifth byte", {4, 0, 1, 10, 0, 0, 1, 1}},
        {"IPv4 with a last byte", {4, 0, 1, 10, 0, 0, 1, [18] = 1}},
    };
    struct sc_underlay u;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (read_underlay(cases[i].bytes, SC_UNDERLAY_LEN, &u))
            fail_msg("%s was accepted", cases[i].why);
}

static void underlays_are_printed(void **state)
{
    (void)state;
    char text[56];
    struct sc_underlay v4 = {.family = 4, .port = 7213, .ip = {10, 0, 0, 7}};
    struct sc_underlay v6 = {.family = 6, .port = 65535};
    struct sc_underlay none = {.family = 0};
    memset(v6.ip, 0xff, sizeof v6.ip); /* the longest */
    assert_string_equal(sc_underlay_format(&v4, text, sizeof text), "10.0.0.7:7213");
    assert_string_equal(sc_underlay_format(&v6, text, sizeof text),
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    assert_string_equal(sc_underlay_format(&none, text, sizeof text), "none");
}

static void a_service_at_a_port(void **state)
{
    (void)state;
    struct sc_service_id id = {{7, [31] = SC_SERVICE_ID_VERSION}};
    struct sc_service_id at = sc_service_id_at(id, 0xabcd, 17);
    assert_int_equal(sc_service_id_port(&at), 0xabcd);
    assert_int_equal(sc_service_id_proto(&at), 17);
    assert_int_equal(at.bytes[28], 0xab);
    assert_false(sc_service_id_equal(&id, &at));
    at = sc_service_id_at(at, 0, 0);
    assert_true(sc_service_id_equal(&id, &at));
}

static void a_network_address_has_two_parts(void **state)
{
    (void)state;
    assert_true(sc_network_address(0x80000001, 0xf0000002) == 0x80000001f0000002);
    assert_true(sc_network_address(0, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_underlay_keeps_its_values),
        cmocka_unit_test(an_underlay_has_one_form),
        cmocka_unit_test(underlays_are_printed),
        cmocka_unit_test(a_service_at_a_port),
        cmocka_unit_test(a_network_address_has_two_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
