/* Frames: acknowledgements against a model, limits, and everything malformed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "wire/frame.h"

static bool read_one(const uint8_t *data, size_t len, struct sc_frame *f)
{
    struct sc_reader r = sc_reader(data, len);
    sc_frame_read(&r, f);
    return !r.bad;
}

/* Random sets of packet numbers survive the way through a frame: exactly, as far as it reaches. */
static void acknowledgements(void **state)
{
    (void)state;
    uint64_t seed = 20260917;
    struct sc_rng rng;
    print_message("seed %llu\n", (unsigned long long)seed);
    sc_rng_seed(&rng, seed);
    for (int round = 0; round < 2000; round++) {
        struct sc_ranges set;
        struct sc_ack a;
        struct sc_frame f;
        uint8_t buf[512];
        uint64_t at = sc_rng_below(&rng, 1000);
        sc_ranges_init(&set, 100);
        for (uint64_t n = 1 + sc_rng_below(&rng, 60); n > 0; n--) {
            uint64_t len = 1 + sc_rng_below(&rng, 50);
            sc_ranges_add(&set, at, at + len);
            at += len + 1 + sc_rng_below(&rng, 50);
        }
        sc_ack_from_ranges(&a, &set, 7);
        struct sc_writer w = sc_writer(buf, sizeof buf);
        sc_ack_write(&w, &a);
        assert_false(w.bad);
        assert_int_equal(sc_writer_len(&w), sc_ack_room(a.count, a.has_ecn));
        assert_true(read_one(buf, sc_writer_len(&w), &f));
        assert_int_equal(f.ack.largest, set.range[set.count - 1].to - 1);
        size_t most = set.count < SC_ACK_FRAME_RANGES ? set.count : SC_ACK_FRAME_RANGES;
        assert_int_equal(f.ack.count, most);
        for (size_t i = 0; i < most; i++) {
            assert_int_equal(f.ack.range[i].from, set.range[set.count - 1 - i].from);
            assert_int_equal(f.ack.range[i].to, set.range[set.count - 1 - i].to);
        }
        sc_ranges_fini(&set);
    }
}

static void malformed(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint8_t len;
        uint8_t bytes[24];
    } cases[] = {
        {"unknown type", 1, {0x0d}},
        {"ACK without ranges", 14, {2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0}},
        {"ACK with an empty range", 18, {2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1, 0, 0, 0, 0}},
        {"ACK below zero", 18, {2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1, 0, 0, 0, 11}},
        {"short ACK", 17, {2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1, 0, 0, 0}},
        {"short WINDOW", 8, {8, 0, 0, 0, 0, 0, 0, 0}},
        {"short ABORT", 2, {9, 0}},
        {"short STREAM", 6, {4, 0, 0, 0, 0, 0}},
        {"STREAM shorter than its length", 10, {6, 0, 0, 0, 0, 0, 0, 0, 2, 'x'}},
        {"STREAM beyond the last offset", 8, {4, 255, 255, 255, 255, 255, 255, 'x'}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_frame f;
        if (read_one(cases[i].bytes, cases[i].len, &f))
            fail_msg("%s was accepted", cases[i].why);
    }
}

static void runs_of_padding_are_one(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0, 0, 0, 1};
    struct sc_reader r = sc_reader(bytes, sizeof bytes);
    struct sc_frame f;
    sc_frame_read(&r, &f);
    assert_int_equal(f.type, SC_FRAME_PADDING);
    assert_false(sc_frame_elicits_ack(&f));
    sc_frame_read(&r, &f);
    assert_int_equal(f.type, SC_FRAME_PING);
    assert_true(sc_frame_elicits_ack(&f));
    assert_int_equal(sc_reader_left(&r), 0);
}

static void the_last_offset_is_allowed(void **state)
{
    (void)state;
    uint8_t buf[16];
    struct sc_frame f;
    struct sc_writer w = sc_writer(buf, sizeof buf);
    sc_stream_head_write(&w, SC_STREAM_OFFSET_MAX - 1, true, false, 0);
    sc_write_u8(&w, 'x');
    assert_true(read_one(buf, sc_writer_len(&w), &f));
    assert_int_equal(f.stream.offset, SC_STREAM_OFFSET_MAX - 1);
    assert_int_equal(f.stream.len, 1);
    assert_true(f.stream.fin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledgements),
        cmocka_unit_test(malformed),
        cmocka_unit_test(runs_of_padding_are_one),
        cmocka_unit_test(the_last_offset_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
