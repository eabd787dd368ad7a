/* How much is done for others in a second, and in which order it leaves. */
#include "stack/net.h"

#include "stack/parts.h"

#define WEB "web.demo.scaffold:80"

static struct sc_underlay stranger(unsigned i)
{
    return (struct sc_underlay){
        .family = 4, .port = 9, .ip = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct sc_rates *new_rates(void)
{
    static struct sc_rates r;
    const uint64_t seed[2] = {5, 6};
    memset(&r, 0, sizeof r);
    sc_rates_init(&r, seed);
    return &r;
}

/* How many of `count` at one moment are allowed. */
static unsigned allowed(struct sc_rates *r, struct sc_underlay from, bool known, unsigned count,
                        sc_time now)
{
    unsigned n = 0;
    while (count-- > 0)
        n += sc_rates_allow(r, SC_RATE_PROBE, &from, known, now);
    return n;
}

/* --- the buckets ------------------------------------------------------------------------------ */

/* A second's worth at once, then as much as time gives back. */
static void one_host(void **state)
{
    (void)state;
    struct sc_rates *r = new_rates();
    sc_time now = 1000 * SC_SECOND;
    assert_in_range(allowed(r, stranger(1), true, 5000, now), SC_PROBES_OF_HOST,
                    SC_PROBES_OF_HOST + 32);
    assert_int_equal(allowed(r, stranger(1), true, 5000, now), 0);
    assert_in_range(allowed(r, stranger(1), true, 5000, now + SC_SECOND / 4),
                    SC_PROBES_OF_HOST / 4 - 32, SC_PROBES_OF_HOST / 4 + 32);
    assert_in_range(allowed(r, stranger(1), true, 5000, now + 100 * SC_SECOND), SC_PROBES_OF_HOST,
                    SC_PROBES_OF_HOST + 32);
}

/* Who floods uses up his own; whatever he sends from another port, or from one network. */
static void a_flooder_and_others(void **state)
{
    (void)state;
    struct sc_rates *r = new_rates();
    sc_time now = 1000 * SC_SECOND;
    struct sc_underlay six = {.family = 6, .port = 1, .ip = {0x20, 1, 7, 7, 0, 0, 0, 1, 5}};
    assert_in_range(allowed(r, stranger(1), false, 500, now), SC_PROBES_OF_STRANGER,
                    SC_PROBES_OF_STRANGER + 2);
    struct sc_underlay port = stranger(1);
    port.port = 10;
    assert_int_equal(allowed(r, port, false, 500, now), 0);
    assert_int_equal(allowed(r, stranger(2), false, 5, now), 5);
    assert_true(allowed(r, six, false, 500, now) >= SC_PROBES_OF_STRANGER);
    six.ip[15] = 77;
    assert_int_equal(allowed(r, six, false, 500, now), 0);
    six.ip[7] = 2;
    assert_int_equal(allowed(r, six, false, 5, now), 5);
}

/* In many names a flooder gets what all strangers have, and no more; those we know have theirs. */
static void many_names(void **state)
{
    (void)state;
    struct sc_rates *r = new_rates();
    sc_time now = 1000 * SC_SECOND;
    unsigned n = 0;
    for (unsigned i = 0; i < 50000; i++)
        n += allowed(r, stranger(i), false, 1, now);
    assert_in_range(n, SC_PROBES_OF_STRANGERS, SC_PROBES_OF_STRANGERS + 32);
    assert_int_equal(allowed(r, stranger(70000), false, 1, now), 0);
    assert_int_equal(allowed(r, stranger(70000), true, 100, now), 100);
    n = 0;
    for (unsigned i = 0; i < 50000; i++)
        n += allowed(r, stranger(i), true, 1, now);
    assert_in_range(n, SC_PROBES_OF_ALL - 200, SC_PROBES_OF_ALL);
}

/* Who has used up one kind still has all the others. */
static void kinds_are_apart(void **state)
{
    (void)state;
    struct sc_rates *r = new_rates();
    sc_time now = 1000 * SC_SECOND;
    struct sc_underlay from = stranger(1);
    allowed(r, from, false, 5000, now);
    assert_false(sc_rates_allow(r, SC_RATE_PROBE, &from, false, now));
    for (enum sc_rate kind = 0; kind < SC_RATES; kind++)
        assert_int_equal(sc_rates_allow(r, kind, &from, false, now), kind != SC_RATE_PROBE);
}

/* Every host that there may be refreshes every second, and 4,096 are back at once behind a router
 * that was restarted: they refresh, are told to join, and join. */
static void ordinary_life(void **state)
{
    (void)state;
    struct sc_rates *r = new_rates();
    sc_time now = 1000 * SC_SECOND;
    for (unsigned second = 0; second < 10; second++, now += SC_SECOND)
        for (unsigned i = 0; i < SC_HOSTS_MAX; i++) {
            struct sc_underlay from = stranger(i);
            assert_true(sc_rates_allow(r, SC_RATE_REQUEST, &from, true, now));
        }
    for (unsigned i = 0; i < 8192; i++) {
        struct sc_underlay from = stranger(i / 2);
        assert_true(sc_rates_allow(r, SC_RATE_REQUEST, &from, false, now));
    }
}

/* --- in a stack ------------------------------------------------------------------------------- */

static void send_control(struct net *n, const struct sc_underlay *from, int to,
                         struct sc_control *c, enum sc_control_message message)
{
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    c->message = (uint8_t)message;
    sc_control_write(&w, c);
    net_send(n, from, &n->node[to].at, packet, sc_writer_len(&w));
}

/* Every kind is counted where it is refused, and honest hosts go on beside it. */
static void counted(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct sc_underlay from = stranger(5);
    const struct sc_stack_counters *c = sc_stack_counters(n.node[0].stack);
    n.seen[SC_PKT_CONTROL] = n.messages[SC_MSG_ALIVE] = n.messages[SC_MSG_THERE] = 0;
    for (unsigned i = 0; i < 2 * SC_REQUESTS_OF_STRANGER; i++) {
        struct sc_control probe = {.src = 77}, where = {.src = 77}, join = {.src = 0, .epoch = i};
        snprintf(join.name, sizeof join.name, "new-%u", i);
        send_control(&n, &from, 0, &probe, SC_MSG_PROBE);
        send_control(&n, &from, 0, &where, SC_MSG_WHERE);
        if (i < 2 * SC_NAMES_OF_STRANGER)
            send_control(&n, &from, 0, &join, SC_MSG_JOIN);
        net_pump(&n);
    }
    assert_in_range(n.messages[SC_MSG_ALIVE], SC_PROBES_OF_STRANGER, SC_PROBES_OF_STRANGER + 2);
    assert_int_equal(c->limited[SC_RATE_PROBE],
                     2 * SC_REQUESTS_OF_STRANGER - n.messages[SC_MSG_ALIVE]);
    assert_in_range(c->limited[SC_RATE_REQUEST], SC_REQUESTS_OF_STRANGER,
                    SC_REQUESTS_OF_STRANGER + 2 * SC_NAMES_OF_STRANGER);
    assert_in_range(c->limited[SC_RATE_NAME], SC_NAMES_OF_STRANGER - 2, SC_NAMES_OF_STRANGER);
    struct sc_stack_self self;
    sc_stack_get_self(n.node[1].stack, &self);
    assert_true(self.joined);
    net_run(&n, 5 * SC_SECOND);
    sc_stack_get_self(n.node[1].stack, &self);
    assert_true(self.joined);
    assert_int_equal(sc_stack_counters(n.node[0].stack)->limited[SC_RATE_OPEN], 0);
    net_fini(&n);
}

/* A name that is known costs nothing: only a new one is stored. */
static void names_that_are_known(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    const struct sc_stack_counters *c = sc_stack_counters(n.node[0].stack);
    for (unsigned i = 0; i < 4 * SC_NAMES_OF_HOST; i++) {
        struct sc_control q = {.by = SC_LOOKUP_NAME, .service_count = 1, .name = "a.b.scaffold"};
        q.src = net_address(&n.node[1]);
        send_control(&n, &n.node[1].at, 0, &q, SC_MSG_LOOKUP);
        net_pump(&n);
    }
    assert_int_equal(c->limited[SC_RATE_NAME], 0);
    assert_int_equal(c->limited[SC_RATE_REQUEST], 0);
    net_fini(&n);
}

/* --- what leaves ------------------------------------------------------------------------------ */

/* However many answers wait, a flow's packets and our own requests are among the next to leave. */
static void turns(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    net_three(&n);
    struct sc_stack *s = n.node[1].stack;
    struct sc_underlay to = stranger(1);
    uint8_t packet[100] = {0};
    for (enum sc_queue q = 0; q < SC_QUEUES; q++)
        for (unsigned i = 0; i < 500; i++)
            sc_outbox_put(&s->node.outbox, q, &to, packet, sizeof packet);
    struct sc_control c = {.message = SC_MSG_PROBE};
    while (sc_stack_pending(s) && s->node.outbox.queue[SC_QUEUE_OWN].count)
        assert_true(sc_stack_drain(s, &n.train, n.now));
    sc_outbox_control(&s->node.outbox, SC_QUEUE_OWN, &n.node[0].at, 0, &c);
    net_connect(&n.node[1], WEB, &bits); /* an OPEN, to the router */
    unsigned at = 0, last = 0;
    for (unsigned found = 0; found < 2; at++) {
        assert_true(sc_stack_drain(s, &n.train, n.now));
        if (sc_underlay_equal(&n.train.to, &n.node[0].at)) {
            found++;
            last = at;
        }
    }
    assert_true(last < SC_QUEUES + 1);
    net_fini(&n);
}

/* A queue is bounded, what it drops is counted, and no other one has less for it. */
static void full_queues(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct sc_stack *s = n.node[1].stack;
    struct sc_underlay to = stranger(1);
    uint8_t packet[100] = {0};
    for (unsigned i = 0; i < SC_OUTBOX_STRANGERS + 10; i++)
        sc_outbox_put(&s->node.outbox, SC_QUEUE_STRANGERS, &to, packet, sizeof packet);
    assert_int_equal(s->node.counters.dropped_queue, 10);
    sc_outbox_put(&s->node.outbox, SC_QUEUE_ANSWERS, &to, packet, sizeof packet);
    assert_int_equal(s->node.counters.dropped_queue, 10);
    net_fini(&n);
}

/* What is forwarded to one place leaves as trains: one call for many. */
static void forwarded_trains(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct sc_stack *s = n.node[0].stack;
    unsigned trains = 0;
    for (unsigned i = 0; i < 64; i++) {
        uint8_t packet[1000] = {0};
        struct sc_writer w = sc_writer(packet, sizeof packet);
        struct sc_header h = {.version = SC_WIRE_VERSION,
                              .type = SC_PKT_DATA,
                              .hop_limit = SC_HOP_LIMIT,
                              .dst = net_address(&n.node[2])};
        sc_header_write(&w, &h);
        sc_stack_feed(s, packet, sizeof packet, &n.node[1].at, 0, n.now);
    }
    while (sc_stack_drain(s, &n.train, n.now))
        trains += n.train.len > 1000;
    assert_in_range(trains, 1, 4);
    assert_int_equal(s->node.counters.forwarded, 64);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_host),
        cmocka_unit_test(a_flooder_and_others),
        cmocka_unit_test(many_names),
        cmocka_unit_test(kinds_are_apart),
        cmocka_unit_test(ordinary_life),
        cmocka_unit_test(counted),
        cmocka_unit_test(names_that_are_known),
        cmocka_unit_test(turns),
        cmocka_unit_test(full_queues),
        cmocka_unit_test(forwarded_trains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
