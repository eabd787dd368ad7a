/* Hosts and their router: joining, leases, what is served where, and which address a name has. */
#include "stack/net.h"

#include <errno.h>

#include "wire/control.h"

#define WEB "web.demo.scaffold:80"

static void a_stack_alone(void **state)
{
    (void)state;
    struct net n;
    struct sc_stack_self self;
    net_init(&n);
    struct net_node *r = net_start(&n, 0, "r", -1, 1);
    net_run(&n, 0);
    sc_stack_get_self(r->stack, &self);
    assert_true(self.is_router && self.joined);
    assert_int_equal(self.address, sc_network_address(1, 1));
    assert_int_equal(self.pool, NET_POOL + 1);
    struct sc_instance *i = net_serve(r, WEB);
    assert_true(sc_stack_registered(r->stack));
    net_lookup(r, "web.demo.scaffold");
    assert_int_equal(r->mapped, 1);
    assert_int_equal(r->mapping.error, 0);
    assert_int_equal(sc_stack_deadline(r->stack), SC_NEVER); /* nothing wakes an idle host */
    sc_stack_unserve(r->stack, i, n.now);
    net_pump(&n);
    assert_int_equal(sc_stack_deadline(r->stack), SC_NEVER);
    net_fini(&n);
}

struct host_census {
    size_t count, up, leased;
    uint64_t address; /* of the host called "a" */
};

static void count_host(void *arg, const struct sc_host_status *h)
{
    struct host_census *c = arg;
    c->count++;
    c->up += h->up;
    c->leased += h->lease_left > 0;
    if (strcmp(h->name, "a") == 0)
        c->address = h->address;
}

static struct host_census census(const struct net_node *r)
{
    struct host_census c = {0};
    size_t cursor = 0;
    do
        sc_stack_scan_hosts(r->stack, &cursor, count_host, &c, r->net->now);
    while (cursor);
    return c;
}

static void hosts_join(void **state)
{
    (void)state;
    struct net n;
    struct sc_stack_self a, b;
    net_three(&n);
    sc_stack_get_self(n.node[1].stack, &a);
    sc_stack_get_self(n.node[2].stack, &b);
    assert_true(a.joined && b.joined && !a.is_router);
    assert_true(a.address && a.address != b.address && a.address >> 32 == 1);
    assert_true(a.pool && a.pool != b.pool);
    assert_int_equal(n.node[0].allocated, 3); /* to be kept: the router's, a's and b's */
    struct host_census c = census(&n.node[0]);
    assert_true(c.count == 2 && c.up == 2 && c.leased == 2);
    assert_int_equal(sc_stack_host_count(n.node[0].stack), 2);
    assert_int_equal(c.address, a.address);
    net_fini(&n);
}

static void serving(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1];
    struct sc_instance *i = net_serve(a, WEB);
    assert_false(sc_stack_registered(a->stack));
    net_pump(&n);
    assert_true(sc_stack_registered(a->stack));
    assert_int_equal(a->registered, 1);
    assert_int_equal(net_instances(r), 1);
    sc_stack_unserve(a->stack, i, n.now);
    net_pump(&n);
    assert_int_equal(net_instances(r), 0);
    net_fini(&n);
}

/* What a router tells its log of a host's life. */
static void notes(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0];
    assert_int_equal(r->noted[SC_NOTE_JOINED], 2);
    struct sc_instance *i = net_serve(&n.node[1], WEB);
    net_pump(&n);
    assert_int_equal(r->noted[SC_NOTE_REGISTERED], 1);
    assert_string_equal(r->note.host, "a");
    struct sc_service_id web = service_id(WEB);
    assert_memory_equal(&r->note.service, &web, sizeof web);
    sc_stack_unserve(n.node[1].stack, i, n.now);
    net_pump(&n);
    assert_int_equal(r->noted[SC_NOTE_UNREGISTERED], 1);
    net_serve(&n.node[1], WEB);
    net_pump(&n);
    n.node[1].at.port++; /* a NAT gave it another port */
    net_run(&n, 2 * SC_LEASE_REFRESH);
    assert_int_equal(r->noted[SC_NOTE_MOVED], 1);
    assert_int_equal(r->note.underlay.port, n.node[1].at.port);
    net_stop(&n.node[1]);
    net_run(&n, 2 * SC_LEASE_TIME);
    assert_int_equal(r->noted[SC_NOTE_EXPIRED], 1);
    assert_int_equal(r->noted[SC_NOTE_JOINED], 2);
    assert_int_equal(n.node[2].noted[SC_NOTE_JOINED], 0); /* a host is no router */
    net_fini(&n);
}

