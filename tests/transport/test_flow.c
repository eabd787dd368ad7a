#include "transport/pair.h"

#include <errno.h>

static struct pair *make(uint64_t seed)
{
    struct pair *p = malloc(sizeof *p);
    pair_init(p, seed, NULL);
    return p;
}

static void finish(struct pair *p)
{
    pair_fini(p);
    free(p);
}

static void both_links(struct pair *p, struct pair_link l)
{
    p->link[CLIENT] = p->link[SERVER] = l;
}

/* Opens, sends both ways, closes; everything must arrive, and both must die. */
static void transfer(struct pair *p, uint64_t up, uint64_t down, sc_time limit)
{
    sc_time start = p->now;
    p->app[CLIENT].to_write = up;
    p->app[SERVER].to_write = down;
    p->app[CLIENT].fin_after = p->app[SERVER].fin_after = true;
    bool all = pair_run(p, pair_all_read, start + limit);
    if (!all)
        pair_print(p);
    assert_true(all);
    all = pair_run(p, pair_both_over, start + limit + 10 * SC_SECOND);
    if (!all)
        pair_print(p);
    assert_true(pair_run(p, pair_both_over, start + limit + 10 * SC_SECOND));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p->flow[i].error, 0);
        assert_true(sc_flow_recv_eof(&p->flow[i]));
        assert_true(p->app[i].events & SC_FLOW_ESTABLISHED);
        assert_true(p->app[i].events & SC_FLOW_ENDED);
        assert_true(p->app[i].events & SC_FLOW_SENT);
    }
    assert_true(pair_run(p, pair_both_dead, start + limit + 60 * SC_SECOND));
}

static void opens_and_closes(void **state)
{
    (void)state;
    struct pair *p = make(1);
    transfer(p, 0, 0, SC_SECOND);
    assert_int_equal(p->delivered[SC_PKT_OPEN], 1);
    assert_int_equal(p->delivered[SC_PKT_ANSWER], 1);
    assert_int_equal(p->flow[SERVER].peer_port, 4000);
    finish(p);
}

static void idle_flow_has_no_deadline(void **state)
{
    (void)state;
    struct pair *p = make(2);
    p->app[CLIENT].to_write = 1000;
    p->app[SERVER].to_write = 1000;
    assert_true(pair_run(p, pair_all_read, p->now + SC_SECOND));
    pair_run(p, NULL, p->now + SC_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_true(sc_flow_deadline(&p->flow[i]) == SC_NEVER);
        assert_false(sc_flow_wants_send(&p->flow[i], p->now));
        assert_int_equal(p->pool[i].used, 0);
        assert_null(p->flow[i].recovery.ring);
        assert_null(p->flow[i].send.store.slot);
        assert_null(p->flow[i].recv.store.slot);
    }
    finish(p);
}

/* 50 MB at 100 Mbit/s and 20 ms: at most 1.1 x size/rate + 10 RTT, without any loss. */
static void fills_a_clean_link(void **state)
{
    (void)state;
    struct pair *p = make(3);
    both_links(p, (struct pair_link){.delay = 10 * SC_MS, .rate = 12500000, .queue = 500000});
    sc_time start = p->now;
    transfer(p, 50000000, 0, 60 * SC_SECOND);
    (void)start;
    finish(p);
}

static sc_time time_to_read(struct pair *p, uint64_t bytes, sc_time limit)
{
    sc_time start = p->now;
    p->app[CLIENT].to_write = bytes;
    p->app[CLIENT].fin_after = p->app[SERVER].fin_after = true;
    assert_true(pair_run(p, pair_all_read, start + limit));
    return p->now - start;
}

static void bound_without_loss(void **state)
{
    (void)state;
    struct pair *p = make(4);
    both_links(p, (struct pair_link){.delay = 10 * SC_MS, .rate = 12500000, .queue = 250000});
    sc_time t = time_to_read(p, 20000000, 30 * SC_SECOND);
    print_message("20 MB at 100 Mbit/s, RTT 20 ms: %llu us (lost %llu, pmtu %zu)\n",
                  (unsigned long long)t, (unsigned long long)p->flow[CLIENT].stats.packets_lost,
                  p->flow[CLIENT].path.pmtu.size);
    assert_true(t <= 1760000 + 10 * 20000);
    finish(p);
}

