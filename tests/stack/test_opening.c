/* The first three packets between hosts: who answers, who is asked next, who sees the flow. */
#include "stack/net.h"

#include <errno.h>

#define WEB "web.demo.scaffold:80"

/* net_three and c, all but the router serving WEB (when `serve`). */
static void four(struct net *n, bool serve, struct sc_instance *i[NET_NODES])
{
    net_three(n);
    net_start(n, 3, "c", 0, 103);
    for (int k = 1; serve && k < 4; k++)
        i[k] = net_serve(&n->node[k], WEB);
    net_run(n, 3 * SC_SECOND);
    memset(n->seen, 0, sizeof n->seen);
}

static void three_packets(void **state)
{
    (void)state;
    struct net n;
    unsigned bits, server_bits = 0;
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1], *b = &n.node[2];
    struct sc_instance *i = net_serve(b, WEB);
    net_pump(&n);
    memset(n.seen, 0, sizeof n.seen);
    uint64_t forwarded = sc_stack_counters(r->stack)->forwarded;
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    assert_int_equal(n.seen[SC_PKT_OPEN], 2); /* to the router, and on */
    assert_int_equal(n.seen[SC_PKT_ANSWER], 1);
    assert_int_equal(sc_stack_counters(r->stack)->forwarded, forwarded + 1);
    assert_int_equal(b->arrived_count, 1);
    assert_ptr_equal(b->arrived_at, i);
    struct sc_flow *g = b->arrived[0];
    assert_int_equal(g->peer_port, 1234);
    assert_int_equal(f->peer_address, net_address(b));
    assert_false(f->relayed || g->relayed);
    sc_stack_accept(b->stack, g, &server_bits);
    net_check_talk(a, f, b, g);
    net_drop(a, f);
    net_run(&n, SC_SECOND);
    assert_true(server_bits & SC_FLOW_ENDED);
    assert_int_equal(g->error, ECONNRESET);
    net_drop(b, g);
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(sc_stack_flow_count(a->stack) + sc_stack_flow_count(b->stack), 0);
    net_fini(&n);
}

/* A router answers for its own instances, and opens flows to those of others itself. */
static void router_at_both_ends(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1];
    net_serve(r, "here.demo.scaffold:1");
    net_serve(a, "there.demo.scaffold:1");
    net_pump(&n);
    struct sc_flow *f = net_connect(a, "here.demo.scaffold:1", &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    assert_int_equal(f->peer_address, net_address(r));
    net_connect(r, "there.demo.scaffold:1", &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    net_connect(r, "nobody.demo.scaffold:1", &bits);
    net_run(&n, SC_MS);
    assert_true(bits & SC_FLOW_ENDED);
    net_fini(&n);
}

static void a_whole_service(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    net_serve(&n.node[2], "web.demo.scaffold"); /* no port: all of them */
    net_pump(&n);
    struct sc_flow *f = net_connect(&n.node[1], "web.demo.scaffold:8080", &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    assert_int_equal(sc_service_id_port(&f->service), 8080);
    assert_int_equal(sc_service_id_port(&n.node[2].arrived[0]->service), 8080);
    net_fini(&n);
}

/* Instances whose queue is full are passed over, and the flow fails only when all are. */
static void refusals(void **state)
{
    (void)state;
    struct net n;
    struct sc_instance *i[NET_NODES];
    unsigned bits;
    four(&n, true, i);
    struct net_node *a = &n.node[1], *b = &n.node[2], *c = &n.node[3];
    sc_instance_set_accepting(i[1], false);
    sc_instance_set_accepting(i[2], false);
    for (int k = 0; k < 10; k++) {
        net_connect(a, WEB, &bits);
        net_pump(&n);
        assert_true(bits & SC_FLOW_ESTABLISHED);
    }
    assert_int_equal(c->arrived_count, 10);
    assert_true(sc_stack_counters(b->stack)->refused > 0);
    sc_instance_set_accepting(i[3], false);
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNREFUSED);
    assert_int_equal(b->arrived_count, 0);
    net_fini(&n);
}

static void nobody(void **state)
{
    (void)state;
    struct net n;
    struct sc_instance *i[NET_NODES];
    unsigned bits;
    four(&n, false, i);
    struct sc_flow *f = net_connect(&n.node[1], WEB, &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNREFUSED);
    assert_int_equal(n.seen[SC_PKT_OPEN], 1);
    net_fini(&n);
}

/* Who serves datagrams is not asked for flows: neither by the service's id, nor by the host's own
 * name, nor by the router itself. */
static void a_datagram_service(void **state)
{
    (void)state;
    static const char *const names[] = {"time.demo.scaffold:123/udp", "b.host.scaffold:123/udp"};
    struct net n;
    unsigned bits;
    net_three(&n);
    struct net_node *b = &n.node[2];
    net_serve(b, names[0]);
    net_pump(&n);
    for (size_t from = 0; from < 2; from++) {
        for (size_t k = 0; k < 2; k++) {
            struct sc_flow *f = net_connect(&n.node[from], names[k], &bits);
            net_run(&n, SC_MS);
            assert_true(bits & SC_FLOW_ENDED);
            assert_int_equal(f->error, ECONNREFUSED);
        }
    }
    assert_int_equal(b->arrived_count, 0);
    net_fini(&n);
}

/* Not joined a lease's time, and a word of the router, after the start: no route, at once rather
 * than after 127 s. */
static void no_router(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_init(&n);
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_SECOND);
    struct sc_flow *f = net_connect(&n.node[1], WEB, &bits);
    net_pump(&n);
    assert_int_equal(bits, 0);
    net_run(&n, SC_LEASE_TIME + 2 * SC_LEASE_REFRESH);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ENETUNREACH);
    f = net_connect(&n.node[1], WEB, &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ENETUNREACH);
    net_fini(&n);
}

