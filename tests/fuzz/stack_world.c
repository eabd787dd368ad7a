#include "stack_world.h"

#include <string.h>

#include "crypto/drawn.h"
#include "transport/congestion/congestion.h"
#include "wire/frame.h"

/* Turns without time passing, and packets in one turn: many times what a run of records can cause,
 * so more is a stack that spins. */
#define TURNS_MAX 1000
#define PUMPED_MAX 1000000
/* After this everything has timed out: an opening takes 127 s, and a silent peer 20 s. */
#define QUIET_AFTER (400 * SC_SECOND)

struct sc_underlay place(size_t index)
{
    return (struct sc_underlay){
        .family = 4, .port = 7213, .ip = {10, 0, 0, (uint8_t)(index % EVERYWHERE + 1)}};
}

static bool is_place(const struct sc_underlay *u, size_t index)
{
    struct sc_underlay p = place(index);
    return sc_underlay_equal(u, &p);
}

/* --- packets ---------------------------------------------------------------------------------- */

static struct packet *new_packet(const void *data, size_t len)
{
    struct packet *p = malloc(sizeof *p + len);
    require(p != NULL);
    *p = (struct packet){.len = len};
    if (len > 0)
        memcpy(p->data, data, len);
    return p;
}

/* The packet as it is now, for replays. */
static void remember(struct world *w, const struct packet *p)
{
    struct packet **at = &w->history[w->seen++ % HISTORY];
    free(*at);
    *at = new_packet(p->data, p->len);
    (*at)->from = p->from;
    (*at)->to = p->to;
}

void put_packet(struct world *w, struct packet *p)
{
    bool lost = w->loss && sc_rng_below(&w->rng, 1024) < w->loss;
    if (lost || w->queued >= QUEUE || (w->mtu && p->len > w->mtu)) {
        free(p);
        return;
    }
    p->next = NULL;
    *w->last = p;
    w->last = &p->next;
    w->queued++;
}

struct packet *make_packet(size_t from, size_t to, const void *data, size_t len)
{
    struct packet *p = new_packet(data, len);
    p->from = place(from);
    p->to = place(to);
    return p;
}

struct packet *take_packet(struct world *w, size_t index)
{
    struct packet **at = &w->first;
    if (w->queued == 0)
        return NULL;
    for (index %= w->queued; index > 0; index--)
        at = &(*at)->next;
    struct packet *p = *at;
    *at = p->next;
    if (!*at)
        w->last = at;
    w->queued--;
    return p;
}

/* --- what must always hold of what is sent ---------------------------------------------------- */

static void check_frames(struct sc_reader *r)
{
    while (sc_reader_left(r) > 0) {
        struct sc_frame f;
        sc_frame_read(r, &f);
        require(!r->bad);
    }
}

static void check_body(const struct sc_header *h, struct sc_reader *r)
{
    union {
        struct sc_open open;
        struct sc_answer answer;
        struct sc_refuse refuse;
        struct sc_retry retry;
        struct sc_reset reset;
        struct sc_control control;
        struct sc_fragment fragment;
    } p;
    struct sc_confirm c;
    switch (h->type) {
    case SC_PKT_OPEN:
        sc_open_read(r, &p.open);
        break;
    case SC_PKT_ANSWER:
        sc_answer_read(r, &p.answer);
        break;
    case SC_PKT_CONFIRM:
        sc_confirm_read(r, &c);
        require(!r->bad);
        *r = sc_reader(c.frames.data, c.frames.len);
        check_frames(r);
        break;
    case SC_PKT_DATA:
        check_frames(r);
        break;
    case SC_PKT_REFUSE:
        sc_refuse_read(r, &p.refuse);
        break;
    case SC_PKT_RETRY:
        sc_retry_read(r, &p.retry);
        break;
    case SC_PKT_RESET:
        sc_reset_read(r, &p.reset);
        break;
    case SC_PKT_CONTROL:
        sc_control_read(r, h, &p.control);
        break;
    case SC_PKT_DATAGRAM:
        sc_fragment_read(r, &p.fragment);
        break;
    default:
        require(false);
    }
    require(!r->bad);
}

