/* Flows whose owner has let go of them, and instances that go while flows are on their way. */
#include "stack/net.h"

#include <errno.h>

#define WEB "web.demo.scaffold:80"

static bool drop_data(struct net *n, struct net_packet *p)
{
    return net_type(p) == SC_PKT_DATA && net_is(n, &p->to, n->to);
}

static void finish(struct net_node *node, struct sc_flow *f)
{
    sc_flow_send_fin(f, node->net->now);
    sc_stack_touch(node->stack, f, node->net->now);
}

/* A program that has answered, closed and exited: what it wrote still arrives, whole, though its
 * listener is gone; and nobody is offered the flow a second time. */
static void an_exit_after_the_answer(void **state)
{
    (void)state;
    struct net n;
    unsigned client_bits, server_bits = 0;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    struct sc_instance *i = net_serve(b, WEB);
    net_run(&n, SC_SECOND);
    struct sc_flow *f = net_connect(a, WEB, &client_bits);
    net_run(&n, SC_SECOND);
    assert_int_equal(b->arrived_count, 1);
    struct sc_flow *g = b->arrived[0];
    sc_stack_accept(b->stack, g, &server_bits);
    finish(a, f);
    net_run(&n, SC_SECOND);
    n.filter = drop_data;
    n.to = 1;
    net_write(b, g, "the answer");
    finish(b, g);
    net_drop(b, g);
    net_pump(&n);
    sc_stack_unserve(b->stack, i, n.now);
    net_run(&n, SC_SECOND);
    n.filter = NULL;
    net_run(&n, 5 * SC_SECOND);
    assert_true(net_reads(a, f, "the answer"));
    assert_true(sc_flow_recv_eof(f));
    assert_int_equal(f->error, 0);
    assert_int_equal(b->arrived_count, 1);
    net_drop(a, f);
    net_run(&n, 20 * SC_SECOND);
    assert_int_equal(sc_stack_flow_count(a->stack), 0);
    assert_int_equal(sc_stack_flow_count(b->stack), 0);
    net_fini(&n);
}

/* A program that has closed, and a peer whose host is well and whose program reads nothing: after a
 * while the flow is over at both ends. */
static void an_exit_before_anybody_reads(void **state)
{
    (void)state;
    struct net n;
    unsigned client_bits, server_bits = 0;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    net_serve(b, WEB);
    net_run(&n, SC_SECOND);
    struct sc_flow *f = net_connect(a, WEB, &client_bits);
    net_run(&n, SC_SECOND);
    struct sc_flow *g = b->arrived[0];
    sc_stack_accept(b->stack, g, &server_bits);
    for (int i = 0; i < 500; i++) { /* more than the peer's window, whatever the buffer holds */
        struct iovec iov;
        if (sc_flow_send_space(f, 1000, &iov, 1) == 1)
            memset(iov.iov_base, 'x', iov.iov_len);
        sc_flow_send_commit(f, sc_flow_send_room(f) ? iov.iov_len : 0, n.now);
        sc_stack_touch(a->stack, f, n.now);
        net_run(&n, SC_MS);
    }
    assert_true(f->send.end > SC_WINDOW_INITIAL);
    finish(a, f);
    net_drop(a, f);
    net_run(&n, SC_ORPHAN_TIMEOUT / 2);
    assert_int_equal(sc_stack_flow_count(a->stack), 1);
    assert_false(server_bits & SC_FLOW_ENDED);
    net_run(&n, SC_ORPHAN_TIMEOUT);
    assert_int_equal(sc_stack_flow_count(a->stack), 0);
    assert_true(server_bits & SC_FLOW_ENDED);
    assert_int_equal(g->error, ECONNRESET);
    net_drop(b, g);
    net_run(&n, 20 * SC_SECOND);
    assert_int_equal(sc_stack_flow_count(b->stack), 0);
    net_fini(&n);
}

/* A listener that closes while its flows are half-open: the client is told at once, not when the
 * next datagram happens to arrive. */
static bool drop_confirm(struct net *n, struct net_packet *p)
{
    (void)n;
    return net_type(p) == SC_PKT_CONFIRM;
}

static void an_exit_before_accept(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    struct sc_instance *i = net_serve(b, WEB);
    net_run(&n, SC_SECOND);
    n.filter = drop_confirm;
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_run(&n, SC_SECOND / 10);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    assert_int_equal(b->arrived_count, 0);
    sc_stack_unserve(b->stack, i, n.now);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_not_equal(f->error, 0);
    net_drop(a, f);
    net_run(&n, 20 * SC_SECOND);
    assert_int_equal(sc_stack_flow_count(a->stack), 0);
    assert_int_equal(sc_stack_flow_count(b->stack), 0);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_after_the_answer),
        cmocka_unit_test(an_exit_before_anybody_reads),
        cmocka_unit_test(an_exit_before_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
