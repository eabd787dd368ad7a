/* Connectionless datagrams between hosts: whom they meet, what comes back, what is dropped. */
#include "stack/net.h"

#include <errno.h>

#define DNS "dns.demo.scaffold:53/udp"

static uint8_t payload[SC_DATAGRAM_PAYLOAD_MAX];

static struct sc_datagram to_service(const char *name, uint16_t port, size_t len)
{
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 31 % 251);
    return (struct sc_datagram){
        .to = service_id(name), .from_port = port, .data = payload, .len = len};
}

static struct sc_datagram answer_to(const struct sc_datagram *d, size_t len)
{
    return (struct sc_datagram){.to =
                                    sc_service_id_at((struct sc_service_id){{0}}, d->from_port, 17),
                                .to_host = d->from_host,
                                .from = d->to,
                                .from_port = 53,
                                .answer = true,
                                .data = payload,
                                .len = len};
}

static void send(struct net_node *node, const struct sc_datagram *d, uint64_t choice)
{
    assert_int_equal(sc_stack_send_datagram(node->stack, d, choice, node->net->now), 0);
    net_pump(node->net);
}

static const struct sc_datagram *only(const struct net_node *node, size_t len)
{
    assert_int_equal(node->datagram_count, 1);
    assert_int_equal(node->datagram[0].len, len);
    assert_memory_equal(node->datagram[0].data, payload, len);
    return &node->datagram[0];
}

/* r is the router, a asks, b serves. */
static void start(struct net *n)
{
    net_three(n);
    net_serve(&n->node[2], DNS);
    net_run(n, SC_SECOND);
    memset(n->seen, 0, sizeof n->seen);
}

static void there_and_back(void **state)
{
    (void)state;
    struct net n;
    start(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    struct sc_datagram d = to_service(DNS, 4000, 40);
    d.ttl = 7;
    d.tos = 8;
    send(a, &d, 1);
    assert_int_equal(n.seen[SC_PKT_DATAGRAM], 2); /* to the router, and on */
    const struct sc_datagram *got = only(b, 40);
    struct sc_stack_self self;
    sc_stack_get_self(a->stack, &self);
    assert_true(sc_service_id_equal(&got->to, &d.to));
    assert_int_equal(got->from_host, self.address);
    assert_int_equal(got->from_pool, self.pool);
    assert_int_equal(got->from_port, 4000);
    assert_int_equal(got->ttl, 7);
    assert_int_equal(got->tos, 8);
    assert_false(got->answer || got->unicast);

    struct sc_datagram back = answer_to(got, 0); /* an empty datagram is one, too */
    send(b, &back, 0);
    assert_int_equal(n.seen[SC_PKT_DATAGRAM], 3); /* directly */
    got = only(a, 0);
    assert_true(got->answer);
    assert_int_equal(sc_service_id_port(&got->to), 4000);
    assert_true(sc_service_id_equal(&got->from, &d.to));
    net_fini(&n);
}

/* Every size arrives whole, in fragments of one size, whatever their order. */
static bool backwards(struct net *n, struct net_packet *p)
{
    if (net_type(p) != SC_PKT_DATAGRAM || !net_is(n, &p->to, 2) || n->what == 0)
        return false;
    struct net_packet *last = p; /* held back until the last one has passed */
    n->what--;
    net_send(n, &last->from, &last->to, last->data, last->len);
    return true;
}

static void fragments(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 1000, 1098, 1099, 1470, 2196, 9000, 65506, 65507};
    struct net n;
    start(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct sc_datagram d = to_service(DNS, 4000, sizes[i]);
        n.filter = backwards;
        n.what = (unsigned)(sizes[i] / 1100); /* all but the last change places */
        send(a, &d, i);
        only(b, sizes[i]);
        net_forget_datagrams(b);
    }
    struct sc_datagram d = to_service(DNS, 4000, sizeof payload);
    d.len++;
    assert_int_equal(sc_stack_send_datagram(a->stack, &d, 0, n.now), -EMSGSIZE);
    net_fini(&n);
}

/* One fragment in so many is lost on its way to b. */
static bool lossy(struct net *n, struct net_packet *p)
{
    return net_type(p) == SC_PKT_DATAGRAM && net_is(n, &p->to, 2) && ++n->what % 3 == 0;
}