/* A datagram of a program goes where the program says; all else is the stack's own doing. */
static bool is_programs(const struct sc_header *h, const struct packet *p)
{
    size_t flags = SC_HEADER_LEN + 8 + 4 + 2 + SC_UNDERLAY_LEN + 8;
    return h->type == SC_PKT_DATAGRAM && p->len > flags &&
           !(p->data[flags] & SC_FRAGMENT_UNDELIVERED);
}

/* What a stack says itself is well-formed (what it passes on is as it came), and nobody can be made
 * to drown somebody else in it. */
static void check_sent(struct node *n, const struct packet *p)
{
    struct sc_reader r = sc_reader(p->data, p->len);
    struct sc_header h;
    sc_header_read(&r, &h);
    require(!r.bad && h.hop_limit <= SC_HOP_LIMIT);
    if (h.hop_limit < SC_HOP_LIMIT)
        return;
    check_body(&h, &r);
    if (!is_place(&p->to, VICTIM) || is_programs(&h, p))
        return;
    n->to_victim += p->len;
    require(n->to_victim <= n->from_victim);
}

static void check_train(const struct sc_train *t)
{
    size_t len = 0;
    require(t->iov_count > 0 && t->iov_count <= SC_TRAIN_PIECES);
    for (size_t i = 0; i < t->iov_count; i++)
        len += t->iov[i].iov_len;
    require(len == t->len && len > 0 && len <= SC_TRAIN_BYTES);
    require(t->segment > 0 && t->segment <= SC_DATAGRAM_MAX);
    require((len + t->segment - 1) / t->segment <= SC_TRAIN_SEGMENTS);
    require(t->to.family == 4 || t->to.family == 6);
}

static void cut(struct node *n, const struct sc_train *t)
{
    static uint8_t bytes[SC_TRAIN_BYTES];
    struct world *w = n->world;
    size_t len = 0;
    for (size_t i = 0; i < t->iov_count; i++) {
        memcpy(bytes + len, t->iov[i].iov_base, t->iov[i].iov_len);
        len += t->iov[i].iov_len;
    }
    for (size_t at = 0; at < len; at += t->segment) {
        struct packet *p =
            make_packet(n->at, 0, bytes + at, len - at < t->segment ? len - at : t->segment);
        p->to = t->to;
        p->ecn = t->ect ? w->ecn : 0;
        check_sent(n, p);
        remember(w, p);
        put_packet(w, p);
    }
}

void drain(struct node *n)
{
    struct sc_train *t = &n->world->train;
    while (sc_stack_drain(n->stack, t, n->world->now)) {
        check_train(t);
        if (n->send_error)
            sc_stack_on_send_error(n->stack, t, 0, n->send_error == 1, n->world->now);
        else
            cut(n, t);
        n->send_error = 0;
    }
}

/* --- counts agree ----------------------------------------------------------------------------- */

static size_t length(const struct sc_list *head)
{
    size_t n = 0;
    for (const struct sc_list *it = head->next; it != head; it = it->next)
        n++;
    return n;
}

static void check_flows(const struct sc_stack *s, size_t crowd)
{
    size_t half_open = crowd, with_peer = 0, of_peers = 0;
    for (struct sc_map_node *m = NULL; (m = sc_map_next(&s->flows.by_id, m)) != NULL;) {
        const struct sc_entry *e = sc_container(m, struct sc_entry, by_id);
        half_open += e->half_open;
        with_peer += e->peer != NULL;
        require(e->half_open == (e->flow.state == SC_FLOW_ANSWERED));
        require(e->owned || e->flow.state != SC_FLOW_DEAD);
    }
    for (struct sc_map_node *m = NULL; (m = sc_map_next(&s->peers.by_route, m)) != NULL;) {
        const struct sc_peer *p = sc_container(m, struct sc_peer, by_route);
        require(p->flow_count > 0 && p->flow_count == length(&p->flows));
        of_peers += p->flow_count;
    }
    require(half_open == s->flows.half_open && with_peer == of_peers);
}

/* Every instance stands where its service and the table say, those of this host first. Returns how
 * many are of this host. */
