/* Packets: round trips, every truncation, and the committed vectors that the Python decoder reads
 * too. SCAFFOLD_WRITE_VECTORS=1 writes the vectors anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/control.h"
#include "wire/frame.h"
#include "wire/packet.h"

static const struct sc_service_id service = {{1, 2, 3, [28] = 0x1f, 0x90, 6, 1}};
static const struct sc_underlay underlay = {.family = 4, .port = 7213, .ip = {10, 0, 0, 7}};

static struct sc_header header(uint8_t type)
{
    return (struct sc_header){.version = SC_WIRE_VERSION,
                              .type = type,
                              .hop_limit = SC_HOP_LIMIT,
                              .dst = 0x1122334455667788,
                              .flow = 0xa1b2c3d4,
                              .number = 42};
}

static size_t make_open(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_OPEN);
    static const uint8_t cookie[] = {9, 8, 7};
    struct sc_open p = {.src = 5,
                        .src_flow = 6,
                        .open_id = 7,
                        .service = service,
                        .attempt = 1,
                        .src_pool = 0xc6120001,
                        .src_port = 40000,
                        .origin = underlay,
                        .exclude_count = 2,
                        .exclude = {100, 200},
                        .cookie = {cookie, sizeof cookie}};
    h.dst = h.flow = 0;
    h.number = 0;
    sc_open_write(w, &h, &p);
    return sc_writer_len(w);
}

static size_t make_answer(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_ANSWER);
    struct sc_answer p = {.src = 5,
                          .src_flow = 6,
                          .open_id = 7,
                          .service = service,
                          .src_pool = 0xc6120002,
                          .window = 262144,
                          .epoch = 99,
                          .token = {1, 2, 3}};
    sc_answer_write(w, &h, &p);
    return sc_writer_len(w);
}

static size_t make_confirm(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_CONFIRM);
    struct sc_confirm p = {.src = 5, .open_id = 7, .window = 262144, .epoch = 98, .token = {4, 5}};
    sc_confirm_write(w, &h, &p);
    sc_stream_head_write(w, 0, false, false, 0);
    sc_write_copy(w, "hello", 5);
    return sc_writer_len(w);
}

static size_t make_data(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_DATA);
    struct sc_ack a = {.largest = 48,
                       .delay_us = 1000,
                       .count = 2,
                       .range = {{46, 49}, {41, 44}},
                       .has_ecn = true,
                       .ect0 = 3,
                       .ce = 1};
    sc_header_write(w, &h);
    sc_ack_write(w, &a);
    sc_window_write(w, 1 << 20);
    sc_urgent_write(w, 11);
    sc_stream_head_write(w, 10, false, true, 3);
    sc_write_copy(w, "abc", 3);
    sc_stream_head_write(w, 1000000, true, false, 0);
    sc_write_copy(w, "the end", 7);
    return sc_writer_len(w);
}

static size_t make_abort(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_DATA);
    sc_header_write(w, &h);
    sc_abort_write(w, SC_ABORT_RESET);
    sc_write_u8(w, SC_FRAME_PING);
    sc_write_zeros(w, 5);
    return sc_writer_len(w);
}

static size_t make_refuse(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_REFUSE);
    struct sc_refuse p = {.src = 5, .open_id = 7, .refusal = SC_REFUSE_INSTANCE};
    sc_refuse_write(w, &h, &p);
    return sc_writer_len(w);
}

static size_t make_retry(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_RETRY);
    static const uint8_t cookie[16] = {1, 1, 2, 3, 5, 8};
    struct sc_retry p = {.open_id = 7, .cookie = {cookie, sizeof cookie}};
    sc_retry_write(w, &h, &p);
    return sc_writer_len(w);
}

static size_t make_reset(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_RESET);
    struct sc_reset p = {.src = 5, .token = {7, 7, 7}};
    sc_reset_write(w, &h, &p);
    return sc_writer_len(w);
}

static struct sc_fragment some_fragment(void)
{
    return (struct sc_fragment){.src = 5,
                                .src_pool = 0xc6120003,
                                .src_port = 40000,
                                .origin = underlay,
                                .choice = 11,
                                .flags = SC_FRAGMENT_ANSWER | SC_FRAGMENT_FROM,
                                .ttl = 64,
                                .tos = 8,
                                .total = 2000,
                                .offset = 1000,
                                .to = service,
                                .from = service,
                                .data = {(const uint8_t *)"payload", 7}};
}

static size_t make_fragment(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_DATAGRAM);
    struct sc_fragment p = some_fragment();
    sc_fragment_write(w, &h, &p);
    return sc_writer_len(w);
}

static size_t make_undelivered(struct sc_writer *w)
{
    struct sc_header h = header(SC_PKT_DATAGRAM);
    struct sc_fragment p = {
        .src = 5, .src_port = 40000, .flags = SC_FRAGMENT_UNDELIVERED, .to = service};
    sc_fragment_write(w, &h, &p);
    return sc_writer_len(w);
}

static size_t make_control(struct sc_writer *w, uint8_t message)
{
    struct sc_control c = {.message = message,
                           .transaction = 77,
                           .src = 5,
                           .epoch = 9,
                           .name = "web.demo.scaffold",
                           .token = "the same host..",
                           .address = 0x100000002,
                           .pool = 0xc6120003,
                           .lease_ms = 4000,
                           .serial = 3,
                           .replaces = message == SC_MSG_REGISTER,
                           .service_count = message != SC_MSG_REGISTERED,
                           .service = {service},
                           .registered = 1,
                           .digest = 0xdead,
                           .state = SC_REFRESH_REGISTER,
                           .by = SC_LOOKUP_NAME,
                           .underlay = underlay};
    if (message >= SC_MSG_GREET) {
        c.cookie = (struct sc_field){(const uint8_t *)"a cookie", 8};
        c.channel = 0xa1b2c3d4;
        c.suite = 1;
        c.handshake = (struct sc_field){(const uint8_t *)"handshake", 9};
    }
    sc_control_write(w, &c);
    return sc_writer_len(w);
}

static size_t make_answer_to_host(struct sc_writer *w, struct sc_control c)
{
    c.transaction = 77;
    c.src = 5;
    sc_control_write(w, &c);
    return sc_writer_len(w);
}

static size_t make_reused(struct sc_writer *w)
{
    return make_answer_to_host(w, (struct sc_control){.message = SC_MSG_MAPPING,
                                                      .name = "web.demo.scaffold",
                                                      .service = {service},
                                                      .service_count = 1,
                                                      .pool = 0xc6120003,
                                                      .reused = 1,
                                                      .used = 1});
}

static size_t make_found(struct sc_writer *w)
{
    return make_answer_to_host(w, (struct sc_control){.message = SC_MSG_MAPPING,
                                                      .name = "web.demo.scaffold",
                                                      .service = {service},
                                                      .service_count = 1,
                                                      .pool = 0xc6120003,
                                                      .key = "the public key of the provider.."});
}

static size_t make_named(struct sc_writer *w)
{
    return make_answer_to_host(w, (struct sc_control){.message = SC_MSG_JOINED,
                                                      .address = 0x100000002,
                                                      .pool = 0xc6120003,
                                                      .lease_ms = 4000,
                                                      .epoch = 9,
                                                      .key = "of the provider of hosts' names."});
}

static size_t make_unstored(struct sc_writer *w)
{
    return make_answer_to_host(w, (struct sc_control){.message = SC_MSG_MAPPING,
                                                      .service_count = 1,
                                                      .status = SC_LOOKUP_UNSTORED,
                                                      .trouble = SC_TROUBLE_SPACE});
}

static size_t make_not_joined(struct sc_writer *w)
{
    return make_answer_to_host(w, (struct sc_control){.message = SC_MSG_JOINED,
                                                      .lease_ms = 4000,
                                                      .epoch = 9,
                                                      .trouble = SC_TROUBLE_READ_ONLY,
                                                      .names = 67});
}

static size_t make_shown(struct sc_writer *w)
{
    struct sc_control c = {.message = SC_MSG_REGISTER,
                           .epoch = 9,
                           .serial = 3,
                           .wants_grant = 1,
                           .service_count = 1,
                           .service = {service},
                           .grant = {(const uint8_t *)"a grant", 7}};
    return make_answer_to_host(w, c);
}

static size_t make_denied(struct sc_writer *w)
{
    struct sc_control c = {.message = SC_MSG_REGISTERED,
                           .serial = 3,
                           .service_count = 1,
                           .service = {service},
                           .denial = {SC_DENIAL_OVER},
                           .grant = {(const uint8_t *)"a grant", 7}};
    return make_answer_to_host(w, c);
}

static size_t make_granted(struct sc_writer *w)
{
    struct sc_control c = {.message = SC_MSG_JOINED,
                           .address = 0x100000002,
                           .pool = 0xc6120003,
                           .lease_ms = 4000,
                           .epoch = 9,
                           .key = "of the provider of hosts' names.",
                           .grant = {(const uint8_t *)"a grant", 7}};
    return make_answer_to_host(w, c);
}

static size_t make_reuses(struct sc_writer *w)
{
    return make_answer_to_host(
        w, (struct sc_control){.message = SC_MSG_REFRESHED, .reuses = 0x00a1b2c3});
}

static const struct {
    const char *name;
    size_t (*make)(struct sc_writer *w);
} makers[] = {
    {"open", make_open},
    {"answer", make_answer},
    {"confirm", make_confirm},
    {"data", make_data},
    {"abort", make_abort},
    {"refuse", make_refuse},
    {"retry", make_retry},
    {"reset", make_reset},
    {"fragment", make_fragment},
    {"undelivered", make_undelivered},
    {"control-9-reused", make_reused},
    {"control-9-found", make_found},
    {"control-9-unstored", make_unstored},
    {"control-2-named", make_named},
    {"control-2-unstored", make_not_joined},
    {"control-7-reuses", make_reuses},
    {"control-3-grant", make_shown},
    {"control-5-denied", make_denied},
    {"control-2-grant", make_granted},
};
#define MAKERS (sizeof makers / sizeof *makers)

static size_t make(size_t i, uint8_t *out, size_t cap, char *name, size_t name_size)
{
    struct sc_writer w = sc_writer(out, cap);
    size_t len;
    if (i < MAKERS) {
        snprintf(name, name_size, "%s", makers[i].name);
        len = makers[i].make(&w);
    } else {
        uint8_t message = (uint8_t)(i - MAKERS + SC_MSG_JOIN);
        snprintf(name, name_size, "control-%u", message);
        len = make_control(&w, message);
    }
    assert_false(w.bad);
    return len;
}

#define PACKETS (MAKERS + SC_MSG_AGAIN)

/* Reads a packet as the stack would; true when it is well-formed to its last byte. */
static bool reads(const uint8_t *data, size_t len)
{
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    union {
        struct sc_open open;
        struct sc_answer answer;
        struct sc_confirm confirm;
        struct sc_refuse refuse;
        struct sc_retry retry;
        struct sc_reset reset;
        struct sc_fragment fragment;
        struct sc_control control;
        struct sc_frame frame;
    } p;
    sc_header_read(&r, &h);
    if (r.bad)
        return false;
    struct sc_reader frames = r;
    switch (h.type) {
    case SC_PKT_OPEN:
        sc_open_read(&r, &p.open);
        return !r.bad;
    case SC_PKT_ANSWER:
        sc_answer_read(&r, &p.answer);
        return !r.bad;
    case SC_PKT_CONFIRM:
        sc_confirm_read(&r, &p.confirm);
        if (r.bad)
            return false;
        frames = sc_reader(p.confirm.frames.data, p.confirm.frames.len);
        break;
    case SC_PKT_REFUSE:
        sc_refuse_read(&r, &p.refuse);
        return !r.bad;
    case SC_PKT_RETRY:
        sc_retry_read(&r, &p.retry);
        return !r.bad;
    case SC_PKT_RESET:
        sc_reset_read(&r, &p.reset);
        return !r.bad;
    case SC_PKT_CONTROL:
        sc_control_read(&r, &h, &p.control);
        return !r.bad;
    case SC_PKT_DATAGRAM:
        sc_fragment_read(&r, &p.fragment);
        return !r.bad;
    case SC_PKT_DATA:
        break;
    default:
        return false;
    }
    while (!frames.bad && sc_reader_left(&frames) > 0)
        sc_frame_read(&frames, &p.frame);
    return !frames.bad;
}

