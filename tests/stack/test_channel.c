/* What hosts and routers say to each other in channels: who gets in, what outsiders can do, and how
 * a channel goes on. */
#include <errno.h>
#include <unistd.h>

#include "stack/net.h"
#include "stack/parts.h"

static struct sc_stack_self self_of(const struct net_node *node)
{
    struct sc_stack_self self;
    sc_stack_get_self(node->stack, &self);
    return self;
}

static void start_three(struct net *n)
{
    net_init(n);
    n->secure = true;
    net_start(n, 0, "r", -1, 100);
    net_start(n, 1, "a", 0, 101);
    net_start(n, 2, "b", 0, 102);
    net_run(n, SC_SECOND);
}

static void check_flow(struct net *n)
{
    unsigned bits;
    size_t arrived = n->node[1].arrived_count;
    struct sc_flow *f = net_connect(&n->node[2], "web.demo.scaffold:80", &bits);
    net_run(n, SC_SECOND);
    assert_int_equal(n->node[1].arrived_count, arrived + 1);
    assert_true(bits & SC_FLOW_ESTABLISHED);
    net_drop(&n->node[2], f);
    net_run(n, SC_SECOND);
}

/* --- who gets in ------------------------------------------------------------------------------ */

static void hosts_join_and_open_flows(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    assert_true(self_of(&n.node[1]).joined && self_of(&n.node[2]).joined);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    check_flow(&n);
    net_lookup(&n.node[2], "db.demo.scaffold");
    assert_int_equal(n.node[2].mapped, 1);
    assert_int_equal(n.node[2].mapping.error, 0);
    net_fini(&n);
}

static void refusals_come_back(void **state)
{
    (void)state;
    struct net n;
    unsigned bits;
    start_three(&n);
    struct sc_flow *f = net_connect(&n.node[2], "nobody.demo.scaffold:80", &bits);
    net_run(&n, SC_SECOND);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNREFUSED);
    net_drop(&n.node[2], f);
    struct sc_instance *i = net_serve(&n.node[1], "web.demo.scaffold:80");
    sc_instance_set_accepting(i, false);
    net_run(&n, SC_SECOND);
    f = net_connect(&n.node[2], "web.demo.scaffold:80", &bits);
    net_run(&n, SC_SECOND);
    assert_true(bits & SC_FLOW_ENDED);
    assert_int_equal(f->error, ECONNREFUSED);
    net_drop(&n.node[2], f);
    net_fini(&n);
}

static void who_is_not_invited_stays_outside(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    n.uninvited = true;
    net_start(&n, 3, "c", 0, 103);
    net_run(&n, 3 * SC_SECOND);
    assert_false(self_of(&n.node[3]).joined);
    assert_int_equal(self_of(&n.node[3]).refused, EACCES);
    assert_true(n.node[0].noted[SC_NOTE_NOT_INVITED] > 0);
    size_t kept = n.kept_count;
    net_lookup(&n.node[3], "made.demo.scaffold");
    net_run(&n, 5 * SC_SECOND);
    assert_true(n.node[3].mapping.error != 0);
    assert_int_equal(n.kept_count, kept);
    net_fini(&n);
}

/* It is not asked again: as long as it runs, it is not given up either. */
static void who_is_invited_later_gets_in(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    n.uninvited = true;
    net_start(&n, 3, "c", 0, 103);
    net_run(&n, 30 * SC_SECOND);
    assert_false(self_of(&n.node[3]).joined);
    n.uninvited = false;
    uint8_t late[SC_INVITATION_LEN];
    memset(late, 'l', sizeof late);
    memcpy(n.node[3].stack->node.trust.invitation, late, sizeof late);
    assert_true(sc_stack_invite(n.node[0].stack, late, 1, NET_WALL + 3600, n.now));
    net_run(&n, SC_CHANNEL_STRANGER + SC_REQUEST_RETRANSMIT_MAX);
    assert_true(self_of(&n.node[3]).joined);
    net_fini(&n);
}

static void keys_for_handshakes_change(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    uint8_t before[SC_X25519_LEN], of_router[SC_X25519_LEN];
    memcpy(before, n.node[1].stack->node.credentials.handshake.public, sizeof before);
    memcpy(of_router, n.node[0].stack->node.credentials.handshake.public, sizeof of_router);
    net_run(&n, SC_STATEMENT_RENEW + 10 * 60 * SC_SECOND);
    assert_memory_not_equal(n.node[1].stack->node.credentials.handshake.public, before,
                            sizeof before);
    assert_memory_not_equal(n.node[0].stack->node.credentials.handshake.public, of_router,
                            sizeof of_router);
    assert_true(self_of(&n.node[1]).joined);
    assert_int_equal(n.node[0].noted[SC_NOTE_EXPIRED], 0);
    net_fini(&n);
}