static size_t check_services(const struct sc_stack *s)
{
    size_t all = 0, local = 0, with_local = 0, listed = 0;
    for (struct sc_service *v = NULL; (v = sc_service_table_next(&s->services, v)) != NULL;) {
        require(v->count > 0 && v->local <= v->count);
        for (size_t at = 0; at < v->count; at++) {
            const struct sc_instance *i = v->instance[at];
            require(i->service == v && i->at == at && (i->host == 0) == (at < v->local));
            require(sc_map_find(&s->services.by_key, &i->key) == &i->node);
        }
        all += v->count;
        local += v->local;
        with_local += v->local > 0;
    }
    for (size_t i = 0; i < SC_SERVICE_PORTS; i++)
        listed += length(&s->services.by_port[i]);
    require(all == s->services.instances && all == s->services.by_key.count);
    require(listed == with_local);
    return local;
}

/* Runs of other hosts live as long as there are peers of them. */
static void check_incarnations(const struct sc_stack *s)
{
    size_t with = 0, routes = 0;
    for (struct sc_map_node *m = NULL; (m = sc_map_next(&s->peers.by_route, m)) != NULL;)
        with += sc_container(m, struct sc_peer, by_route)->incarnation != NULL;
    for (struct sc_map_node *m = NULL; (m = sc_map_next(&s->peers.incarnations.all, m)) != NULL;) {
        const struct sc_incarnation *one = sc_container(m, struct sc_incarnation, node);
        require(one->routes > 0);
        routes += one->routes;
    }
    require(with == routes && s->peers.by_transaction.count <= s->peers.by_route.count);
}

/* A router's hosts have the instances that they are counted with. */
static void check_hosts(const struct sc_stack *s)
{
    size_t instances = check_services(s), down = 0;
    for (struct sc_map_node *m = NULL; (m = sc_map_next(&s->router.hosts.by_address, m)) != NULL;) {
        const struct sc_host *h = sc_container(m, struct sc_host, by_address);
        uint64_t digest = 0;
        struct sc_list *it, *tmp;
        sc_list_each(it, tmp, &h->instances)
        {
            const struct sc_instance *i = sc_container(it, struct sc_instance, in_host);
            require(i->host == h->address);
            digest ^= sc_service_table_digest(&i->service->id);
        }
        require(h->registered == length(&h->instances) && h->digest == digest);
        require(h->up || h->registered == 0);
        instances += h->registered;
        down += !h->up;
    }
    require(instances == s->services.instances && down == length(&s->router.hosts.down));
    require(s->router.hosts.by_name.count == s->router.hosts.by_address.count);
}

static void check_queues(const struct sc_stack *s)
{
    size_t bytes = 0;
    for (const struct sc_list *it = s->node.notices.waiting.next; it != &s->node.notices.waiting;
         it = it->next)
        bytes += sc_container(it, struct sc_notice, link)->len;
    require(bytes == s->node.notices.bytes);
    for (enum sc_queue q = 0; q < SC_QUEUES; q++)
        require(length(&s->node.outbox.queue[q].packets) == s->node.outbox.queue[q].count);
    require(length(&s->remote.lookups.requests) == s->remote.lookups.count &&
            s->remote.lookups.count <= SC_REQUESTS_MAX);
    require(length(&s->connectionless.assemblies.waiting) == s->connectionless.assemblies.count);
    require(s->connectionless.assemblies.count <= SC_ASSEMBLIES_MAX);
    require(s->pool.by_pool.count == s->pool.by_service.count);
}

static void check(const struct node *n)
{
    check_flows(n->stack, n->crowd);
    check_incarnations(n->stack);
    check_hosts(n->stack);
    check_queues(n->stack);
}

/* --- packets in ------------------------------------------------------------------------------- */

/* What a router passes on says where it came from; so anybody can say that of what he sends. */
static bool names_victim(const struct packet *p)
{
    size_t in_open = SC_HEADER_LEN + 8 + 4 + 8 + 32 + 1 + 4 + 2;
    size_t in_datagram = SC_HEADER_LEN + 8 + 4 + 2;
    unsigned type = p->data[0] & 15;
    size_t at = type == SC_PKT_OPEN ? in_open : in_datagram;
    struct sc_underlay origin;
    if ((type != SC_PKT_OPEN && type != SC_PKT_DATAGRAM) || p->len < at + SC_UNDERLAY_LEN)
        return false;
    struct sc_reader r = sc_reader(p->data + at, SC_UNDERLAY_LEN);
    sc_underlay_read(&r, &origin);
    return is_place(&origin, VICTIM);
}

