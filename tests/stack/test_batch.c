/* What leaves in one call: whose packets a train has, and who is told when it is refused. */
#include "stack/net.h"

#include "stack/parts.h"

#define WEB "web.demo.scaffold:80"
#define DB "db.demo.scaffold:80"
#define FLOWS 6

/* A host with flows to two others: the first half of them to b, the rest to c. */
static struct net net;
static struct net_node *a;
static struct sc_flow *flow[FLOWS];
static unsigned bits[2 * FLOWS];

static int set_up(void **state)
{
    (void)state;
    net_three(&net);
    net_start(&net, 3, "c", 0, 103);
    net_run(&net, SC_SECOND);
    a = &net.node[1];
    net_serve(&net.node[2], WEB);
    net_serve(&net.node[3], DB);
    net_pump(&net);
    for (size_t i = 0; i < FLOWS; i++) {
        struct net_node *at = &net.node[i < FLOWS / 2 ? 2 : 3];
        flow[i] = net_connect(a, i < FLOWS / 2 ? WEB : DB, &bits[i]);
        net_pump(&net);
        assert_int_equal(at->arrived_count, 1 + i % (FLOWS / 2));
        struct sc_flow *other = at->arrived[at->arrived_count - 1];
        sc_stack_accept(at->stack, other, &bits[FLOWS + i]);
        net_check_talk(a, flow[i], at, other);
    }
    net_run(&net, 100 * SC_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_fini(&net);
    return 0;
}

static void write_all(void)
{
    for (size_t i = 0; i < FLOWS; i++)
        net_write(a, flow[i], "some bytes");
}

/* The next train has packets of these flows. */
static void drains(size_t from, size_t to)
{
    assert_true(sc_stack_drain(a->stack, &net.train, net.now));
    assert_int_equal(net.train.packet_count, to - from);
    for (size_t i = 0; from + i < to; i++)
        assert_ptr_equal(net.train.packet[i].flow, flow[from + i]);
}

static void flows_to_one_place_share(void **state)
{
    (void)state;
    write_all();
    drains(0, FLOWS / 2);
    drains(FLOWS / 2, FLOWS);
    assert_false(sc_stack_drain(a->stack, &net.train, net.now));
    assert_false(sc_stack_pending(a->stack)); /* nothing is held for another turn */
}

static void and_what_they_say_arrives(void **state)
{
    (void)state;
    write_all();
    net_pump(&net);
    for (size_t i = 0; i < FLOWS; i++) {
        struct net_node *at = &net.node[i < FLOWS / 2 ? 2 : 3];
        assert_true(net_reads(at, at->arrived[i % (FLOWS / 2)], "some bytes"));
    }
}

/* Whoever is of another length goes next. */
static void nobody_is_passed_over(void **state)
{
    (void)state;
    char text[600];
    for (size_t i = 0; i < FLOWS; i++) {
        size_t len = i == 1 ? 500 : 10;
        memset(text, 'x', len);
        text[len] = 0;
        net_write(a, flow[i], text);
    }
    assert_true(sc_stack_drain(a->stack, &net.train, net.now));
    assert_int_equal(net.train.packet_count, 2);
    assert_ptr_equal(net.train.packet[1].flow, flow[2]);
    drains(1, 2); /* who waits longest is the next to begin one */
    drains(FLOWS / 2, FLOWS);
}

/* A full packet and a short one: together, unless that keeps others to the same place out. */
static void short_ends_wait_for_company_alone(void **state)
{
    (void)state;
    char text[1500];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    net_write(a, flow[0], text);
    net_write(a, flow[FLOWS - 1], text);
    for (size_t i = 0; i < FLOWS; i += FLOWS - 1) {
        assert_true(sc_stack_drain(a->stack, &net.train, net.now));
        assert_int_equal(net.train.packet_count, 2);
        assert_ptr_equal(net.train.packet[1].flow, flow[i]);
    }
    net_write(a, flow[0], text);
    net_write(a, flow[1], text);
    drains(0, 2);
    drains(0, 2);
    assert_false(sc_stack_drain(a->stack, &net.train, net.now));
}

static void fill(struct sc_flow *f)
{
    struct iovec iov[64];
    size_t n = sc_flow_send_space(f, SIZE_MAX, iov, 64), len = 0;
    for (size_t i = 0; i < n; i++)
        len += iov[i].iov_len;
    for (size_t i = 0; i < n; i++)
        memset(iov[i].iov_base, 'x', iov[i].iov_len);
    sc_flow_send_commit(f, len, net.now);
}

/* Flows that have as much to send as anybody takes, and whom nothing holds up: each train is one
 * flow's, and after each round all have sent as much. */
static void turns_are_equal(void **state)
{
    (void)state;
    uint64_t before[FLOWS], sent = 0;
    for (size_t i = 0; i < FLOWS; i++) {
        flow[i]->path.congestion.cwnd = 64u << 20;
        flow[i]->send.limit = UINT64_C(1) << 40;
        flow[i]->path.pmtu.next = SC_NEVER; /* no probes */
        before[i] = flow[i]->stats.bytes_sent;
        fill(flow[i]);
        sc_stack_touch(a->stack, flow[i], net.now);
    }
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < FLOWS; i++) {
            flow[i]->path.pacer.rate = 0; /* nor pacing */
            assert_true(sc_stack_drain(a->stack, &net.train, net.now));
            assert_ptr_equal(net.train.packet[0].flow, flow[i]);
            assert_ptr_equal(net.train.packet[net.train.packet_count - 1].flow, flow[i]);
            fill(flow[i]);
            sc_stack_touch(a->stack, flow[i], net.now);
        }
        assert_true(flow[0]->stats.bytes_sent - before[0] > sent);
        sent = flow[0]->stats.bytes_sent - before[0];
        for (size_t i = 1; i < FLOWS; i++)
            assert_int_equal(flow[i]->stats.bytes_sent - before[i], sent);
    }
}