static void each_packet_reads(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE + 64];
    char name[32];
    for (size_t i = 0; i < PACKETS; i++) {
        size_t len = make(i, packet, sizeof packet, name, sizeof name);
        if (!reads(packet, len))
            fail_msg("%s does not read", name);
    }
}

/* Cut anywhere: never read beyond the end (ASan), and what must have a length is refused. */
static void truncations(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE + 64];
    char name[32];
    for (size_t i = 0; i < PACKETS; i++) {
        size_t len = make(i, packet, sizeof packet, name, sizeof name);
        /* They end where the packet does. */
        bool frames = strcmp(name, "data") == 0 || strcmp(name, "abort") == 0 ||
                      strcmp(name, "confirm") == 0 || strcmp(name, "fragment") == 0;
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *exact = malloc(cut ? cut : 1);
            memcpy(exact, packet, cut);
            bool fine = reads(exact, cut);
            free(exact);
            if (fine && !frames && strncmp(name, "control", 7) != 0)
                fail_msg("%s cut to %zu of %zu bytes reads", name, cut, len);
        }
    }
}

static void an_open_keeps_its_values(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE + 64];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    size_t len = make_open(&w);
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header h;
    struct sc_open p;
    assert_int_equal(len, SC_OPEN_LEN);
    sc_header_read(&r, &h);
    sc_open_read(&r, &p);
    assert_false(r.bad);
    assert_int_equal(p.src_flow, 6);
    assert_int_equal(p.src_port, 40000);
    assert_true(sc_underlay_equal(&p.origin, &underlay));
    assert_int_equal(p.exclude_count, 2);
    assert_int_equal(p.exclude[1], 200);
    assert_int_equal(p.cookie.len, 3);
    assert_int_equal(p.cookie.data[2], 7);
}

