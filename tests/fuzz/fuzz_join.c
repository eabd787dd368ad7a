/* A router, and four hosts that are no stacks: each makes true handshakes, with its own key, and
 * says in them, and in the channels that come of them, whatever the input has: names, tokens,
 * addresses, epochs, invitations. The disk may be slow, or fail. Whoever has a name was invited to
 * it, nobody else gets it, and each invitation lets in as many as it says.
 *
 * Input, repeated: u8 operation (low 3 bits), guest, place (2 bits each) | u8 | u8 | u8 len, bytes
 */
#include <errno.h>
#include <string.h>

#include "crypto/drawn.h"
#include "fuzz.h"
#include "stack/parts.h"
#include "stack/stack.h"

#define WALL 1800000000u
#define STEPS_MAX 64

enum { GUESTS = 4, INVITATIONS = 4, STORES = 64 };

struct guest {
    struct sc_credentials own;
    struct sc_channel channel; /* the newest; id 0: none */
    bool invited;              /* has shown an invitation that was good */
    uint32_t id;               /* of the handshake under way... */
    struct sc_noise noise;     /* ...as it stands after GREET */
};

struct world {
    sc_time now;
    struct sc_rng rng;
    struct sc_crypto crypto;
    struct sc_stack *router;
    struct guest guest[GUESTS];
    int disk;               /* 0, an errno, or -1: it says nothing */
    uint64_t token[STORES]; /* of what is to be stored, and is not yet */
    size_t waiting;
    uint8_t hash[INVITATIONS][SC_HASH_LEN];
    uint32_t forgotten; /* names that were somebody's */
    struct sc_train train;
};

static const struct {
    uint8_t secret[SC_INVITATION_LEN];
    uint32_t uses;
    uint64_t until;
} invitations[INVITATIONS] = {
    {.secret = "for one host", .uses = 1, .until = WALL + 1000000},
    {.secret = "for two of them", .uses = 2, .until = WALL + 1000000},
    {.secret = "for ten seconds", .uses = 9, .until = WALL + 10},
    {.secret = "over long ago", .uses = 9, .until = WALL - 1},
};

static struct sc_underlay place(size_t index)
{
    return (struct sc_underlay){
        .family = 4, .port = 7213, .ip = {10, 0, 0, (uint8_t)(index % GUESTS + 2)}};
}

/* --- what must always hold -------------------------------------------------------------------- */

static const struct guest *guest_of(const struct world *w, const uint8_t key[SC_KEY_LEN])
{
    for (size_t i = 0; i < GUESTS; i++)
        if (memcmp(w->guest[i].own.host.public, key, SC_KEY_LEN) == 0)
            return &w->guest[i];
    return NULL;
}

static void check_hosts(const struct world *w)
{
    const struct sc_hosts *hosts = &w->router->router.hosts;
    char name[SC_NAME_MAX + 1];
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&hosts->by_name, n)) != NULL;) {
        const struct sc_host *h = sc_container(n, struct sc_host, by_name);
        snprintf(name, sizeof name, "%s.host.scaffold", h->name);
        const struct sc_pool_entry *e = sc_pool_find_name(&w->router->pool, name);
        require(!h->link.now || memcmp(h->link.now->peer, h->key, SC_KEY_LEN) == 0);
        if (!h->up)
            continue;
        require(e && e->owned && memcmp(e->owner, h->key, SC_KEY_LEN) == 0);
        require(h->pool == e->pool && h->address >> 32 == hosts->domain);
        require(sc_hosts_find(hosts, h->address) == h);
        require(h->link.now != NULL); /* else nobody could reach it */
    }
}

/* One use for each name that somebody has, or had. */
static void check_uses(const struct world *w)
{
    const struct sc_pool *pool = &w->router->pool;
    const struct sc_invitations *all = &w->router->router.invitations;
    uint32_t names = 0, used = 0;
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&pool->by_pool, n)) != NULL;) {
        const struct sc_pool_entry *e = sc_container(n, struct sc_pool_entry, by_pool);
        if (!e->owned)
            continue;
        const struct guest *g = guest_of(w, e->owner);
        require(g && g->invited);
        names++;
    }
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < INVITATIONS; k++)
            if (memcmp(all->all[i].hash, w->hash[k], SC_HASH_LEN) == 0)
                used += invitations[k].uses - all->all[i].uses;
    require(used == names + w->forgotten);
}

static void check(const struct world *w)
{
    check_hosts(w);
    check_uses(w);
    require(w->router->channels.strange_count <= SC_CHANNELS_STRANGE_MAX);
}

