/* Handshakes and channels under somebody who has the wire: a router, a host "a" that is invited and
 * a host "m" that is not. What passes by is lost, repeated, changed, cut, and sent from and to
 * elsewhere. Nobody but "a" is ever let in, and "a" is when the wire is left alone.
 *
 * Input: records of u8 operation (and, above its low 5 bits, which bit) | u8 which packet | u16 */
#include <errno.h>
#include <string.h>

#include "crypto/drawn.h"
#include "fuzz.h"
#include "stack/parts.h"
#include "stack/stack.h"

enum { ROUTER, HOST, MALLORY, NODES, PLACES = NODES + 2, QUEUE = 256, HISTORY = 32, KEPT = 8 };
#define RECORD 4
#define RECORDS_MAX 512
#define WALL 1800000000u
#define SERVICE "web.demo.scaffold:80"
/* Of the one invitation that there is: one is left at least, since one host has it. */
#define USES 2

struct packet {
    struct sc_underlay from, to;
    size_t len;
    uint8_t data[SC_DATAGRAM_BASE];
};

struct node {
    struct sc_stack *stack;
    struct sc_rng rng; /* its entropy */
    uint8_t seed[SC_KEY_SEED_LEN];
    uint8_t key[SC_KEY_LEN];
};

struct world {
    sc_time now;
    struct sc_rng rng;
    struct node node[NODES];
    struct packet queue[QUEUE], history[HISTORY];
    size_t queued, seen;
    struct sc_mapping kept[KEPT];
    size_t kept_count;
    struct sc_train train;
};

static const sc_time steps[] = {0,
                                SC_MS,
                                10 * SC_MS,
                                200 * SC_MS,
                                SC_SECOND,
                                2 * SC_SECOND,
                                5 * SC_SECOND,
                                60 * SC_SECOND,
                                120 * SC_SECOND,
                                200 * SC_SECOND};

static struct sc_underlay place(size_t index)
{
    return (struct sc_underlay){
        .family = 4, .port = 7213, .ip = {10, 0, 0, (uint8_t)(index % PLACES + 1)}};
}

/* --- what must always hold -------------------------------------------------------------------- */

static void check_hosts(const struct world *w)
{
    const struct sc_hosts *hosts = &w->node[ROUTER].stack->router.hosts;
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&hosts->by_name, n)) != NULL;) {
        const struct sc_host *h = sc_container(n, struct sc_host, by_name);
        require(strcmp(h->name, "a") == 0);
        require(memcmp(h->key, w->node[HOST].key, SC_KEY_LEN) == 0);
        require(!h->link.now || memcmp(h->link.now->peer, h->key, SC_KEY_LEN) == 0);
        require(!h->link.before || memcmp(h->link.before->peer, h->key, SC_KEY_LEN) == 0);
    }
    for (size_t i = 0; i < w->kept_count; i++)
        require(!w->kept[i].owned || memcmp(w->kept[i].owner, w->node[HOST].key, SC_KEY_LEN) == 0);
}

static void check(const struct world *w)
{
    const struct sc_router *r = &w->node[ROUTER].stack->router;
    struct sc_stack_self self;
    check_hosts(w);
    sc_stack_get_self(w->node[MALLORY].stack, &self);
    require(!self.joined && self.address == 0);
    require(r->invitations.count == 1 && r->invitations.all[0].uses >= USES - 1);
    require(r->greetings.by_id.count == r->greetings.by_from.count);
    require(r->greetings.by_id.count <= SC_GREETINGS_MAX);
    for (size_t i = 0; i < NODES; i++)
        require(w->node[i].stack->channels.strange_count <= SC_CHANNELS_STRANGE_MAX);
}

/* --- packets ---------------------------------------------------------------------------------- */

static void put(struct world *w, const struct packet *p)
{
    if (w->queued < QUEUE)
        w->queue[w->queued++] = *p;
}

static bool take(struct world *w, size_t index, struct packet *out)
{
    if (w->queued == 0)
        return false;
    index %= w->queued;
    *out = w->queue[index];
    memmove(&w->queue[index], &w->queue[index + 1], (--w->queued - index) * sizeof *out);
    w->history[w->seen++ % HISTORY] = *out;
    return true;
}

static void take_events(struct world *w, struct node *n)
{
    struct sc_event e;
    while (sc_stack_next_event(n->stack, &e)) {
        if (e.type == SC_EVENT_STORE && w->kept_count < KEPT)
            w->kept[w->kept_count++] = e.mapping;
        if (e.type == SC_EVENT_STORE)
            sc_stack_stored(n->stack, e.token, 0, w->now);
    }
}