/* Nobody asks for them: they are counted from SC_NOTES_MAX on, and the next one says how many. */
static void notes_are_bounded(void **state)
{
    (void)state;
    struct net n;
    net_init(&n);
    struct sc_stack *s = net_start(&n, 0, "r", -1, 1)->stack;
    net_pump(&n);
    for (uint32_t i = 0; i < SC_NOTES_MAX + 44; i++) {
        struct sc_control c = {.message = SC_MSG_JOIN, .transaction = i, .epoch = 1};
        struct sc_underlay from = net_underlay(1 + i);
        uint8_t data[SC_CONTROL_REQUEST];
        struct sc_writer w = sc_writer(data, sizeof data);
        snprintf(c.name, sizeof c.name, "h%u", i);
        sc_control_write(&w, &c);
        n.now += SC_MS; /* new names have a rate */
        sc_stack_feed(s, data, sizeof data, &from, 0, n.now);
    }
    struct net_node *r = &n.node[0];
    net_take_events(r);
    assert_int_equal(r->noted[SC_NOTE_JOINED], SC_NOTES_MAX);
    assert_int_equal(r->notes_left_out, 0);
    n.now += 2 * SC_LEASE_TIME;
    sc_stack_tick(s, n.now);
    net_take_events(r);
    assert_int_equal(r->noted[SC_NOTE_EXPIRED], SC_NOTES_MAX);
    assert_int_equal(r->notes_left_out, 44);
    net_fini(&n);
}

/* More than one REGISTER holds, known at once and after the router has forgotten everything. */
static void many_services(void **state)
{
    (void)state;
    struct net n;
    char name[64];
    net_three(&n);
    for (int i = 0; i < 3 * SC_REGISTER_MAX + 1; i++) {
        snprintf(name, sizeof name, "s%d.demo.scaffold:80", i);
        net_serve(&n.node[1], name);
    }
    net_pump(&n);
    assert_int_equal(net_instances(&n.node[0]), 3 * SC_REGISTER_MAX + 1);
    net_stop(&n.node[0]);
    net_start(&n, 0, "r", -1, 200);
    net_run(&n, 2 * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 3 * SC_REGISTER_MAX + 1);
    assert_true(sc_stack_registered(n.node[1].stack));
    net_fini(&n);
}

/* SO_REUSEPORT: two instances of one id here are one at the router, until both are gone. */
static void twins(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1];
    struct sc_instance *first = net_serve(a, WEB);
    struct sc_instance *second = net_serve(a, WEB);
    net_run(&n, 3 * SC_SECOND);
    assert_true(sc_stack_registered(a->stack));
    assert_int_equal(net_instances(r), 1);
    memset(n.messages, 0, sizeof n.messages);
    net_run(&n, 10 * SC_SECOND);
    assert_in_range(n.messages[SC_MSG_REFRESH], 20, 22); /* two hosts, one each second */
    assert_int_equal(n.messages[SC_MSG_REGISTER], 0);
    sc_stack_unserve(a->stack, first, n.now);
    net_pump(&n);
    assert_int_equal(net_instances(r), 1);
    sc_stack_unserve(a->stack, second, n.now);
    net_pump(&n);
    assert_int_equal(net_instances(r), 0);
    net_fini(&n);
}

static bool drop_message(struct net *n, struct net_packet *p)
{
    return net_message(p) == n->what;
}