/* --- the disk --------------------------------------------------------------------------------- */

static void take_events(struct world *w)
{
    struct sc_event e;
    while (sc_stack_next_event(w->router, &e)) {
        if (e.type != SC_EVENT_STORE)
            continue;
        if (w->disk < 0 && w->waiting < STORES)
            w->token[w->waiting++] = e.token;
        else
            sc_stack_stored(w->router, e.token, w->disk < 0 ? 0 : w->disk, w->now);
    }
}

static void disk_answers(struct world *w, int error)
{
    while (w->waiting > 0)
        sc_stack_stored(w->router, w->token[--w->waiting], error, w->now);
}

/* --- packets ---------------------------------------------------------------------------------- */

static void feed(struct world *w, const uint8_t *packet, size_t len, size_t from)
{
    struct sc_underlay at = place(from);
    uint8_t *data = malloc(len);
    require(data != NULL);
    memcpy(data, packet, len);
    sc_stack_feed(w->router, data, len, &at, 0, w->now);
    take_events(w);
    sc_stack_settle(w->router, w->now);
    free(data);
}

static void on_greeted(struct world *w, const uint8_t *packet, size_t len);

/* Nothing is said in the clear but GREETED; the rest is for whoever has the channel. */
static void hear(struct world *w, uint8_t *packet, size_t len)
{
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    require(!r.bad && h.type == SC_PKT_CONTROL && len <= SC_CONTROL_REQUEST + SC_CHANNEL_OVERHEAD);
    if (!h.is_protected) {
        on_greeted(w, packet, len);
        return;
    }
    for (size_t i = 0; i < GUESTS; i++) {
        struct sc_channel *s = &w->guest[i].channel;
        size_t inner;
        if (s->id == h.flow)
            require(sc_channel_open(s, &w->crypto.aead, packet, len, &inner) != NULL);
    }
}

static void drain(struct world *w)
{
    static uint8_t bytes[SC_TRAIN_BYTES + SC_DATAGRAM_MAX];
    const struct sc_train *t = &w->train;
    while (sc_stack_drain(w->router, &w->train, w->now)) {
        size_t len = 0, segment = t->segment;
        for (size_t i = 0; i < t->iov_count; i++) {
            memcpy(bytes + len, t->iov[i].iov_base, t->iov[i].iov_len);
            len += t->iov[i].iov_len;
        }
        for (size_t at = 0; at < len; at += segment)
            hear(w, bytes + at, len - at < segment ? len - at : segment);
    }
    take_events(w);
}

static void run(struct world *w, sc_time time)
{
    sc_time until = w->now + time;
    for (sc_time next; (next = sc_stack_deadline(w->router)) <= until;) {
        w->now = sc_time_max(next, w->now);
        sc_stack_tick(w->router, w->now);
        drain(w);
    }
    w->now = until;
}

/* --- guests ----------------------------------------------------------------------------------- */

static void send_control(struct world *w, const struct sc_control *c, size_t from)
{
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer out = sc_writer(packet, sizeof packet);
    sc_control_write(&out, c);
    require(!out.bad);
    feed(w, packet, sc_writer_len(&out), from);
}

/* What the next PROVE is to say, and from where. */
static struct {
    struct guest *guest;
    size_t from;
    const uint8_t *payload;
    size_t len;
} proof;

static void on_greeted(struct world *w, const uint8_t *packet, size_t len)
{
    struct guest *g = proof.guest;
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header h;
    struct sc_control c, prove = {.message = SC_MSG_PROVE};
    uint8_t read[SC_CONTROL_REQUEST], message[SC_CONTROL_REQUEST];
    size_t read_len = 0;
    sc_header_read(&r, &h);
    sc_control_read(&r, &h, &c);
    require(!r.bad && c.message == SC_MSG_GREETED && g && c.channel == g->id);
    require(sc_noise_read(&g->noise, &w->crypto, c.handshake, read, &read_len));
    struct sc_proof of_router;
    require(sc_proof_read_router(&of_router, &w->crypto, (struct sc_field){read, read_len},
                                 g->noise.peer));
    prove.channel = of_router.channel;
    prove.handshake.data = message;
    prove.handshake.len =
        sc_noise_write(&g->noise, &w->crypto, (struct sc_field){proof.payload, proof.len}, message);
    require(prove.handshake.len > 0);
    g->channel = (struct sc_channel){.id = g->id, .peer_id = of_router.channel};
    sc_noise_split(&g->noise, &w->crypto, &g->channel.keys.seal, &g->channel.keys.open);
    proof.guest = NULL;
    send_control(w, &prove, proof.from);
}

