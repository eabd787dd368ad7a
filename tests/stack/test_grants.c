/* Which services hosts may register: what routers give, what providers grant, what ends. */
#include <errno.h>

#include "crypto/drawn.h"
#include "naming/service_name.h"
#include "stack/net.h"
#include "stack/parts.h"

#define A_DAY (24 * 3600)

static void start_three(struct net *n)
{
    n->secure = true;
    net_start(n, 0, "r", -1, 100);
    net_start(n, 1, "a", 0, 101);
    net_start(n, 2, "b", 0, 102);
    net_run(n, SC_SECOND);
}

static void begin(struct net *n)
{
    net_init(n);
    start_three(n);
}

/* --- a provider that is nobody's alias -------------------------------------------------------- */

static const uint8_t own_seed[SC_KEY_SEED_LEN] = {"the seed of a provider's own key"};

static void own_provider(uint8_t provider[SC_PROVIDER_LEN])
{
    struct sc_crypto c;
    struct sc_key pair;
    assert_int_equal(sc_crypto_init(&c, NULL), 0);
    sc_key_init(&pair, &c, own_seed);
    sc_provider_of_key(pair.public, provider);
    sc_crypto_fini(&c);
}

static struct sc_service_id own_id(const char *label)
{
    struct sc_service_name n = {.port = 80, .proto = 6};
    struct sc_service_id id;
    uint8_t provider[SC_PROVIDER_LEN];
    own_provider(provider);
    strncpy(n.label, label, sizeof n.label - 1);
    sc_service_name_to_id(&n, provider, &id);
    return id;
}

static struct sc_instance *serve(struct net_node *node, const char *label)
{
    struct sc_service_id id = own_id(label);
    struct sc_instance *i = NULL;
    assert_int_equal(sc_stack_serve(node->stack, &id, node, &i, node->net->now), 0);
    return i;
}

static enum sc_denial denial(const struct net_node *node, const char *label)
{
    struct sc_service_id id = own_id(label);
    return sc_stack_denial(node->stack, &id);
}

static enum sc_denial denial_of_name(const struct net_node *node, const char *name)
{
    struct sc_service_id id = service_id(name);
    return sc_stack_denial(node->stack, &id);
}

/* What node 2, who has the provider's key, grants node `to`. */
static struct sc_field granted(struct net *n, int to, const char *pattern, uint64_t until)
{
    static uint8_t bytes[SC_GRANT_MAX];
    uint8_t provider[SC_PROVIDER_LEN];
    struct sc_grant g = {
        .from = NET_WALL, .until = until, .flags = SC_GRANT_SERVE, .last_port = UINT16_MAX};
    int err = sc_stack_hold_provider(n->node[2].stack, own_seed, n->now);
    assert_true(err == 0 || err == -EEXIST);
    strcpy(g.pattern, pattern);
    memcpy(g.host, n->node[to].stack->node.credentials.host.public, SC_KEY_LEN);
    own_provider(provider);
    return (struct sc_field){bytes, sc_stack_grant(n->node[2].stack, provider, &g, bytes)};
}

static void install(struct net *n, int at, const char *pattern, uint64_t until)
{
    struct sc_field grant = granted(n, at, pattern, until);
    assert_int_equal(sc_stack_install_grant(n->node[at].stack, grant, n->now), 0);
}

/* The wall clock of one node. */
static void set_clock(struct net *n, int node, uint64_t wall)
{
    sc_stack_set_wall(n->node[node].stack, wall, n->now);
}

/* --- what the router gives -------------------------------------------------------------------- */

static const struct sc_held *held(const struct net_node *node, const char *name)
{
    struct sc_service_id id = service_id(name);
    enum sc_grant_age age;
    return sc_grants_find(&node->stack->grants, &id, node->net->now, &age);
}

static void names_of_the_network_are_given(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    const struct sc_held *own = held(&n.node[1], "a.host.scaffold:80");
    assert_non_null(own);
    assert_string_equal(own->grant.pattern, "a");
    assert_null(held(&n.node[1], "b.host.scaffold:80"));
    assert_null(held(&n.node[1], "web.demo.scaffold:80"));
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    const struct sc_held *web = held(&n.node[1], "web.demo.scaffold:80");
    assert_non_null(web);
    assert_int_equal(web->how, SC_HELD_GIVEN);
    assert_string_equal(web->grant.pattern, "*");
    assert_true(web->grant.until == NET_WALL + 1 + SC_GRANT_LIFE_S);
    assert_int_equal(n.node[1].granted, 0); /* it is not worth keeping */
    net_fini(&n);
}

