/* Which flows' packets share a train, and what becomes of them there. */
#include "transport/pair.h"

#define FLOWS 100

/* Clients of as many pairs, whose flows are open and idle: a host with flows to one peer. */
static struct pair *pair[FLOWS];
static struct sc_train train;

static struct sc_flow *client(size_t i)
{
    return &pair[i]->flow[CLIENT];
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        struct pair *p = pair[i] = malloc(sizeof *p);
        pair_init(p, i, NULL);
        p->app[CLIENT].to_write = p->app[SERVER].to_write = 1000;
        assert_true(pair_run(p, pair_all_read, p->now + SC_SECOND));
        pair_run(p, NULL, p->now + SC_SECOND);
        assert_false(client(i)->opening.confirming);
        p->now = 10 * SC_SECOND;
    }
    sc_train_begin(&train, client(0)->peer_address);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        pair_fini(pair[i]);
        free(pair[i]);
    }
    return 0;
}

static void write_some(size_t i, size_t len)
{
    struct iovec iov[64];
    struct sc_flow *f = client(i);
    size_t n = sc_flow_send_space(f, len, iov, 64), total = 0;
    for (size_t k = 0; k < n; k++) {
        memset(iov[k].iov_base, (int)i + 1, iov[k].iov_len);
        total += iov[k].iov_len;
    }
    assert_int_equal(total, len);
    sc_flow_send_commit(f, len, pair[i]->now);
}

static bool joins(size_t i)
{
    return sc_flow_produce(client(i), &train, pair[i]->now);
}

static void close_train(void)
{
    sc_train_close(&train, pair[0]->now);
}

/* The bytes of the train. */
static const uint8_t *bytes(void)
{
    static uint8_t flat[SC_TRAIN_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < train.iov_count; i++) {
        memcpy(flat + len, train.iov[i].iov_base, train.iov[i].iov_len);
        len += train.iov[i].iov_len;
    }
    assert_int_equal(len, train.len);
    return flat;
}

/* Stream bytes of flow `i` in a segment, which holds nothing else but padding. */
static size_t stream_len(size_t segment, size_t i)
{
    size_t at = segment * train.segment, left = train.len - at, len = 0;
    struct sc_reader r = sc_reader(bytes() + at, left < train.segment ? left : train.segment);
    struct sc_header h;
    struct sc_frame frame;
    sc_header_read(&r, &h);
    assert_int_equal(h.type, SC_PKT_DATA);
    while (sc_reader_left(&r) > 0) {
        sc_frame_read(&r, &frame);
        assert_false(r.bad);
        for (size_t k = 0; frame.type == SC_FRAME_STREAM && k < frame.stream.len; k++)
            assert_int_equal(frame.stream.data[k], i + 1);
        len += frame.type == SC_FRAME_STREAM ? frame.stream.len : 0;
    }
    return len;
}

static void packets_of_many_flows_are_padded_to_one_length(void **state)
{
    (void)state;
    static const size_t len[] = {64, 60, 70, 10};
    for (size_t i = 0; i < 4; i++) {
        write_some(i, len[i]);
        assert_true(joins(i));
    }
    close_train();
    size_t longest = SC_HEADER_LEN + SC_STREAM_SIZED_HEAD + 70;
    assert_int_equal(train.segment, longest);
    assert_int_equal(train.len, 3 * longest + SC_HEADER_LEN + SC_STREAM_SIZED_HEAD + 10);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(stream_len(i, i), len[i]);
}

static void padding_is_in_flight(void **state)
{
    (void)state;
    write_some(0, 20);
    write_some(1, 70);
    write_some(2, 20);
    assert_true(joins(0) && joins(1) && joins(2));
    close_train();
    assert_int_equal(client(0)->recovery.in_flight, train.segment);
    assert_int_equal(client(1)->recovery.in_flight, train.segment);
    assert_true(client(2)->recovery.in_flight < train.segment); /* the last one is not padded */
}

static void padding_stays_in_the_window(void **state)
{
    (void)state;
    struct sc_flow *f = client(1);
    write_some(1, 500);
    assert_true(joins(1));
    close_train();
    for (int n = 0; n < 2; n++) {
        sc_train_begin(&train, client(0)->peer_address);
        f->path.congestion.cwnd = f->recovery.in_flight + (n == 0 ? 60 : 110);
        write_some(0, 70);
        if (n == 0)
            write_some(1, 20);
        assert_true(joins(0));
        assert_int_equal(joins(1), n);
        close_train();
    }
    assert_true(f->recovery.in_flight <= f->path.congestion.cwnd);
}

static void a_long_one_takes_no_short_one_along(void **state)
{
    (void)state;
    write_some(0, 1000);
    write_some(1, 10);
    write_some(2, 990);
    assert_true(joins(0));
    assert_false(joins(1));
    assert_true(joins(2));
    close_train();
    assert_int_equal(train.packet_count, 2);
    assert_true(sc_flow_wants_send(client(1), pair[1]->now)); /* in another train */
}