static void a_host_that_was_let_in_stays_known(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_stop(&n.node[1]);
    n.uninvited = true;
    net_start(&n, 1, "a", 0, 201);
    net_run(&n, SC_SECOND);
    assert_true(self_of(&n.node[1]).joined);
    net_fini(&n);
}

static void a_router_that_was_restarted_knows_its_hosts(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    net_stop(&n.node[0]);
    net_start(&n, 0, "r", -1, 300);
    net_restore(&n.node[0]);
    net_run(&n, 3 * SC_SECOND);
    assert_int_equal(net_instances(&n.node[0]), 1);
    check_flow(&n);
    net_fini(&n);
}

static void a_name_belongs_to_its_key(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_stop(&n.node[1]);
    net_run(&n, 10 * SC_SECOND);
    n.other_keys = true;
    net_start(&n, 1, "a", 0, 201);
    net_run(&n, 3 * SC_SECOND);
    assert_false(self_of(&n.node[1]).joined);
    assert_int_equal(self_of(&n.node[1]).refused, EKEYREJECTED);
    assert_true(n.node[0].noted[SC_NOTE_OTHER_KEY] > 0);
    net_fini(&n);
}

/* Somebody else is where the router was. */
static void another_router_is_not_obeyed(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_stop(&n.node[0]);
    n.other_keys = true;
    net_start(&n, 0, "r", -1, 300);
    net_run(&n, 10 * SC_SECOND);
    assert_false(self_of(&n.node[1]).joined);
    assert_int_equal(sc_stack_host_count(n.node[0].stack), 0);
    assert_true(sc_stack_counters(n.node[1].stack)->dropped_unopened > 0);
    net_fini(&n);
}

/* --- what outsiders can do -------------------------------------------------------------------- */

/* The last packet that passed by, of those to node `to`. */
static bool copies(struct net *n, struct net_packet *p)
{
    if (net_is(n, &p->to, n->to) && (p->data[0] & 0x10)) {
        memcpy(n->packet, p->data, p->len);
        n->packet_len = p->len;
    }
    return false;
}

static void feed(struct net_node *node, const uint8_t *data, size_t len,
                 const struct sc_underlay *from)
{
    uint8_t packet[SC_DATAGRAM_MAX];
    memcpy(packet, data, len);
    sc_stack_feed(node->stack, packet, len, from, 0, node->net->now);
    net_take_events(node);
    sc_stack_settle(node->stack, node->net->now);
}

/* Each bit of it, each length of it, itself again, and from elsewhere: nothing is sent, and nobody
 * believes anything. */
static void torment(struct net *n, int node, const struct sc_underlay *from)
{
    struct net_node *to = &n->node[node];
    uint64_t before = sc_stack_counters(to->stack)->dropped_unopened +
                      sc_stack_counters(to->stack)->dropped_unsealed +
                      sc_stack_counters(to->stack)->dropped_version;
    size_t tries = 0;
    struct sc_underlay elsewhere = net_underlay(77);
    for (size_t bit = 0; bit < 8 * n->packet_len; bit++, tries++) {
        if (bit / 8 == 1 || (bit / 8 >= 2 && bit / 8 < 10))
            continue; /* hop limit and destination are anybody's to change; see below */
        n->packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
        feed(to, n->packet, n->packet_len, from);
        n->packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < n->packet_len; len++, tries++)
        feed(to, n->packet, len, from);
    feed(to, n->packet, n->packet_len, from);
    feed(to, n->packet, n->packet_len, &elsewhere);
    uint64_t after = sc_stack_counters(to->stack)->dropped_unopened +
                     sc_stack_counters(to->stack)->dropped_unsealed +
                     sc_stack_counters(to->stack)->dropped_version;
    assert_true(after - before > tries / 2);
    assert_false(sc_stack_pending(to->stack));
}

static void packets_of_a_channel_count_once_and_whole(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    for (n.to = 0; n.to < 2; n.to++) {
        n.filter = copies;
        net_run(&n, 2 * SC_SECOND);
        n.filter = NULL;
        assert_true(n.packet_len > 0);
        torment(&n, n.to, &n.node[n.to == 0 ? 1 : 0].at);
        assert_int_equal(net_instances(&n.node[0]), 1);
    }
    net_run(&n, SC_SECOND);
    check_flow(&n);
    net_fini(&n);
}

