/* More half-open flows than a host keeps: cookies instead of memory. */
#include "stack/net.h"

#include "stack/parts.h"

#define WEB "web.demo.scaffold:80"

/* Of the OPEN with this id. */
#define OF(open_id) ((struct sc_cookie_use){SC_COOKIE_OPEN, open_id})

static struct sc_underlay somewhere(unsigned i)
{
    return (struct sc_underlay){
        .family = 4, .port = 9, .ip = {192, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

/* As the router passes it on. */
static size_t forge_open(uint8_t *buf, uint64_t src, uint64_t open_id,
                         const struct sc_underlay *origin)
{
    struct sc_writer w = sc_writer(buf, SC_DATAGRAM_BASE);
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_OPEN, .hop_limit = SC_HOP_LIMIT};
    struct sc_open open = {.src = src,
                           .src_flow = 1,
                           .open_id = open_id,
                           .service = service_id(WEB),
                           .origin = *origin};
    sc_open_write(&w, &h, &open);
    return sc_writer_len(&w);
}

static bool count_answer(struct net *n, struct net_packet *p)
{
    if (net_type(p) == SC_PKT_ANSWER || net_type(p) == SC_PKT_RETRY)
        assert_true(p->len <= SC_OPEN_LEN);
    n->what += net_type(p) == SC_PKT_ANSWER;
    return false;
}

/* OPENs from everywhere, each in the name of another host, none of them confirmed. A client that
 * gets its packets is served all the same; and then everything is forgotten. */
static void a_flood(void **state)
{
    (void)state;
    struct net n;
    unsigned bits, server_bits = 0;
    uint8_t buf[SC_DATAGRAM_BASE];
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    const struct sc_stack_counters *c = sc_stack_counters(b->stack);
    net_serve(b, WEB);
    net_pump(&n);
    struct sc_flow *early = net_connect(a, WEB, &bits);
    net_pump(&n);
    n.filter = count_answer;
    n.what = 0;
    for (unsigned i = 0; i < SC_HALF_OPEN_MAX + 100; i++) {
        struct sc_underlay from = somewhere(i);
        size_t len = forge_open(buf, 0x900000000 + i, i, &from);
        assert_int_equal(len, SC_OPEN_LEN);
        net_send(&n, &n.node[0].at, &b->at, buf, len);
        net_pump(&n);
    }
    assert_int_equal(n.what, SC_HALF_OPEN_MAX);
    assert_int_equal(c->retries, 100);
    assert_int_equal(c->dropped_table_full, 0); /* not a peer yet, any of them */
    struct sc_flow *f = net_connect(a, WEB, &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    assert_int_equal(c->retries, 101);
    assert_int_equal(b->arrived_count, 2);
    sc_stack_accept(b->stack, b->arrived[1], &server_bits);
    net_check_talk(a, f, b, b->arrived[1]);
    net_run(&n, SC_HALF_OPEN_TIMEOUT);
    assert_int_equal(sc_stack_flow_count(b->stack), 2);
    net_connect(a, WEB, &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    assert_int_equal(c->retries, 101);
    net_drop(a, early);
    net_fini(&n);
}

/* Good for one underlay, one open id and one to two slots of time; and for this secret. */
static void validity(void **state)
{
    (void)state;
    struct net n;
    uint8_t bytes[32];
    net_three(&n);
    const struct sc_secrets *s = &n.node[1].stack->node.secrets;
    struct sc_underlay here = somewhere(1), there = somewhere(2);
    sc_time now = 100 * SC_COOKIE_LIFETIME;
    struct sc_field cookie = {bytes, sc_secrets_cookie(s, &here, OF(7), now, bytes)};
    assert_true(cookie.len > 0 && cookie.len <= sizeof bytes);
    assert_true(sc_secrets_cookie_valid(s, &here, OF(7), &cookie, now));
    assert_true(sc_secrets_cookie_valid(s, &here, OF(7), &cookie, now + SC_COOKIE_LIFETIME));
    assert_false(sc_secrets_cookie_valid(s, &here, OF(7), &cookie, now + 2 * SC_COOKIE_LIFETIME));
    assert_false(sc_secrets_cookie_valid(s, &here, OF(8), &cookie, now));
    assert_false(sc_secrets_cookie_valid(s, &there, OF(7), &cookie, now));
    assert_false(
        sc_secrets_cookie_valid(&n.node[2].stack->node.secrets, &here, OF(7), &cookie, now));
    there = here;
    there.port++;
    assert_false(sc_secrets_cookie_valid(s, &there, OF(7), &cookie, now));
    bytes[0] ^= 1;
    assert_false(sc_secrets_cookie_valid(s, &here, OF(7), &cookie, now));
    bytes[0] ^= 1;
    cookie.len--;
    assert_false(sc_secrets_cookie_valid(s, &here, OF(7), &cookie, now));
    cookie.len = 0;
    assert_false(sc_secrets_cookie_valid(s, &here, OF(7), &cookie, now));
    net_fini(&n);
}

/* Who has a cookie has shown where it is, but may still not fill the table of flows. */
static void a_crowd_with_cookies(void **state)
{
    (void)state;
    struct net n;
    uint8_t buf[SC_DATAGRAM_BASE];
    net_three(&n);
    struct net_node *b = &n.node[2];
    const struct sc_stack_counters *c = sc_stack_counters(b->stack);
    struct sc_underlay from = somewhere(1);
    net_serve(b, WEB);
    for (unsigned i = 0; i < SC_HALF_OPEN_MAX + 2 * SC_CROWD_OF_HOST; i++) {
        uint8_t cookie[32];
        struct sc_writer w = sc_writer(buf, sizeof buf);
        struct sc_header h = {
            .version = SC_WIRE_VERSION, .type = SC_PKT_OPEN, .hop_limit = SC_HOP_LIMIT};
        struct sc_open open = {
            .src = 9, .src_flow = 1, .open_id = i, .service = service_id(WEB), .origin = from};
        open.cookie = (struct sc_field){
            cookie, sc_secrets_cookie(&b->stack->node.secrets, &from, OF(i), n.now, cookie)};
        sc_open_write(&w, &h, &open);
        net_send(&n, &n.node[0].at, &b->at, buf, sc_writer_len(&w));
        net_pump(&n);
    }
    assert_int_equal(c->retries, 0);
    assert_in_range(sc_stack_flow_count(b->stack), SC_HALF_OPEN_MAX + SC_CROWD_OF_HOST,
                    SC_HALF_OPEN_MAX + SC_CROWD_OF_HOST + 1);
    assert_in_range(c->limited[SC_RATE_CROWD], SC_CROWD_OF_HOST - 1, SC_CROWD_OF_HOST);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood),
        cmocka_unit_test(a_crowd_with_cookies),
        cmocka_unit_test(validity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
