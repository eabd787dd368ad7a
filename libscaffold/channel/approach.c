#include "channel/approach.h"

#include <openssl/crypto.h>

void sc_approach_init(struct sc_approach *a, struct sc_node *node, struct sc_channels *channels,
                      struct sc_link *link)
{
    *a = (struct sc_approach){.node = node, .channels = channels, .link = link};
}

/* The channel that was not heard in ends by itself. */
static void forget(struct sc_approach *a)
{
    sc_noise_wipe(&a->noise, &a->node->crypto);
    sc_x25519_wipe(&a->own);
    a->stage = SC_APPROACH_NONE;
    a->channel = 0;
}

void sc_approach_fini(struct sc_approach *a)
{
    forget(a);
}

static void put(struct sc_approach *a, const struct sc_control *c)
{
    struct sc_writer w = sc_writer(a->packet, sizeof a->packet);
    sc_control_write(&w, c);
    a->len = w.bad ? 0 : sc_writer_len(&w);
    a->sent = 0;
}

static void send(struct sc_approach *a)
{
    a->sent++;
    sc_outbox_put(&a->node->outbox, SC_QUEUE_OWN, &a->node->router, a->packet, a->len);
}

/* --- GREET ------------------------------------------------------------------------------------ */

static void greet(struct sc_approach *a, sc_time now)
{
    struct sc_crypto *crypto = &a->node->crypto;
    uint8_t prologue[SC_PROLOGUE_MAX], message[SC_NOISE_OVERHEAD];
    forget(a);
    a->stage = SC_APPROACH_GREETING;
    a->trials = 0;
    a->is_again = false;
    a->id = sc_channels_new_id(a->channels);
    sc_node_renew_credentials(a->node, now);
    a->own = a->node->credentials.handshake;
    struct sc_noise_config config = {
        .pattern = SC_NOISE_XX,
        .suite = SC_SUITE_AESGCM,
        .initiator = true,
        .prologue = {prologue, sc_proof_prologue(a->id, SC_SUITE_AESGCM, prologue)},
        .own = &a->own,
    };
    sc_noise_init(&a->noise, crypto, &config);
    struct sc_control c = {.message = SC_MSG_GREET,
                           .transaction = sc_rng_next(&a->node->rng),
                           .channel = a->id,
                           .suite = SC_SUITE_AESGCM};
    c.handshake = (struct sc_field){
        message, sc_noise_write(&a->noise, crypto, (struct sc_field){0}, message)};
    put(a, &c);
    send(a);
}

void sc_approach_go_on(struct sc_approach *a, sc_time now)
{
    bool in_vain =
        a->stage == SC_APPROACH_PROVING ? a->sent >= SC_PROVE_MAX : a->trials >= SC_GREETED_TRIALS;
    if (a->stage == SC_APPROACH_NONE || in_vain) {
        greet(a, now);
        return;
    }
    send(a);
    a->is_again = false;
    struct sc_channel *s = sc_channels_find(a->channels, a->channel);
    if (a->stage == SC_APPROACH_PROVING && s) /* the proof may have come, and the answer be lost */
        sc_channels_control(a->channels, s, NULL, SC_QUEUE_OWN, &a->request);
}

void sc_approach_on_again(struct sc_approach *a, const struct sc_control *c)
{
    uint8_t packet[sizeof a->packet];
    struct sc_reader r = sc_reader(packet, a->len);
    struct sc_header h;
    struct sc_control greet;
    if (a->stage != SC_APPROACH_GREETING || c->channel != a->id || a->is_again) {
        a->node->counters.dropped_unopened++;
        return;
    }
    memcpy(packet, a->packet, a->len);
    sc_header_read(&r, &h);
    sc_control_read(&r, &h, &greet);
    greet.cookie = c->cookie;
    put(a, &greet);
    a->is_again = true;
    send(a);
}

/* --- GREETED ---------------------------------------------------------------------------------- */

/* Of the handshake as it will stand when we have proven who we are. */
static bool is_router(struct sc_approach *a, struct sc_noise *noise, const struct sc_control *c,
                      struct sc_proof *proof)
{
    struct sc_crypto *crypto = &a->node->crypto;
    uint8_t payload[SC_CONTROL_REQUEST];
    size_t len = 0;
    return c->handshake.len <= sizeof payload &&
           sc_noise_read(noise, crypto, c->handshake, payload, &len) &&
           sc_proof_read_router(proof, crypto, (struct sc_field){payload, len}, noise->peer) &&
           sc_trust_is_router(&a->node->trust, crypto, proof->host);
}

static bool prove(struct sc_approach *a, struct sc_noise *noise, const struct sc_proof *proof,
                  sc_time now)
{
    struct sc_crypto *crypto = &a->node->crypto;
    uint8_t payload[SC_CONTROL_REQUEST - SC_NOISE_OVERHEAD], message[SC_CONTROL_REQUEST];
    struct sc_writer w = sc_writer(payload, sizeof payload);
    sc_proof_write_host(&w, a->node, &a->request);
    struct sc_control c = {.message = SC_MSG_PROVE, .channel = proof->channel};
    c.handshake = (struct sc_field){
        message,
        sc_noise_write(noise, crypto, (struct sc_field){payload, sc_writer_len(&w)}, message)};
    OPENSSL_cleanse(payload, sizeof payload);
    struct sc_agreement agreed = {.id = a->id, .peer_id = proof->channel, .at = a->node->router};
    memcpy(agreed.peer, proof->host, sizeof agreed.peer);
    if (w.bad || c.handshake.len == 0)
        return false;
    sc_noise_split(noise, crypto, &agreed.keys.seal, &agreed.keys.open);
    struct sc_channel *s = sc_channels_add(a->channels, &agreed, now);
    OPENSSL_cleanse(&agreed, sizeof agreed);
    if (!s)
        return false;
    put(a, &c);
    forget(a);
    a->stage = SC_APPROACH_PROVING;
    a->channel = s->id;
    send(a);
    return true;
}

bool sc_approach_on_greeted(struct sc_approach *a, const struct sc_control *c,
                            const struct sc_control *request, sc_time now)
{
    if (a->stage != SC_APPROACH_GREETING || c->channel != a->id || a->trials >= SC_GREETED_TRIALS) {
        a->node->counters.dropped_unopened++;
        return false;
    }
    struct sc_proof proof;
    struct sc_noise noise = a->noise; /* whoever saw GREET can answer with rubbish */
    a->request = *request;
    bool done = is_router(a, &noise, c, &proof) && prove(a, &noise, &proof, now);
    sc_noise_wipe(&noise, &a->node->crypto);
    a->trials++;
    a->node->counters.dropped_unopened += !done;
    return done;
}

void sc_approach_heard(struct sc_approach *a, struct sc_channel *s, sc_time now)
{
    if (a->stage != SC_APPROACH_PROVING || s->id != a->channel)
        return;
    sc_channels_adopt(a->channels, s, a->link, now);
    forget(a);
}