static void fast_short_path(void **state)
{
    (void)state;
    struct pair *p = make(5);
    both_links(p, (struct pair_link){.delay = 50, .rate = 1250000000, .queue = 1000000});
    sc_time t = time_to_read(p, 100000000, 30 * SC_SECOND);
    print_message("100 MB at 10 Gbit/s, RTT 100 us: %llu us (lost %llu, window %llu)\n",
                  (unsigned long long)t, (unsigned long long)p->flow[CLIENT].stats.packets_lost,
                  (unsigned long long)p->flow[SERVER].recv.window);
    assert_true(t <= 88000 + 1000 + 15000);
    finish(p);
}

static void survives_everything(void **state)
{
    (void)state;
    for (uint64_t seed = 10; seed < 30; seed++) {
        struct pair *p = make(seed);
        both_links(p, (struct pair_link){.delay = 5 * SC_MS,
                                         .loss = 0.05,
                                         .reorder = 0.1,
                                         .reorder_by = 20 * SC_MS,
                                         .duplicate = 0.05});
        p->app[SERVER].read_most = seed % 3 ? 0 : 5000;
        transfer(p, 2000000, 1000000 * (seed % 2), 300 * SC_SECOND);
        finish(p);
    }
}

static void a_fifth_of_all_packets_lost(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 300; seed++) {
        struct pair *p = make(seed);
        both_links(p, (struct pair_link){.delay = 1 * SC_MS, .loss = 0.2});
        transfer(p, 30000, 30000 * (seed % 3), 600 * SC_SECOND);
        finish(p);
    }
}

static void half_of_all_packets_lost(void **state)
{
    (void)state;
    for (uint64_t seed = 30; seed < 40; seed++) {
        struct pair *p = make(seed);
        both_links(p, (struct pair_link){.delay = 1 * SC_MS, .loss = 0.5});
        p->app[CLIENT].to_write = p->app[SERVER].to_write = 30000;
        assert_true(pair_run(p, pair_all_read, p->now + 600 * SC_SECOND));
        finish(p);
    }
}

static void every_packet_twice(void **state)
{
    (void)state;
    struct pair *p = make(41);
    both_links(p, (struct pair_link){.delay = 1 * SC_MS, .duplicate = 1});
    transfer(p, 1000000, 1000000, 10 * SC_SECOND);
    assert_true(p->flow[CLIENT].stats.packets_duplicate > 0);
    finish(p);
}

static void reordering_does_not_collapse_the_window(void **state)
{
    (void)state;
    struct pair *p = make(42);
    both_links(p, (struct pair_link){.delay = 10 * SC_MS,
                                     .rate = 12500000,
                                     .queue = 1000000,
                                     .reorder = 0.05,
                                     .reorder_by = 5 * SC_MS});
    sc_time t = time_to_read(p, 20000000, 60 * SC_SECOND);
    print_message("20 MB at 100 Mbit/s, 5 %% reordered by up to 5 ms: %llu us, sent again %llu\n",
                  (unsigned long long)t,
                  (unsigned long long)p->flow[CLIENT].stats.packets_retransmitted);
    assert_true(t <= 1760000 * 5 / 4 + 10 * 20000);
    finish(p);
}

static void discovers_the_path_mtu(void **state)
{
    (void)state;
    static const size_t mtu[] = {1452, 1460, 1472, 4052, 9000, 1200};
    static const size_t found[] = {1452, 1452, 1472, 4052, 8972, 1200};
    for (size_t i = 0; i < 6; i++) {
        struct pair *p = make(50 + i);
        both_links(p, (struct pair_link){.delay = 1 * SC_MS, .rate = 12500000, .mtu = mtu[i]});
        transfer(p, 5000000, 0, 20 * SC_SECOND);
        assert_int_equal(p->flow[CLIENT].path.pmtu.size, found[i]);
        finish(p);
    }
}