static void incomplete(void **state)
{
    (void)state;
    struct net n;
    start(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    n.filter = lossy;
    struct sc_datagram d = to_service(DNS, 4000, 5000);
    for (uint64_t i = 0; i < 300; i++)
        send(a, &d, i);
    assert_int_equal(b->datagram_count, 0);
    uint64_t dropped = sc_stack_counters(b->stack)->dropped_incomplete;
    assert_int_equal(dropped, 300 - SC_ASSEMBLIES_PER_HOST); /* the oldest made room */
    net_run(&n, SC_ASSEMBLY_TIMEOUT + SC_MS);
    assert_int_equal(sc_stack_counters(b->stack)->dropped_incomplete, 300);
    n.filter = NULL;
    send(a, &d, 1);
    only(b, 5000);
    net_fini(&n);
}

/* Nobody serves it: the socket that sent it hears of it, at the price of a smaller packet. */
static void undelivered(void **state)
{
    (void)state;
    struct net n;
    start(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1];
    struct sc_datagram d = to_service("nobody.demo.scaffold:9/udp", 4001, 3000);
    size_t sent = a->bytes_in;
    send(a, &d, 1);
    assert_int_equal(a->undelivered_count, 1); /* not one for each fragment */
    assert_int_equal(a->undelivered.from_port, 4001);
    assert_true(sc_service_id_equal(&a->undelivered.to, &d.to));
    assert_true(a->bytes_in - sent <= SC_FRAGMENT_OVERHEAD);
    send(r, &d, 1); /* the router itself */
    assert_int_equal(r->undelivered_count, 1);
    net_fini(&n);
}

static void refused_by_the_host(void **state)
{
    (void)state;
    struct net n;
    start(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    struct sc_datagram d = to_service(DNS, 4000, 10);
    send(a, &d, 1);
    sc_stack_refuse_datagram(b->stack, only(b, 10), n.now);
    net_pump(&n);
    assert_int_equal(a->undelivered_count, 1);
    assert_int_equal(a->undelivered.from_port, 4000);
    net_fini(&n);
}

/* A stranger's word that a datagram led nowhere is not believed. */
static bool forge(struct net *n, struct net_packet *p)
{
    if (net_type(p) == SC_PKT_DATAGRAM && net_is(n, &p->to, 1))
        p->data[14] ^= 1; /* the datagram's name */
    return false;
}

static void forged_refusal(void **state)
{
    (void)state;
    struct net n;
    start(&n);
    struct sc_datagram d = to_service("nobody.demo.scaffold:9/udp", 4001, 10);
    n.filter = forge;
    send(&n.node[1], &d, 1);
    assert_int_equal(n.node[1].undelivered_count, 0);
    net_fini(&n);
}

/* Two instances: a constant choice meets one of them, others are spread; an answer goes to who
 * asked. */
static void choices(void **state)
{
    (void)state;
    struct net n;
    start(&n);
    net_start(&n, 3, "c", 0, 103);
    net_serve(&n.node[3], DNS);
    net_run(&n, SC_SECOND);
    struct net_node *a = &n.node[1], *b = &n.node[2], *c = &n.node[3];
    struct sc_datagram d = to_service(DNS, 4000, 2500);
    for (int i = 0; i < 20; i++)
        send(a, &d, 5);
    assert_true(b->datagram_count + c->datagram_count == 20);
    assert_true(b->datagram_count == 0 || c->datagram_count == 0);
    net_forget_datagrams(b);
    net_forget_datagrams(c);
    for (uint64_t i = 0; i < 40; i++)
        send(a, &d, i);
    assert_true(b->datagram_count >= 10 && c->datagram_count >= 10);
    struct sc_datagram back = answer_to(&c->datagram[0], 7);
    send(c, &back, 0);
    only(a, 7);
    net_fini(&n);
}

/* A host's own name reaches that host, from others, from the router, and for flows as well. */
static void a_host_itself(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    start(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1], *b = &n.node[2];
    sc_stack_lookup(a->stack, SC_LOOKUP_NAME, "b.host.scaffold", 0, NULL, NULL, n.now);
    net_pump(&n);
    struct sc_datagram d = to_service("b.host.scaffold:5353/udp", 4000, 12);
    send(a, &d, 1);
    only(b, 12);
    net_forget_datagrams(b);
    send(r, &d, 1);
    only(b, 12);
    struct sc_datagram up = to_service("r.host.scaffold:1/udp", 4000, 3);
    send(a, &up, 1);
    only(r, 3);
    net_serve(b, "web.demo.scaffold:80");
    net_pump(&n);
    net_connect(a, "b.host.scaffold:80", &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    assert_int_equal(b->arrived_count, 1);
    bits = 0;
    net_connect(r, "b.host.scaffold:80", &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    bits = 0;
    struct sc_flow *f = net_connect(a, "b.host.scaffold:81", &bits);
    net_pump(&n);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNREFUSED);
    net_fini(&n);
}

/* What nobody takes away is bounded, and counted. */
static void too_many(void **state)
{
    (void)state;
    struct net n;
    start(&n);
    struct net_node *a = &n.node[1];
    struct sc_datagram d = to_service(DNS, 4000, sizeof payload);
    int err = 0;
    for (unsigned i = 0; i < 1000 && err == 0; i++)
        err = sc_stack_send_datagram(a->stack, &d, i, n.now);
    assert_int_equal(err, -ENOBUFS);
    assert_true(sc_stack_counters(a->stack)->dropped_datagrams > 0);
    n.filter = lossy;
    net_forget_datagrams(&n.node[2]);
    while (sc_stack_drain(a->stack, &n.train, n.now))
        ;
    assert_int_equal(sc_stack_send_datagram(a->stack, &d, 0, n.now), 0);
    net_fini(&n);
}

static void without_a_router(void **state)
{
    (void)state;
    struct net n;
    net_init(&n);
    net_start(&n, 1, "a", 0, 101);
    struct sc_datagram d = to_service(DNS, 4000, 1);
    assert_int_equal(sc_stack_send_datagram(n.node[1].stack, &d, 0, n.now), -ENOBUFS);
    net_run(&n, SC_LEASE_TIME + SC_LEASE_REFRESH);
    assert_int_equal(sc_stack_send_datagram(n.node[1].stack, &d, 0, n.now), -ENETUNREACH);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(fragments),
        cmocka_unit_test(incomplete),
        cmocka_unit_test(undelivered),
        cmocka_unit_test(refused_by_the_host),
        cmocka_unit_test(forged_refusal),
        cmocka_unit_test(choices),
        cmocka_unit_test(a_host_itself),
        cmocka_unit_test(too_many),
        cmocka_unit_test(without_a_router),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
