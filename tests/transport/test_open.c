#include "transport/pair.h"

#include <errno.h>

static struct pair pair, *const p = &pair;

static int setup(void **state)
{
    (void)state;
    pair_init(p, 1, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_fini(p);
    return 0;
}

static struct sc_flow *client(void)
{
    return &p->flow[CLIENT];
}

/* The OPEN that is due, decoded. */
static struct sc_open produced(void)
{
    static struct sc_train t;
    struct sc_open open;
    struct sc_header h;
    assert_true(produce_alone(client(), &t, p->now));
    assert_int_equal(t.iov_count, 1);
    struct sc_reader r = sc_reader(t.iov[0].iov_base, t.iov[0].iov_len);
    assert_true(t.len >= SC_OPEN_LEN);
    sc_header_read(&r, &h);
    assert_int_equal(h.type, SC_PKT_OPEN);
    assert_true(h.dst == 0 && h.flow == 0 && h.number == 0);
    sc_open_read(&r, &open);
    assert_false(r.bad);
    return open;
}

static struct sc_answer answer_to(const struct sc_open *open, uint64_t src)
{
    struct sc_answer a = {.src = src,
                          .src_flow = 9,
                          .open_id = open->open_id,
                          .service = open->service,
                          .window = 1000,
                          .epoch = 5};
    return a;
}

static void open_says_who_and_what(void **state)
{
    (void)state;
    struct sc_open open = produced();
    assert_int_equal(open.src, 1);
    assert_int_equal(open.src_flow, 7);
    assert_int_equal(open.src_port, 4000);
    assert_int_equal(open.attempt, 0);
    assert_int_equal(open.origin.family, 0);
    assert_true(sc_service_id_equal(&open.service, &client()->service));
    assert_false(sc_flow_wants_send(client(), p->now));
}

static void repeats_then_tries_anew(void **state)
{
    (void)state;
    static const sc_time at[] = {0, 300, 900, 1500, 2100, 2700, 3000, 3300};
    static const int attempt[] = {0, 0, 0, 0, 0, 0, 1, 1};
    sc_time start = p->now;
    for (int i = 0; i < 8; i++) {
        p->now = start + at[i] * SC_MS;
        if (i > 0) {
            assert_int_equal(sc_flow_deadline(client()), p->now);
            sc_flow_on_timer(client(), p->now);
        }
        assert_int_equal(produced().attempt, attempt[i]);
    }
}

static void silence_is_a_timeout(void **state)
{
    (void)state;
    p->serving = false;
    sc_time start = p->now;
    pair_run(p, pair_both_dead, start + 200 * SC_SECOND);
    assert_int_equal(client()->error, ETIMEDOUT);
    assert_true(p->app[CLIENT].events & SC_FLOW_ENDED);
    assert_false(p->app[CLIENT].events & SC_FLOW_ESTABLISHED);
    assert_true(p->now - start >= 127 * SC_SECOND && p->now - start < 135 * SC_SECOND);
}

static struct sc_refuse refusal(uint64_t src, uint8_t why)
{
    return (struct sc_refuse){.src = src, .open_id = client()->open_id, .refusal = why};
}

static void refusals_end_it(void **state)
{
    (void)state;
    static const uint8_t why[] = {SC_REFUSE_NO_INSTANCE, SC_REFUSE_NOT_ALLOWED, SC_REFUSE_NO_ROUTE};
    static const int error[] = {ECONNREFUSED, EACCES, ENETUNREACH};
    for (int i = 0; i < 3; i++) {
        struct sc_refuse refuse = refusal(0, why[i]);
        sc_flow_on_refuse(client(), &refuse, p->now);
        assert_int_equal(client()->state, SC_FLOW_FAILED);
        assert_int_equal(client()->error, error[i]);
        assert_false(sc_flow_wants_send(client(), p->now));
        pair_fini(p);
        pair_init(p, 1, NULL);
    }
}

static void an_instance_that_refuses_is_excluded(void **state)
{
    (void)state;
    produced();
    struct sc_refuse refuse = refusal(42, SC_REFUSE_INSTANCE);
    sc_flow_on_refuse(client(), &refuse, p->now);
    struct sc_open open = produced();
    assert_int_equal(open.exclude_count, 1);
    assert_int_equal(open.exclude[0], 42);
    assert_int_equal(open.attempt, 1);
    sc_flow_on_refuse(client(), &refuse, p->now); /* the same again */
    assert_false(sc_flow_wants_send(client(), p->now));
    struct sc_refuse none = refusal(0, SC_REFUSE_NO_INSTANCE);
    sc_flow_on_refuse(client(), &none, p->now);
    assert_int_equal(client()->error, ECONNREFUSED);
}

static void refusals_are_bounded(void **state)
{
    (void)state;
    for (uint64_t host = 1; host <= SC_OPEN_EXCLUDE + 1; host++) {
        assert_int_equal(client()->state, SC_FLOW_OPENING);
        produced();
        struct sc_refuse refuse = refusal(host + 100, SC_REFUSE_INSTANCE);
        sc_flow_on_refuse(client(), &refuse, p->now);
    }
    assert_int_equal(client()->error, ECONNREFUSED);
}

static void a_stranger_cannot_answer(void **state)
{
    (void)state;
    struct sc_open open = produced();
    struct sc_refuse refuse = refusal(0, SC_REFUSE_NO_INSTANCE);
    refuse.open_id++;
    sc_flow_on_refuse(client(), &refuse, p->now);
    struct sc_answer a = answer_to(&open, 2);
    a.open_id++;
    sc_flow_on_answer(client(), &a, p->now);
    struct sc_retry retry = {.open_id = open.open_id + 1};
    sc_flow_on_retry(client(), &retry, p->now);
    assert_int_equal(client()->state, SC_FLOW_OPENING);
    assert_false(sc_flow_wants_send(client(), p->now));
}

static void cookie_is_returned(void **state)
{
    (void)state;
    struct sc_open open = produced();
    const uint8_t cookie[] = {1, 2, 3, 4};
    struct sc_retry retry = {.open_id = open.open_id, .cookie = {cookie, 4}};
    sc_flow_on_retry(client(), &retry, p->now);
    open = produced();
    assert_int_equal(open.cookie.len, 4);
    assert_memory_equal(open.cookie.data, cookie, 4);
    for (int i = 0; i < 10; i++) {
        sc_flow_on_retry(client(), &retry, p->now);
        if (sc_flow_wants_send(client(), p->now))
            produced();
    }
    assert_int_equal(client()->opening.sent, 5); /* a loop ends */
}

static void first_answer_wins(void **state)
{
    (void)state;
    struct sc_open open = produced();
    struct sc_answer first = answer_to(&open, 2), second = answer_to(&open, 3);
    assert_false(sc_flow_answer_is_stray(client(), &first));
    sc_flow_on_answer(client(), &first, p->now);
    assert_int_equal(client()->state, SC_FLOW_OPEN);
    assert_int_equal(client()->peer_address, 2);
    assert_true(sc_flow_answer_is_stray(client(), &second));
    assert_false(sc_flow_answer_is_stray(client(), &first));
    sc_flow_on_answer(client(), &second, p->now);
    assert_int_equal(client()->peer_address, 2);
}

static void repeated_answer_draws_the_third_packet_again(void **state)
{
    (void)state;
    static struct sc_train t;
    struct sc_open open = produced();
    struct sc_answer a = answer_to(&open, 2);
    sc_flow_on_answer(client(), &a, p->now);
    assert_true(produce_alone(client(), &t, p->now));
    assert_int_equal(t.scratch[0] & 15, SC_PKT_CONFIRM);
    assert_false(sc_flow_wants_send(client(), p->now));
    sc_flow_on_answer(client(), &a, p->now);
    assert_true(produce_alone(client(), &t, p->now));
    assert_int_equal(t.scratch[0] & 15, SC_PKT_CONFIRM);
}

static void first_data_travels_with_the_third_packet(void **state)
{
    (void)state;
    p->app[CLIENT].to_write = 100;
    assert_true(pair_run(p, pair_all_read, p->now + SC_SECOND));
    assert_int_equal(p->now, SC_SECOND + 3 * 10 * SC_MS);
    assert_int_equal(p->delivered[SC_PKT_DATA], 0);
}

/* Everything is CONFIRM until one is acknowledged, so that no order of arrival loses data. */
static void first_flight_survives_reordering(void **state)
{
    (void)state;
    p->link[CLIENT].reorder = 0.9;
    p->link[CLIENT].reorder_by = 3 * SC_MS;
    p->app[CLIENT].to_write = 10000;
    assert_true(pair_run(p, pair_all_read, p->now + SC_SECOND));
    assert_int_equal(client()->stats.packets_retransmitted, 0);
    assert_int_equal(p->delivered[SC_PKT_DATA], 0);
}

static void lost_third_packet_comes_again(void **state)
{
    (void)state;
    pair_run(p, NULL, p->now + 15 * SC_MS);
    p->link[CLIENT].down = true;
    pair_run(p, NULL, p->now + 20 * SC_MS);
    assert_int_equal(client()->state, SC_FLOW_OPEN);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_ANSWERED);
    p->link[CLIENT].down = false;
    assert_true(pair_run(p, pair_both_open, p->now + SC_SECOND));
}