static void falls_back_from_a_black_hole(void **state)
{
    (void)state;
    struct pair *p = make(60);
    both_links(p, (struct pair_link){.delay = 1 * SC_MS, .rate = 12500000, .mtu = 9000});
    p->app[CLIENT].to_write = 5000000;
    assert_true(pair_run(p, pair_all_read, p->now + 10 * SC_SECOND));
    assert_int_equal(p->flow[CLIENT].path.pmtu.size, 8972);
    p->link[CLIENT].mtu = 1400;
    transfer(p, 8000000, 0, 20 * SC_SECOND);
    finish(p);
}

static void obeys_too_large(void **state)
{
    (void)state;
    struct pair *p = make(61);
    p->app[CLIENT].to_write = 5000000;
    assert_true(pair_run(p, pair_all_read, p->now + 10 * SC_SECOND));
    assert_int_equal(p->flow[CLIENT].path.pmtu.size, 8972);
    sc_flow_on_too_large(&p->flow[CLIENT], 8972, p->now);
    assert_int_equal(p->flow[CLIENT].path.pmtu.size, 8932);
    sc_flow_on_too_large(&p->flow[CLIENT], 1472, p->now);
    assert_int_equal(p->flow[CLIENT].path.pmtu.size, 1452);
    sc_flow_on_too_large(&p->flow[CLIENT], 1300, p->now);
    assert_int_equal(p->flow[CLIENT].path.pmtu.size, SC_DATAGRAM_BASE);
    finish(p);
}

static void slow_reader_stops_the_writer(void **state)
{
    (void)state;
    struct pair *p = make(70);
    p->app[SERVER].paused = true;
    p->app[CLIENT].to_write = 10000000;
    assert_false(pair_run(p, pair_all_read, p->now + 30 * SC_SECOND));
    assert_true(p->flow[SERVER].recv.next <= SC_WINDOW_INITIAL);
    assert_true(sc_flow_deadline(&p->flow[CLIENT]) == SC_NEVER);
    assert_true(p->app[CLIENT].stalled);
    p->app[SERVER].paused = false;
    assert_true(pair_run(p, pair_all_read, p->now + 30 * SC_SECOND) || pair_all_read(p));
    finish(p);
}

static void window_update_may_be_lost(void **state)
{
    (void)state;
    struct pair *p = make(71);
    p->app[SERVER].paused = true;
    p->app[CLIENT].to_write = 1000000;
    pair_run(p, pair_all_read, p->now + 10 * SC_SECOND);
    p->app[SERVER].paused = false;
    p->link[SERVER].down = true;
    pair_run(p, pair_all_read, p->now + 200 * SC_MS);
    p->link[SERVER].down = false;
    assert_true(pair_run(p, pair_all_read, p->now + 10 * SC_SECOND));
    finish(p);
}

static void outage_heals(void **state)
{
    (void)state;
    struct pair *p = make(72);
    both_links(p, (struct pair_link){.delay = 5 * SC_MS, .rate = 12500000, .queue = 200000});
    p->app[CLIENT].to_write = 20000000;
    pair_run(p, pair_all_read, p->now + 500 * SC_MS);
    p->link[CLIENT].down = p->link[SERVER].down = true;
    pair_run(p, pair_all_read, p->now + 10 * SC_SECOND);
    p->link[CLIENT].down = p->link[SERVER].down = false;
    assert_true(pair_run(p, pair_all_read, p->now + 15 * SC_SECOND));
    finish(p);
}

static void marks_slow_the_sender(void **state)
{
    (void)state;
    struct pair *p = make(73);
    both_links(p,
               (struct pair_link){
                   .delay = 5 * SC_MS, .rate = 12500000, .queue = 10000000, .mark_above = 60000});
    sc_time t = time_to_read(p, 20000000, 30 * SC_SECOND);
    assert_false(p->flow[CLIENT].path.ecn.off);
    assert_true(p->flow[CLIENT].path.ecn.ce > 0);
    assert_int_equal(p->flow[CLIENT].stats.packets_lost, 0);
    assert_true(p->flow[CLIENT].path.congestion.cwnd < 1000000);
    assert_true(t < 1760000 * 11 / 10 + 200000);
    finish(p);
}

