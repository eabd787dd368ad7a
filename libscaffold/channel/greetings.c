#include "channel/greetings.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* What a GREET is, and where it came from; a repetition is the same. */
#define FROM_LEN (SC_UNDERLAY_LEN + 4 + SC_X25519_LEN)

/* A handshake that was answered. */
struct greeting {
    struct sc_map_node by_id, by_from;
    struct sc_list age;
    sc_time since;
    uint32_t id;            /* ours, of the channel to come */
    uint8_t from[FROM_LEN]; /* where it came from, the id there, and its key */
    struct sc_underlay at;
    uint32_t peer_id;
    struct sc_x25519 own; /* as it was when this began */
    struct sc_noise noise;
    unsigned trials; /* proofs that were looked into */
    uint8_t reply[SC_CONTROL_REQUEST];
    size_t reply_len;
};

/* --- the table -------------------------------------------------------------------------------- */

static void end(struct sc_greetings *g, struct greeting *one)
{
    sc_map_remove(&g->by_id, &one->by_id);
    sc_map_remove(&g->by_from, &one->by_from);
    sc_list_remove(&one->age);
    sc_noise_wipe(&one->noise, &g->node->crypto);
    sc_x25519_wipe(&one->own);
    free(one);
}

static struct greeting *oldest(struct sc_greetings *g)
{
    struct sc_list *first = sc_list_first(&g->all);
    return first ? sc_container(first, struct greeting, age) : NULL;
}

static void arm(struct sc_greetings *g)
{
    struct greeting *one = oldest(g);
    sc_dues_arm(&g->node->dues, &g->due, one ? one->since + SC_GREETING_LIFE : SC_NEVER);
}

static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_greetings *g = part;
    (void)d;
    for (struct greeting *one; (one = oldest(g)) != NULL && one->since + SC_GREETING_LIFE <= now;)
        end(g, one);
    arm(g);
}

void sc_greetings_init(struct sc_greetings *g, struct sc_node *node, struct sc_channels *channels)
{
    *g = (struct sc_greetings){.node = node, .channels = channels};
    SC_MAP_INIT(&g->by_id, struct greeting, by_id, id, node->map_seed);
    SC_MAP_INIT(&g->by_from, struct greeting, by_from, from, node->map_seed);
    sc_list_init(&g->all);
    sc_due_init(&g->due, on_due, g);
}

void sc_greetings_fini(struct sc_greetings *g)
{
    for (struct greeting *one; (one = oldest(g)) != NULL;)
        end(g, one);
    sc_map_fini(&g->by_id);
    sc_map_fini(&g->by_from);
}

static void make_from(uint8_t key[FROM_LEN], const struct sc_underlay *from,
                      const struct sc_control *c)
{
    struct sc_writer w = sc_writer(key, FROM_LEN);
    sc_underlay_write(&w, from);
    sc_write_u32(&w, c->channel);
    sc_write_copy(&w, c->handshake.data, SC_X25519_LEN);
}

static struct greeting *find(const struct sc_greetings *g, uint32_t id)
{
    struct sc_map_node *n = sc_map_find(&g->by_id, &id);
    return n ? sc_container(n, struct greeting, by_id) : NULL;
}

static struct greeting *find_from(const struct sc_greetings *g, const struct sc_underlay *from,
                                  const struct sc_control *c)
{
    uint8_t key[FROM_LEN];
    make_from(key, from, c);
    struct sc_map_node *n = sc_map_find(&g->by_from, key);
    return n ? sc_container(n, struct greeting, by_from) : NULL;
}

/* An id is nobody's, neither of a channel nor of a greeting. */
static uint32_t new_id(struct sc_greetings *g)
{
    uint32_t id;
    do {
        id = sc_channels_new_id(g->channels);
    } while (find(g, id));
    return id;
}

static struct greeting *add(struct sc_greetings *g, const struct sc_control *c,
                            const struct sc_underlay *from, sc_time now)
{
    struct greeting *one = g->by_id.count < SC_GREETINGS_MAX ? NULL : oldest(g);
    if (one) {
        g->node->counters.dropped_half_open++;
        end(g, one);
    }
    one = calloc(1, sizeof *one);
    if (!one)
        return NULL;
    one->since = now;
    one->id = new_id(g);
    one->peer_id = c->channel;
    one->at = *from;
    sc_node_renew_credentials(g->node, now);
    one->own = g->node->credentials.handshake;
    make_from(one->from, from, c);
    sc_list_init(&one->age);
    if (sc_map_insert(&g->by_id, &one->by_id) < 0 ||
        sc_map_insert(&g->by_from, &one->by_from) < 0) {
        end(g, one);
        return NULL;
    }
    sc_list_append(&g->all, &one->age);
    arm(g);
    return one;
}

/* --- GREET ------------------------------------------------------------------------------------ */

