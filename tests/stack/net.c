#include "stack/net.h"

#include <openssl/crypto.h>

#include "crypto/drawn.h"

struct sc_underlay net_underlay(size_t index)
{
    return (struct sc_underlay){
        .family = 4, .port = 7213, .ip = {10, 0, (uint8_t)(index >> 8), (uint8_t)(index + 1)}};
}

void net_init(struct net *n)
{
    *n = (struct net){.now = 1000 * SC_SECOND};
    n->last = &n->first;
    for (size_t i = 0; i < NET_NODES; i++)
        n->node[i] = (struct net_node){.net = n, .at = net_underlay(i)};
}

static const uint8_t invitation[SC_INVITATION_LEN] = "the invitation";

static void secure(struct net *n, struct sc_stack_config *c, int router)
{
    c->secure = true;
    c->wall = NET_WALL;
    for (size_t i = 0; i < sizeof c->key_seed; i++) /* nothing that stands in memory anyway */
        c->key_seed[i] = (uint8_t)((c->host_name[0] + 1) * (int)(i + 3) * (int)(i + 7) >> 2);
    c->key_seed[31] = n->other_keys;
    if (router < 0)
        return;
    c->trust.knows_router = true;
    sc_stack_key_hash(n->node[router].stack, c->trust.router);
    if (!n->uninvited)
        memcpy(c->trust.invitation, invitation, sizeof invitation);
}

/* As if somebody had asked for a name of it: ids are made without asking here. */
static void know_alias(const struct net *n, struct net_node *node)
{
    uint8_t key[SC_KEY_LEN];
    provider_key("demo", key);
    if (n->network == 0)
        assert_int_equal(sc_stack_restore_alias(node->stack, "demo", key), 0);
}

struct net_node *net_start(struct net *n, int i, const char *name, int router, uint64_t epoch)
{
    struct net_node *node = &n->node[i];
    struct sc_stack_config c = {.domain = 1,
                                .pool_base = NET_POOL,
                                .pool_bits = 15,
                                .seed = epoch * 31 + (uint64_t)i,
                                .entropy = drawn_from(&node->rng),
                                .epoch = epoch};
    sc_rng_seed(&node->rng, c.seed);
    snprintf(c.host_name, sizeof c.host_name, "%s", name);
    memset(c.secret, (int)(epoch * 7 + (uint64_t)i), sizeof c.secret);
    memset(c.host_secret, n->host_secret, sizeof c.host_secret);
    c.require_verified = n->strict;
    c.rights_listed = n->right_count > 0;
    c.right = n->right;
    c.right_count = n->right_count;
    memset(c.network_seed, n->network, sizeof c.network_seed);
    if (router >= 0)
        c.router = n->node[router].at;
    if (n->secure)
        secure(n, &c, router);
    node->stack = sc_stack_new(&c, n->now);
    OPENSSL_cleanse(&c, sizeof c);
    assert_non_null(node->stack);
    if (n->secure && router < 0) {
        assert_true(sc_stack_invite(node->stack, invitation, 100, NET_WALL + 3600, n->now));
        know_alias(n, node);
    }
    return node;
}

static void keep_datagram(struct net_node *node, const struct sc_datagram *d)
{
    assert_true(node->datagram_count < NET_DATAGRAMS);
    struct sc_datagram *kept = &node->datagram[node->datagram_count++];
    uint8_t *copy = malloc(d->len + 1);
    assert_non_null(copy);
    memcpy(copy, d->data, d->len);
    *kept = *d;
    kept->data = copy;
}

void net_forget_datagrams(struct net_node *node)
{
    for (size_t i = 0; i < node->datagram_count; i++)
        free((void *)(uintptr_t)node->datagram[i].data);
    node->datagram_count = 0;
}

void net_stop(struct net_node *node)
{
    sc_stack_free(node->stack);
    net_forget_datagrams(node);
    *node = (struct net_node){.net = node->net, .at = node->at};
}

void net_fini(struct net *n)
{
    for (size_t i = 0; i < NET_NODES; i++)
        net_stop(&n->node[i]);
    while (n->first) {
        struct net_packet *p = n->first;
        n->first = p->next;
        free(p);
    }
}

void net_restore(struct net_node *node)
{
    for (size_t i = 0; i < node->net->kept_count; i++)
        assert_int_equal(sc_stack_restore_mapping(node->stack, &node->net->kept[i]), 0);
}