static void the_origin_is_filled_in_once(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE + 64];
    struct sc_underlay other = {.family = 6, .port = 1, .ip = {0xfd}};
    struct sc_header h = header(SC_PKT_OPEN);
    struct sc_open p = {.src_flow = 1};
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_open_write(&w, &h, &p);
    for (int i = 0; i < 2; i++) {
        assert_true(sc_packet_set_origin(packet, sc_writer_len(&w), i ? &other : &underlay));
        struct sc_reader r = sc_reader(packet, sc_writer_len(&w));
        sc_header_read(&r, &h);
        sc_open_read(&r, &p);
        assert_true(sc_underlay_equal(&p.origin, &underlay));
    }
    packet[0] = SC_WIRE_VERSION << 5 | SC_PKT_DATA;
    assert_false(sc_packet_set_origin(packet, sc_writer_len(&w), &other));
}

static void a_fragment_keeps_its_values(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    size_t len = make_fragment(&w);
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header h;
    struct sc_fragment p, want = some_fragment();
    assert_int_equal(len, SC_FRAGMENT_OVERHEAD + 32 + 7);
    sc_header_read(&r, &h);
    sc_fragment_read(&r, &p);
    assert_false(r.bad);
    assert_int_equal(p.src_port, want.src_port);
    assert_int_equal(p.choice, want.choice);
    assert_int_equal(p.total, want.total);
    assert_int_equal(p.offset, want.offset);
    assert_true(sc_service_id_equal(&p.from, &want.from));
    assert_memory_equal(p.data.data, "payload", 7);
}

