/* Questions to a name server: what is read, what is not, and how answers look (RFC 1035, 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "naming/dns.h"

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define NAME "\3web\4acme\10scaffold\0"
#define IN_A "\0\1\0\1"

static bool reads(const char *bytes, size_t len, struct sc_dns_question *q)
{
    return sc_dns_read((const uint8_t *)bytes, len, q);
}

static void a_question(void **state)
{
    (void)state;
    struct sc_dns_question q;
    static const char query[] = HEAD NAME IN_A;
    assert_true(reads(query, sizeof query - 1, &q));
    assert_string_equal(q.name, "web.acme.scaffold");
    assert_int_equal(q.type, SC_DNS_A);
    assert_int_equal(q.end, sizeof query - 1);
}

/* What follows the question (EDNS) is left alone; the root has no labels. */
static void unusual_questions(void **state)
{
    (void)state;
    struct sc_dns_question q;
    static const char edns[] = HEAD NAME "\0\34\0\1"
                                         "\0\0\51\4\xd0\0\0\0\0\0\0";
    assert_true(reads(edns, sizeof edns - 1, &q));
    assert_int_equal(q.type, SC_DNS_AAAA);
    assert_int_equal(q.end, sizeof edns - 1 - 11);
    static const char root[] = HEAD "\0" IN_A;
    assert_true(reads(root, sizeof root - 1, &q));
    assert_string_equal(q.name, "");
}

static void every_beginning_is_refused(void **state)
{
    (void)state;
    struct sc_dns_question q;
    static const char query[] = HEAD NAME IN_A;
    for (size_t len = 0; len < sizeof query - 1; len++)
        assert_false(reads(query, len, &q));
}

static void what_is_no_question(void **state)
{
    (void)state;
    struct sc_dns_question q;
    char query[] = HEAD NAME IN_A;
    size_t len = sizeof query - 1;
    query[2] = (char)0x81; /* a response */
    assert_false(reads(query, len, &q));
    query[2] = 0x11; /* another opcode */
    assert_false(reads(query, len, &q));
    query[2] = 1;
    query[5] = 2; /* two questions */
    assert_false(reads(query, len, &q));
    query[5] = 1;
    query[len - 1] = 3; /* another class */
    assert_false(reads(query, len, &q));
    query[len - 1] = 1;
    assert_true(reads(query, len, &q));
    query[12] = (char)0xc0; /* compression */
    assert_false(reads(query, len, &q));
    query[12] = 3;
    query[14] = '.'; /* a dot inside a label is none between labels */
    assert_false(reads(query, len, &q));
    query[14] = 0;
    assert_false(reads(query, len, &q));
}

/* 255 bytes at most, RFC 1035, 3.1. */
static void long_names(void **state)
{
    (void)state;
    struct sc_dns_question q;
    char query[600] = HEAD;
    size_t at = 12;
    for (int i = 0; i < 3; i++, at += 64) {
        query[at] = 63;
        memset(query + at + 1, 'a', 63);
    }
    query[at] = 61;
    memset(query + at + 1, 'b', 61);
    memcpy(query + at + 62, "\0" IN_A, 5);
    assert_true(reads(query, at + 67, &q));
    assert_int_equal(strlen(q.name), 253);
    query[at] = 63;
    memset(query + at + 1, 'b', 63);
    memcpy(query + at + 64, "\0" IN_A, 5);
    assert_false(reads(query, at + 69, &q));
}

static void answers(void **state)
{
    (void)state;
    struct sc_dns_question q;
    uint8_t out[SC_DNS_ANSWER_MAX];
    static const char query[] = HEAD NAME IN_A;
    static const char found[] =
        "\x12\x34\x85\x80\0\1\0\1\0\0\0\0" NAME IN_A "\xc0\x0c\0\1\0\1\0\0\0\36\0\4\xc6\x12\0\7";
    static const char missing[] = "\x12\x34\x85\x83\0\1\0\0\0\0\0\0" NAME IN_A;
    assert_true(reads(query, sizeof query - 1, &q));
    size_t len = sc_dns_answer((const uint8_t *)query, &q, SC_DNS_NOERROR, "\xc6\x12\0\7", 4, out);
    assert_int_equal(len, sizeof found - 1);
    assert_memory_equal(out, found, len);
    len = sc_dns_answer((const uint8_t *)query, &q, SC_DNS_NXDOMAIN, NULL, 0, out);
    assert_int_equal(len, sizeof missing - 1);
    assert_memory_equal(out, missing, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question),
        cmocka_unit_test(unusual_questions),
        cmocka_unit_test(every_beginning_is_refused),
        cmocka_unit_test(what_is_no_question),
        cmocka_unit_test(long_names),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