/* --- packets ---------------------------------------------------------------------------------- */

void net_send(struct net *n, const struct sc_underlay *from, const struct sc_underlay *to,
              const void *data, size_t len)
{
    struct net_packet *p = malloc(sizeof *p + len);
    assert_non_null(p);
    *p = (struct net_packet){.from = *from, .to = *to, .len = len};
    memcpy(p->data, data, len);
    *n->last = p;
    n->last = &p->next;
}

uint8_t net_type(const struct net_packet *p)
{
    return p->data[0] & 15;
}

uint8_t net_message(const struct net_packet *p)
{
    return net_type(p) == SC_PKT_CONTROL && p->len > SC_HEADER_LEN ? p->data[SC_HEADER_LEN] : 0;
}

bool net_is(const struct net *n, const struct sc_underlay *u, int node)
{
    return sc_underlay_equal(u, &n->node[node].at);
}

/* The disk: at once, or when the test says so. */
static void store(struct net_node *node, const struct sc_event *e)
{
    struct net *n = node->net;
    node->allocated++;
    if (node->disk_waits) {
        node->token = e->token;
        return;
    }
    if (!node->disk_error && n->kept_count < NET_KEPT)
        n->kept[n->kept_count++] = e->mapping;
    sc_stack_stored(node->stack, e->token, node->disk_error, n->now);
}

void net_take_events(struct net_node *node)
{
    struct sc_event e;
    while (node->stack && sc_stack_next_event(node->stack, &e)) {
        switch (e.type) {
        case SC_EVENT_ARRIVED:
            assert_true(node->arrived_count < NET_FLOWS);
            node->arrived[node->arrived_count++] = e.flow;
            node->arrived_at = e.instance;
            break;
        case SC_EVENT_FLOW:
            if (e.flow->app)
                *(unsigned *)e.flow->app |= e.bits;
            break;
        case SC_EVENT_MAPPED:
            node->mapped++;
            node->mapping = e.mapping;
            break;
        case SC_EVENT_JOINED:
            node->joined++;
            break;
        case SC_EVENT_REGISTERED:
            node->registered++;
            break;
        case SC_EVENT_STORE:
            store(node, &e);
            break;
        case SC_EVENT_DATAGRAM:
            keep_datagram(node, &e.datagram);
            break;
        case SC_EVENT_UNDELIVERED:
            node->undelivered = e.datagram;
            node->undelivered_count++;
            break;
        case SC_EVENT_NOTE:
            node->noted[e.note.what]++;
            node->notes_left_out += e.note.left_out;
            node->note = e.note;
            break;
        case SC_EVENT_GRANT:
            node->granted++;
            node->grant = e.grant;
            break;
        case SC_EVENT_PIN:
            node->pinned++;
            node->pin = e.pin;
            break;
        case SC_EVENT_INVITED:
            node->invitation = e.invitation;
            break;
        case SC_EVENT_NONE:
            fail();
        }
    }
}

static void deliver(struct net *n, struct net_packet *p)
{
    n->seen[net_type(p)]++;
    n->messages[net_message(p) & 31]++;
    if (n->filter && n->filter(n, p))
        return;
    for (int i = 0; i < NET_NODES; i++) {
        struct net_node *node = &n->node[i];
        if (!net_is(n, &p->to, i))
            continue;
        node->packets_in++;
        node->bytes_in += p->len;
        if (!node->stack)
            return;
        sc_stack_feed(node->stack, p->data, p->len, &p->from, 0, n->now);
        net_take_events(node);
        sc_stack_settle(node->stack, n->now);
    }
}

/* A train, cut into its packets. */
static void cut(struct net_node *node)
{
    struct sc_train *t = &node->net->train;
    uint8_t bytes[SC_TRAIN_BYTES + SC_DATAGRAM_MAX];
    size_t len = 0;
    for (size_t i = 0; i < t->iov_count; i++) {
        memcpy(bytes + len, t->iov[i].iov_base, t->iov[i].iov_len);
        len += t->iov[i].iov_len;
    }
    assert_int_equal(len, t->len);
    for (size_t at = 0; at < len; at += t->segment)
        net_send(node->net, &node->at, &t->to, bytes + at,
                 len - at < t->segment ? len - at : t->segment);
}