/* Nothing depends on the packet that says what changed: the digest of the next REFRESH does. */
static void lost_words(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0], *a = &n.node[1];
    n.filter = drop_message;
    n.what = SC_MSG_REGISTER;
    struct sc_instance *i = net_serve(a, WEB);
    net_pump(&n);
    assert_int_equal(net_instances(r), 0);
    assert_false(sc_stack_registered(a->stack));
    n.filter = NULL;
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(r), 1);
    assert_true(sc_stack_registered(a->stack));
    n.filter = drop_message;
    n.what = SC_MSG_UNREGISTER;
    sc_stack_unserve(a->stack, i, n.now);
    net_pump(&n);
    assert_int_equal(net_instances(r), 1);
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(r), 0);
    net_fini(&n);
}

static void a_silent_host(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *r = &n.node[0];
    net_serve(&n.node[1], WEB);
    net_pump(&n);
    net_stop(&n.node[1]);
    net_run(&n, 2 * SC_SECOND);
    assert_int_equal(net_instances(r), 1);
    net_run(&n, 3 * SC_SECOND);
    assert_int_equal(net_instances(r), 0);
    assert_int_equal(sc_stack_counters(r->stack)->leases_expired, 1);
    struct host_census c = census(r);
    assert_true(c.count == 2 && c.up == 1 && c.leased == 1);
    net_fini(&n);
}

/* A host that was restarted keeps its addresses and serves nothing until it says so. */
static void a_restarted_host(void **state)
{
    (void)state;
    struct net n;
    struct sc_stack_self before, after;
    net_three(&n);
    sc_stack_get_self(n.node[1].stack, &before);
    net_serve(&n.node[1], WEB);
    net_pump(&n);
    net_stop(&n.node[1]);
    net_start(&n, 1, "a", 0, 301);
    net_run(&n, SC_SECOND);
    sc_stack_get_self(n.node[1].stack, &after);
    assert_int_equal(after.address, before.address);
    assert_int_equal(after.pool, before.pool);
    assert_int_equal(net_instances(&n.node[0]), 0);
    net_fini(&n);
}

/* Two hosts of one name: the one that is there stays; the other is told, and takes over when the
 * first is gone. */
static void one_name_twice(void **state)
{
    (void)state;
    struct net n;
    struct sc_stack_self self;
    net_three(&n);
    net_serve(&n.node[1], WEB);
    uint64_t address = net_address(&n.node[1]);
    net_start(&n, 3, "A", 0, 103); /* case is no difference */
    net_start(&n, 4, "r", 0, 104); /* the router's own name */
    net_serve(&n.node[3], WEB);
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_int_equal(net_address(&n.node[1]), address);
    for (int i = 3; i < 5; i++) {
        sc_stack_get_self(n.node[i].stack, &self);
        assert_false(self.joined);
        assert_true(self.name_taken);
        assert_int_equal(self.address, 0);
    }
    net_stop(&n.node[1]);
    net_run(&n, 10 * SC_SECOND);
    sc_stack_get_self(n.node[3].stack, &self);
    assert_true(self.joined && !self.name_taken);
    assert_int_equal(self.address, address);
    assert_int_equal(net_instances(&n.node[0]), 1);
    net_fini(&n);
}

/* A host that kept its secret comes back at once, from another port or address; nobody else does in
 * its name. The run that it followed is told, and does not take turns with it. */