/* A handshake, the third message of which has this payload. */
static void shake(struct world *w, struct guest *g, size_t from, const uint8_t *payload, size_t len)
{
    uint8_t prologue[SC_PROLOGUE_MAX], message[SC_NOISE_OVERHEAD];
    g->id = (uint32_t)sc_rng_next(&w->rng) | 1;
    struct sc_noise_config config = {
        .pattern = SC_NOISE_XX,
        .suite = SC_SUITE_AESGCM,
        .initiator = true,
        .prologue = {prologue, sc_proof_prologue(g->id, SC_SUITE_AESGCM, prologue)},
        .own = &g->own.handshake,
    };
    sc_noise_init(&g->noise, &w->crypto, &config);
    struct sc_control c = {.message = SC_MSG_GREET, .channel = g->id, .suite = SC_SUITE_AESGCM};
    c.handshake.data = message;
    c.handshake.len = sc_noise_write(&g->noise, &w->crypto, (struct sc_field){0}, message);
    proof.guest = g;
    proof.from = from;
    proof.payload = payload;
    proof.len = len;
    send_control(w, &c, from);
    drain(w);
    sc_noise_wipe(&g->noise, &w->crypto);
    proof.guest = NULL;
}

static void say_sealed(struct world *w, struct guest *g, size_t from, const uint8_t *packet,
                       size_t len)
{
    uint8_t out[SC_DATAGRAM_BASE + SC_CHANNEL_OVERHEAD];
    if (g->channel.id)
        feed(w, out, sc_channel_seal(&g->channel, &w->crypto.aead, packet, len, out), from);
}

/* --- the input -------------------------------------------------------------------------------- */

struct step {
    unsigned op;
    struct guest *guest;
    size_t from;
    uint8_t a, b;
    const uint8_t *bytes;
    size_t len;
};

/* Names that differ in what they are, not in how they are spelt alone. */
static const char *const names[] = {
    "a",
    "A",
    "b",
    "r",
    "R",
    "",
    "a.b",
    "-",
    "host",
    "a.host.scaffold",
    "a23456789012345678901234567890123456789012345678901234567890123",
    "a234567890123456789012345678901234567890123456789012345678901234"};

static struct sc_control join_of(const struct world *w, const struct step *s)
{
    struct sc_reader r = sc_reader(s->bytes, s->len);
    struct sc_control c = {.message = s->b & 0x80 ? SC_MSG_REFRESH : SC_MSG_JOIN};
    struct sc_host *h = sc_hosts_find_name(&w->router->router.hosts, names[s->b >> 4 & 3]);
    snprintf(c.name, sizeof c.name, "%s", names[(s->b & 15) % (sizeof names / sizeof *names)]);
    c.epoch = sc_read_u8(&r) % 4;
    c.src = sc_read_u8(&r);
    if (h && s->b & 0x40) { /* as if it were another one */
        c.src = h->address;
        c.epoch = h->epoch;
    }
    sc_read_copy(&r, c.token, sizeof c.token);
    return c;
}

static void show_invitation(struct world *w, const struct step *s, struct sc_writer *out)
{
    uint8_t none[SC_INVITATION_LEN] = {0};
    const uint8_t *secret = s->a % 8 < INVITATIONS ? invitations[s->a % 8].secret : none;
    sc_write_copy(out, secret, SC_INVITATION_LEN);
    uint64_t wall = WALL + (w->now - 1000 * SC_SECOND) / SC_SECOND;
    s->guest->invited |=
        s->a % 8 < INVITATIONS &&
        sc_invitations_find(&w->router->router.invitations, w->hash[s->a % 8], wall);
}

/* In a new channel: JOIN or REFRESH; or what the input says. */
static void on_join(struct world *w, const struct step *s)
{
    uint8_t payload[SC_CONTROL_REQUEST - SC_NOISE_OVERHEAD - SC_HEADER_LEN - 16];
    struct sc_writer out = sc_writer(payload, sizeof payload);
    const struct sc_credentials *own = &s->guest->own;
    sc_write_copy(&out, own->host.public, SC_KEY_LEN);
    sc_write_copy(&out, own->statement, SC_STATEMENT_LEN);
    show_invitation(w, s, &out);
    sc_write_u64(&out, 7);
    struct sc_control c = join_of(w, s);
    if (s->op == 0)
        sc_control_write_body(&out, &c);
    else
        sc_write_copy(&out, s->bytes, s->len);
    if (!out.bad)
        shake(w, s->guest, s->from, payload, sc_writer_len(&out));
}