static void they_are_renewed_at_half_their_life(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    uint64_t first = held(&n.node[1], "web.demo.scaffold:80")->grant.until;
    net_run(&n, 2 * SC_OFFER_LOOK);
    assert_true(held(&n.node[1], "web.demo.scaffold:80")->grant.until == first);
    for (int i = 0; i < 3; i++)
        set_clock(&n, i, NET_WALL + 4 * A_DAY);
    net_run(&n, 2 * SC_OFFER_LOOK);
    assert_true(held(&n.node[1], "web.demo.scaffold:80")->grant.until > first + 3 * A_DAY);
    assert_int_equal(n.node[1].noted[SC_NOTE_GRANT_ENDS], 0);
    net_fini(&n);
}

/* All are registered in a few packets when a host comes back, and only one is given with each. */
static void what_is_missing_is_asked_for(void **state)
{
    (void)state;
    struct net n;
    net_init(&n);
    n.secure = true;
    net_start(&n, 0, "r", -1, 100);
    net_start(&n, 1, "a", 0, 101);
    net_serve(&n.node[1], "a.host.scaffold:80");
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, 3 * SC_SECOND);
    assert_non_null(held(&n.node[1], "web.demo.scaffold:80"));
    assert_non_null(held(&n.node[1], "a.host.scaffold:80"));
    net_fini(&n);
}

static void another_hosts_name_is_denied(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    net_serve(&n.node[1], "b.host.scaffold:80");
    net_serve(&n.node[1], "x.a.host.scaffold:80");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 0);
    assert_int_equal(denial_of_name(&n.node[1], "b.host.scaffold:80"), SC_DENIAL_OTHER_HOST);
    assert_int_equal(denial_of_name(&n.node[1], "x.a.host.scaffold:80"), SC_DENIAL_OTHER_HOST);
    assert_true(n.node[0].noted[SC_NOTE_DENIED] >= 2 && n.node[1].noted[SC_NOTE_DENIED] >= 2);
    net_serve(&n.node[1], "a.host.scaffold:80");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_true(sc_stack_registered(n.node[1].stack));
    net_fini(&n);
}

static void an_operator_may_list_who_serves_what(void **state)
{
    (void)state;
    struct net n;
    net_init(&n);
    n.right[0] = (struct sc_right){"a", "demo", "web"};
    n.right[1] = (struct sc_right){"b", "demo", "*"};
    n.right_count = 2;
    start_three(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_serve(&n.node[1], "db.demo.scaffold:80");
    net_serve(&n.node[2], "db.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 2);
    assert_int_equal(denial_of_name(&n.node[1], "db.demo.scaffold:80"), SC_DENIAL_NOT_LISTED);
    assert_string_equal(held(&n.node[1], "web.demo.scaffold:80")->grant.pattern, "web");
    net_fini(&n);
}

/* --- what providers grant --------------------------------------------------------------------- */

static void names_that_nobody_granted_are_denied(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    serve(&n.node[1], "web");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 0);
    assert_int_equal(denial(&n.node[1], "web"), SC_DENIAL_NO_GRANT);
    assert_int_equal(n.node[1].noted[SC_NOTE_DENIED], 1);
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(n.node[0].noted[SC_NOTE_DENIED], 1); /* it is not asked again and again */
    net_fini(&n);
}

static void who_has_the_key_serves_its_names(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    serve(&n.node[1], "web");
    net_run(&n, SC_SECOND);
    assert_int_equal(sc_stack_hold_provider(n.node[1].stack, own_seed, n.now), 0);
    assert_int_equal(sc_stack_hold_provider(n.node[1].stack, own_seed, n.now), -EEXIST);
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_int_equal(denial(&n.node[1], "web"), SC_DENIAL_NONE);
    assert_int_equal(n.node[0].granted, 1);
    net_fini(&n);
}

static void what_was_granted_is_served_and_nothing_else(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    install(&n, 1, "web", NET_WALL + A_DAY);
    assert_int_equal((net_run(&n, 0), n.node[1].granted), 1);
    serve(&n.node[1], "web");
    serve(&n.node[1], "db");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_int_equal(denial(&n.node[1], "db"), SC_DENIAL_NO_GRANT);
    install(&n, 1, "db", NET_WALL + A_DAY);
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 2);
    net_fini(&n);
}

