/* Whom a router lets in by which name, and what that costs an invitation. */
#include <errno.h>

#include "stack/net.h"
#include "stack/parts.h"

static struct sc_stack_self self_of(const struct net_node *node)
{
    struct sc_stack_self self;
    sc_stack_get_self(node->stack, &self);
    return self;
}

/* A router and a host "a", which is invited but has not said anything yet. */
static void start_two(struct net *n)
{
    net_init(n);
    n->secure = true;
    net_start(n, 0, "r", -1, 100);
    net_start(n, 1, "a", 0, 101);
}

static uint32_t uses_left(const struct net *n)
{
    const struct sc_invitations *all = &n->node[0].stack->router.invitations;
    assert_int_equal(all->count, 1);
    return all->all[0].uses;
}

/* What host 1 says in its channel. */
static void say(struct net *n, struct sc_control c)
{
    struct sc_stack *s = n->node[1].stack;
    c.transaction = 1;
    sc_channels_control(&s->channels, s->remote.registrar.link.now, NULL, SC_QUEUE_OWN, &c);
    net_pump(n);
}

/* --- what an invitation is for ---------------------------------------------------------------- */

static bool loses_joined(struct net *n, struct net_packet *p)
{
    return net_is(n, &p->to, 1) && (p->data[0] & 0x10);
}

/* The answer was lost, and so was that to each repetition: it comes again in a new channel. */
static void a_host_that_was_not_told_is_let_in_once(void **state)
{
    (void)state;
    struct net n;
    start_two(&n);
    uint32_t before = uses_left(&n);
    n.filter = loses_joined;
    net_run(&n, 30 * SC_SECOND);
    assert_false(self_of(&n.node[1]).joined);
    assert_int_equal(uses_left(&n), before - 1);
    n.filter = NULL;
    net_run(&n, 5 * SC_SECOND);
    assert_true(self_of(&n.node[1]).joined);
    assert_int_equal(uses_left(&n), before - 1);
    net_fini(&n);
}

static void what_could_not_be_stored_costs_nothing(void **state)
{
    (void)state;
    struct net n;
    start_two(&n);
    uint32_t before = uses_left(&n);
    n.node[0].disk_waits = true;
    net_run(&n, SC_SECOND); /* its name... */
    sc_stack_stored(n.node[0].stack, n.node[0].token, 0, n.now);
    net_pump(&n); /* ...and whose that is */
    assert_int_equal(uses_left(&n), before - 1);
    sc_stack_stored(n.node[0].stack, n.node[0].token, ENOSPC, n.now);
    assert_int_equal(uses_left(&n), before);
    n.node[0].disk_waits = false;
    net_run(&n, 5 * SC_SECOND);
    assert_true(self_of(&n.node[1]).joined);
    assert_int_equal(uses_left(&n), before - 1);
    net_fini(&n);
}

/* --- a channel is one host's ------------------------------------------------------------------ */

static void a_channel_has_one_name(void **state)
{
    (void)state;
    struct net n;
    start_two(&n);
    net_run(&n, SC_SECOND);
    uint32_t before = uses_left(&n);
    struct sc_control join = {.message = SC_MSG_JOIN, .name = "alias", .epoch = 101};
    say(&n, join);
    assert_int_equal(sc_stack_host_count(n.node[0].stack), 1);
    assert_int_equal(uses_left(&n), before);
    net_run(&n, 5 * SC_SECOND);
    assert_true(self_of(&n.node[1]).joined);
    net_fini(&n);
}

/* One key by two names, where both were invited: each speaks in its own channel. */
static void one_key_by_two_names(void **state)
{
    (void)state;
    struct net n;
    start_two(&n);
    net_run(&n, SC_SECOND);
    net_start(&n, 2, "aa", 0, 102); /* keys follow from the first letter */
    net_run(&n, SC_SECOND);
    assert_true(self_of(&n.node[1]).joined && self_of(&n.node[2]).joined);
    net_serve(&n.node[2], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    struct sc_control others = {
        .message = SC_MSG_REGISTER, .replaces = 1, .epoch = 102, .src = net_address(&n.node[2])};
    say(&n, others);
    assert_int_equal(net_instances(&n.node[0]), 1);
    net_fini(&n);
}

static void channels_of_one_host_are_few(void **state)
{
    (void)state;
    struct net n;
    start_two(&n);
    net_run(&n, SC_SECOND);
    for (int i = 0; i < 100; i++) { /* another handshake, as often as it may */
        struct sc_registrar *g = &n.node[1].stack->remote.registrar;
        g->link.now->since = 0;
        sc_dues_arm(&n.node[1].stack->node.dues, &g->due, n.now);
        net_run(&n, SC_SECOND / SC_GREETS_OF_HOST);
        assert_true(n.node[0].stack->channels.by_id.count <= 3);
        assert_true(n.node[1].stack->channels.by_id.count <= 3);
        assert_true(n.node[0].stack->router.greetings.by_id.count <= 1);
    }
    assert_true(n.messages[SC_MSG_PROVE] > 90);
    assert_true(self_of(&n.node[1]).joined);
    net_fini(&n);
}

/* --- a name is for good ----------------------------------------------------------------------- */

static void a_host_that_is_down_keeps_its_name(void **state)
{
    (void)state;
    struct net n;
    start_two(&n);
    net_run(&n, SC_SECOND);
    struct sc_stack *router = n.node[0].stack;
    net_stop(&n.node[1]);
    net_run(&n, 10 * SC_SECOND);
    struct sc_pool_entry *e = sc_pool_find_name(&router->pool, "a.host.scaffold");
    assert_true(e && e->owned && !e->held);
    for (struct sc_pool_entry *one; (one = sc_pool_oldest(&router->pool)) != NULL;) {
        assert_ptr_not_equal(one, e);
        sc_pool_use(&router->pool, one, true);
    }
    assert_int_equal(sc_stack_forget_host(router, "a"), 0);
    assert_ptr_equal(sc_pool_oldest(&router->pool), e);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_was_not_told_is_let_in_once),
        cmocka_unit_test(what_could_not_be_stored_costs_nothing),
        cmocka_unit_test(a_channel_has_one_name),
        cmocka_unit_test(one_key_by_two_names),
        cmocka_unit_test(channels_of_one_host_are_few),
        cmocka_unit_test(a_host_that_is_down_keeps_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