/* --- ends ------------------------------------------------------------------------------------- */

static struct pair *opened(uint64_t seed)
{
    struct pair *p = make(seed);
    assert_true(pair_run(p, pair_both_open, p->now + SC_SECOND));
    pair_run(p, NULL, p->now + SC_SECOND); /* all is acknowledged */
    return p;
}

static bool server_over(const struct pair *p)
{
    return p->flow[SERVER].state >= SC_FLOW_LINGER;
}

static void abort_reaches_an_idle_peer(void **state)
{
    (void)state;
    for (uint64_t seed = 80; seed < 100; seed++) {
        struct pair *p = opened(seed);
        p->link[CLIENT].loss = p->link[SERVER].loss = 0.3;
        sc_flow_abort(&p->flow[CLIENT], SC_ABORT_RESET, ECONNABORTED, p->now);
        assert_int_equal(p->flow[CLIENT].state, SC_FLOW_FAILED);
        assert_int_equal(p->flow[CLIENT].error, ECONNABORTED);
        assert_true(pair_run(p, server_over, p->now + 20 * SC_SECOND));
        assert_int_equal(p->flow[SERVER].error, ECONNRESET);
        assert_false(sc_flow_recv_eof(&p->flow[SERVER]));
        pair_run(p, pair_both_dead, p->now + 60 * SC_SECOND);
        assert_true(pair_both_dead(p));
        finish(p);
    }
}

static void both_abort(void **state)
{
    (void)state;
    struct pair *p = opened(101);
    for (int i = 0; i < 2; i++)
        sc_flow_abort(&p->flow[i], SC_ABORT_RESET, ECONNABORTED, p->now);
    assert_true(pair_run(p, pair_both_dead, p->now + 60 * SC_SECOND));
    assert_true(p->delivered[SC_PKT_DATA] < 20);
    finish(p);
}

static void abort_keeps_what_was_delivered(void **state)
{
    (void)state;
    struct pair *p = opened(102);
    p->app[SERVER].paused = true;
    p->app[CLIENT].to_write = 100000;
    pair_run(p, pair_all_read, p->now + 5 * SC_SECOND);
    sc_flow_abort(&p->flow[CLIENT], SC_ABORT_RESET, ECONNABORTED, p->now);
    pair_run(p, server_over, p->now + 5 * SC_SECOND);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_FAILED);
    p->app[SERVER].paused = false;
    pair_read(p, SERVER);
    assert_int_equal(p->app[SERVER].read, 100000);
    assert_false(sc_flow_recv_eof(&p->flow[SERVER]));
    finish(p);
}

static void reset_needs_the_token(void **state)
{
    (void)state;
    struct pair *p = opened(103);
    struct sc_reset reset = {.src = 2};
    sc_flow_on_reset(&p->flow[CLIENT], &reset, p->now);
    assert_int_equal(p->flow[CLIENT].state, SC_FLOW_OPEN);
    memset(reset.token, 0x5e, sizeof reset.token);
    sc_flow_on_reset(&p->flow[CLIENT], &reset, p->now);
    assert_int_equal(p->flow[CLIENT].state, SC_FLOW_FAILED);
    assert_int_equal(p->flow[CLIENT].error, ECONNRESET);
    assert_false(sc_flow_wants_send(&p->flow[CLIENT], p->now));
    finish(p);
}

/* The peer has everything, has ended and is gone: all but our end was acknowledged. */
static void reset_after_the_end_is_no_error(void **state)
{
    (void)state;
    struct pair *p = opened(120);
    p->app[SERVER].fin_after = true;
    pair_run(p, NULL, p->now + SC_SECOND);
    p->link[CLIENT].down = true;
    sc_flow_send_fin(&p->flow[CLIENT], p->now);
    struct sc_reset reset = {.src = 2};
    memset(reset.token, 0x5e, sizeof reset.token);
    sc_flow_on_reset(&p->flow[CLIENT], &reset, p->now);
    assert_int_equal(p->flow[CLIENT].state, SC_FLOW_LINGER);
    assert_int_equal(p->flow[CLIENT].error, 0);
    finish(p);
}