static void a_secret_is_enough(void **state)
{
    (void)state;
    struct net n;
    struct sc_stack_self self;
    net_three(&n);
    uint64_t b = net_address(&n.node[2]);
    net_stop(&n.node[2]);
    n.host_secret = 7;
    net_start(&n, 2, "b", 0, 202); /* from the same underlay: it needs to prove nothing */
    net_serve(&n.node[2], WEB);
    net_run(&n, SC_SECOND);
    n.host_secret = 8;
    net_start(&n, 3, "b", 0, 203);
    net_run(&n, 10 * SC_SECOND);
    sc_stack_get_self(n.node[3].stack, &self);
    assert_true(self.name_taken);
    net_stop(&n.node[3]);
    n.host_secret = 7;
    net_start(&n, 4, "B", 0, 204);
    net_run(&n, SC_MS);
    assert_int_equal(net_address(&n.node[4]), b);
    assert_int_equal(net_instances(&n.node[0]), 0); /* it serves nothing yet */
    unsigned joined = n.node[4].joined;
    net_run(&n, 30 * SC_SECOND); /* node 2 is still there: a copy of the machine, perhaps */
    sc_stack_get_self(n.node[2].stack, &self);
    assert_true(self.name_taken && !self.joined);
    assert_int_equal(n.node[4].joined, joined);
    net_stop(&n.node[4]);
    net_run(&n, 10 * SC_SECOND); /* and has the name again when nobody else has it */
    sc_stack_get_self(n.node[2].stack, &self);
    assert_true(self.joined && !self.name_taken);
    assert_int_equal(net_instances(&n.node[0]), 1);
    net_fini(&n);
}

/* What a host proves itself by is of its name: a copy under another name knows nothing of it. */
static void a_secret_is_of_a_name(void **state)
{
    (void)state;
    struct net n;
    struct sc_stack_self self;
    net_init(&n);
    net_start(&n, 0, "r", -1, 100);
    n.host_secret = 7;
    net_start(&n, 1, "a", 0, 101);
    net_start(&n, 2, "b", 0, 102);
    net_run(&n, SC_SECOND);
    n.host_secret = 0; /* no secret is not the same as no secret */
    net_start(&n, 3, "a", 0, 103);
    net_start(&n, 4, "c", 0, 104);
    net_run(&n, SC_SECOND);
    sc_stack_get_self(n.node[3].stack, &self);
    assert_true(self.name_taken);
    net_stop(&n.node[3]);
    net_start(&n, 3, "c", 0, 105);
    net_run(&n, SC_SECOND);
    sc_stack_get_self(n.node[3].stack, &self);
    assert_true(self.name_taken);
    net_fini(&n);
}

/* Without its router a host says so; with a new one that remembers nothing, addresses stay. */
static void a_restarted_router(void **state)
{
    (void)state;
    struct net n;
    struct sc_stack_self self;
    net_three(&n);
    uint64_t a = net_address(&n.node[1]), b = net_address(&n.node[2]);
    net_serve(&n.node[2], WEB);
    net_run(&n, SC_SECOND);
    unsigned joined = n.node[2].joined;
    net_stop(&n.node[0]);
    net_run(&n, 6 * SC_SECOND);
    sc_stack_get_self(n.node[2].stack, &self);
    assert_false(self.joined);
    assert_int_equal(n.node[2].joined, joined + 1);
    net_lookup(&n.node[2], "web.demo.scaffold");
    net_run(&n, SC_REQUEST_TIMEOUT);
    assert_int_equal(n.node[2].mapped, 1);
    assert_int_equal(n.node[2].mapping.error, ENETUNREACH);
    net_start(&n, 0, "r", -1, 400);
    net_run(&n, 3 * SC_SECOND);
    assert_int_equal(net_address(&n.node[1]), a);
    assert_int_equal(net_address(&n.node[2]), b);
    assert_int_equal(net_instances(&n.node[0]), 1);
    sc_stack_get_self(n.node[2].stack, &self);
    assert_true(self.joined);
    net_fini(&n);
}

static bool drop_from(struct net *n, struct net_packet *p)
{
    return net_is(n, &p->from, n->from);
}

/* A host that meets a restarted router before the others come back does not get their addresses:
 * the router's kept mappings say whom it had named. */
static void addresses_are_not_reused(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    uint64_t a = net_address(&n.node[1]), b = net_address(&n.node[2]);
    net_stop(&n.node[0]);
    net_stop(&n.node[2]);
    net_start(&n, 0, "r", -1, 500);
    net_restore(&n.node[0]);
    net_start(&n, 3, "c", 0, 503);
    n.filter = drop_from;
    n.from = 1;
    net_run(&n, 2 * SC_SECOND);
    uint64_t c = net_address(&n.node[3]);
    assert_true(c && c != a && c != b);
    n.filter = NULL;
    net_start(&n, 2, "b", 0, 502);
    net_run(&n, 3 * SC_SECOND);
    assert_int_equal(net_address(&n.node[1]), a);
    assert_int_equal(net_address(&n.node[2]), b);
    net_fini(&n);
}