static void cut_train(struct world *w, size_t from)
{
    const struct sc_train *t = &w->train;
    static uint8_t bytes[SC_TRAIN_BYTES + SC_DATAGRAM_MAX];
    size_t len = 0;
    for (size_t i = 0; i < t->iov_count; i++) {
        memcpy(bytes + len, t->iov[i].iov_base, t->iov[i].iov_len);
        len += t->iov[i].iov_len;
    }
    for (size_t at = 0; at < len; at += t->segment) {
        struct packet p = {.from = place(from), .to = t->to};
        p.len = len - at < t->segment ? len - at : t->segment;
        require(p.len <= sizeof p.data);
        memcpy(p.data, bytes + at, p.len);
        put(w, &p);
    }
}

static void drain(struct world *w)
{
    for (size_t i = 0; i < NODES; i++) {
        take_events(w, &w->node[i]);
        while (sc_stack_drain(w->node[i].stack, &w->train, w->now))
            cut_train(w, i);
        take_events(w, &w->node[i]);
    }
}

/* The bytes end where the allocation does. */
static void deliver(struct world *w, const struct packet *p)
{
    for (size_t i = 0; i < NODES; i++) {
        struct sc_underlay at = place(i);
        if (!sc_underlay_equal(&at, &p->to))
            continue;
        uint8_t *data = malloc(p->len ? p->len : 1);
        require(data != NULL);
        memcpy(data, p->data, p->len);
        sc_stack_feed(w->node[i].stack, data, p->len, &p->from, 0, w->now);
        take_events(w, &w->node[i]);
        sc_stack_settle(w->node[i].stack, w->now);
        free(data);
    }
    drain(w);
}

static void run(struct world *w, sc_time time)
{
    sc_time until = w->now + time;
    for (;;) {
        struct packet p;
        drain(w);
        while (take(w, 0, &p))
            deliver(w, &p);
        sc_time next = SC_NEVER;
        for (size_t i = 0; i < NODES; i++)
            next = sc_time_min(next, sc_stack_deadline(w->node[i].stack));
        if (next > until)
            break;
        w->now = sc_time_max(next, w->now);
        for (size_t i = 0; i < NODES; i++)
            sc_stack_tick(w->node[i].stack, w->now);
    }
    w->now = until;
}

/* --- life ------------------------------------------------------------------------------------- */

static const uint8_t invitation[SC_INVITATION_LEN] = "the invitation";

static void invite(struct world *w)
{
    uint32_t left = USES;
    for (size_t i = 0; i < w->kept_count && left == USES; i++)
        left -= w->kept[i].owned;
    require(sc_stack_invite(w->node[ROUTER].stack, invitation, left, WALL + 1000000, w->now));
    for (size_t i = 0; i < w->kept_count; i++) /* the older ones of a name are not its last */
        sc_stack_restore_mapping(w->node[ROUTER].stack, &w->kept[i]);
}

static const uint8_t provider_seed[SC_KEY_SEED_LEN] = {1};

static void start(struct world *w, size_t index)
{
    static const char *const names[NODES] = {"r", "a", "m"};
    struct node *n = &w->node[index];
    struct sc_stack_config c = {.domain = 1,
                                .pool_base = 0xc6120000u,
                                .pool_bits = 15,
                                .seed = sc_rng_next(&w->rng),
                                .entropy = drawn_from(&n->rng),
                                .epoch = sc_rng_next(&w->rng) | 1,
                                .secure = true,
                                .wall = WALL};
    sc_rng_seed(&n->rng, sc_rng_next(&w->rng));
    memcpy(c.host_name, names[index], 2);
    memcpy(c.key_seed, n->seed, sizeof c.key_seed);
    drawn_fill(&w->rng, c.secret, sizeof c.secret);
    if (index != ROUTER) {
        c.router = place(ROUTER);
        c.trust.knows_router = true;
        sc_stack_key_hash(w->node[ROUTER].stack, c.trust.router);
    }
    if (index == HOST)
        memcpy(c.trust.invitation, invitation, sizeof invitation);
    n->stack = sc_stack_new(&c, w->now);
    require(n->stack != NULL);
    memcpy(n->key, n->stack->node.credentials.host.public, sizeof n->key);
    if (index == ROUTER)
        invite(w);
    if (index == HOST) /* it serves a name of a provider whose key it has */
        require(sc_stack_hold_provider(n->stack, provider_seed, w->now) == 0);
}

static void begin(struct world *w, uint64_t seed)
{
    *w = (struct world){.now = 1000 * SC_SECOND};
    sc_rng_seed(&w->rng, seed);
    for (size_t i = 0; i < NODES; i++) {
        drawn_fill(&w->rng, w->node[i].seed, sizeof w->node[i].seed);
        start(w, i);
    }
}

/* Left alone, all is well soon: whatever was believed, and whatever was half done. */
static void finish(struct world *w)
{
    struct sc_stack_self self;
    run(w, 30 * SC_SECOND);
    check(w);
    sc_stack_get_self(w->node[HOST].stack, &self);
    require(self.joined && sc_stack_registered(w->node[HOST].stack));
    require(sc_stack_instance_count(w->node[ROUTER].stack) ==
            sc_stack_instance_count(w->node[HOST].stack));
    sc_stack_get_self(w->node[MALLORY].stack, &self);
    require(self.refused == EACCES);
    for (size_t i = 0; i < NODES; i++)
        sc_stack_free(w->node[i].stack);
}