static void reset_silences_an_abort(void **state)
{
    (void)state;
    struct pair *p = opened(121);
    sc_flow_abort(&p->flow[CLIENT], SC_ABORT_RESET, ECONNABORTED, p->now);
    assert_true(sc_flow_wants_send(&p->flow[CLIENT], p->now));
    struct sc_reset reset = {.src = 2};
    memset(reset.token, 0x5e, sizeof reset.token);
    sc_flow_on_reset(&p->flow[CLIENT], &reset, p->now);
    assert_false(sc_flow_wants_send(&p->flow[CLIENT], p->now));
    finish(p);
}

/* Packets that were on their way when their reader aborted draw the ABORT again. */
static void stragglers_are_told(void **state)
{
    (void)state;
    struct pair *p = opened(122);
    p->app[CLIENT].to_write = 1000000;
    pair_run(p, NULL, p->now + 50 * SC_MS);
    sc_flow_abort(&p->flow[SERVER], SC_ABORT_RESET, ECONNABORTED, p->now);
    pair_run(p, NULL, p->now + SC_SECOND);
    assert_int_equal(p->flow[CLIENT].state, SC_FLOW_FAILED);
    assert_int_equal(p->flow[CLIENT].error, ECONNRESET);
    assert_int_equal(p->pool[CLIENT].used, 0);
    assert_int_equal(p->pool[SERVER].used, 0);
    assert_true(pair_run(p, pair_both_dead, p->now + 30 * SC_SECOND));
    finish(p);
}

/* A path that clears the marks: ECN is not used any more, nothing else changes. */
static void cleared_marks_end_ecn(void **state)
{
    (void)state;
    struct pair *p = make(123);
    p->bleach = true;
    transfer(p, 1000000, 0, 10 * SC_SECOND);
    assert_true(p->flow[CLIENT].path.ecn.off);
    assert_int_equal(p->flow[CLIENT].stats.packets_lost, 0);
    finish(p);
}

/* One byte per packet, as fast as the window lets: bounded, and all arrive. */
static void tiny_packets(void **state)
{
    (void)state;
    struct pair *p = opened(124);
    struct sc_flow *f = &p->flow[CLIENT];
    struct iovec iov;
    p->app[CLIENT].to_write = 100000;
    for (int i = 0; i < 100000; i++) {
        if (sc_flow_send_room(f) > 0 && sc_flow_send_space(f, 1, &iov, 1) == 1) {
            *(uint8_t *)iov.iov_base = pair_byte(CLIENT, p->app[CLIENT].written++);
            sc_flow_send_commit(f, 1, p->now);
        }
        if (sc_flow_wants_send(f, p->now)) {
            assert_true(produce_alone(f, &p->train, p->now));
            pair_send_train(p, CLIENT, &p->train);
        }
    }
    assert_true(pair_run(p, pair_all_read, p->now + 30 * SC_SECOND));
    finish(p);
}

/* Writes until there is no room, at most so much. Returns how much there was. */
static size_t write_some(struct pair *p, int side, size_t most)
{
    struct sc_flow *f = &p->flow[side];
    struct iovec iov;
    size_t all = 0;
    while (sc_flow_send_room(f) > 0 && sc_flow_send_space(f, most - all, &iov, 1) == 1) {
        for (size_t i = 0; i < iov.iov_len; i++)
            ((uint8_t *)iov.iov_base)[i] = pair_byte(side, p->app[side].written++);
        sc_flow_send_commit(f, iov.iov_len, p->now);
        all += iov.iov_len;
    }
    p->app[side].to_write = p->app[side].written;
    return all;
}