/* A program that connects while its host joins waits for that, and no longer. */
static void router_starts_later(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_init(&n);
    net_start(&n, 1, "a", 0, 101);
    net_connect(&n.node[1], WEB, &bits);
    net_run(&n, SC_SECOND);
    assert_int_equal(bits, 0);
    net_start(&n, 0, "r", -1, 100);
    net_serve(&n.node[0], WEB);
    net_run(&n, 2 * SC_SECOND);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    net_fini(&n);
}

/* All instances get their share, and repetitions of one attempt meet the same one. */
static void shares(void **state)
{
    (void)state;
    struct net n;
    struct sc_instance *i[NET_NODES];
    unsigned bits;
    four(&n, true, i);
    for (int k = 0; k < 40; k++) {
        struct sc_flow *f = net_connect(&n.node[1], WEB, &bits);
        net_pump(&n);
        assert_true(bits & SC_FLOW_ESTABLISHED);
        net_drop(&n.node[1], f);
        net_pump(&n);
        for (int h = 1; h < 4; h++)
            if (n.node[h].arrived_count == NET_FLOWS)
                n.node[h].arrived_count = 1;
    }
    for (int h = 1; h < 4; h++)
        assert_true(n.node[h].arrived_count > 0);
    net_fini(&n);
}

static bool keep_open(struct net *n, struct net_packet *p)
{
    if (net_type(p) == SC_PKT_OPEN && net_is(n, &p->to, 2)) {
        memcpy(n->packet, p->data, p->len);
        n->packet_len = p->len;
    }
    return net_type(p) == n->what;
}

/* A repeated OPEN draws the same ANSWER; one flow arrives. */
static void a_repeated_open(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    net_serve(b, WEB);
    net_pump(&n);
    n.filter = keep_open;
    n.what = SC_PKT_ANSWER;
    net_connect(a, WEB, &bits);
    net_pump(&n);
    for (int k = 0; k < 3; k++)
        net_send(&n, &n.node[0].at, &b->at, n.packet, n.packet_len);
    net_pump(&n);
    assert_int_equal(sc_stack_flow_count(b->stack), 1);
    assert_int_equal(b->arrived_count, 0); /* not before the third packet */
    n.what = 0;
    net_send(&n, &n.node[0].at, &b->at, n.packet, n.packet_len);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    net_send(&n, &n.node[0].at, &b->at, n.packet, n.packet_len);
    net_run(&n, SC_SECOND);
    assert_int_equal(sc_stack_flow_count(b->stack), 1);
    assert_int_equal(b->arrived_count, 1);
    net_fini(&n);
}