/* Whole packets, and the rest of a message, which ends the train. */
static void full_packets_share_without_padding(void **state)
{
    (void)state;
    size_t full = client(0)->path.pmtu.size;
    size_t most = full - SC_HEADER_LEN - SC_STREAM_HEAD;
    for (size_t i = 0; i < 3; i++)
        write_some(i, 2 * most + (i == 1 ? 100 : 0));
    assert_true(joins(0) && joins(1));
    assert_false(joins(2));
    close_train();
    assert_int_equal(train.segment, full);
    assert_int_equal(train.packet_count, 5);
    assert_int_equal(train.len, 4 * full + SC_HEADER_LEN + SC_STREAM_SIZED_HEAD + 100);
    for (size_t s = 0; s < 5; s++)
        assert_int_equal(stream_len(s, s >= 2), s < 4 ? most : 100);
}

/* Behind a short packet there is no room for whoever waits. */
static void in_a_crowd_short_ends_stay_for_another_train(void **state)
{
    (void)state;
    size_t full = client(0)->path.pmtu.size;
    train.crowded = true;
    for (size_t i = 0; i < 3; i++) {
        write_some(i, full + 100);
        assert_true(joins(i));
    }
    close_train();
    assert_int_equal(train.packet_count, 3);
    assert_int_equal(train.len, 3 * full);
    sc_train_begin(&train, client(0)->peer_address);
    for (size_t i = 0; i < 3; i++)
        assert_true(sc_flow_wants_send(client(i), pair[i]->now) && joins(i));
    close_train();
    assert_int_equal(train.packet_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(stream_len(i, i), 100 + SC_HEADER_LEN + SC_STREAM_HEAD);
}

/* A frame that reaches to the end of its packet cannot be padded, nor can a length of two bytes be
 * told in one. */
static void no_packet_is_neither_full_nor_to_be_padded(void **state)
{
    (void)state;
    size_t full = client(0)->path.pmtu.size;
    for (size_t i = 0; i < 5; i++) {
        write_some(i, full - SC_HEADER_LEN - SC_STREAM_HEAD - i);
        assert_true(joins(i));
    }
    close_train();
    assert_int_equal(train.segment, full);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(stream_len(i, i), full - SC_HEADER_LEN - SC_STREAM_HEAD - i);
}

static void marks_are_not_mixed(void **state)
{
    (void)state;
    client(1)->path.ecn.off = true;
    for (size_t i = 0; i < 3; i++)
        write_some(i, 50);
    assert_true(joins(0));
    assert_false(joins(1));
    assert_true(joins(2));
    close_train();
    assert_true(train.ect);
}

static void nobody_is_padded_beyond_its_path(void **state)
{
    (void)state;
    size_t small = client(1)->path.pmtu.size;
    client(0)->path.pmtu.size = small + 50;
    write_some(0, small);
    write_some(1, small - 50);
    write_some(2, small - 50);
    assert_true(joins(0));
    assert_false(joins(1));
    close_train();
    sc_train_begin(&train, client(1)->peer_address);
    client(0)->path.pmtu.size = small;
    assert_true(joins(1) && joins(2));
    client(0)->path.pmtu.size = small + 50;
    write_some(0, small);
    assert_false(joins(0));
}

static void a_probe_is_alone(void **state)
{
    (void)state;
    client(0)->path.pmtu.next = 0;
    write_some(0, 100000);
    write_some(1, 64);
    assert_true(joins(0));
    assert_false(joins(1));
    close_train();
    assert_true(train.probe_mtu && train.packet_count == 1);
    client(0)->path.pmtu.probing = 0; /* another one is due */
    sc_train_begin(&train, client(0)->peer_address);
    assert_true(joins(1));
    assert_false(joins(0));
    close_train();
    assert_true(!train.probe_mtu && train.packet_count == 1);
}

static void a_train_ends_somewhere(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < FLOWS; i++)
        write_some(i, 64);
    while (joins(n))
        n++;
    assert_int_equal(n, SC_TRAIN_SEGMENTS);
    close_train();
    for (size_t i = 0; i < n; i++)
        assert_int_equal(stream_len(i, i), 64);
    sc_train_begin(&train, client(0)->peer_address);
    size_t full = client(0)->path.pmtu.size, long_ones = 0;
    for (size_t i = n; i < FLOWS; i++) {
        write_some(i, full - 200);
        long_ones += joins(i);
    }
    close_train();
    assert_true(train.len <= SC_TRAIN_BYTES && long_ones == FLOWS - n);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(packets_of_many_flows_are_padded_to_one_length),
        TEST(padding_is_in_flight),
        TEST(padding_stays_in_the_window),
        TEST(a_long_one_takes_no_short_one_along),
        TEST(full_packets_share_without_padding),
        TEST(in_a_crowd_short_ends_stay_for_another_train),
        TEST(no_packet_is_neither_full_nor_to_be_padded),
        TEST(marks_are_not_mixed),
        TEST(nobody_is_padded_beyond_its_path),
        TEST(a_probe_is_alone),
        TEST(a_train_ends_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
