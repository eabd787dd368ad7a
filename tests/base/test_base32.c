/* Base32: RFC 4648's own examples, and that nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base32.h"

static const struct {
    const char *bytes, *text;
} examples[] = {{"", ""},
                {"f", "my"},
                {"fo", "mzxq"},
                {"foo", "mzxw6"},
                {"foob", "mzxw6yq"},
                {"fooba", "mzxw6ytb"},
                {"foobar", "mzxw6ytboi"}};

static void examples_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const size_t len = strlen(examples[i].bytes);
        char text[32];
        uint8_t bytes[16] = {0};
        sc_base32_write((const uint8_t *)examples[i].bytes, len, text);
        assert_string_equal(text, examples[i].text);
        assert_int_equal(strlen(text), SC_BASE32_LEN(len));
        assert_true(sc_base32_read(text, bytes, len));
        assert_memory_equal(bytes, examples[i].bytes, len);
    }
}

static void what_is_no_text_of_so_many_bytes(void **state)
{
    (void)state;
    uint8_t bytes[8];
    assert_true(sc_base32_read("MZXW6", bytes, 3));
    assert_false(sc_base32_read("mzxw6", bytes, 4)); /* too short */
    assert_false(sc_base32_read("mzxw6", bytes, 2)); /* too long */
    assert_false(sc_base32_read("mzxw1", bytes, 3)); /* no such digit */
    assert_false(sc_base32_read("mzxw7", bytes, 3)); /* a bit behind the last byte */
    assert_false(sc_base32_read("mzx 6", bytes, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc),
        cmocka_unit_test(what_is_no_text_of_so_many_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
