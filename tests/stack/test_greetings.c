/* A flood of handshakes, and handshakes that somebody else meddles with. */
#include "stack/net.h"
#include "stack/parts.h"

static struct sc_stack_self self_of(const struct net_node *node)
{
    struct sc_stack_self self;
    sc_stack_get_self(node->stack, &self);
    return self;
}

static struct sc_underlay somewhere(unsigned i)
{
    return (struct sc_underlay){
        .family = 4, .port = 9, .ip = {192, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static void start_router(struct net *n)
{
    net_init(n);
    n->secure = true;
    net_start(n, 0, "r", -1, 100);
    net_run(n, SC_SECOND);
}

static void feed(struct net_node *to, const struct sc_control *c, const struct sc_underlay *from)
{
    uint8_t packet[SC_CONTROL_REQUEST];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_control_write(&w, c);
    assert_false(w.bad);
    sc_stack_feed(to->stack, packet, sc_writer_len(&w), from, 0, to->net->now);
    sc_stack_settle(to->stack, to->net->now);
}

/* GREET number `i`, with a key that is one. */
static struct sc_control greet(unsigned i, uint8_t key[SC_X25519_LEN])
{
    memset(key, 0, SC_X25519_LEN);
    memcpy(key, &i, sizeof i);
    key[8] = 9;
    return (struct sc_control){.message = SC_MSG_GREET,
                               .channel = i + 1,
                               .suite = SC_SUITE_AESGCM,
                               .handshake = {key, SC_X25519_LEN}};
}

/* One from each of so many places that do not exist, in this time. */
static void flood(struct net *n, unsigned count, sc_time time)
{
    static unsigned i;
    uint8_t key[SC_X25519_LEN];
    for (unsigned k = 0; k < count; k++, i++) {
        struct sc_control c = greet(i, key);
        struct sc_underlay from = somewhere(i);
        feed(&n->node[0], &c, &from);
        if (k % 64 == 63) {
            net_pump(n);
            net_run(n, time * 64 / count);
        }
    }
    net_pump(n);
}

static size_t half_done(const struct net *n)
{
    return n->node[0].stack->router.greetings.by_id.count;
}

/* --- a flood ---------------------------------------------------------------------------------- */

static bool answers_are_shorter(struct net *n, struct net_packet *p)
{
    if (net_is(n, &p->from, 0))
        assert_true(p->len < SC_CONTROL_REQUEST);
    if (net_message(p) == SC_MSG_AGAIN)
        assert_true(p->len <= 64);
    return false;
}

/* A router that was just restarted knows none of its hosts, and thousands of packets a second come
 * from made-up places. */
static void hosts_come_back_in_a_flood(void **state)
{
    (void)state;
    struct net n;
    start_router(&n);
    n.filter = answers_are_shorter;
    flood(&n, 20000, 4 * SC_SECOND);
    size_t most = SC_GREETS_OF_STRANGERS * 6;
    assert_true(half_done(&n) > 0 && half_done(&n) <= most);
    assert_true(n.messages[SC_MSG_AGAIN] > 15000);
    for (int i = 1; i < 4; i++)
        net_start(&n, i, (const char *[]){"a", "b", "c"}[i - 1], 0, 100 + (uint64_t)i);
    flood(&n, 5000, SC_SECOND);
    for (int i = 1; i < 4; i++)
        assert_true(self_of(&n.node[i]).joined);
    net_fini(&n);
}

/* In the name of a host that has joined, too: its own next handshake gets through. */
static void a_flood_in_a_hosts_name(void **state)
{
    (void)state;
    struct net n;
    uint8_t key[SC_X25519_LEN];
    start_router(&n);
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_SECOND);
    uint32_t first = n.node[1].stack->remote.registrar.link.now->id;
    n.now += SC_CHANNEL_RENEW;
    for (unsigned i = 0; i < 200; i++) {
        struct sc_control c = greet(i, key);
        c.src = net_address(&n.node[1]);
        feed(&n.node[0], &c, &n.node[1].at);
    }
    net_run(&n, SC_MS);
    assert_int_not_equal(n.node[1].stack->remote.registrar.link.now->id, first);
    net_fini(&n);
}

/* Beyond so many that are half done each needs a cookie, wherever they come from. */
static void room_is_left_for_who_has_a_cookie(void **state)
{
    (void)state;
    struct net n;
    start_router(&n);
    for (int i = 0; i < 30; i++) { /* as if all rates were larger */
        memset(n.node[0].stack->node.rates.all_strange, 0,
               sizeof n.node[0].stack->node.rates.all_strange);
        flood(&n, 128, SC_MS);
    }
    assert_int_equal(half_done(&n), SC_GREETINGS_PLAIN_MAX);
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_MS);
    assert_true(self_of(&n.node[1]).address != 0);
    assert_int_equal(sc_stack_counters(n.node[0].stack)->dropped_half_open, 0);
    net_run(&n, SC_GREETING_LIFE);
    assert_int_equal(half_done(&n), 0);
    net_fini(&n);
}

/* A cookie is good where it was sent to, for this handshake, and for some seconds. */
static void cookies_are_not_transferable(void **state)
{
    (void)state;
    struct net n;
    uint8_t key[SC_X25519_LEN], bytes[SC_COOKIE_MAX];
    start_router(&n);
    struct sc_stack *r = n.node[0].stack;
    struct sc_underlay here = somewhere(1 << 20), there = somewhere(2 << 20);
    struct sc_control c = greet(1 << 20, key);
    const struct sc_cookie_use use = {SC_COOKIE_GREET, c.channel};
    const struct sc_cookie_use open = {SC_COOKIE_OPEN, c.channel};
    r->node.rates.all_strange[SC_RATE_GREET] = n.now + 3600 * SC_SECOND;
    c.cookie =
        (struct sc_field){bytes, sc_secrets_cookie(&r->node.secrets, &here, use, n.now, bytes)};
    feed(&n.node[0], &c, &there);
    assert_int_equal(half_done(&n), 0);
    c.channel++;
    feed(&n.node[0], &c, &here);
    assert_int_equal(half_done(&n), 0);
    c.channel--;
    bytes[0] ^= 1;
    feed(&n.node[0], &c, &here);
    assert_int_equal(half_done(&n), 0);
    sc_secrets_cookie(&r->node.secrets, &here, open, n.now, bytes);
    feed(&n.node[0], &c, &here);
    assert_int_equal(half_done(&n), 0);
    sc_secrets_cookie(&r->node.secrets, &here, use, n.now, bytes);
    feed(&n.node[0], &c, &here);
    assert_int_equal(half_done(&n), 1);
    n.now += 2 * SC_COOKIE_LIFETIME;
    sc_stack_tick(r, n.now);
    feed(&n.node[0], &c, &here);
    assert_int_equal(half_done(&n), 0);
    net_fini(&n);
}

/* Whoever can send in the router's name makes a host repeat GREET once more each time that it would
 * repeat it anyway. */
static void a_host_is_no_amplifier(void **state)
{
    (void)state;
    struct net n;
    uint8_t bytes[16] = {1};
    start_router(&n);
    n.from = 0;
    net_start(&n, 1, "a", 0, 101);
    net_stop(&n.node[0]);
    net_run(&n, SC_SECOND);
    size_t before = n.messages[SC_MSG_GREET];
    struct sc_control again = {.message = SC_MSG_AGAIN,
                               .channel = n.node[1].stack->remote.registrar.approach.id,
                               .cookie = {bytes, sizeof bytes}};
    for (int i = 0; i < 100; i++)
        feed(&n.node[1], &again, &n.node[0].at);
    net_pump(&n);
    assert_int_equal(n.messages[SC_MSG_GREET], before + 1);
    net_fini(&n);
}

/* --- who meddles ------------------------------------------------------------------------------ */

/* Whoever sees GREET sends one like it, with another key, in the host's name. */
static bool copies_greet(struct net *n, struct net_packet *p)
{
    if (net_message(p) != SC_MSG_GREET || !net_is(n, &p->from, 1))
        return false;
    uint8_t copy[SC_CONTROL_REQUEST];
    memcpy(copy, p->data, sizeof copy);
    copy[SC_HEADER_LEN + 9 + 4 + 1 + 2] ^= 1; /* of the handshake */
    sc_stack_feed(n->node[0].stack, p->data, p->len, &p->from, 0, n->now);
    sc_stack_feed(n->node[0].stack, copy, sizeof copy, &p->from, 0, n->now);
    sc_stack_settle(n->node[0].stack, n->now);
    return true;
}

static void another_greet_does_not_end_a_handshake(void **state)
{
    (void)state;
    struct net n;
    start_router(&n);
    n.filter = copies_greet;
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_MS);
    assert_true(self_of(&n.node[1]).address != 0);
    net_fini(&n);
}