static size_t write_all(struct pair *p, int side)
{
    return write_some(p, side, SIZE_MAX);
}

/* Sends what waits; every train but those that probe the path has as many packets as it can. */
static void send_full_trains(struct pair *p, struct sc_flow *f)
{
    while (f->send.next < f->send.end) {
        f->path.pacer.rate = 0; /* not its subject */
        assert_true(produce_alone(f, &p->train, p->now));
        if (!p->train.probe_mtu)
            assert_int_equal(p->train.packet_count, sc_train_packets(p->train.segment));
        pair_send_train(p, CLIENT, &p->train);
    }
}

/* Whatever waits already. */
static void a_share_fills_trains(void **state)
{
    (void)state;
    struct pair *p = opened(126);
    struct sc_flow *f = &p->flow[CLIENT];
    f->path.congestion.cwnd = 8 * 1024 * 1024;
    sc_send_on_window(&f->send, 8 * 1024 * 1024);
    for (size_t before = 0; before < 5000; before += 1234) {
        write_some(p, CLIENT, before);
        size_t share = sc_flow_send_share(f, 2 * SC_TRAIN_BYTES);
        assert_in_range(share, SC_TRAIN_BYTES / 2, 2 * SC_TRAIN_BYTES);
        assert_int_equal(write_some(p, CLIENT, share), share);
        send_full_trains(p, f);
    }
    assert_int_equal(sc_flow_send_share(f, 1000), 1000); /* no train can be filled */
    assert_int_equal(sc_flow_send_share(f, 0), 0);
    finish(p);
}

/* However large the window: what is not sent yet stays with the program, and it is asked for more
 * as soon as some is sent, not when that is acknowledged. */
static void takes_little_ahead(void **state)
{
    (void)state;
    struct pair *p = opened(125);
    struct sc_flow *f = &p->flow[CLIENT];
    f->path.congestion.cwnd = 8 * 1024 * 1024;
    assert_int_equal(write_all(p, CLIENT), SC_SEND_AHEAD);
    f->events = 0;
    while (f->stats.bytes_sent < SC_SEND_AHEAD / 4) {
        f->path.pacer.rate = 0; /* not its subject */
        assert_true(produce_alone(f, &p->train, p->now));
        pair_send_train(p, CLIENT, &p->train);
    }
    assert_true(f->events & SC_FLOW_WRITABLE);
    size_t again = write_all(p, CLIENT);
    assert_int_equal(f->send.end - f->send.next, SC_SEND_AHEAD);
    assert_true(again >= SC_SEND_AHEAD / 8);
    assert_true(pair_run(p, pair_all_read, p->now + 30 * SC_SECOND));
    finish(p);
}

static void user_timeout_ends_the_wait(void **state)
{
    (void)state;
    struct pair *p = opened(104);
    p->flow[CLIENT].user_timeout = 3 * SC_SECOND;
    p->link[CLIENT].down = true;
    sc_time start = p->now;
    p->app[CLIENT].to_write = 1000;
    while (p->flow[CLIENT].state == SC_FLOW_OPEN && p->now < start + 10 * SC_SECOND)
        pair_run(p, NULL, p->now + 100 * SC_MS);
    assert_int_equal(p->flow[CLIENT].error, ETIMEDOUT);
    assert_true(p->now - start <= 3200 * SC_MS);
    finish(p);
}

static void peer_gone_is_an_error(void **state)
{
    (void)state;
    struct pair *p = opened(105);
    sc_flow_on_peer_gone(&p->flow[SERVER], EHOSTUNREACH, p->now);
    assert_int_equal(p->flow[SERVER].error, EHOSTUNREACH);
    assert_false(sc_flow_recv_eof(&p->flow[SERVER]));
    assert_false(sc_flow_wants_send(&p->flow[SERVER], p->now));
    finish(p);
}