static void repeated_open_never_opens_twice(void **state)
{
    (void)state;
    p->link[CLIENT].duplicate = 1;
    assert_true(pair_run(p, pair_both_open, p->now + SC_SECOND));
    pair_run(p, NULL, p->now + SC_SECOND);
    assert_int_equal(p->delivered[SC_PKT_OPEN], 2);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_OPEN);
    assert_int_equal(p->flow[SERVER].stats.packets_dropped, 0);
}

static void half_open_is_forgotten(void **state)
{
    (void)state;
    pair_run(p, NULL, p->now + 15 * SC_MS);
    p->link[CLIENT].down = true;
    pair_run(p, NULL, p->now + 10 * SC_SECOND);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_DEAD);
    assert_int_equal(p->flow[SERVER].events | p->app[SERVER].events, 0);
}

static void answer_is_no_amplifier(void **state)
{
    (void)state;
    static struct sc_train t;
    pair_run(p, NULL, p->now + 10 * SC_MS); /* OPEN arrived, ANSWER is on its way */
    assert_true(p->has_server);
    struct sc_open open = {.open_id = client()->open_id};
    sc_flow_on_open(&p->flow[SERVER], &open, p->now);
    assert_true(produce_alone(&p->flow[SERVER], &t, p->now));
    assert_true(t.len < SC_OPEN_LEN);
    for (int i = 0; i < 100; i++) {
        sc_flow_on_timer(&p->flow[SERVER], p->now += 10 * SC_MS);
        assert_false(sc_flow_wants_send(&p->flow[SERVER], p->now)); /* one for each OPEN */
    }
}

