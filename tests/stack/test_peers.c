/* Other hosts that flows are shared with: silence, death, restarts, and who may say so. */
#include "stack/net.h"

#include <errno.h>

#include "wire/control.h"

#define WEB "web.demo.scaffold:80"

/* `count` open flows from a (node 1) to b (node 2). */
static void talk(struct net *n, size_t count, struct sc_flow *f[], unsigned bits[])
{
    static unsigned server_bits;
    net_three(n);
    net_serve(&n->node[2], WEB);
    net_pump(n);
    for (size_t i = 0; i < count; i++) {
        f[i] = net_connect(&n->node[1], WEB, &bits[i]);
        net_pump(n);
        assert_true(bits[i] & SC_FLOW_ESTABLISHED);
        sc_stack_accept(n->node[2].stack, n->node[2].arrived[i], &server_bits);
    }
    net_run(n, SC_SECOND);
    memset(n->messages, 0, sizeof n->messages);
}

/* One probe serves all flows, and no flow ends. */
static void idle_flows(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[8];
    unsigned bits[8];
    talk(&n, 8, f, bits);
    net_run(&n, 60 * SC_SECOND);
    assert_in_range(n.messages[SC_MSG_PROBE], 60 / 6 * 1, 2 * 60 / 4);
    assert_int_equal(n.messages[SC_MSG_PROBE], n.messages[SC_MSG_ALIVE]);
    for (int i = 0; i < 8; i++) {
        assert_false(bits[i] & SC_FLOW_ENDED);
        net_drop(&n.node[1], f[i]);
    }
    net_run(&n, 10 * SC_SECOND);
    memset(n.messages, 0, sizeof n.messages);
    net_run(&n, 60 * SC_SECOND);
    assert_int_equal(n.messages[SC_MSG_PROBE], 0);
    net_fini(&n);
}

static bool drop_host(struct net *n, struct net_packet *p)
{
    return net_is(n, &p->from, n->from) || net_is(n, &p->to, n->from);
}

static void a_dead_host(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[3];
    unsigned bits[3];
    talk(&n, 3, f, bits);
    n.filter = drop_host;
    n.from = 2;
    net_run(&n, SC_PEER_DEAD_AFTER - 2 * SC_SECOND);
    assert_false(bits[0] & SC_FLOW_ENDED);
    net_run(&n, 5 * SC_SECOND);
    for (int i = 0; i < 3; i++) {
        assert_true(bits[i] & SC_FLOW_ENDED);
        assert_int_equal(f[i]->error, ETIMEDOUT);
    }
    assert_int_equal(sc_stack_counters(n.node[1].stack)->peers_lost, 1);
    net_fini(&n);
}

static void a_restarted_host(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[3];
    unsigned bits[3], fresh;
    talk(&n, 3, f, bits);
    net_stop(&n.node[2]);
    net_start(&n, 2, "b", 0, 202);
    net_serve(&n.node[2], WEB);
    net_run(&n, 2 * SC_SECOND);
    assert_false(bits[0] & SC_FLOW_ENDED); /* idle: it was not asked yet */
    struct sc_flow *g = net_connect(&n.node[1], WEB, &fresh);
    net_pump(&n);
    assert_true(fresh & SC_FLOW_ESTABLISHED);
    for (int i = 0; i < 3; i++) {
        assert_true(bits[i] & SC_FLOW_ENDED);
        assert_int_equal(f[i]->error, ECONNRESET);
    }
    assert_false(fresh & SC_FLOW_ENDED); /* it is of the new epoch */
    unsigned server = 0;
    sc_stack_accept(n.node[2].stack, n.node[2].arrived[0], &server);
    net_check_talk(&n.node[1], g, &n.node[2], n.node[2].arrived[0]);
    net_fini(&n);
}

/* A restarted host knows neither the flow nor its secret, so its RESET proves nothing; but it is a
 * reason to ask, and the answer's epoch tells. No need to wait for silence. */
static void a_restart_is_found_by_data(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[2];
    unsigned bits[2];
    talk(&n, 2, f, bits);
    net_stop(&n.node[2]);
    net_start(&n, 2, "b", 0, 202);
    net_run(&n, SC_SECOND);
    net_write(&n.node[1], f[0], "anybody there?");
    net_run(&n, SC_SECOND / 2);
    for (int i = 0; i < 2; i++) {
        assert_true(bits[i] & SC_FLOW_ENDED);
        assert_int_equal(f[i]->error, ECONNRESET);
    }
    net_fini(&n);
}

