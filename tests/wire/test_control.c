/* CONTROL: every message's values come back, requests are padded, answers are never longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/control.h"

#define EACH_MESSAGE(m)                                                                            \
    uint8_t m = SC_MSG_JOIN;                                                                       \
    m <= SC_MSG_AGAIN;                                                                             \
    m++

/* What a grant may take beside the rest of its message. */
static void add_grant(struct sc_control *c)
{
    static const uint8_t grant[313] = {1, 2, 3};
    bool lists = c->message == SC_MSG_REGISTERED || c->message == SC_MSG_REGISTER;
    if (c->message == SC_MSG_REGISTERED) {
        c->service_count = SC_REGISTER_MAX;
        for (size_t i = 0; i < c->service_count; i++) {
            memset(c->service[i].bytes, (int)i + 1, sizeof c->service[i].bytes);
            c->denial[i] = (uint8_t)(1 + i % (SC_DENIALS - 1));
        }
    }
    if (lists || c->message == SC_MSG_JOINED)
        c->grant = (struct sc_field){grant, lists ? 33 : sizeof grant};
    c->wants_grant = c->message == SC_MSG_REGISTER;
}

/* Everything set that any message carries, at its longest. */
static struct sc_control full(uint8_t message)
{
    struct sc_control c = {.message = message,
                           .transaction = 0x8877665544332211,
                           .src = 0x100000005,
                           .epoch = 0xfedcba9876543210,
                           .address = 0x100000002,
                           .pool = 0xc6120003,
                           .lease_ms = 4000,
                           .serial = 0xfffffffe,
                           .replaces = 1,
                           .registered = 70000,
                           .digest = 0xdeadbeef00112233,
                           .state = SC_REFRESH_JOIN,
                           .by = SC_LOOKUP_SERVICE,
                           .status = SC_LOOKUP_UNSTORED,
                           .reused = 1,
                           .used = 1,
                           .trouble = SC_TROUBLE_SHARE,
                           .reuses = 0x01020304,
                           .names = 32772,
                           .underlay = {.family = 6, .port = 7213, .ip = {0xfd, [15] = 1}}};
    static const uint8_t handshake[96] = "e, ee, s, es";
    bool greets = message >= SC_MSG_GREET && message <= SC_MSG_AGAIN;
    if (greets) {
        c.cookie = (struct sc_field){handshake, 16};
        c.channel = 0x51525354;
        c.suite = message == SC_MSG_GREET ? 2 : 0;
        c.handshake = (struct sc_field){handshake, sizeof handshake};
    }
    bool registers = message == SC_MSG_REGISTER || message == SC_MSG_UNREGISTER;
    memset(c.name, 'n', 255);
    memset(c.token, 't', sizeof c.token);
    memset(c.key, 'k', sizeof c.key);
    c.service_count = registers ? SC_REGISTER_MAX : 1;
    for (size_t i = 0; i < c.service_count; i++)
        memset(c.service[i].bytes, (int)i + 1, sizeof c.service[i].bytes);
    add_grant(&c);
    return c;
}

static bool read_back(const uint8_t *packet, size_t len, struct sc_control *c)
{
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    assert_int_equal(h.type, SC_PKT_CONTROL);
    assert_true(h.dst == 0);
    sc_control_read(&r, &h, c);
    bool addressed = c->message >= SC_MSG_GREETED && c->message <= SC_MSG_AGAIN;
    assert_true(r.bad || h.flow == (addressed ? c->channel : 0));
    return !r.bad;
}

static void check_services(const struct sc_control *a, const struct sc_control *b)
{
    assert_int_equal(a->service_count, b->service_count);
    for (size_t i = 0; i < a->service_count; i++)
        assert_true(sc_service_id_equal(&a->service[i], &b->service[i]));
}