static void data_does_not_open(void **state)
{
    (void)state;
    pair_run(p, NULL, p->now + 10 * SC_MS);
    uint8_t ping = SC_FRAME_PING;
    struct sc_header h = {.number = 3};
    struct sc_reader r = sc_reader(&ping, 1);
    sc_flow_on_data(&p->flow[SERVER], &h, &r, 0, p->now);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_ANSWERED);
    struct sc_confirm c = {.src = 1, .open_id = client()->open_id + 1};
    sc_flow_on_confirm(&p->flow[SERVER], &h, &c, p->now);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_ANSWERED);
}

static void abort_while_opening_says_nothing(void **state)
{
    (void)state;
    produced();
    sc_flow_abort(client(), SC_ABORT_RESET, ECONNABORTED, p->now);
    assert_int_equal(client()->state, SC_FLOW_FAILED);
    assert_false(sc_flow_wants_send(client(), p->now));
    pair_run(p, pair_both_dead, p->now + 10 * SC_SECOND);
    assert_int_equal(client()->state, SC_FLOW_DEAD);
}

static void abort_before_confirmation_reaches_the_server(void **state)
{
    (void)state;
    pair_run(p, NULL, p->now + 20 * SC_MS - 1);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_ANSWERED);
    p->link[CLIENT].down = true;
    pair_run(p, NULL, p->now + 1);
    assert_int_equal(client()->state, SC_FLOW_OPEN);
    p->link[CLIENT].down = false;
    sc_flow_abort(client(), SC_ABORT_RESET, ECONNABORTED, p->now);
    pair_run(p, NULL, p->now + SC_SECOND);
    assert_int_equal(p->flow[SERVER].state, SC_FLOW_FAILED);
    assert_int_equal(p->flow[SERVER].error, ECONNRESET);
}