static void malformed_frames_end_the_flow(void **state)
{
    (void)state;
    struct pair *p = opened(106);
    uint8_t bad[] = {0x7f, 1, 2};
    struct sc_header h = {.number = 100};
    struct sc_reader r = sc_reader(bad, sizeof bad);
    sc_flow_on_data(&p->flow[SERVER], &h, &r, 0, p->now);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_FAILED);
    pair_run(p, NULL, p->now + SC_SECOND);
    assert_int_equal(p->flow[CLIENT].error, ECONNRESET);
    finish(p);
}

static void acknowledging_the_unsent_ends_the_flow(void **state)
{
    (void)state;
    struct pair *p = opened(107);
    uint8_t data[64];
    struct sc_writer w = sc_writer(data, sizeof data);
    struct sc_ack ack = {.largest = 1000, .count = 1, .range = {{1000, 1001}}};
    sc_ack_write(&w, &ack);
    struct sc_header h = {.number = 100};
    struct sc_reader r = sc_reader(data, sc_writer_len(&w));
    sc_flow_on_data(&p->flow[SERVER], &h, &r, 0, p->now);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_FAILED);
    finish(p);
}

static void half_close_goes_on(void **state)
{
    (void)state;
    struct pair *p = opened(108);
    p->app[CLIENT].to_write = 1000;
    p->app[CLIENT].fin_after = true;
    pair_run(p, NULL, p->now + SC_SECOND);
    assert_true(sc_flow_recv_eof(&p->flow[SERVER]));
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_OPEN);
    p->app[SERVER].to_write = 500000;
    p->app[SERVER].fin_after = true;
    assert_true(pair_run(p, pair_all_read, p->now + 10 * SC_SECOND));
    assert_true(pair_run(p, pair_both_over, p->now + 10 * SC_SECOND));
    finish(p);
}

static void urgent_mark_arrives(void **state)
{
    (void)state;
    struct pair *p = opened(109);
    p->app[CLIENT].to_write = 10;
    pair_write(p, CLIENT);
    sc_flow_send_urgent(&p->flow[CLIENT], p->now);
    p->link[CLIENT].down = true;
    pair_run(p, NULL, p->now + 15 * SC_MS);
    p->link[CLIENT].down = false;
    pair_run(p, NULL, p->now + 5 * SC_SECOND);
    assert_true(p->flow[SERVER].peer_urgent);
    assert_int_equal(p->flow[SERVER].peer_urgent_offset, 10);
    finish(p);
}

/* Three bytes, the second of them urgent: ahead until it is consumed. */
static void urgent_byte_is_ahead(void **state)
{
    (void)state;
    struct pair *p = opened(125);
    uint64_t before = 99;
    assert_false(sc_flow_urgent(&p->flow[SERVER], &before));
    p->app[SERVER].paused = true;
    p->app[CLIENT].to_write = 2;
    pair_write(p, CLIENT);
    sc_flow_send_urgent(&p->flow[CLIENT], p->now);
    p->app[CLIENT].to_write = 3;
    pair_run(p, NULL, p->now + SC_SECOND);
    assert_true(sc_flow_urgent(&p->flow[SERVER], &before));
    assert_int_equal(before, 1);
    sc_flow_recv_consume(&p->flow[SERVER], 1, p->now);
    assert_true(sc_flow_urgent(&p->flow[SERVER], &before));
    assert_int_equal(before, 0);
    sc_flow_recv_consume(&p->flow[SERVER], 1, p->now);
    assert_false(sc_flow_urgent(&p->flow[SERVER], &before));
    finish(p);
}

static void tells_of_itself(void **state)
{
    (void)state;
    struct pair *p = make(126);
    struct sc_flow_info info;
    transfer(p, 100000, 5000, 10 * SC_SECOND);
    sc_flow_info(&p->flow[SERVER], &info);
    assert_int_equal(info.service.bytes[0], 1);
    assert_int_equal(info.peer_address, 1);
    assert_int_equal(info.peer_pool, 0x0a000001);
    assert_int_equal(info.peer_port, 4000);
    assert_false(info.relayed);
    assert_in_range(info.rtt, 20 * SC_MS, 30 * SC_MS);
    assert_int_equal(info.mss, p->flow[SERVER].path.pmtu.size);
    assert_int_equal(info.moved, 105000 + 1); /* our end */
    assert_int_equal(info.packets_lost, 0);
    assert_true(sc_flow_send_finished(&p->flow[SERVER]));
    assert_int_equal(sc_flow_error(&p->flow[SERVER]), 0);
    finish(p);
}