/* Bytes that wait to be sent there, but for those of flows. */
static size_t waiting_for_victim(const struct sc_stack *s)
{
    size_t bytes = 0;
    for (enum sc_queue q = 0; q < SC_QUEUES; q++) {
        const struct sc_list *head = &s->node.outbox.queue[q].packets;
        for (const struct sc_list *it = head->next; it != head; it = it->next) {
            const struct sc_packet_out *p = sc_container(it, struct sc_packet_out, link);
            bytes += is_place(&p->to, VICTIM) ? p->len : 0;
        }
    }
    return bytes;
}

void feed(struct node *n, struct packet *p)
{
    if (p->len > 1 && p->data[1] == SC_HOP_LIMIT + 1)
        p->data[1]++; /* passed on, it would look like the stack's own */
    bool of_victim = p->len > 0 && (is_place(&p->from, VICTIM) || names_victim(p));
    size_t before = of_victim ? waiting_for_victim(n->stack) : 0;
    if (of_victim)
        n->from_victim += p->len;
    p->next = n->fed;
    n->fed = p;
    sc_stack_feed(n->stack, p->data, p->len, &p->from, p->ecn, n->world->now);
    if (of_victim)
        require(waiting_for_victim(n->stack) <= before + p->len);
}

void settle(struct node *n)
{
    if (!n->late)
        take_events(n);
    sc_stack_settle(n->stack, n->world->now);
    for (struct packet *p; (p = n->fed) != NULL; free(p))
        n->fed = p->next;
    take_events(n);
}

static struct node *node_at(struct world *w, const struct sc_underlay *to)
{
    for (size_t i = 0; i < NODES; i++)
        if (is_place(to, w->node[i].at))
            return &w->node[i];
    return NULL;
}

void deliver(struct world *w, struct packet *p)
{
    struct node *n = node_at(w, &p->to);
    if (n)
        feed(n, p);
    else
        free(p);
}

/* --- time ------------------------------------------------------------------------------------- */

static void settle_all(struct world *w)
{
    for (size_t i = 0; i < NODES; i++)
        settle(&w->node[i]);
}

void pump(struct world *w, size_t batch)
{
    size_t pumped = 0;
    do {
        for (size_t i = 0; w->first && i < batch; i++) {
            deliver(w, take_packet(w, 0));
            require(++pumped < PUMPED_MAX);
        }
        settle_all(w);
        for (size_t i = 0; i < NODES; i++) {
            drain(&w->node[i]);
            take_events(&w->node[i]); /* draining finds out what leads nowhere */
        }
    } while (w->first);
    for (size_t i = 0; i < NODES; i++)
        check(&w->node[i]);
}

static sc_time deadline(const struct world *w)
{
    sc_time next = SC_NEVER;
    for (size_t i = 0; i < NODES; i++)
        next = sc_time_min(next, sc_stack_deadline(w->node[i].stack));
    return next;
}

static void tick(struct world *w)
{
    for (size_t i = 0; i < NODES; i++)
        if (sc_stack_deadline(w->node[i].stack) <= w->now)
            sc_stack_tick(w->node[i].stack, w->now);
}

void run(struct world *w, sc_time time, size_t batch)
{
    sc_time until = w->now + time;
    unsigned still = 0;
    for (;;) {
        pump(w, batch);
        sc_time next = deadline(w);
        if (next > until)
            break;
        still = next <= w->now ? still + 1 : 0;
        require(still < TURNS_MAX); /* a deadline that is never over */
        w->now = sc_time_max(next, w->now);
        tick(w);
    }
    w->now = until;
}

void sleep_over(struct world *w, sc_time time)
{
    w->now += time;
    tick(w);
    settle_all(w);
}

/* --- life ------------------------------------------------------------------------------------- */