static void handshake_measures_the_round_trip(void **state)
{
    (void)state;
    assert_true(pair_run(p, pair_both_open, p->now + SC_SECOND));
    assert_int_equal(client()->path.rtt.smoothed, 20 * SC_MS);
    assert_int_equal(p->flow[SERVER].path.rtt.smoothed, 21 * SC_MS); /* the client had no data */
}

/* Nobody has to speak for the server to learn of the flow; whoever does, spares a packet. */
static void third_packet_waits_a_moment_for_data(void **state)
{
    (void)state;
    static struct sc_train t;
    struct sc_open open = produced();
    struct sc_answer a = answer_to(&open, 2);
    p->now += 8 * SC_MS;
    sc_flow_on_answer(client(), &a, p->now);
    assert_false(sc_flow_wants_send(client(), p->now));
    assert_int_equal(sc_flow_deadline(client()), p->now + 1 * SC_MS);
    assert_true(sc_flow_wants_send(client(), p->now + 1 * SC_MS));
    assert_true(sc_flow_produce(client(), &t, p->now + 1 * SC_MS));
    assert_int_equal(t.scratch[0] & 15, SC_PKT_CONFIRM);
}

static void acknowledgement_of_the_third_packet_waits_for_data(void **state)
{
    (void)state;
    p->app[CLIENT].to_write = 1;
    assert_true(pair_run(p, pair_both_open, p->now + SC_SECOND));
    struct sc_ack_state *ack = &p->flow[SERVER].ack;
    assert_false(ack->due);
    assert_int_equal(ack->pending, 1);
    assert_true(ack->deadline <= p->now + SC_ACK_DELAY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open_says_who_and_what),
        TEST(repeats_then_tries_anew),
        TEST(silence_is_a_timeout),
        TEST(refusals_end_it),
        TEST(an_instance_that_refuses_is_excluded),
        TEST(refusals_are_bounded),
        TEST(a_stranger_cannot_answer),
        TEST(cookie_is_returned),
        TEST(first_answer_wins),
        TEST(repeated_answer_draws_the_third_packet_again),
        TEST(first_data_travels_with_the_third_packet),
        TEST(first_flight_survives_reordering),
        TEST(lost_third_packet_comes_again),
        TEST(repeated_open_never_opens_twice),
        TEST(half_open_is_forgotten),
        TEST(answer_is_no_amplifier),
        TEST(data_does_not_open),
        TEST(abort_while_opening_says_nothing),
        TEST(abort_before_confirmation_reaches_the_server),
        TEST(handshake_measures_the_round_trip),
        TEST(third_packet_waits_a_moment_for_data),
        TEST(acknowledgement_of_the_third_packet_waits_for_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