/* As a host says it without a channel. */
static void say(struct net *n, int to, const struct sc_underlay *from, struct sc_control c)
{
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    c.epoch = c.epoch ? c.epoch : 101;
    sc_control_write(&w, &c);
    feed(&n->node[to], packet, sc_writer_len(&w), from);
}

static void what_is_not_sealed_is_not_heard(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    const struct sc_underlay *from = &n.node[1].at;
    uint64_t address = net_address(&n.node[1]);
    size_t hosts = sc_stack_host_count(n.node[0].stack), kept = n.kept_count, said = 0;
    for (uint8_t m = SC_MSG_JOIN; m <= SC_MSG_PROVE; m++) {
        if (sc_control_is_plain(m))
            continue;
        struct sc_control c = {.message = m,
                               .src = address,
                               .name = "mallory",
                               .by = SC_LOOKUP_NAME,
                               .service_count = 1,
                               .denial = {SC_DENIAL_OVER},
                               .replaces = m == SC_MSG_REGISTER};
        say(&n, 0, from, c);
        say(&n, 1, &n.node[0].at, c);
        said++;
    }
    assert_int_equal(sc_stack_counters(n.node[0].stack)->dropped_unsealed, said);
    assert_int_equal(sc_stack_counters(n.node[1].stack)->dropped_unsealed, said);
    assert_int_equal(n.node[0].noted[SC_NOTE_PLAIN], 1);
    assert_int_equal(n.node[1].noted[SC_NOTE_PLAIN], 0);
    assert_int_equal(sc_stack_host_count(n.node[0].stack), hosts);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_int_equal(n.kept_count, kept);
    assert_false(sc_stack_pending(n.node[0].stack) || sc_stack_pending(n.node[1].stack));
    net_fini(&n);
}

/* A packet of this type and, of CONTROL, message: for node 1, by way of its router. */
static void send_through_router(struct net *n, enum sc_packet_type type, uint8_t message)
{
    uint8_t packet[SC_OPEN_LEN] = {0};
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = (uint8_t)type,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = net_address(&n->node[1])};
    sc_header_write(&w, &h);
    packet[SC_HEADER_LEN] = message;
    feed(&n->node[0], packet, sizeof packet, &n->node[2].at);
}

static void what_is_not_sealed_is_not_forwarded(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    const struct sc_stack_counters *c = sc_stack_counters(n.node[0].stack);
    send_through_router(&n, SC_PKT_OPEN, 0);
    send_through_router(&n, SC_PKT_REFUSE, 0);
    send_through_router(&n, SC_PKT_CONTROL, SC_MSG_JOINED);
    assert_int_equal(c->dropped_unsealed, 3);
    assert_int_equal(c->forwarded, 0);
    send_through_router(&n, SC_PKT_CONTROL, SC_MSG_PROBE);
    send_through_router(&n, SC_PKT_DATA, 0);
    assert_int_equal(c->dropped_unsealed, 3);
    assert_int_equal(c->forwarded, 2);
    net_fini(&n);
}

/* --- how it goes on --------------------------------------------------------------------------- */

static void keys_change_and_nobody_notices(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    uint32_t first = n.node[1].stack->remote.registrar.link.now->id;
    for (int i = 0; i < 12; i++) {
        net_run(&n, 40 * SC_SECOND);
        assert_int_equal(net_instances(&n.node[0]), 1);
        check_flow(&n);
    }
    assert_int_not_equal(n.node[1].stack->remote.registrar.link.now->id, first);
    assert_null(sc_channels_find(&n.node[1].stack->channels, first));
    assert_int_equal(n.node[0].noted[SC_NOTE_EXPIRED], 0);
    net_fini(&n);
}

/* Answers that node 1 does not get: so many in its channel, and so many in the next one. */
static struct {
    uint32_t channel;
    unsigned in_this, in_next;
} lost;

static bool loses_answers(struct net *n, struct net_packet *p)
{
    struct sc_reader r = sc_reader(p->data, p->len);
    struct sc_header h;
    sc_header_read(&r, &h);
    if (!net_is(n, &p->to, 1) || !h.is_protected)
        return false;
    unsigned *left = h.flow == lost.channel ? &lost.in_this : &lost.in_next;
    bool loses = *left > 0 && h.type == SC_PKT_CONTROL;
    *left -= loses;
    return loses;
}

static void start_losing(struct net *n, unsigned in_this, unsigned in_next)
{
    start_three(n);
    net_serve(&n->node[1], "web.demo.scaffold:80");
    net_run(n, SC_SECOND);
    lost.channel = n->node[1].stack->remote.registrar.link.now->id;
    lost.in_this = in_this;
    lost.in_next = in_next;
    n->filter = loses_answers;
}