/* Nobody but who was asked can answer, refuse or retry: they must know the open id. */
static void answers_of_strangers(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    uint8_t buf[SC_DATAGRAM_BASE];
    net_three(&n);
    struct net_node *a = &n.node[1];
    net_serve(&n.node[2], WEB);
    net_pump(&n);
    n.filter = keep_open;
    n.what = SC_PKT_ANSWER;
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_pump(&n);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = net_address(a),
                          .flow = f->id};
    for (unsigned type = SC_PKT_ANSWER; type <= SC_PKT_RETRY; type++) {
        struct sc_writer w = sc_writer(buf, sizeof buf);
        struct sc_answer answer = {
            .src = 7, .src_flow = 7, .open_id = f->open_id + 1, .service = f->service, .epoch = 7};
        struct sc_refuse refuse = {.open_id = f->open_id + 1, .refusal = SC_REFUSE_NO_INSTANCE};
        struct sc_retry retry = {.open_id = f->open_id + 1};
        h.type = (uint8_t)type;
        if (type == SC_PKT_ANSWER)
            sc_answer_write(&w, &h, &answer);
        else if (type == SC_PKT_REFUSE)
            sc_refuse_write(&w, &h, &refuse);
        else if (type == SC_PKT_RETRY)
            sc_retry_write(&w, &h, &retry);
        else
            continue;
        net_send(&n, &n.node[4].at, &a->at, buf, sc_writer_len(&w));
    }
    n.what = 0;
    net_pump(&n);
    assert_int_equal(bits & (SC_FLOW_ESTABLISHED | SC_FLOW_ENDED), 0);
    net_run(&n, SC_SECOND);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    net_fini(&n);
}

static bool drop_what(struct net *n, struct net_packet *p)
{
    return net_type(p) == n->what;
}

/* A client whose third packet comes when the half-open flow is forgotten learns it at once. */
static void too_late(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    net_serve(b, WEB);
    net_pump(&n);
    n.filter = drop_what;
    n.what = SC_PKT_CONFIRM;
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_run(&n, SC_HALF_OPEN_TIMEOUT + SC_SECOND);
    assert_int_equal(sc_stack_flow_count(b->stack), 0);
    assert_false(bits & SC_FLOW_ENDED);
    n.filter = NULL;
    net_run(&n, 6 * SC_SECOND); /* until its next probe timeout */
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNRESET);
    assert_int_equal(b->arrived_count, 0);
    net_fini(&n);
}

/* The owner that does not take a flow: the client sees a reset, and nothing is left. */
static void not_taken(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    net_serve(b, WEB);
    net_pump(&n);
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_pump(&n);
    sc_flow_abort(b->arrived[0], SC_ABORT_REFUSED, ECONNREFUSED, n.now);
    net_drop(b, b->arrived[0]);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNRESET);
    net_drop(a, f);
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(sc_stack_flow_count(a->stack) + sc_stack_flow_count(b->stack), 0);
    net_fini(&n);
}

/* The instance goes while the third packet is on its way. */
static bool unserve_at_confirm(struct net *n, struct net_packet *p)
{
    struct net_node *b = &n->node[2];
    if (net_type(p) == SC_PKT_CONFIRM && b->arrived_at) {
        sc_stack_unserve(b->stack, b->arrived_at, n->now);
        b->arrived_at = NULL;
    }
    assert_true(n->seen[SC_PKT_CONFIRM] + n->seen[SC_PKT_DATA] < 10);
    return false;
}

/* Both ends have failed, and each tells the other once, not for as long as they linger. */
static void refused_at_the_third_packet(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    b->arrived_at = net_serve(b, WEB);
    net_pump(&n);
    memset(n.seen, 0, sizeof n.seen);
    n.filter = unserve_at_confirm;
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNRESET);
    net_drop(a, f);
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(sc_stack_flow_count(a->stack) + sc_stack_flow_count(b->stack), 0);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_packets),
        cmocka_unit_test(router_at_both_ends),
        cmocka_unit_test(a_whole_service),
        cmocka_unit_test(refusals),
        cmocka_unit_test(nobody),
        cmocka_unit_test(a_datagram_service),
        cmocka_unit_test(no_router),
        cmocka_unit_test(router_starts_later),
        cmocka_unit_test(shares),
        cmocka_unit_test(a_repeated_open),
        cmocka_unit_test(answers_of_strangers),
        cmocka_unit_test(too_late),
        cmocka_unit_test(not_taken),
        cmocka_unit_test(refused_at_the_third_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
