/* Cursors never pass their end, and say so once for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t buf[32];
    struct sc_writer w = sc_writer(buf, sizeof buf);
    sc_write_u8(&w, 0x12);
    sc_write_u16(&w, 0x3456);
    sc_write_u32(&w, 0x789abcde);
    sc_write_uint(&w, 0x112233445566, 6);
    sc_write_u64(&w, UINT64_MAX - 1);
    assert_false(w.bad);
    assert_int_equal(sc_writer_len(&w), 21);
    assert_int_equal(buf[1], 0x34);
    struct sc_reader r = sc_reader(buf, sc_writer_len(&w));
    assert_int_equal(sc_read_u8(&r), 0x12);
    assert_int_equal(sc_read_u16(&r), 0x3456);
    assert_int_equal(sc_read_u32(&r), 0x789abcde);
    assert_true(sc_read_uint(&r, 6) == 0x112233445566);
    assert_true(sc_read_u64(&r) == UINT64_MAX - 1);
    assert_int_equal(sc_reader_left(&r), 0);
    assert_false(r.bad);
}

static void a_short_read_is_remembered(void **state)
{
    (void)state;
    const uint8_t buf[3] = {1, 2, 3};
    uint8_t out[4] = {9, 9, 9, 9};
    struct sc_reader r = sc_reader(buf, sizeof buf);
    sc_read_copy(&r, out, sizeof out);
    assert_true(r.bad);
    assert_int_equal(out[0], 0);
    assert_int_equal(sc_read_u8(&r), 0); /* although bytes are left */
}

static void an_overflow_writes_nothing(void **state)
{
    (void)state;
    uint8_t buf[4] = {7, 7, 7, 7};
    struct sc_writer w = sc_writer(buf, 3);
    sc_write_u16(&w, 1);
    sc_write_u16(&w, 2);
    sc_write_u8(&w, 3);
    assert_true(w.bad);
    assert_int_equal(sc_writer_len(&w), 2);
    assert_int_equal(buf[2], 7);
    assert_int_equal(buf[3], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_short_read_is_remembered),
        cmocka_unit_test(an_overflow_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