static uint32_t channel_with(struct net *n, int node)
{
    uint64_t address = net_address(&n->node[node]);
    return sc_hosts_find(&n->node[0].stack->router.hosts, address)->link.now->peer_id;
}

/* The router takes the new channel for good as soon as it hears in it, and opens flows there. */
static void whatever_comes_shows_that_a_channel_is_good(void **state)
{
    (void)state;
    struct net n;
    start_losing(&n, 0, 1);
    while (lost.in_next > 0)
        net_run(&n, 100 * SC_MS);
    assert_int_not_equal(channel_with(&n, 1), n.node[1].stack->remote.registrar.link.now->id);
    check_flow(&n);
    assert_int_equal(channel_with(&n, 1), n.node[1].stack->remote.registrar.link.now->id);
    net_fini(&n);
}

/* That the router answers in the old channel after all is no reason to leave the new one alone. */
static void a_handshake_comes_to_its_end(void **state)
{
    (void)state;
    struct net n;
    start_losing(&n, 3, 1);
    net_run(&n, 10 * SC_SECOND);
    assert_int_equal(lost.in_this + lost.in_next, 0);
    assert_int_not_equal(channel_with(&n, 1), lost.channel);
    assert_int_equal(channel_with(&n, 1), n.node[1].stack->remote.registrar.link.now->id);
    check_flow(&n);
    net_fini(&n);
}

#define FAR_PACKETS 64

struct far_packet {
    sc_time at;
    size_t len;
    uint8_t data[SC_DATAGRAM_MAX];
};

static struct {
    sc_time delay;
    size_t begin, end, greetings;
    struct far_packet packet[FAR_PACKETS];
} far;

/* Right after it had a word from it, for whoever asks meanwhile. */
static void a_restart_is_noticed_soon(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    const sc_time *answered_at = &n.node[1].stack->remote.registrar.answered_at;
    for (sc_time before = *answered_at; *answered_at == before;)
        net_run(&n, SC_MS);
    net_stop(&n.node[0]);
    net_start(&n, 0, "r", -1, 300);
    net_restore(&n.node[0]);
    net_lookup(&n.node[1], "later.demo.scaffold");
    net_run(&n, SC_LEASE_REFRESH + 3 * SC_REQUEST_RETRANSMIT);
    assert_int_equal(net_instances(&n.node[0]), 1);
    assert_int_equal(n.node[1].mapped, 1);
    assert_int_equal(n.node[1].mapping.error, 0);
    net_fini(&n);
}

/* What the router says comes late. */
static bool delays(struct net *n, struct net_packet *p)
{
    bool is_sealed = (p->data[0] & 0x10) != 0;
    far.greetings += !is_sealed && net_message(p) == SC_MSG_GREET;
    if (!net_is(n, &p->to, 1))
        return false;
    struct far_packet *f = &far.packet[far.end++ % FAR_PACKETS];
    assert_true(far.end - far.begin < FAR_PACKETS);
    memcpy(f->data, p->data, p->len);
    f->len = p->len;
    f->at = n->now + far.delay;
    return true;
}

static void run_far(struct net *n, sc_time time)
{
    for (sc_time end = n->now + time; n->now < end; net_run(n, 10 * SC_MS))
        for (struct far_packet *f; far.begin < far.end; far.begin++) {
            f = &far.packet[far.begin % FAR_PACKETS];
            if (f->at > n->now)
                break;
            feed(&n->node[1], f->data, f->len, &n->node[0].at);
        }
}

/* Its answers take as long as a satellite's, and are waited for. */
static void a_far_router_is_not_doubted(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    far.delay = 700 * SC_MS;
    n.filter = delays;
    run_far(&n, 10 * SC_SECOND);
    far.greetings = 0;
    run_far(&n, 60 * SC_SECOND);
    assert_int_equal(far.greetings, 0);
    assert_true(self_of(&n.node[1]).joined);
    net_fini(&n);
}

/* --- what is left of it ----------------------------------------------------------------------- */

#define KEYS 64
#define CHUNK (1 << 20)

/* Turned over, so that they are not found here. */
static struct {
    size_t count;
    uint8_t key[KEYS][SC_AEAD_KEY_LEN];
    bool begins[1 << 16]; /* some key begins with these two bytes, turned over */
} seen;

static void remember(const uint8_t *key)
{
    assert_true(seen.count < KEYS);
    for (size_t i = 0; i < SC_AEAD_KEY_LEN; i++)
        seen.key[seen.count][i] = (uint8_t)~key[i];
    seen.begins[seen.key[seen.count][0] << 8 | seen.key[seen.count][1]] = true;
    seen.count++;
}