/* --- the input -------------------------------------------------------------------------------- */

enum op {
    RUN,
    DELIVER,
    LOSE,
    REPEAT,
    REPLAY,
    CHANGE,
    CUT,
    GROW,
    FROM_ELSEWHERE,
    TO_ELSEWHERE,
    RESTART,
    SLEEP,
    GREETS,
    SERVE,
    OPS
};

/* Handshakes that nobody goes on with. */
static void greet(struct world *w, size_t count, size_t from)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t key[SC_X25519_LEN];
        struct packet p = {.from = place(from), .to = place(ROUTER)};
        struct sc_writer out = sc_writer(p.data, sizeof p.data);
        drawn_fill(&w->rng, key, sizeof key);
        struct sc_control c = {.message = SC_MSG_GREET,
                               .transaction = sc_rng_next(&w->rng),
                               .channel = (uint32_t)sc_rng_next(&w->rng) % 64,
                               .suite = (uint8_t)(1 + i % SC_SUITES),
                               .handshake = {key, sizeof key}};
        p.from.port = (uint16_t)(7213 + i % 3);
        sc_control_write(&out, &c);
        p.len = sc_writer_len(&out);
        deliver(w, &p);
    }
}

static void serve(struct world *w)
{
    struct sc_service_name name;
    struct sc_service_id id;
    struct sc_instance *i;
    uint8_t provider[SC_PROVIDER_LEN];
    if (sc_stack_instance_count(w->node[HOST].stack) > 0)
        return;
    sc_provider_of_key(sc_stack_provider(w->node[HOST].stack, 0), provider);
    require(sc_service_name_read(SERVICE, &name, NULL) == 0);
    sc_service_name_to_id(&name, provider, &id);
    sc_stack_serve(w->node[HOST].stack, &id, NULL, &i, w->now);
}

/* A packet that is on its way, as the wire makes it. */
static void change(struct world *w, enum op op, unsigned bit, struct packet *p, uint16_t what)
{
    (void)w;
    if (op == CHANGE && p->len > 0)
        p->data[what % p->len] ^= (uint8_t)(1 << bit);
    else if (op == CUT)
        p->len = what % (p->len + 1);
    else if (op == FROM_ELSEWHERE)
        p->from = place(what);
    else if (op == TO_ELSEWHERE)
        p->to = place(what);
    else if (op == GROW && p->len < sizeof p->data)
        p->data[p->len++] = (uint8_t)what;
}

static void handle(struct world *w, enum op op, unsigned bit, size_t which, uint16_t what)
{
    struct packet p;
    if (op == LOSE || op == REPEAT || op == DELIVER || (op >= CHANGE && op <= TO_ELSEWHERE)) {
        if (!take(w, which, &p) || op == LOSE)
            return;
        if (op == REPEAT)
            put(w, &p);
        else
            change(w, op, bit, &p, what);
        deliver(w, &p);
        return;
    }
    if (op == REPLAY && w->seen > 0) {
        p = w->history[which % (w->seen < HISTORY ? w->seen : HISTORY)];
        change(w, what & 0x8000 ? CHANGE : FROM_ELSEWHERE, bit, &p, what & 0x7fff);
        deliver(w, &p);
    }
}

static void step(struct world *w, uint8_t code, uint8_t which, uint16_t what)
{
    enum op op = (code & 31) % OPS;
    switch (op) {
    case RUN:
        run(w, steps[which % (sizeof steps / sizeof *steps)]);
        break;
    case SLEEP: /* without packets */
        w->now += steps[which % (sizeof steps / sizeof *steps)];
        for (size_t i = 0; i < NODES; i++)
            sc_stack_tick(w->node[i].stack, w->now);
        drain(w);
        break;
    case RESTART:
        sc_stack_free(w->node[which % NODES].stack);
        start(w, which % NODES);
        drain(w);
        break;
    case GREETS:
        greet(w, which, what);
        break;
    case SERVE:
        serve(w);
        break;
    default:
        handle(w, op, code >> 5, which, what);
        break;
    }
}

/* The ends' secrets depend on all of the input: none is learnt from what the last run compared. */
static uint64_t seed_of(const uint8_t *data, size_t size)
{
    static const uint64_t key[2] = {3, 4};
    return sc_hash(key, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct sc_reader in = sc_reader(data, size);
    begin(&w, seed_of(data, size));
    for (size_t i = 0; i < RECORDS_MAX && sc_reader_left(&in) >= RECORD; i++) {
        uint8_t code = sc_read_u8(&in), which = sc_read_u8(&in);
        step(&w, code, which, sc_read_u16(&in));
        check(&w);
    }
    finish(&w);
    return 0;
}