static bool answer(struct sc_greetings *g, struct greeting *one, const struct sc_control *c)
{
    struct sc_crypto *crypto = &g->node->crypto;
    uint8_t prologue[SC_PROLOGUE_MAX], payload[SC_CONTROL_REQUEST], message[SC_CONTROL_REQUEST];
    size_t len;
    struct sc_noise_config config = {
        .pattern = SC_NOISE_XX,
        .suite = (enum sc_suite)c->suite,
        .prologue = {prologue, sc_proof_prologue(c->channel, c->suite, prologue)},
        .own = &one->own,
    };
    sc_noise_init(&one->noise, crypto, &config);
    if (!sc_noise_read(&one->noise, crypto, c->handshake, payload, &len) || len > 0)
        return false;
    struct sc_writer w = sc_writer(payload, sizeof payload - SC_NOISE_OVERHEAD);
    sc_proof_write_router(&w, g->node, one->id);
    len =
        sc_noise_write(&one->noise, crypto, (struct sc_field){payload, sc_writer_len(&w)}, message);
    struct sc_control reply = {.message = SC_MSG_GREETED,
                               .transaction = c->transaction,
                               .channel = one->peer_id,
                               .handshake = {message, len}};
    w = sc_writer(one->reply, sizeof one->reply);
    sc_control_write(&w, &reply);
    one->reply_len = sc_writer_len(&w);
    return len > 0 && !w.bad;
}

/* "Come again with this": less than GREET has, and nothing is kept. */
static void give_cookie(struct sc_greetings *g, const struct sc_control *c,
                        const struct sc_underlay *from, bool known, sc_time now)
{
    struct sc_node *node = g->node;
    const struct sc_cookie_use use = {SC_COOKIE_GREET, c->channel};
    uint8_t packet[SC_CONTROL_REQUEST], cookie[SC_COOKIE_MAX];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    if (!sc_node_allows(node, SC_RATE_COOKIE, from, known, now))
        return;
    struct sc_control again = {
        .message = SC_MSG_AGAIN, .transaction = c->transaction, .channel = c->channel};
    again.cookie =
        (struct sc_field){cookie, sc_secrets_cookie(&node->secrets, from, use, now, cookie)};
    sc_control_write(&w, &again);
    node->counters.retries++;
    sc_outbox_put(&node->outbox, sc_outbox_queue_for(known), from, packet, sc_writer_len(&w));
}

static bool may_begin(struct sc_greetings *g, const struct sc_control *c,
                      const struct sc_underlay *from, bool known, sc_time now)
{
    struct sc_node *node = g->node;
    const struct sc_cookie_use use = {SC_COOKIE_GREET, c->channel};
    if (sc_secrets_cookie_valid(&node->secrets, from, use, &c->cookie, now))
        return sc_node_allows(node, SC_RATE_GREET_PROVEN, from, known, now);
    if (g->by_id.count < SC_GREETINGS_PLAIN_MAX &&
        sc_node_allows(node, SC_RATE_GREET, from, known, now))
        return true;
    give_cookie(g, c, from, known, now);
    return false;
}

void sc_greetings_on_greet(struct sc_greetings *g, const struct sc_control *c,
                           const struct sc_underlay *from, bool known, sc_time now)
{
    struct sc_node *node = g->node;
    if (c->handshake.len != SC_X25519_LEN || !sc_suite_known(c->suite)) {
        node->counters.dropped_malformed++;
        return;
    }
    if (!may_begin(g, c, from, known, now))
        return;
    struct greeting *one = find_from(g, from, c);
    if (!one) {
        one = add(g, c, from, now);
        if (one && !answer(g, one, c)) {
            node->counters.dropped_malformed++;
            end(g, one);
            one = NULL;
        }
    }
    if (one)
        sc_outbox_put(&node->outbox, sc_outbox_queue_for(known), from, one->reply, one->reply_len);
}

/* --- PROVE ------------------------------------------------------------------------------------ */

/* On a copy: who only saw GREETED cannot spoil it for the host. */
static bool is_proven(struct sc_greetings *g, struct greeting *one, const struct sc_control *c,
                      struct sc_agreement *agreed, struct sc_proof *proof)
{
    struct sc_crypto *crypto = &g->node->crypto;
    struct sc_noise noise = one->noise;
    uint8_t payload[SC_CONTROL_REQUEST];
    size_t len = 0;
    one->trials++;
    bool proven = sc_noise_read(&noise, crypto, c->handshake, payload, &len) &&
                  sc_proof_read_host(proof, crypto, (struct sc_field){payload, len}, noise.peer);
    if (proven) {
        memcpy(agreed->peer, proof->host, sizeof agreed->peer);
        sc_noise_split(&noise, crypto, &agreed->keys.seal, &agreed->keys.open);
    }
    sc_noise_wipe(&noise, crypto);
    OPENSSL_cleanse(payload, sizeof payload);
    return proven;
}

struct sc_channel *sc_greetings_on_prove(struct sc_greetings *g, const struct sc_control *c,
                                         const struct sc_underlay *from, struct sc_proof *proof,
                                         sc_time now)
{
    struct greeting *one = find(g, c->channel);
    struct sc_agreement agreed;
    /* From elsewhere it may be a copy, which would draw the channel to whoever made it. */
    bool proven = one && sc_underlay_equal(&one->at, from) && is_proven(g, one, c, &agreed, proof);
    if (!proven) {
        g->node->counters.dropped_unopened++;
        if (one && one->trials >= SC_PROVE_TRIALS)
            end(g, one);
        return NULL;
    }
    agreed.id = one->id;
    agreed.peer_id = one->peer_id;
    agreed.at = one->at;
    end(g, one);
    struct sc_channel *s = sc_channels_add(g->channels, &agreed, now);
    OPENSSL_cleanse(&agreed, sizeof agreed);
    g->node->counters.dropped_memory += !s;
    return s;
}