/* --- names ------------------------------------------------------------------------------------ */

static void lookups(void **state)
{
    (void)state;
    struct net n;
    struct sc_mapping m;
    net_three(&n);
    struct net_node *a = &n.node[1], *b = &n.node[2];
    net_lookup(a, "Web.demo.scaffold.");
    assert_int_equal(a->mapping.error, 0);
    assert_string_equal(a->mapping.name, "web.demo.scaffold");
    uint32_t pool = a->mapping.pool;
    struct sc_service_id web = service_id(WEB);
    assert_true(sc_stack_mapping_of_service(a->stack, &web, &m) && m.pool == pool);
    assert_false(sc_stack_mapping_of_pool(b->stack, pool, &m));
    assert_int_equal(sc_stack_lookup(b->stack, SC_LOOKUP_POOL, NULL, pool, NULL, NULL, n.now), 0);
    net_pump(&n);
    assert_int_equal(b->mapping.error, 0);
    assert_string_equal(b->mapping.name, "web.demo.scaffold");
    assert_true(sc_stack_mapping_of_pool(b->stack, pool, &m));
    sc_stack_lookup(b->stack, SC_LOOKUP_POOL, NULL, NET_POOL + 999, NULL, NULL, n.now);
    net_pump(&n);
    assert_int_equal(b->mapping.error, ENOENT);
    struct sc_service_id other = service_id("other.demo.scaffold");
    sc_stack_lookup(b->stack, SC_LOOKUP_SERVICE, NULL, 0, &other, NULL, n.now);
    net_pump(&n);
    assert_int_equal(b->mapping.error, ENOENT); /* an id alone has no name to be mapped */
    sc_stack_lookup(b->stack, SC_LOOKUP_SERVICE, NULL, 0, &web, NULL, n.now);
    net_pump(&n);
    assert_int_equal(b->mapping.pool, pool);
    net_lookup(b, "a.host.scaffold");
    assert_int_equal(b->mapping.error, 0);
    size_t asked = n.messages[SC_MSG_LOOKUP];
    net_lookup(b, "no good.scaffold");
    assert_int_equal(b->mapped, 1);
    assert_int_equal(n.messages[SC_MSG_LOOKUP], asked); /* nobody has to be asked */
    assert_int_equal(b->mapping.error, ENOENT);
    net_fini(&n);
}

/* A router that has lost its memory hands addresses out anew; hosts believe the newest word. */
static void the_newest_word(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *a = &n.node[1];
    net_lookup(a, "web.demo.scaffold");
    uint32_t pool = a->mapping.pool;
    net_stop(&n.node[0]);
    net_start(&n, 0, "r", -1, 600);
    net_run(&n, 2 * SC_SECOND);
    net_lookup(a, "dns.demo.scaffold");
    assert_int_equal(a->mapping.error, 0);
    assert_int_equal(a->mapping.pool, pool); /* what web had */
    assert_string_equal(a->mapping.name, "dns.demo.scaffold");
    net_lookup(a, "web.demo.scaffold");
    assert_int_equal(a->mapping.error, 0);
    assert_true(a->mapping.pool != pool);
    net_fini(&n);
}

static void a_silent_router(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *a = &n.node[1];
    n.filter = drop_from;
    n.from = 0;
    memset(n.messages, 0, sizeof n.messages);
    net_lookup(a, "web.demo.scaffold");
    net_run(&n, SC_REQUEST_TIMEOUT - SC_MS);
    assert_int_equal(a->mapped, 0);
    net_run(&n, 2 * SC_MS);
    assert_int_equal(a->mapped, 1);
    assert_true(a->mapping.error == ETIMEDOUT || a->mapping.error == ENETUNREACH);
    assert_in_range(n.messages[SC_MSG_LOOKUP], 4, 8);
    for (int i = 0; i <= SC_REQUESTS_MAX; i++) {
        struct sc_service_id id = service_id(WEB);
        int err = sc_stack_lookup(a->stack, SC_LOOKUP_SERVICE, NULL, 0, &id, NULL, n.now);
        assert_int_equal(err, i < SC_REQUESTS_MAX ? 0 : -ENOBUFS);
    }
    a->mapped = 0;
    net_run(&n, SC_REQUEST_TIMEOUT);
    assert_int_equal(a->mapped, SC_REQUESTS_MAX);
    net_fini(&n);
}