static void remember_channel(const struct sc_channel *c)
{
    remember(c->keys.seal.bytes);
    remember(c->keys.open.bytes);
}

static void remember_keys(const struct net_node *node)
{
    const struct sc_channels *all = &node->stack->channels;
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&all->by_id, n)) != NULL;)
        remember_channel(sc_container(n, struct sc_channel, by_id));
    remember(node->stack->node.credentials.handshake.secret);
    remember(node->stack->node.credentials.host.seed);
}

static size_t occurrences(const uint8_t *data, size_t len)
{
    size_t found = 0;
    for (size_t at = 0; at + SC_AEAD_KEY_LEN <= len; at++)
        for (size_t k = seen.begins[(data[at] << 8 | data[at + 1]) ^ 0xffff] ? 0 : seen.count;
             k < seen.count; k++) {
            size_t i = 0;
            while (i < SC_AEAD_KEY_LEN && (data[at + i] ^ seen.key[k][i]) == 0xff)
                i++;
            found += i == SC_AEAD_KEY_LEN;
        }
    return found;
}

/* In all memory that this process can write to; a sanitizer keeps what was freed. */
static size_t left_in_memory(void)
{
    static uint8_t chunk[CHUNK];
    char line[512];
    size_t found = 0;
    FILE *maps = fopen("/proc/self/maps", "re"), *memory = fopen("/proc/self/mem", "re");
    assert_true(maps && memory);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || strncmp(rights, "rw", 2) != 0)
            continue;
        for (unsigned long at = from; at < to && to - from < 1ul << 32; at += CHUNK / 2) {
            size_t want = to - at < CHUNK ? to - at : CHUNK;
            bool own = at < (uintptr_t)(chunk + CHUNK) && (uintptr_t)chunk < at + want;
            ssize_t n = own ? 0 : pread(fileno(memory), chunk, want, (off_t)at);
            found += n > 0 ? occurrences(chunk, (size_t)n) : 0;
        }
    }
    fclose(maps);
    fclose(memory);
    return found;
}

/* Of one channel that ends, while those before and after it, and the other host's, go on. */
static void keys_are_gone_with_their_channel(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    const struct sc_link *link = &n.node[1].stack->remote.registrar.link;
    uint32_t id = link->now->id;
    remember_channel(link->now);
    assert_true(left_in_memory() > 0);
    net_run(&n, SC_CHANNEL_RENEW + 10 * SC_SECOND);
    assert_int_not_equal(link->now->id, id);
    assert_true(left_in_memory() > 0); /* it is still heard */
    net_run(&n, SC_CHANNEL_END - SC_CHANNEL_RENEW);
    assert_null(sc_channels_find(&n.node[1].stack->channels, id));
    assert_true(n.node[0].stack->channels.by_id.count >= 2);
    assert_int_equal(left_in_memory(), 0);
    net_fini(&n);
}

static void keys_are_gone_with_their_channels(void **state)
{
    (void)state;
    struct net n;
    start_three(&n);
    net_serve(&n.node[1], "web.demo.scaffold:80");
    net_run(&n, SC_SECOND);
    for (int i = 0; i < 3; i++)
        remember_keys(&n.node[i]);
    assert_true(left_in_memory() > 0);
    net_fini(&n);
    assert_int_equal(left_in_memory(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_join_and_open_flows),
        cmocka_unit_test(refusals_come_back),
        cmocka_unit_test(who_is_not_invited_stays_outside),
        cmocka_unit_test(who_is_invited_later_gets_in),
        cmocka_unit_test(keys_for_handshakes_change),
        cmocka_unit_test(a_host_that_was_let_in_stays_known),
        cmocka_unit_test(a_router_that_was_restarted_knows_its_hosts),
        cmocka_unit_test(a_name_belongs_to_its_key),
        cmocka_unit_test(another_router_is_not_obeyed),
        cmocka_unit_test(packets_of_a_channel_count_once_and_whole),
        cmocka_unit_test(what_is_not_sealed_is_not_heard),
        cmocka_unit_test(what_is_not_sealed_is_not_forwarded),
        cmocka_unit_test(keys_change_and_nobody_notices),
        cmocka_unit_test(keys_are_gone_with_their_channel),
        cmocka_unit_test(whatever_comes_shows_that_a_channel_is_good),
        cmocka_unit_test(a_handshake_comes_to_its_end),
        cmocka_unit_test(a_restart_is_noticed_soon),
        cmocka_unit_test(a_far_router_is_not_doubted),
        cmocka_unit_test(keys_are_gone_with_their_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