static void only_whose_packet_was_too_large_is_told(void **state)
{
    (void)state;
    write_all();
    drains(0, FLOWS / 2);
    sc_stack_on_send_error(a->stack, &net.train, 1, true, net.now);
    for (size_t i = 0; i < FLOWS; i++)
        assert_int_equal(flow[i]->path.pmtu.next > net.now, i == 1); /* looks for no larger one */
    assert_int_equal(sc_stack_counters(a->stack)->dropped_send, 1);
}

static void nobody_shares_what_is_sent_one_by_one(void **state)
{
    (void)state;
    sc_stack_on_unsegmented(a->stack);
    write_all();
    for (size_t i = 0; i < FLOWS; i++)
        drains(i, i + 1);
    assert_false(sc_stack_drain(a->stack, &net.train, net.now));
}

/* Every other turn is the flows', however many share it. */
static void others_have_their_turn(void **state)
{
    (void)state;
    static const uint8_t packet[50];
    struct sc_outbox *o = &a->stack->node.outbox;
    write_all();
    for (size_t i = 0; i < 3; i++)
        sc_outbox_put(o, SC_QUEUE_ANSWERS, &net.node[2].at, packet, 10 + i);
    size_t flows = 0, others = 0;
    for (size_t n = 0; n < 4; n++) {
        assert_true(sc_stack_drain(a->stack, &net.train, net.now));
        flows += net.train.packet_count > 0;
        others += net.train.packet_count == 0;
    }
    assert_int_equal(flows, 2);
    assert_int_equal(others, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(flows_to_one_place_share),
        TEST(and_what_they_say_arrives),
        TEST(nobody_is_passed_over),
        TEST(short_ends_wait_for_company_alone),
        TEST(turns_are_equal),
        TEST(only_whose_packet_was_too_large_is_told),
        TEST(nobody_shares_what_is_sent_one_by_one),
        TEST(others_have_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