static void hops_run_out(void **state)
{
    (void)state;
    uint8_t packet[SC_HEADER_LEN];
    struct sc_header h = header(SC_PKT_DATA);
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_header_write(&w, &h);
    for (int i = 0; i < SC_HOP_LIMIT; i++)
        assert_true(sc_packet_hop(packet, sizeof packet));
    assert_false(sc_packet_hop(packet, sizeof packet));
    assert_false(sc_packet_hop(packet, sizeof packet - 1));
}

static void hidden_bytes_are_refused(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    size_t len = make_open(&w);
    packet[len - 1] = 1; /* in the padding */
    assert_false(reads(packet, len));
    w = sc_writer(packet, sizeof packet);
    len = make_reset(&w);
    assert_false(reads(packet, len + 1));
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    size_t len = make_data(&w);
    packet[0] = (uint8_t)(packet[0] ^ 0x20);
    assert_false(reads(packet, len));
}

static const char *beside(const char *name)
{
    static char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    snprintf(path, sizeof path, "%.*s/%s", (int)(slash - __FILE__), __FILE__, name);
    return path;
}

/* Bytes of the notation of malformed.txt: hex, commas, and z with a number of zero bytes. */
static size_t parse(const char *text, uint8_t *out, size_t cap)
{
    struct sc_writer w = sc_writer(out, cap);
    while (*text) {
        unsigned byte;
        int used = 0;
        if (*text == 'z') {
            sc_write_zeros(&w, strtoul(text + 1, (char **)(uintptr_t)&text, 10));
        } else if (*text == ',') {
            text++;
        } else {
            assert_int_equal(sscanf(text, "%2x%n", &byte, &used), 1);
            assert_int_equal(used, 2);
            sc_write_u8(&w, (uint8_t)byte);
            text += 2;
        }
    }
    assert_false(w.bad);
    return sc_writer_len(&w);
}