void node_start(struct node *n)
{
    static const char *const names[NODES] = {"r", "a", "b"};
    struct world *w = n->world;
    n->epoch = sc_rng_next(&w->rng) | 1;
    struct sc_stack_config c = {.domain = 1,
                                .pool_base = 0xc6120000u,
                                .pool_bits = w->options & SMALL_POOL ? 28 : 15,
                                .seed = sc_rng_next(&w->rng),
                                .entropy = drawn_from(&n->rng),
                                .epoch = n->epoch,
                                .memory_max = w->options & LITTLE_MEMORY ? 16 * SC_BLOCK_LEN : 0,
                                .datagram_limit = w->options & SMALL_DATAGRAMS ? 1400 : 0};
    sc_rng_seed(&n->rng, c.seed);
    const char *control = w->options & BBR ? "bbr" : w->options & NEWRENO ? "reno" : "cubic";
    c.congestion = sc_congestion_find(control);
    memcpy(c.host_name, names[n->place], strlen(names[n->place]) + 1);
    for (size_t i = 0; i < sizeof c.secret; i++)
        c.secret[i] = (uint8_t)sc_rng_next(&w->rng);
    if (w->options & KEPT_SECRETS)
        memset(c.host_secret, (int)n->place + 1, sizeof c.host_secret);
    if (n->place > 0)
        c.router = place(0);
    n->stack = sc_stack_new(&c, w->now);
    require(n->stack != NULL);
    for (size_t i = 0; n->place == 0 && i < w->kept_count; i++)
        sc_stack_restore_mapping(n->stack, &w->kept[i]);
}

/* It is killed: what its owner had is gone with it. */
void node_stop(struct node *n)
{
    sc_stack_free(n->stack);
    for (struct packet *p; (p = n->fed) != NULL; free(p))
        n->fed = p->next;
    *n = (struct node){.world = n->world,
                       .place = n->place,
                       .at = n->at,
                       .from_victim = n->from_victim,
                       .to_victim = n->to_victim};
}

void node_crowd(struct node *n, size_t crowd)
{
    n->stack->flows.half_open += crowd - n->crowd;
    n->crowd = crowd;
}

void world_begin(struct world *w, uint64_t seed, bool hostile, unsigned options)
{
    *w = (struct world){.now = 1000 * SC_SECOND, .hostile = hostile, .options = options};
    w->last = &w->first;
    sc_rng_seed(&w->rng, seed);
    for (size_t i = 0; i < NODES; i++) {
        w->node[i] = (struct node){.world = w, .place = i, .at = i};
        node_start(&w->node[i]);
    }
    run(w, SC_SECOND, 1);
}

/* Nothing is left that a flow, a look-up or a datagram had. */
static bool is_quiet(const struct node *n)
{
    const struct sc_stack *s = n->stack;
    struct sc_stack_self self;
    sc_stack_get_self(s, &self);
    return sc_stack_flow_count(s) == 0 && s->flows.by_open.count == 0 &&
           s->peers.by_route.count == 0 && s->peers.incarnations.all.count == 0 &&
           s->remote.lookups.count == 0 && n->lookups == 0 &&
           s->connectionless.assemblies.count == 0 && s->services.instances == 0 &&
           (s->routing == &s->router.routing || self.joined) && sc_stack_registered(s);
}

static void say_what_is_left(const struct node *n)
{
    const struct sc_stack *s = n->stack;
    struct sc_stack_self self;
    sc_stack_get_self(s, &self);
    fprintf(stderr,
            "%s: %zu flows, %zu opens, %zu peers, %zu requests, %zu look-ups, %zu assemblies, "
            "%zu instances, joined %d, registered %d\n",
            s->node.host_name, s->flows.by_id.count, s->flows.by_open.count,
            s->peers.by_route.count, s->remote.lookups.count, n->lookups,
            s->connectionless.assemblies.count, s->services.instances, self.joined,
            sc_stack_registered(s));
}

static bool all_quiet(const struct world *w)
{
    bool quiet = true;
    for (size_t i = 0; i < NODES; i++)
        quiet = quiet && is_quiet(&w->node[i]);
    return quiet;
}

void world_end(struct world *w)
{
    sc_time until = w->now + QUIET_AFTER;
    w->mtu = 0;
    w->loss = 0;
    for (size_t i = 0; i < NODES; i++) {
        w->node[i].at = i;
        node_crowd(&w->node[i], 0);
        owner_let_go(&w->node[i]);
    }
    do
        run(w, 5 * SC_SECOND, 1);
    while (w->now < until && !all_quiet(w));
    for (size_t i = 0; i < NODES && !all_quiet(w); i++)
        say_what_is_left(&w->node[i]);
    require(all_quiet(w));
    for (size_t i = 0; i < NODES; i++) {
        require(sc_stack_memory(w->node[i].stack) == 0 && w->node[i].stack->flows.half_open == 0);
        node_stop(&w->node[i]);
    }
    for (size_t i = 0; i < HISTORY; i++)
        free(w->history[i]);
}