static void discarding_keeps_the_window_open(void **state)
{
    (void)state;
    struct pair *p = opened(110);
    sc_flow_recv_discard(&p->flow[SERVER], p->now);
    p->app[CLIENT].to_write = 5000000;
    p->app[CLIENT].fin_after = true;
    pair_run(p, NULL, p->now + 20 * SC_SECOND);
    assert_true(p->app[CLIENT].events & SC_FLOW_SENT);
    assert_int_equal(p->pool[SERVER].used, 0);
    finish(p);
}

/* With next to no memory on either side everything still arrives. */
static void works_with_little_memory(void **state)
{
    (void)state;
    struct pair *p = make(111);
    sc_block_pool_init(&p->pool[CLIENT], 4 * SC_BLOCK_LEN);
    sc_block_pool_init(&p->pool[SERVER], 4 * SC_BLOCK_LEN);
    both_links(p, (struct pair_link){.delay = 1 * SC_MS, .loss = 0.02});
    p->app[SERVER].read_most = 3000;
    transfer(p, 500000, 500000, 300 * SC_SECOND);
    finish(p);
}

static void newreno_works_too(void **state)
{
    (void)state;
    struct pair *p = malloc(sizeof *p);
    pair_init(p, 112, sc_congestion_find("newreno"));
    both_links(p, (struct pair_link){.delay = 5 * SC_MS, .rate = 12500000, .loss = 0.001});
    transfer(p, 5000000, 0, 20 * SC_SECOND);
    finish(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_and_closes),
        cmocka_unit_test(idle_flow_has_no_deadline),
        cmocka_unit_test(fills_a_clean_link),
        cmocka_unit_test(bound_without_loss),
        cmocka_unit_test(fast_short_path),
        cmocka_unit_test(survives_everything),
        cmocka_unit_test(a_fifth_of_all_packets_lost),
        cmocka_unit_test(half_of_all_packets_lost),
        cmocka_unit_test(every_packet_twice),
        cmocka_unit_test(reordering_does_not_collapse_the_window),
        cmocka_unit_test(discovers_the_path_mtu),
        cmocka_unit_test(falls_back_from_a_black_hole),
        cmocka_unit_test(obeys_too_large),
        cmocka_unit_test(slow_reader_stops_the_writer),
        cmocka_unit_test(window_update_may_be_lost),
        cmocka_unit_test(outage_heals),
        cmocka_unit_test(marks_slow_the_sender),
        cmocka_unit_test(abort_reaches_an_idle_peer),
        cmocka_unit_test(both_abort),
        cmocka_unit_test(abort_keeps_what_was_delivered),
        cmocka_unit_test(reset_needs_the_token),
        cmocka_unit_test(reset_after_the_end_is_no_error),
        cmocka_unit_test(reset_silences_an_abort),
        cmocka_unit_test(stragglers_are_told),
        cmocka_unit_test(cleared_marks_end_ecn),
        cmocka_unit_test(tiny_packets),
        cmocka_unit_test(a_share_fills_trains),
        cmocka_unit_test(takes_little_ahead),
        cmocka_unit_test(user_timeout_ends_the_wait),
        cmocka_unit_test(peer_gone_is_an_error),
        cmocka_unit_test(malformed_frames_end_the_flow),
        cmocka_unit_test(acknowledging_the_unsent_ends_the_flow),
        cmocka_unit_test(half_close_goes_on),
        cmocka_unit_test(urgent_mark_arrives),
        cmocka_unit_test(urgent_byte_is_ahead),
        cmocka_unit_test(tells_of_itself),
        cmocka_unit_test(discarding_keeps_the_window_open),
        cmocka_unit_test(works_with_little_memory),
        cmocka_unit_test(newreno_works_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
