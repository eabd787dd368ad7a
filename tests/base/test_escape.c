/* Text of others: one line, no control over a terminal, and what was readable stays so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"
#include "base/rng.h"

static const struct {
    const char *text, *want;
} table[] = {
    {"", ""},
    {"nginx: worker", "nginx: worker"},
    {"a\nerror: forged", "a\\x0aerror: forged"},
    {"\033[2J\r\t\177", "\\x1b[2J\\x0d\\x09\\x7f"},
    {"back\\slash", "back\\x5cslash"},
    {"Jürgen, 東京, 🙂", "Jürgen, 東京, 🙂"},
    {"\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m"}, /* CSI of the second set of controls */
    {"\xe2\x80\xae"
     "gpj.exe",
     "\\xe2\\x80\\xaegpj.exe"},                   /* right-to-left override */
    {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},          /* line separator */
    {"\xc0\x8a", "\\xc0\\x8a"},                   /* a newline, overlong */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
    {"cut \xe6\x9d", "cut \\xe6\\x9d"},
    {"\x80\xff", "\\x80\\xff"},
};

static void each_kind(void **state)
{
    (void)state;
    char out[256];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(sc_escape(out, sizeof out, table[i].text), strlen(table[i].want));
        assert_string_equal(out, table[i].want);
    }
}

static void cut_between_characters(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(sc_escape(out, 4, "abcd"), 3);
    assert_string_equal(out, "abc");
    assert_int_equal(sc_escape(out, 5, "ab東"), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(sc_escape(out, 6, "abc\n"), 3);
    assert_string_equal(out, "abc");
    assert_int_equal(sc_escape(out, 1, "abc"), 0);
}

/* Whatever the bytes are, nothing below a blank comes out, and it fits. */
static void any_bytes(void **state)
{
    (void)state;
    struct sc_rng r;
    sc_rng_seed(&r, 19);
    for (int run = 0; run < 20000; run++) {
        char text[40], out[64];
        size_t len = (size_t)(sc_rng_next(&r) % sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(sc_rng_next(&r) >> 16);
        text[len < sizeof text ? len : sizeof text - 1] = 0;
        size_t size = 1 + (size_t)(sc_rng_next(&r) % sizeof out);
        size_t n = sc_escape(out, size, text);
        assert_true(n < size && out[n] == 0);
        for (size_t i = 0; i < n; i++)
            assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind),
        cmocka_unit_test(cut_between_characters),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