static void unreachable(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[1];
    unsigned bits[1];
    talk(&n, 1, f, bits);
    for (int i = 0; i < 100; i++)
        sc_stack_on_unreachable(n.node[1].stack, &n.node[2].at, n.now);
    sc_stack_on_unreachable(n.node[1].stack, &n.node[4].at, n.now);
    net_pump(&n);
    assert_int_equal(n.messages[SC_MSG_PROBE], 1);
    for (int i = 0; i < 100; i++) { /* it was answered; yet anyone can send ICMP */
        sc_stack_on_unreachable(n.node[1].stack, &n.node[2].at, n.now);
        net_pump(&n);
    }
    assert_int_equal(n.messages[SC_MSG_PROBE], 1);
    net_run(&n, SC_SECOND);
    assert_false(bits[0] & SC_FLOW_ENDED);
    net_fini(&n);
}

static void send_control(struct net *n, const struct sc_underlay *from, const struct sc_control *c)
{
    uint8_t buf[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(buf, sizeof buf);
    sc_control_write(&w, c);
    net_send(n, from, &n->node[1].at, buf, sc_writer_len(&w));
    net_pump(n);
}

/* Who was not asked cannot say that a host was restarted, whatever address it sends from. */
static void forged_epochs(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[1];
    unsigned bits[1];
    talk(&n, 1, f, bits);
    struct sc_control c = {.message = SC_MSG_ALIVE, .src = net_address(&n.node[2]), .epoch = 666};
    for (uint64_t t = 0; t < 3; t++) {
        c.transaction = t;
        send_control(&n, &n.node[2].at, &c);
        send_control(&n, &n.node[4].at, &c);
    }
    n.filter = drop_host;
    n.from = 2;
    net_run(&n, SC_PEER_PROBE_AFTER + SC_SECOND); /* now there is a probe unanswered */
    n.filter = NULL;
    send_control(&n, &n.node[2].at, &c);
    net_run(&n, 10 * SC_SECOND);
    assert_false(bits[0] & SC_FLOW_ENDED);
    net_fini(&n);
}

static bool keep_answer(struct net *n, struct net_packet *p)
{
    if (net_type(p) == SC_PKT_ANSWER && net_is(n, &p->to, 4)) {
        memcpy(n->packet, p->data, p->len);
        n->packet_len = p->len;
    }
    return false;
}

/* The first three packets of a flow to `service` on a, sent by node 4 in the name of `src`. */
static void open_as(struct net *n, uint64_t src, const char *service)
{
    uint8_t buf[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(buf, sizeof buf);
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_OPEN, .hop_limit = SC_HOP_LIMIT};
    struct sc_open open = {
        .src = src, .src_flow = 9, .open_id = 99, .service = service_id(service)};
    struct sc_answer answer;
    n->filter = keep_answer;
    sc_open_write(&w, &h, &open);
    net_send(n, &n->node[4].at, &n->node[1].at, buf, sc_writer_len(&w));
    net_pump(n);
    struct sc_reader r = sc_reader(n->packet, n->packet_len);
    sc_header_read(&r, &h);
    sc_answer_read(&r, &answer);
    assert_false(r.bad);
    struct sc_confirm confirm = {.src = src, .open_id = 99, .window = 1000, .epoch = 666};
    h.type = SC_PKT_CONFIRM;
    h.dst = answer.src;
    h.flow = answer.src_flow;
    w = sc_writer(buf, sizeof buf);
    sc_confirm_write(&w, &h, &confirm);
    sc_write_u8(&w, 1); /* PING */
    net_send(n, &n->node[4].at, &n->node[1].at, buf, sc_writer_len(&w));
    net_pump(n);
}

/* An impostor opens a flow in b's name, from elsewhere and with another epoch: b's flows go on, and
 * to b. */
static void an_impostor(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[1];
    unsigned bits[1], server_bits = 0;
    talk(&n, 1, f, bits);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    net_serve(a, "a.demo.scaffold:1");
    net_pump(&n);
    open_as(&n, net_address(b), "a.demo.scaffold:1");
    assert_int_equal(a->arrived_count, 1); /* without keys nothing says that it is not b */
    sc_stack_accept(b->stack, b->arrived[0], &server_bits);
    net_check_talk(a, f[0], b, b->arrived[0]);
    net_run(&n, 60 * SC_SECOND);
    assert_false((bits[0] | server_bits) & SC_FLOW_ENDED);
    assert_true(a->arrived[0]->error); /* the impostor's has ended: nobody answered the probes */
    net_fini(&n);
}

static bool from_another_address(struct net *n, struct net_packet *p)
{
    if (net_is(n, &p->from, 2) && net_is(n, &p->to, 1))
        p->from = n->node[4].at;
    if (net_is(n, &p->to, 4))
        p->to = n->node[2].at;
    return false;
}

/* b has got a second address, which its packets leave from, and is reached at both. */
static void two_addresses(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[1];
    unsigned bits[1], server_bits = 0;
    talk(&n, 1, f, bits);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    sc_stack_accept(b->stack, b->arrived[0], &server_bits);
    n.filter = from_another_address;
    net_run(&n, 60 * SC_SECOND);
    net_check_talk(a, f[0], b, b->arrived[0]);
    for (int i = 0; i < 60; i++) { /* a hears bytes, and nothing of its own is acknowledged */
        net_write(b, b->arrived[0], "x");
        net_run(&n, SC_SECOND);
        assert_true(net_reads(a, f[0], "x"));
    }
    assert_false((bits[0] | server_bits) & SC_FLOW_ENDED);
    net_fini(&n);
}

static bool count_to_impostor(struct net *n, struct net_packet *p)
{
    if (net_is(n, &p->to, 4))
        n->what += net_type(p) == SC_PKT_DATA || net_message(p) == SC_MSG_PROBE;
    return drop_host(n, p);
}

/* Somebody says in b's name that b is elsewhere, and gets no answer there: what a has to say to b,
 * at the end, is not sent to him. Without b's epoch he is not even asked. */
static void who_only_says_that_he_moved(void **state)
{
    (void)state;
    for (uint64_t epoch = 102; epoch <= 103; epoch++) {
        struct net n;
        struct sc_flow *f[1];
        unsigned bits[1];
        talk(&n, 1, f, bits);
        struct sc_control c = {
            .message = SC_MSG_PROBE, .src = net_address(&n.node[2]), .epoch = epoch};
        n.from = 2; /* b is silent from now on */
        n.filter = count_to_impostor;
        for (int i = 0; i < 100; i++)
            send_control(&n, &n.node[4].at, &c);
        assert_int_equal(n.what, epoch == 102);
        net_run(&n, SC_PEER_DEAD_AFTER + 5 * SC_SECOND);
        assert_int_equal(f[0]->error, ETIMEDOUT);
        net_run(&n, 30 * SC_SECOND);
        assert_int_equal(n.what, epoch == 102);
        net_fini(&n);
    }
}

/* He goes on saying so: what a tells b, where it was, is repeated for longer, and not for ever. */
static void who_says_it_for_ever(void **state)
{
    (void)state;
    struct net n;
    struct sc_flow *f[1];
    unsigned bits[1];
    talk(&n, 1, f, bits);
    struct sc_control c = {.message = SC_MSG_PROBE, .src = net_address(&n.node[2]), .epoch = 102};
    n.from = 2;
    n.filter = drop_host;
    for (sc_time t = 0; t < 150 * SC_SECOND; t += 5 * SC_SECOND) {
        if (t == 60 * SC_SECOND)
            assert_in_range(n.seen[SC_PKT_DATA], 20, 50);
        if (t == 120 * SC_SECOND)
            memset(n.seen, 0, sizeof n.seen);
        send_control(&n, &n.node[4].at, &c);
        net_run(&n, 5 * SC_SECOND);
    }
    assert_int_equal(n.seen[SC_PKT_DATA], 0);
    assert_int_equal(f[0]->error, ETIMEDOUT);
    assert_int_equal(sc_stack_counters(n.node[1].stack)->peers_lost, 1);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_flows),
        cmocka_unit_test(a_dead_host),
        cmocka_unit_test(a_restarted_host),
        cmocka_unit_test(a_restart_is_found_by_data),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(forged_epochs),
        cmocka_unit_test(an_impostor),
        cmocka_unit_test(two_addresses),
        cmocka_unit_test(who_only_says_that_he_moved),
        cmocka_unit_test(who_says_it_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