/* --- forgeries -------------------------------------------------------------------------------- */

static void send_control(struct net *n, const struct sc_underlay *from, int to,
                         const struct sc_control *c)
{
    uint8_t buf[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(buf, sizeof buf);
    sc_control_write(&w, c);
    net_send(n, from, &n->node[to].at, buf, sc_writer_len(&w));
    net_pump(n);
}

/* Answers that nobody asked for change nothing, whoever they seem to come from. */
static void forged_answers(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    struct net_node *a = &n.node[1];
    uint64_t address = net_address(a);
    struct sc_control c = {.message = SC_MSG_JOINED,
                           .transaction = 1,
                           .address = address + 7,
                           .pool = NET_POOL + 77,
                           .epoch = 9};
    send_control(&n, &n.node[0].at, 1, &c);
    send_control(&n, &n.node[4].at, 1, &c);
    c.address = 0; /* "your name is taken" */
    send_control(&n, &n.node[0].at, 1, &c);
    net_run(&n, SC_SECOND);
    assert_int_equal(net_address(a), address);
    net_serve(a, WEB);
    n.filter = drop_message;
    n.what = SC_MSG_REGISTER;
    net_pump(&n);
    n.filter = NULL;
    c = (struct sc_control){.message = SC_MSG_REFRESHED, .transaction = 1};
    send_control(&n, &n.node[0].at, 1, &c);
    assert_false(sc_stack_registered(a->stack)); /* it is not: the REGISTER was lost */
    net_fini(&n);
}

/* Who does not know a host's epoch cannot speak for it. */
static void forged_requests(void **state)
{
    (void)state;
    struct net n;
    net_three(&n);
    net_serve(&n.node[1], WEB);
    net_pump(&n);
    struct sc_control c = {.message = SC_MSG_UNREGISTER,
                           .src = net_address(&n.node[1]),
                           .epoch = 1,
                           .service_count = 1,
                           .service = {service_id(WEB)}};
    send_control(&n, &n.node[4].at, 0, &c);
    assert_int_equal(net_instances(&n.node[0]), 1);
    c = (struct sc_control){.message = SC_MSG_JOIN, .epoch = 1};
    snprintf(c.name, sizeof c.name, "a");
    send_control(&n, &n.node[4].at, 0, &c);
    assert_int_equal(net_instances(&n.node[0]), 1);
    snprintf(c.name, sizeof c.name, "no good");
    send_control(&n, &n.node[4].at, 0, &c);
    assert_int_equal(n.messages[SC_MSG_JOINED], 3); /* a, b; "taken" */
    c = (struct sc_control){.message = SC_MSG_WHERE, .address = net_address(&n.node[1])};
    send_control(&n, &n.node[4].at, 0, &c);
    assert_int_equal(n.messages[SC_MSG_THERE], 1);
    net_fini(&n);
}

/* A host that is nothing but its words: it joins, and serves `services`. */
static void phantom(struct net *n, unsigned number, unsigned services)
{
    struct sc_control c = {
        .message = SC_MSG_JOIN, .src = sc_network_address(1, 1000 + number), .epoch = 9};
    n->now += SC_SECOND / SC_NAMES_OF_STRANGER; /* new names have a rate */
    snprintf(c.name, sizeof c.name, "phantom-%u", number);
    send_control(n, &n->node[4].at, 0, &c);
    c.message = SC_MSG_REGISTER;
    c.service_count = services < SC_REGISTER_MAX ? services : SC_REGISTER_MAX;
    for (unsigned i = 0; i < services; i++) {
        char name[64];
        snprintf(name, sizeof name, "p%u.demo.scaffold:%u", number, 1 + i);
        c.service[i % SC_REGISTER_MAX] = service_id(name);
        if ((i + 1) % SC_REGISTER_MAX == 0 || i + 1 == services)
            send_control(n, &n->node[4].at, 0, &c);
    }
}

/* As its owner does: what there is to tell is taken. */
static void tick(struct net_node *r, sc_time now)
{
    sc_stack_tick(r->stack, now);
    net_take_events(r);
}

/* A router that slept finds all leases over when it wakes up, and has other things to do, too. */
static void many_leases_end(void **state)
{
    (void)state;
    enum { HOSTS = 300, SERVICES = 5, LARGE = 2400, PER_TICK = 512 };
    struct net n;
    net_init(&n);
    struct net_node *r = net_start(&n, 0, "r", -1, 100);
    net_run(&n, 0);
    for (unsigned i = 0; i < HOSTS; i++)
        phantom(&n, i, SERVICES);
    phantom(&n, HOSTS, LARGE);
    assert_int_equal(net_instances(r), HOSTS * SERVICES + LARGE);
    n.now += 60 * SC_SECOND;
    size_t ticks = 0;
    for (; sc_stack_deadline(r->stack) <= n.now; ticks++) {
        size_t before = net_instances(r);
        tick(r, n.now);
        assert_in_range(before - net_instances(r), 0, PER_TICK);
        assert_true(ticks < 100);
    }
    assert_true(ticks > (HOSTS * SERVICES + LARGE) / PER_TICK);
    assert_int_equal(net_instances(r), 0);
    assert_int_equal(sc_stack_counters(r->stack)->leases_expired, HOSTS + 1);
    assert_int_equal(census(r).up, 0);
    net_fini(&n);
}

/* A host that is heard of while its lease ends keeps what it still has, and tells the rest again.
 */
static void a_lease_that_ends_slowly(void **state)
{
    (void)state;
    enum { LARGE = 1200 };
    struct net n;
    net_init(&n);
    struct net_node *r = net_start(&n, 0, "r", -1, 100);
    net_run(&n, 0);
    phantom(&n, 0, LARGE);
    n.now += 60 * SC_SECOND;
    tick(r, n.now);
    size_t left = net_instances(r);
    assert_in_range(left, 1, LARGE - 1);
    struct sc_control c = {.message = SC_MSG_REFRESH,
                           .src = sc_network_address(1, 1000),
                           .epoch = 9,
                           .registered = LARGE};
    send_control(&n, &n.node[4].at, 0, &c);
    assert_true(sc_stack_deadline(r->stack) > n.now);
    assert_int_equal(net_instances(r), left);
    assert_int_equal(census(r).up, 1);
    phantom(&n, 0, LARGE);
    assert_int_equal(net_instances(r), LARGE);
    n.now += 60 * SC_SECOND;
    while (sc_stack_deadline(r->stack) <= n.now)
        tick(r, n.now);
    assert_int_equal(net_instances(r), 0);
    net_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_alone),
        cmocka_unit_test(hosts_join),
        cmocka_unit_test(serving),
        cmocka_unit_test(notes),
        cmocka_unit_test(notes_are_bounded),
        cmocka_unit_test(many_services),
        cmocka_unit_test(twins),
        cmocka_unit_test(lost_words),
        cmocka_unit_test(a_silent_host),
        cmocka_unit_test(a_restarted_host),
        cmocka_unit_test(one_name_twice),
        cmocka_unit_test(a_secret_is_enough),
        cmocka_unit_test(a_secret_is_of_a_name),
        cmocka_unit_test(a_restarted_router),
        cmocka_unit_test(addresses_are_not_reused),
        cmocka_unit_test(lookups),
        cmocka_unit_test(the_newest_word),
        cmocka_unit_test(a_silent_router),
        cmocka_unit_test(forged_answers),
        cmocka_unit_test(forged_requests),
        cmocka_unit_test(many_leases_end),
        cmocka_unit_test(a_lease_that_ends_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