/* ...in the one that is there. */
static void on_say(struct world *w, const struct step *s)
{
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer out = sc_writer(packet, sizeof packet);
    struct sc_control c = join_of(w, s);
    if (s->op == 2) {
        sc_control_write(&out, &c);
    } else {
        sc_write_u16(&out, (uint16_t)(s->a << 8 | s->b));
        sc_write_copy(&out, s->bytes, s->len);
        if (s->a & 0x40 && sc_writer_len(&out) < SC_CONTROL_REQUEST)
            sc_write_zeros(&out, SC_CONTROL_REQUEST - sc_writer_len(&out));
    }
    say_sealed(w, s->guest, s->from, packet, sc_writer_len(&out));
}

static void step(struct world *w, const struct step *s)
{
    static const sc_time times[] = {SC_MS,         200 * SC_MS,    SC_SECOND,      3 * SC_SECOND,
                                    5 * SC_SECOND, 20 * SC_SECOND, 200 * SC_SECOND};
    switch (s->op) {
    case 0:
    case 1:
        on_join(w, s);
        break;
    case 2:
    case 3:
        on_say(w, s);
        break;
    case 4:
        run(w, times[s->a % (sizeof times / sizeof *times)]);
        break;
    case 5:
        w->disk = s->a % 3 == 0 ? 0 : s->a % 3 == 1 ? ENOSPC : -1;
        break;
    case 6:
        disk_answers(w, s->a & 1 ? ENOSPC : 0);
        break;
    case 7:
        w->forgotten +=
            sc_stack_forget_host(w->router, names[s->a % (sizeof names / sizeof *names)]) == 0;
        break;
    default:
        break;
    }
    drain(w);
}

static struct step next_step(struct world *w, struct sc_reader *in)
{
    uint8_t first = sc_read_u8(in);
    struct step s = {.op = first & 7, .guest = &w->guest[first >> 3 & 3], .from = first >> 5 & 3};
    s.a = sc_read_u8(in);
    s.b = sc_read_u8(in);
    s.len = sc_read_u8(in);
    s.len = s.len < sc_reader_left(in) ? s.len : sc_reader_left(in);
    s.bytes = sc_read_bytes(in, s.len);
    return s;
}

/* --- life ------------------------------------------------------------------------------------- */

static void invite(struct world *w, size_t i)
{
    sc_invitation_hash(&w->crypto, invitations[i].secret, w->hash[i]);
    sc_stack_invite(w->router, invitations[i].secret, invitations[i].uses, invitations[i].until,
                    w->now);
}

static void begin(struct world *w, uint64_t seed)
{
    struct sc_entropy entropy = drawn_from(&w->rng);
    uint8_t key[SC_KEY_SEED_LEN];
    *w = (struct world){.now = 1000 * SC_SECOND};
    sc_rng_seed(&w->rng, seed);
    struct sc_stack_config c = {.host_name = "r",
                                .domain = 1,
                                .pool_base = 0xc6120000u,
                                .pool_bits = 15,
                                .seed = seed,
                                .entropy = entropy,
                                .epoch = 1,
                                .secure = true,
                                .wall = WALL};
    drawn_fill(&w->rng, c.secret, sizeof c.secret);
    drawn_fill(&w->rng, c.key_seed, sizeof c.key_seed);
    w->router = sc_stack_new(&c, w->now);
    require(w->router && sc_crypto_init(&w->crypto, &entropy) == 0);
    for (size_t i = 0; i < INVITATIONS; i++)
        invite(w, i);
    for (size_t i = 0; i < GUESTS; i++) {
        drawn_fill(&w->rng, key, sizeof key);
        sc_credentials_init(&w->guest[i].own, &w->crypto, key, WALL, w->now);
    }
    drain(w);
}

/* The ends' secrets depend on all of the input: none is learnt from what the last run compared. */
static uint64_t seed_of(const uint8_t *data, size_t size)
{
    static const uint64_t key[2] = {5, 6};
    return sc_hash(key, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct sc_reader in = sc_reader(data, size);
    begin(&w, seed_of(data, size));
    for (size_t i = 0; i < STEPS_MAX && sc_reader_left(&in) >= 4; i++) {
        struct step s = next_step(&w, &in);
        step(&w, &s);
        check(&w);
    }
    disk_answers(&w, 0);
    run(&w, 10 * SC_SECOND);
    check(&w);
    sc_crypto_fini(&w.crypto);
    sc_stack_free(w.router);
    return 0;
}