static void other_hosts_grants_are_of_no_use(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    struct sc_field grant = granted(&n, 1, "*", NET_WALL + A_DAY);
    net_start(&n, 3, "c", 0, 103);
    net_run(&n, SC_SECOND);
    struct sc_stack *c = n.node[3].stack;
    assert_int_equal(sc_stack_install_grant(c, grant, n.now), -EXDEV);
    /* ...even where the host has no scruples */
    memcpy(c->node.credentials.host.public, n.node[1].stack->node.credentials.host.public,
           SC_KEY_LEN);
    assert_int_equal(sc_stack_install_grant(c, grant, n.now), 0);
    serve(&n.node[3], "web");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 0);
    assert_int_equal(sc_stack_counters(n.node[0].stack)->dropped_grants, 1);
    net_fini(&n);
}

static void forged_grants_are_of_no_use(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    struct sc_field grant = granted(&n, 1, "*", NET_WALL + A_DAY);
    uint8_t changed[SC_GRANT_MAX];
    for (size_t at = 0; at < grant.len; at += 3) {
        memcpy(changed, grant.data, grant.len);
        changed[at] ^= 1;
        assert_true(sc_stack_install_grant(n.node[1].stack, (struct sc_field){changed, grant.len},
                                           n.now) < 0);
    }
    assert_int_equal(sc_stack_install_grant(n.node[1].stack, grant, n.now), 0);
    net_fini(&n);
}

/* --- time ------------------------------------------------------------------------------------- */

static void registrations_end_with_their_grant(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    struct sc_service_id id = own_id("web");
    struct sc_flow *f = NULL;
    begin(&n);
    install(&n, 1, "*", NET_WALL + 1000);
    serve(&n.node[1], "web");
    net_run(&n, SC_SECOND);
    assert_int_equal(sc_stack_connect(n.node[2].stack, &id, 1, 0, &bits, &f, n.now), 0);
    net_run(&n, SC_SECOND);
    net_run(&n, 900 * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    net_run(&n, (100 + SC_GRANT_TOLERANCE_S + 2) * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 0);
    assert_int_equal(denial(&n.node[1], "web"), SC_DENIAL_OVER);
    net_check_talk(&n.node[2], f, &n.node[1], n.node[1].arrived[0]); /* open flows go on */
    install(&n, 1, "*", NET_WALL + 10000);
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    net_drop(&n.node[2], f);
    net_fini(&n);
}

static void their_end_is_announced(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    install(&n, 1, "*", NET_WALL + 30 * A_DAY);
    net_run(&n, 2 * SC_OFFER_LOOK);
    assert_int_equal(n.node[1].noted[SC_NOTE_GRANT_ENDS], 0);
    set_clock(&n, 1, NET_WALL + 21 * A_DAY);
    net_run(&n, 3 * SC_OFFER_LOOK);
    assert_int_equal(n.node[1].noted[SC_NOTE_GRANT_ENDS], 1); /* once a day */
    assert_true(n.node[1].note.until == NET_WALL + 30 * A_DAY);
    set_clock(&n, 1, NET_WALL + 23 * A_DAY);
    net_run(&n, 2 * SC_OFFER_LOOK);
    assert_int_equal(n.node[1].noted[SC_NOTE_GRANT_ENDS], 2);
    net_fini(&n);
}

/* Hosts join, and serve what the network has; whose clock it is, the reason says. */
static void a_wrong_clock_is_noticed(void **state)
{
    static const int64_t wrong_by[] = {3600, -3600, A_DAY, -A_DAY, -(int64_t)NET_WALL};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof wrong_by / sizeof *wrong_by; i++) {
        struct net n;
        int whose = i % 2; /* the router, or the host */
        begin(&n);
        install(&n, 1, "*", NET_WALL + 1000);
        set_clock(&n, whose, (uint64_t)(NET_WALL + wrong_by[i / 2]));
        net_serve(&n.node[1], "web.demo.scaffold:80");
        serve(&n.node[1], "web");
        net_run(&n, 5 * SC_SECOND);
        assert_true(denial_of_name(&n.node[1], "web.demo.scaffold:80") == SC_DENIAL_NONE);
        bool early = wrong_by[i / 2] < 0;
        assert_int_equal(denial(&n.node[1], "web"), early ? SC_DENIAL_EARLY : SC_DENIAL_OVER);
        assert_int_equal(net_instances(&n.node[0]), 1);
        assert_int_equal(n.node[1].noted[SC_NOTE_DENIED], 1);
        set_clock(&n, whose, NET_WALL + 6);
        net_run(&n, 2 * SC_OFFER_AGAIN);
        assert_int_equal(net_instances(&n.node[0]), 2);
        net_fini(&n);
    }
}

static void what_a_router_with_another_clock_gives_is_noticed(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    set_clock(&n, 0, NET_WALL + A_DAY);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, 5 * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_int_equal(n.node[1].noted[SC_NOTE_GRANT_TIME], 1);
    set_clock(&n, 0, NET_WALL + 6);
    net_run(&n, 2 * SC_OFFER_AGAIN);
    assert_non_null(held(&n.node[1], "web.demo.scaffold:80"));
    net_fini(&n);
}