static void check_grant(const struct sc_control *a, const struct sc_control *b)
{
    assert_int_equal(a->grant.len, b->grant.len);
    if (b->grant.len > 0)
        assert_memory_equal(a->grant.data, b->grant.data, b->grant.len);
}

/* The fields that this message carries, and no others. */
static void check_values(const struct sc_control *got, const struct sc_control *sent)
{
    struct sc_control none = {.message = sent->message};
    assert_true(got->transaction == sent->transaction && got->src == sent->src);
    switch (sent->message) {
    case SC_MSG_JOIN:
        assert_string_equal(got->name, sent->name);
        assert_true(got->epoch == sent->epoch);
        assert_memory_equal(got->token, sent->token, sizeof got->token);
        break;
    case SC_MSG_JOINED:
        assert_true(got->address == sent->address && got->epoch == sent->epoch);
        assert_true(got->pool == sent->pool && got->lease_ms == sent->lease_ms);
        assert_int_equal(got->trouble, sent->trouble);
        assert_true(got->names == sent->names);
        assert_memory_equal(got->key, sent->key, sizeof got->key);
        check_grant(got, sent);
        break;
    case SC_MSG_REGISTER:
    case SC_MSG_UNREGISTER:
        assert_true(got->epoch == sent->epoch && got->serial == sent->serial);
        assert_int_equal(got->replaces, sent->replaces);
        assert_int_equal(got->wants_grant, sent->wants_grant);
        check_services(got, sent);
        check_grant(got, sent);
        break;
    case SC_MSG_REGISTERED:
        assert_true(got->serial == sent->serial);
        check_services(got, sent);
        assert_memory_equal(got->denial, sent->denial, sizeof got->denial);
        check_grant(got, sent);
        break;
    case SC_MSG_REFRESH:
        assert_true(got->epoch == sent->epoch && got->registered == sent->registered);
        assert_true(got->digest == sent->digest);
        break;
    case SC_MSG_REFRESHED:
        assert_int_equal(got->state, sent->state);
        assert_true(got->reuses == sent->reuses);
        break;
    case SC_MSG_LOOKUP:
        assert_int_equal(got->by, sent->by);
        assert_string_equal(got->name, sent->name);
        assert_true(got->pool == sent->pool);
        check_services(got, sent);
        break;
    case SC_MSG_MAPPING:
        assert_int_equal(got->status, sent->status);
        assert_int_equal(got->trouble, sent->trouble);
        assert_true(got->reused == sent->reused && got->used == sent->used);
        assert_memory_equal(got->key, sent->key, sizeof got->key);
        assert_string_equal(got->name, sent->name);
        assert_true(got->pool == sent->pool);
        check_services(got, sent);
        break;
    case SC_MSG_WHERE:
        assert_true(got->address == sent->address);
        break;
    case SC_MSG_THERE:
        assert_true(got->address == sent->address);
        assert_true(sc_underlay_equal(&got->underlay, &sent->underlay));
        break;
    case SC_MSG_GREET:
    case SC_MSG_GREETED:
    case SC_MSG_PROVE:
        assert_int_equal(got->channel, sent->channel);
        assert_int_equal(got->suite, sent->suite);
        assert_int_equal(got->handshake.len, sent->handshake.len);
        assert_memory_equal(got->handshake.data, sent->handshake.data, sent->handshake.len);
        if (sent->message != SC_MSG_GREET)
            break; /* else it has a cookie, too */
        /* fall through */
    case SC_MSG_AGAIN:
        assert_int_equal(got->cookie.len, sent->cookie.len);
        assert_memory_equal(got->cookie.data, sent->cookie.data, sent->cookie.len);
        break;
    default: /* PROBE, ALIVE */
        assert_true(got->epoch == sent->epoch);
        assert_string_equal(got->name, none.name);
        break;
    }
}