/* Packets made by hand from the specification, which the Python decoder judges too. */
static void judge_list(const char *file, bool good, size_t least)
{
    char line[4096], name[64], text[4000];
    uint8_t packet[2048];
    size_t count = 0;
    FILE *f = fopen(beside(file), "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        assert_int_equal(sscanf(line, "%63s %3999s", name, text), 2);
        size_t len = parse(text, packet, sizeof packet);
        uint8_t *exact = malloc(len); /* so that a sanitizer sees a read beyond it */
        memcpy(exact, packet, len);
        if (reads(exact, len) != good)
            fail_msg("%s: %s is %s", file, name, good ? "refused" : "read");
        free(exact);
        count++;
    }
    fclose(f);
    assert_true(count >= least);
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    judge_list("malformed.txt", false, 70);
}

static void what_others_may_write_is_read(void **state)
{
    (void)state;
    judge_list("wellformed.txt", true, 16);
}

static void vectors(void **state)
{
    (void)state;
    uint8_t packet[SC_DATAGRAM_BASE + 64];
    char name[32], line[2 * sizeof packet + 64], want[2 * sizeof packet + 64];
    bool write = getenv("SCAFFOLD_WRITE_VECTORS") != NULL;
    FILE *f = fopen(beside("vectors.txt"), write ? "w" : "r");
    assert_non_null(f);
    for (size_t i = 0; i < PACKETS; i++) {
        size_t len = make(i, packet, sizeof packet, name, sizeof name);
        int at = snprintf(line, sizeof line, "%s ", name);
        for (size_t b = 0; b < len; b++)
            at += snprintf(line + at, sizeof line - (size_t)at, "%02x", packet[b]);
        if (write) {
            fprintf(f, "%s\n", line);
        } else {
            assert_non_null(fgets(want, sizeof want, f));
            want[strcspn(want, "\n")] = 0;
            assert_string_equal(line, want);
        }
    }
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_packet_reads),
        cmocka_unit_test(truncations),
        cmocka_unit_test(an_open_keeps_its_values),
        cmocka_unit_test(a_fragment_keeps_its_values),
        cmocka_unit_test(the_origin_is_filled_in_once),
        cmocka_unit_test(hops_run_out),
        cmocka_unit_test(hidden_bytes_are_refused),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(vectors),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(what_others_may_write_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
