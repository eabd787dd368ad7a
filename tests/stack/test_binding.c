/* Who gets what: the same question, on a router and on a host. */
#include "stack/net.h"

#include <errno.h>

#include "stack/binding.h"
#include "stack/parts.h"

#define WEB "web.demo.scaffold:80"

static struct sc_binding ask(struct net_node *node, const char *name, enum sc_scope scope,
                             enum sc_traffic traffic)
{
    struct sc_query q = {.service = service_id(name), .scope = scope, .traffic = traffic};
    struct sc_binding b = sc_binding_choose(node->stack->routing, &q, node->net->now);
    assert_non_null(b.rule);
    return b;
}

static enum sc_binding_to to(struct net_node *node, const char *name, enum sc_scope scope)
{
    enum sc_binding_to flow = ask(node, name, scope, SC_TRAFFIC_FLOW).to;
    assert_int_equal(ask(node, name, scope, SC_TRAFFIC_DATAGRAM).to, flow);
    return flow;
}

/* Nobody serves it; then b does, and then the router itself, too. */
static void a_router(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0];
    assert_int_equal(to(r, WEB, SC_SCOPE_ARRIVED), SC_BINDING_NOBODY);
    assert_int_equal(ask(r, WEB, SC_SCOPE_OWN, SC_TRAFFIC_FLOW).reason, SC_REASON_UNSERVED);
    net_serve(&n.node[2], WEB);
    net_pump(&n);
    assert_int_equal(to(r, WEB, SC_SCOPE_ARRIVED), SC_BINDING_HOST);
    struct sc_binding b = ask(r, WEB, SC_SCOPE_OWN, SC_TRAFFIC_FLOW);
    assert_int_equal(b.to, SC_BINDING_HOST);
    assert_true(sc_underlay_equal(b.way, &n.node[2].at));
    assert_int_equal(b.instance->host, b.host->address);

    struct sc_query q = {.service = service_id(WEB), .exclude = &b.host->address};
    q.exclude_count = 1; /* it has refused */
    assert_int_equal(sc_binding_choose(r->stack->routing, &q, n.now).to, SC_BINDING_NOBODY);
    struct sc_instance *own = net_serve(r, WEB);
    b = sc_binding_choose(r->stack->routing, &q, n.now);
    assert_int_equal(b.to, SC_BINDING_LOCAL);
    assert_ptr_equal(b.instance, own);
    assert_int_equal(to(r, WEB, SC_SCOPE_OWN), SC_BINDING_HOST); /* ours are joined otherwise */
    net_fini(&n);
}

static void a_host(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *a = &n.node[1];
    net_serve(&n.node[2], WEB);
    net_pump(&n);
    assert_int_equal(to(a, WEB, SC_SCOPE_OWN), SC_BINDING_ROUTER);
    assert_int_equal(to(a, WEB, SC_SCOPE_ARRIVED), SC_BINDING_NOBODY);
    assert_int_equal(ask(a, WEB, SC_SCOPE_ARRIVED, SC_TRAFFIC_FLOW).reason, SC_REASON_NOT_HERE);
    net_serve(a, WEB);
    assert_int_equal(to(a, WEB, SC_SCOPE_ARRIVED), SC_BINDING_LOCAL);
    net_stop(&n.node[0]);
    net_run(&n, 2 * SC_LEASE_TIME);
    assert_int_equal(to(a, WEB, SC_SCOPE_OWN), SC_BINDING_NOBODY);
    assert_int_equal(ask(a, WEB, SC_SCOPE_OWN, SC_TRAFFIC_FLOW).reason, SC_REASON_NO_ROUTE);
    net_fini(&n);
}

/* One that has only just started may hear of its router yet. */
static void too_early(void **state)
{
    (void)state;
    struct net n;
    net_init(&n);
    net_start(&n, 1, "a", 0, 101);
    struct sc_binding b = ask(&n.node[1], WEB, SC_SCOPE_OWN, SC_TRAFFIC_FLOW);
    assert_int_equal(b.to, SC_BINDING_HOLD);
    assert_int_equal(b.reason, SC_REASON_TOO_EARLY);
    assert_null(b.way);
    net_fini(&n);
}

/* Whoever has the port gets it; a datagram even when the stack knows nobody. */
static void by_the_name_of_a_host(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0], *b = &n.node[2];
    assert_int_equal(to(r, "b.host.scaffold:80", SC_SCOPE_ARRIVED), SC_BINDING_HOST);
    assert_null(ask(r, "b.host.scaffold:80", SC_SCOPE_OWN, SC_TRAFFIC_FLOW).instance);
    struct sc_binding none = ask(b, "b.host.scaffold:80", SC_SCOPE_ARRIVED, SC_TRAFFIC_DATAGRAM);
    assert_int_equal(none.to, SC_BINDING_LOCAL);
    assert_null(none.instance);
    assert_int_equal(ask(b, "b.host.scaffold:80", SC_SCOPE_ARRIVED, SC_TRAFFIC_FLOW).to,
                     SC_BINDING_NOBODY);
    struct sc_instance *i = net_serve(b, WEB);
    struct sc_binding one = ask(b, "b.host.scaffold:80", SC_SCOPE_ARRIVED, SC_TRAFFIC_FLOW);
    assert_int_equal(one.to, SC_BINDING_LOCAL);
    assert_ptr_equal(one.instance, i);
    net_fini(&n);
}

/* An instance of a datagram service takes no flows. */
static void flows_to_datagram_services(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *b = &n.node[2];
    net_serve(b, "dns.demo.scaffold:53/udp");
    net_pump(&n);
    for (int i = 0; i < 3; i += 2) {
        struct net_node *node = &n.node[i];
        assert_int_equal(
            ask(node, "dns.demo.scaffold:53/udp", SC_SCOPE_ARRIVED, SC_TRAFFIC_FLOW).to,
            SC_BINDING_NOBODY);
        assert_int_not_equal(
            ask(node, "dns.demo.scaffold:53/udp", SC_SCOPE_ARRIVED, SC_TRAFFIC_DATAGRAM).to,
            SC_BINDING_NOBODY);
    }
    net_fini(&n);
}

static void record(void *watcher, const char *where, const char *rule, sc_time now)
{
    char *text = watcher;
    (void)now;
    snprintf(text, 64, "%s, %s", where, rule);
}

/* Whoever watches hears what was decided, and by which rule. */
static void verdicts_are_told(void **state)
{
    (void)state;
    static const struct sc_trace_ops recorder = {.bound = record};
    struct net n;
    char text[64] = "";
    net_three(&n);
    struct net_node *r = &n.node[0];
    r->stack->node.env.trace = (struct sc_trace){&recorder, text};
    to(r, WEB, SC_SCOPE_ARRIVED);
    assert_string_equal(text, "NOBODY, nobody");
    to(r, "b.host.scaffold:80", SC_SCOPE_ARRIVED);
    assert_string_equal(text, "HOST, name of a host");
    net_serve(r, WEB);
    to(r, WEB, SC_SCOPE_ARRIVED);
    assert_string_equal(text, "LOCAL, instance");
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_router),
        cmocka_unit_test(a_host),
        cmocka_unit_test(too_early),
        cmocka_unit_test(by_the_name_of_a_host),
        cmocka_unit_test(flows_to_datagram_services),
        cmocka_unit_test(verdicts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
