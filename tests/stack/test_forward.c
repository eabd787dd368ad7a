/* The router as the way between hosts that do not hear each other, and as nobody else's. */
#include "stack/net.h"

#include <errno.h>

#define WEB "web.demo.scaffold:80"

static bool drop_direct(struct net *n, struct net_packet *p)
{
    return (net_is(n, &p->from, n->from) && net_is(n, &p->to, n->to)) ||
           (n->what && net_is(n, &p->from, n->to) && net_is(n, &p->to, n->from));
}

/* a (node 1) opens a flow to b (node 2), while what goes from `from` to `to`, and with `both` what
 * goes back, vanishes. */
static void without(int from, int to, bool both)
{
    struct net n;
    unsigned bits, server_bits = 0;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    net_serve(b, WEB);
    net_pump(&n);
    n.filter = drop_direct;
    n.from = from;
    n.to = to;
    n.what = both;
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_run(&n, SC_OPEN_RELAY_AFTER + SC_MS);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    net_run(&n, 3 * SC_SECOND);
    assert_int_equal(b->arrived_count, 1);
    struct sc_flow *g = b->arrived[0];
    assert_true(f->relayed && g->relayed);
    sc_stack_accept(b->stack, g, &server_bits);
    net_check_talk(a, f, b, g);
    net_run(&n, 60 * SC_SECOND); /* probes go the same way */
    assert_false((bits | server_bits) & SC_FLOW_ENDED);
    net_check_talk(a, f, b, g);
    net_drop(a, f);
    net_run(&n, SC_SECOND);
    assert_int_equal(g->error, ECONNRESET);
    net_fini(&n);
}

static void answers_vanish(void **state)
{
    (void)state;
    without(2, 1, false);
}

static void confirmations_vanish(void **state)
{
    (void)state;
    without(1, 2, false);
}

static void both_vanish(void **state)
{
    (void)state;
    without(1, 2, true);
}

/* A restart behind a relay is found, too. */
static void a_relayed_restart(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    net_serve(&n.node[2], WEB);
    net_pump(&n);
    n.filter = drop_direct;
    n.from = 1;
    n.to = 2;
    n.what = 1;
    struct sc_flow *f = net_connect(&n.node[1], WEB, &bits);
    net_run(&n, 3 * SC_SECOND);
    assert_true(f->relayed);
    net_stop(&n.node[2]);
    net_start(&n, 2, "b", 0, 202);
    net_run(&n, SC_PEER_PROBE_AFTER + SC_SECOND);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNRESET);
    net_fini(&n);
}

static void send_data(struct net *n, int to, uint64_t dst, uint8_t hops, size_t len)
{
    uint8_t buf[SC_DATAGRAM_BASE] = {0};
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_DATA, .hop_limit = hops, .dst = dst, .flow = 5};
    struct sc_writer w = sc_writer(buf, sizeof buf);
    sc_header_write(&w, &h);
    net_send(n, &n->node[4].at, &n->node[to].at, buf, len);
    net_pump(n);
}

static void strays(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1];
    const struct sc_stack_counters *c = sc_stack_counters(r->stack);
    uint64_t forwarded = c->forwarded;
    send_data(&n, 0, net_address(a), 2, 100);
    assert_int_equal(c->forwarded, forwarded + 1);
    send_data(&n, 0, net_address(a), 0, 100);
    assert_int_equal(c->dropped_hops, 1);
    send_data(&n, 0, sc_network_address(1, 999), 16, 100);
    assert_int_equal(c->dropped_unknown_address, 1);
    send_data(&n, 1, net_address(&n.node[2]), 16, 100); /* a is no router */
    assert_int_equal(sc_stack_counters(a->stack)->dropped_unknown_address, 1);
    assert_int_equal(c->forwarded, forwarded + 1);
    net_stop(a);
    net_run(&n, 5 * SC_SECOND);
    send_data(&n, 0, sc_network_address(1, 2), 16, 100);
    send_data(&n, 0, sc_network_address(1, 3), 16, 100);
    assert_int_equal(c->dropped_unknown_address, 2); /* one of them is down */
    net_fini(&n);
}

/* Packets of unknown flows draw a RESET that is not longer, and not without end. */
static void resets(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *a = &n.node[1], *sink = &n.node[4];
    send_data(&n, 1, 0, 16, 45);
    assert_int_equal(sink->packets_in, 0);
    send_data(&n, 1, 0, 16, 46);
    assert_int_equal(sink->packets_in, 1);
    assert_int_equal(sink->bytes_in, 46);
    for (int i = 0; i < 5000; i++)
        send_data(&n, 1, 0, 16, 100);
    assert_in_range(sink->packets_in, 900, 1100);
    net_run(&n, 2 * SC_SECOND);
    size_t before = sink->packets_in;
    send_data(&n, 1, 0, 16, 100);
    assert_int_equal(sink->packets_in, before + 1);
    assert_int_equal(sc_stack_counters(a->stack)->resets_sent, sink->packets_in);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_vanish), cmocka_unit_test(confirmations_vanish),
        cmocka_unit_test(both_vanish),    cmocka_unit_test(a_relayed_restart),
        cmocka_unit_test(strays),         cmocka_unit_test(resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