static bool keeps_prove(struct net *n, struct net_packet *p)
{
    if (net_message(p) != SC_MSG_PROVE)
        return false;
    memcpy(n->packet, p->data, p->len);
    n->packet_len = p->len;
    return true;
}

/* Each costs a router as much as a good one. */
static void bad_proofs_are_looked_into_some_times_only(void **state)
{
    (void)state;
    struct net n;
    start_router(&n);
    n.filter = keeps_prove;
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_MS);
    assert_true(n.packet_len > 0);
    assert_int_equal(half_done(&n), 1);
    n.packet[n.packet_len - 1] ^= 1;
    for (int i = 0; i < SC_PROVE_TRIALS; i++) {
        assert_int_equal(half_done(&n), 1);
        sc_stack_feed(n.node[0].stack, n.packet, n.packet_len, &n.node[1].at, 0, n.now);
    }
    assert_int_equal(half_done(&n), 0);
    n.filter = NULL;
    net_run(&n, 5 * SC_SECOND);
    assert_true(self_of(&n.node[1]).joined);
    net_fini(&n);
}

/* What anybody can send in the router's name is no word of it. */
static void plain_messages_are_no_sign_of_life(void **state)
{
    (void)state;
    struct net n;
    uint8_t bytes[64] = {1};
    start_router(&n);
    net_start(&n, 1, "a", 0, 101);
    net_run(&n, SC_SECOND);
    struct sc_registrar *g = &n.node[1].stack->remote.registrar;
    struct sc_underlay router = n.node[0].at;
    net_stop(&n.node[0]);
    for (int i = 0; i < 50; i++) {
        net_run(&n, 100 * SC_MS);
        for (uint8_t m = SC_MSG_ALIVE; m <= SC_MSG_AGAIN; m++) {
            struct sc_control c = {
                .message = m, .handshake = {bytes, sizeof bytes}, .cookie = {bytes, 16}};
            feed(&n.node[1], &c, &router);
        }
    }
    assert_true(g->unanswered >= SC_REFRESH_UNANSWERED);
    assert_false(self_of(&n.node[1]).joined);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_back_in_a_flood),
        cmocka_unit_test(a_flood_in_a_hosts_name),
        cmocka_unit_test(room_is_left_for_who_has_a_cookie),
        cmocka_unit_test(cookies_are_not_transferable),
        cmocka_unit_test(a_host_is_no_amplifier),
        cmocka_unit_test(another_greet_does_not_end_a_handshake),
        cmocka_unit_test(bad_proofs_are_looked_into_some_times_only),
        cmocka_unit_test(plain_messages_are_no_sign_of_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
