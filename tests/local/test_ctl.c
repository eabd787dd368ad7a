/* Control messages: what scaffoldd and its clients take from each other. */
#include "local/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define OF_OTHER_VERSIONS 5

static struct sc_ctl_request request(uint16_t op)
{
    struct sc_ctl_request q = {.magic = SC_CTL_MAGIC, .version = SC_CTL_VERSION, .op = op};
    if (op == SC_CTL_PREPARE)
        q.prepare.family = SC_FAMILY_INET6;
    if (op == SC_CTL_BIND)
        q.bind.family = SC_FAMILY_INET;
    if (op == SC_CTL_GRANT)
        q.grant = (struct sc_ctl_grant){.flags = 1, .days = 1};
    return q;
}

static struct sc_ctl_reply reply(uint16_t op)
{
    return (struct sc_ctl_reply){.magic = SC_CTL_MAGIC, .version = SC_CTL_VERSION, .op = op};
}

static void every_op_is_taken(void **state)
{
    (void)state;
    for (uint16_t op = SC_CTL_HELLO; op < SC_CTL_OPS; op++) {
        if (op == OF_OTHER_VERSIONS)
            continue;
        struct sc_ctl_request q = request(op);
        struct sc_ctl_reply r = reply(op);
        assert_int_equal(sc_ctl_request_check(&q, sizeof q), 0);
        assert_int_equal(sc_ctl_reply_check(&r, sizeof r, op), 0);
        assert_true(strlen(sc_ctl_op_name(op)) > 1);
    }
}

static void other_ops_are_not(void **state)
{
    (void)state;
    static const uint16_t bad[] = {0, OF_OTHER_VERSIONS, SC_CTL_OPS, UINT16_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sc_ctl_request q = request(bad[i]);
        assert_int_equal(sc_ctl_request_check(&q, sizeof q), -EINVAL);
        assert_non_null(sc_ctl_op_name(bad[i]));
    }
    struct sc_ctl_reply r = reply(SC_CTL_HELLO);
    assert_int_equal(sc_ctl_reply_check(&r, sizeof r, SC_CTL_BIND), -EINVAL);
}

static void another_protocol(void **state)
{
    (void)state;
    struct sc_ctl_request q = request(SC_CTL_HELLO);
    q.magic++;
    assert_int_equal(sc_ctl_request_check(&q, sizeof q), -EBADMSG);
    struct sc_ctl_reply r = reply(SC_CTL_HELLO);
    r.magic++;
    assert_int_equal(sc_ctl_reply_check(&r, sizeof r, SC_CTL_HELLO), -EBADMSG);
}

/* Whatever its length, so that a later version may be longer and still be told. */
static void another_version(void **state)
{
    (void)state;
    struct sc_ctl_request q = request(SC_CTL_HELLO);
    q.version++;
    assert_int_equal(sc_ctl_request_check(&q, sizeof q), -EPROTO);
    assert_int_equal(sc_ctl_request_check(&q, 8), -EPROTO);
    struct sc_ctl_reply r = reply(SC_CTL_HELLO);
    r.version++;
    assert_int_equal(sc_ctl_reply_check(&r, 8, SC_CTL_HELLO), -EPROTO);
}

static void what_every_version_has(void **state)
{
    (void)state;
    for (uint16_t op = 0; op < SC_CTL_OPS; op++)
        assert_int_equal(sc_ctl_op_of_every_version(op), op == SC_CTL_HELLO || op == SC_CTL_STOP);
    assert_int_equal(SC_CTL_HELLO, 1);
    assert_int_equal(SC_CTL_STOP, 13);
}

/* A name is made of it. */
static void families_are_known(void **state)
{
    (void)state;
    static const char known[] = "46s";
    for (unsigned family = 0; family < 256; family++) {
        int expected = family && strchr(known, (int)family) ? 0 : -EINVAL;
        struct sc_ctl_request q = request(SC_CTL_PREPARE);
        q.prepare.family = (uint8_t)family;
        assert_int_equal(sc_ctl_request_check(&q, sizeof q), expected);
        q = request(SC_CTL_BIND);
        q.bind.family = (uint8_t)family;
        assert_int_equal(sc_ctl_request_check(&q, sizeof q), expected);
    }
}

static void other_lengths(void **state)
{
    (void)state;
    struct sc_ctl_request q = request(SC_CTL_HELLO);
    struct sc_ctl_reply r = reply(SC_CTL_HELLO);
    for (size_t len = 0; len < sizeof q; len++)
        assert_true(sc_ctl_request_check(&q, len) < 0);
    for (size_t len = 0; len < sizeof r; len++)
        assert_true(sc_ctl_reply_check(&r, len, SC_CTL_HELLO) < 0);
}