void net_pump(struct net *n)
{
    bool moved = true;
    while (moved) {
        moved = n->first != NULL;
        for (struct net_packet *p; (p = n->first) != NULL; free(p)) {
            n->first = p->next;
            if (!n->first)
                n->last = &n->first;
            deliver(n, p);
        }
        for (size_t i = 0; i < NET_NODES; i++) {
            net_take_events(&n->node[i]);
            while (n->node[i].stack && sc_stack_drain(n->node[i].stack, &n->train, n->now)) {
                cut(&n->node[i]);
                moved = true;
            }
            net_take_events(&n->node[i]); /* draining finds out what leads nowhere */
        }
    }
}

void net_run(struct net *n, sc_time time)
{
    sc_time until = n->now + time;
    unsigned still = 0;
    for (;;) {
        net_pump(n);
        sc_time next = SC_NEVER;
        for (size_t i = 0; i < NET_NODES; i++)
            if (n->node[i].stack)
                next = sc_time_min(next, sc_stack_deadline(n->node[i].stack));
        if (next > until)
            break;
        still = next <= n->now ? still + 1 : 0;
        assert_true(still < 1000); /* a deadline that is never over */
        n->now = next > n->now ? next : n->now;
        for (size_t i = 0; i < NET_NODES; i++)
            if (n->node[i].stack && sc_stack_deadline(n->node[i].stack) <= n->now)
                sc_stack_tick(n->node[i].stack, n->now);
    }
    n->now = until;
}

/* --- the owner -------------------------------------------------------------------------------- */

struct sc_instance *net_serve(struct net_node *node, const char *name)
{
    struct sc_service_id id = service_id(name);
    struct sc_instance *i = NULL;
    assert_int_equal(sc_stack_serve(node->stack, &id, node, &i, node->net->now), 0);
    return i;
}

struct sc_flow *net_connect(struct net_node *node, const char *name, unsigned *bits)
{
    struct sc_service_id id = service_id(name);
    struct sc_flow *f = NULL;
    *bits = 0;
    assert_int_equal(sc_stack_connect(node->stack, &id, 1234, 0, bits, &f, node->net->now), 0);
    return f;
}

void net_lookup(struct net_node *node, const char *name)
{
    node->mapped = 0;
    assert_int_equal(
        sc_stack_lookup(node->stack, SC_LOOKUP_NAME, name, 0, NULL, NULL, node->net->now), 0);
    net_pump(node->net);
}

void net_write(struct net_node *node, struct sc_flow *f, const char *text)
{
    struct iovec v;
    size_t len = strlen(text);
    assert_int_equal(sc_flow_send_space(f, len, &v, 1), 1);
    assert_true(v.iov_len >= len);
    memcpy(v.iov_base, text, len);
    sc_flow_send_commit(f, len, node->net->now);
    sc_stack_touch(node->stack, f, node->net->now);
}

bool net_reads(struct net_node *node, struct sc_flow *f, const char *text)
{
    struct iovec v;
    size_t len = strlen(text);
    if (sc_flow_recv_peek(f, &v, 1) != 1 || v.iov_len != len || memcmp(v.iov_base, text, len) != 0)
        return false;
    sc_flow_recv_consume(f, len, node->net->now);
    sc_stack_touch(node->stack, f, node->net->now);
    return true;
}

void net_drop(struct net_node *node, struct sc_flow *f)
{
    sc_stack_release(node->stack, f, node->net->now);
}

void net_check_talk(struct net_node *a, struct sc_flow *f, struct net_node *b, struct sc_flow *g)
{
    net_write(a, f, "there");
    net_run(a->net, SC_SECOND);
    assert_true(net_reads(b, g, "there"));
    net_write(b, g, "and back");
    net_run(a->net, SC_SECOND);
    assert_true(net_reads(a, f, "and back"));
}

uint64_t net_address(const struct net_node *node)
{
    struct sc_stack_self self;
    sc_stack_get_self(node->stack, &self);
    return self.address;
}

size_t net_instances(const struct net_node *node)
{
    return sc_stack_instance_count(node->stack);
}

void net_three(struct net *n)
{
    net_init(n);
    net_start(n, 0, "r", -1, 100);
    net_start(n, 1, "a", 0, 101);
    net_start(n, 2, "b", 0, 102);
    net_run(n, SC_SECOND);
}