/* --- restarts --------------------------------------------------------------------------------- */

static bool count_grants(struct net *n, struct net_packet *p)
{
    (void)p;
    n->what = n->node[0].stack ? (unsigned)n->node[0].stack->router.rights.shown_count : 0;
    return false;
}

static void a_router_knows_what_it_was_shown(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    install(&n, 1, "*", NET_WALL + A_DAY);
    serve(&n.node[1], "web");
    net_run(&n, SC_SECOND);
    assert_int_equal(n.node[0].granted, 1);
    struct sc_kept_grant kept = n.node[0].grant;
    struct sc_mapping names[NET_KEPT];
    memcpy(names, n.kept, sizeof names);
    net_stop(&n.node[0]);
    net_start(&n, 0, "r", -1, 200);
    net_restore(&n.node[0]);
    assert_true(sc_stack_restore_grant(n.node[0].stack, (struct sc_field){kept.bytes, kept.len}));
    n.filter = count_grants;
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_int_equal(n.node[0].granted, 0); /* ids alone were enough */
    assert_int_equal(n.what, 1);
    net_fini(&n);
}

static void a_host_shows_again_what_its_router_forgot(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    install(&n, 1, "*", NET_WALL + A_DAY);
    serve(&n.node[1], "web");
    serve(&n.node[1], "db");
    net_run(&n, SC_SECOND);
    net_stop(&n.node[0]);
    net_start(&n, 0, "r", -1, 200);
    net_restore(&n.node[0]);
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 2);
    assert_int_equal(denial(&n.node[1], "web"), SC_DENIAL_NONE);
    assert_true(sc_stack_registered(n.node[1].stack));
    net_fini(&n);
}

static void a_denied_service_leaves_without_a_trace(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    struct sc_instance *i = serve(&n.node[1], "web");
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    assert_int_equal(denial(&n.node[1], "web"), SC_DENIAL_NO_GRANT);
    sc_stack_unserve(n.node[1].stack, i, n.now);
    net_run(&n, 3 * SC_SECOND);
    assert_int_equal(denial(&n.node[1], "web"), SC_DENIAL_NONE);
    assert_int_equal(net_instances(&n.node[0]), 1);
    size_t before = n.seen[SC_PKT_CONTROL];
    net_run(&n, 10 * SC_SECOND); /* what both count is the same: nothing is registered again */
    assert_true(n.seen[SC_PKT_CONTROL] - before < 60);
    net_fini(&n);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void one_host_takes_no_others_room(void **state)
{
    (void)state;
    struct net n;
    begin(&n);
    for (unsigned i = 0; i < SC_GRANTS_OF_HOST + 20; i++) {
        char pattern[16];
        snprintf(pattern, sizeof pattern, "n%u", i);
        struct sc_field grant = granted(&n, 1, pattern, NET_WALL + A_DAY);
        struct sc_grant g;
        assert_true(sc_grant_read(&g, grant));
        sc_rights_show(&n.node[0].stack->router.rights,
                       sc_hosts_find_name(&n.node[0].stack->router.hosts, "a"), grant, n.now);
    }
    assert_int_equal(n.node[0].stack->router.rights.shown_count, SC_GRANTS_OF_HOST);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_network_are_given),
        cmocka_unit_test(they_are_renewed_at_half_their_life),
        cmocka_unit_test(what_is_missing_is_asked_for),
        cmocka_unit_test(another_hosts_name_is_denied),
        cmocka_unit_test(an_operator_may_list_who_serves_what),
        cmocka_unit_test(names_that_nobody_granted_are_denied),
        cmocka_unit_test(who_has_the_key_serves_its_names),
        cmocka_unit_test(what_was_granted_is_served_and_nothing_else),
        cmocka_unit_test(other_hosts_grants_are_of_no_use),
        cmocka_unit_test(forged_grants_are_of_no_use),
        cmocka_unit_test(registrations_end_with_their_grant),
        cmocka_unit_test(their_end_is_announced),
        cmocka_unit_test(a_wrong_clock_is_noticed),
        cmocka_unit_test(what_a_router_with_another_clock_gives_is_noticed),
        cmocka_unit_test(a_router_knows_what_it_was_shown),
        cmocka_unit_test(a_host_shows_again_what_its_router_forgot),
        cmocka_unit_test(a_denied_service_leaves_without_a_trace),
        cmocka_unit_test(one_host_takes_no_others_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