static void every_message_comes_back(void **state)
{
    (void)state;
    for (EACH_MESSAGE(m)) {
        uint8_t packet[SC_CONTROL_REQUEST];
        struct sc_control sent = full(m), got;
        struct sc_writer w = sc_writer(packet, sizeof packet);
        sc_control_write(&w, &sent);
        assert_false(w.bad); /* nothing is longer than a request */
        if (sc_control_is_request(m))
            assert_int_equal(sc_writer_len(&w), SC_CONTROL_REQUEST);
        assert_true(read_back(packet, sc_writer_len(&w), &got));
        check_values(&got, &sent);
    }
}

/* Without what was appended to it later, a message is one that has nothing to say there. */
static bool is_older(uint8_t message, size_t cut_off)
{
    switch (message) {
    case SC_MSG_JOINED: /* trouble, names, key, grant */
        return cut_off == 315 || cut_off == 347 || cut_off == 351 || cut_off == 352;
    case SC_MSG_REGISTERED: /* refusals, grant */
        return cut_off == 35 || cut_off == 35 + 12 * 33 + 1;
    case SC_MSG_REFRESHED: /* reuses */
        return cut_off == 4;
    case SC_MSG_MAPPING: /* flags, trouble, key */
        return cut_off == 32 || cut_off == 33 || cut_off == 34;
    default:
        return false;
    }
}

/* Every other cut of every message is noticed; requests are refused by their length already. */
static void cut_messages_are_refused(void **state)
{
    (void)state;
    for (EACH_MESSAGE(m)) {
        uint8_t packet[SC_CONTROL_REQUEST];
        struct sc_control sent = full(m), got;
        struct sc_writer w = sc_writer(packet, sizeof packet);
        sc_control_write(&w, &sent);
        for (size_t len = SC_HEADER_LEN; len < sc_writer_len(&w); len++)
            if (read_back(packet, len, &got) != is_older(m, sc_writer_len(&w) - len))
                fail_msg("message %u cut to %zu bytes was misjudged", m, len);
    }
}

static void room_is_respected(void **state)
{
    (void)state;
    for (EACH_MESSAGE(m)) {
        uint8_t packet[SC_CONTROL_REQUEST + 1];
        struct sc_control sent = full(m);
        struct sc_writer w = sc_writer(packet, SC_CONTROL_REQUEST);
        sc_control_write(&w, &sent);
        size_t len = sc_writer_len(&w);
        for (size_t room = 0; room < len; room++) {
            packet[room] = 0x5a;
            w = sc_writer(packet, room);
            sc_control_write(&w, &sent);
            assert_true(w.bad);
            assert_int_equal(packet[room], 0x5a);
        }
    }
}

static void answers_are_no_requests(void **state)
{
    (void)state;
    const uint8_t requests[] = {SC_MSG_JOIN,   SC_MSG_REGISTER, SC_MSG_UNREGISTER, SC_MSG_REFRESH,
                                SC_MSG_LOOKUP, SC_MSG_WHERE,    SC_MSG_PROBE,      SC_MSG_GREET};
    size_t count = 0;
    for (unsigned m = 0; m <= UINT8_MAX; m++)
        count += sc_control_is_request((uint8_t)m);
    assert_int_equal(count, sizeof requests);
    for (size_t i = 0; i < sizeof requests; i++)
        assert_true(sc_control_is_request(requests[i]));
}

static void an_empty_name_is_a_name(void **state)
{
    (void)state;
    uint8_t packet[SC_CONTROL_REQUEST];
    struct sc_control sent = {.message = SC_MSG_MAPPING, .status = SC_LOOKUP_UNKNOWN}, got;
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_control_write(&w, &sent);
    memset(&got, 0xff, sizeof got);
    assert_true(read_back(packet, sc_writer_len(&w), &got));
    assert_string_equal(got.name, "");
    assert_int_equal(got.status, SC_LOOKUP_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back), cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(room_is_respected),        cmocka_unit_test(answers_are_no_requests),
        cmocka_unit_test(an_empty_name_is_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