static void strings_must_end(void **state)
{
    (void)state;
    static const struct {
        uint16_t op;
        size_t offset, size;
    } strings[] = {
#define STRING(op, field)                                                                          \
    {op, offsetof(struct sc_ctl_request, field), sizeof((struct sc_ctl_request *)0)->field}
        STRING(SC_CTL_RESOLVE, resolve.name),     STRING(SC_CTL_BIND, bind.service),
        STRING(SC_CTL_LISTEN, listen.own),        STRING(SC_CTL_UNLISTEN, listen.own),
        STRING(SC_CTL_FLOW_ERROR, flow.flow.own), STRING(SC_CTL_FLOW_ERROR, flow.flow.peer),
        STRING(SC_CTL_FLOW_SET, flow.flow.own),   STRING(SC_CTL_FLOW_SET, flow.flow.peer),
        STRING(SC_CTL_FLOW_GET, flow.flow.own),   STRING(SC_CTL_FLOW_GET, flow.flow.peer),
        STRING(SC_CTL_FORGET_HOST, host.name),    STRING(SC_CTL_TRUST, trust.alias),
        STRING(SC_CTL_GRANT, grant.name),
    };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        struct sc_ctl_request q = request(strings[i].op);
        char *at = (char *)&q + strings[i].offset;
        memset(at, 'a', strings[i].size);
        assert_int_equal(sc_ctl_request_check(&q, sizeof q), -EINVAL);
        at[strings[i].size - 1] = 0;
        assert_int_equal(sc_ctl_request_check(&q, sizeof q), 0);
    }
    struct sc_ctl_reply r = reply(SC_CTL_HELLO);
    memset(r.name, 'a', sizeof r.name);
    assert_int_equal(sc_ctl_reply_check(&r, sizeof r, SC_CTL_HELLO), -EINVAL);
    r = reply(SC_CTL_HELLO);
    memset(r.text, 'a', sizeof r.text);
    assert_int_equal(sc_ctl_reply_check(&r, sizeof r, SC_CTL_HELLO), -EINVAL);
}

/* 32-bit programs talk to a 64-bit scaffoldd. */
static void the_layout_has_no_room_for_guesses(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct sc_ctl_request, version), 4);
    assert_int_equal(offsetof(struct sc_ctl_request, op), 6);
    assert_int_equal(offsetof(struct sc_ctl_request, netns), 8);
    assert_int_equal(offsetof(struct sc_ctl_request, resolve), 16);
    assert_int_equal(offsetof(struct sc_ctl_request, prepare.address), 22);
    assert_int_equal(offsetof(struct sc_ctl_request, prepare.rcvbuf), 76);
    assert_int_equal(offsetof(struct sc_ctl_request, prepare.direct), 98);
    assert_int_equal(offsetof(struct sc_ctl_request, bind.rcvbuf), 332);
    assert_int_equal(offsetof(struct sc_ctl_reply, error), 8);
    assert_int_equal(offsetof(struct sc_ctl_reply, address), 24);
    /* STOP and HELLO of version 2, which checks both lengths */
    assert_int_equal(SC_CTL_STOP, 13);
    assert_int_equal(sizeof(struct sc_ctl_request), 336);
    assert_int_equal(sizeof(struct sc_ctl_reply), 656);
    assert_int_equal(sizeof(struct sc_ctl_request) % 8, 0);
    assert_int_equal(sizeof(struct sc_ctl_reply) % 8, 0);
}

static void only_controls_that_there_are(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 256; number++) {
        struct sc_ctl_request q = request(SC_CTL_PREPARE);
        q.prepare.family = SC_FAMILY_INET;
        q.prepare.congestion = (uint8_t)number;
        assert_int_equal(sc_ctl_request_check(&q, sizeof q), number <= 3 ? 0 : -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_is_taken),
        cmocka_unit_test(other_ops_are_not),
        cmocka_unit_test(another_protocol),
        cmocka_unit_test(another_version),
        cmocka_unit_test(what_every_version_has),
        cmocka_unit_test(families_are_known),
        cmocka_unit_test(other_lengths),
        cmocka_unit_test(strings_must_end),
        cmocka_unit_test(the_layout_has_no_room_for_guesses),
        cmocka_unit_test(only_controls_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
