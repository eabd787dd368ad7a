#include "crypto/noise.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "crypto/crypto.h"

#define TURNS_MAX 3
#define TOKENS_MAX 4

/* What a message is made of (Noise 7.1), before its payload. END is what a table leaves out. */
enum token { END, E, S, EE, ES, SE };

struct pattern {
    unsigned turns;
    enum token message[TURNS_MAX][TOKENS_MAX];
    const char *name[SC_SUITES];
};

static const struct pattern patterns[SC_NOISE_PATTERNS] = {
    [SC_NOISE_NX -
     1] = {.turns = 2,
           .message = {{E}, {E, EE, S, ES}},
           .name = {"Noise_NX_25519_AESGCM_SHA256", "Noise_NX_25519_ChaChaPoly_SHA256"}},
    [SC_NOISE_XX -
        1] = {.turns = 3,
              .message = {{E}, {E, EE, S, ES}, {S, SE}},
              .name = {"Noise_XX_25519_AESGCM_SHA256", "Noise_XX_25519_ChaChaPoly_SHA256"}},
};

static const struct pattern *pattern_of(const struct sc_noise *n)
{
    return &patterns[n->pattern - 1];
}

/* --- the symmetric state (Noise 5.2) ---------------------------------------------------------- */

static const struct sc_field nothing = {NULL, 0};

static struct sc_pieces one(const struct sc_field *field)
{
    return (struct sc_pieces){field, 1};
}

/* MixHash */
static void mix_hash(struct sc_noise *n, struct sc_crypto *c, struct sc_field data)
{
    const struct sc_field text[] = {{n->hash, sizeof n->hash}, data};
    sc_sha256(c, (struct sc_pieces){text, 2}, n->hash);
}

/* HKDF of Noise (4.3) with two outputs: that of RFC 5869, where the salt is ck. */
static void derive(struct sc_noise *n, struct sc_crypto *c, struct sc_field secret,
                   uint8_t out[2][SC_HASH_LEN])
{
    const struct sc_field salt = {n->chaining, sizeof n->chaining};
    sc_hkdf(c, salt, secret, nothing, out[0], 2 * SC_HASH_LEN);
}

/* MixKey */
static void mix_key(struct sc_noise *n, struct sc_crypto *c, struct sc_field secret)
{
    uint8_t out[2][SC_HASH_LEN];
    derive(n, c, secret, out);
    memcpy(n->chaining, out[0], sizeof n->chaining);
    memcpy(n->key.bytes, out[1], sizeof n->key.bytes);
    n->nonce = 0;
    n->keyed = true;
    OPENSSL_cleanse(out, sizeof out);
}

/* EncryptAndHash */
static void seal(struct sc_noise *n, struct sc_crypto *c, struct sc_field plain,
                 struct sc_writer *w)
{
    uint8_t *out = sc_write_space(w, plain.len + (n->keyed ? SC_AEAD_TAG_LEN : 0));
    const struct sc_field hash = {n->hash, sizeof n->hash};
    if (n->keyed)
        sc_aead_seal(&c->aead, &n->key, n->nonce++, one(&hash), one(&plain), out);
    else if (plain.len)
        memcpy(out, plain.data, plain.len);
    mix_hash(n, c, (struct sc_field){out, (size_t)(w->at - out)});
}

/* DecryptAndHash */
static bool unseal(struct sc_noise *n, struct sc_crypto *c, struct sc_field sealed, uint8_t *out)
{
    const struct sc_field hash = {n->hash, sizeof n->hash};
    if (n->keyed && !sc_aead_open(&c->aead, &n->key, n->nonce++, one(&hash), sealed, out))
        return false;
    if (!n->keyed && sealed.len)
        memcpy(out, sealed.data, sealed.len);
    mix_hash(n, c, sealed);
    return true;
}

/* --- the handshake state (Noise 5.3) ---------------------------------------------------------- */

/* ee, es, se: the first letter is whose of the initiator's keys, the second of the responder's. */
static bool mix_shared(struct sc_noise *n, struct sc_crypto *c, enum token token)
{
    enum token own_static = n->initiator ? SE : ES, peer_static = n->initiator ? ES : SE;
    const struct sc_x25519 *own = token == own_static ? n->own : &n->ephemeral;
    const uint8_t *peer = token == peer_static ? n->peer : n->peer_ephemeral;
    uint8_t shared[SC_X25519_LEN];
    if (!sc_x25519_share(own, c, peer, shared))
        return false;
    mix_key(n, c, (struct sc_field){shared, sizeof shared});
    OPENSSL_cleanse(shared, sizeof shared);
    return true;
}

static void show_ephemeral(struct sc_noise *n, struct sc_crypto *c, struct sc_writer *w)
{
    if (!n->drawn)
        sc_x25519_draw(&n->ephemeral, c);
    n->drawn = true;
    sc_write_copy(w, n->ephemeral.public, SC_X25519_LEN);
    mix_hash(n, c, (struct sc_field){n->ephemeral.public, SC_X25519_LEN});
}

static bool write_token(struct sc_noise *n, struct sc_crypto *c, enum token token,
                        struct sc_writer *w)
{
    if (token == E)
        show_ephemeral(n, c, w);
    else if (token == S)
        seal(n, c, (struct sc_field){n->own->public, SC_X25519_LEN}, w);
    else
        return mix_shared(n, c, token);
    return true;
}

static bool read_token(struct sc_noise *n, struct sc_crypto *c, enum token token,
                       struct sc_reader *r)
{
    size_t len = SC_X25519_LEN + (n->keyed ? SC_AEAD_TAG_LEN : 0);
    if (token == E) {
        sc_read_copy(r, n->peer_ephemeral, SC_X25519_LEN);
        mix_hash(n, c, (struct sc_field){n->peer_ephemeral, SC_X25519_LEN});
        return !r->bad;
    }
    if (token == S) {
        const uint8_t *sealed = sc_read_bytes(r, len);
        return sealed && unseal(n, c, (struct sc_field){sealed, len}, n->peer);
    }
    return mix_shared(n, c, token);
}

/* The initiator has the first turn, and every second one from then on. */
static const enum token *next_message(struct sc_noise *n, bool own)
{
    assert(!sc_noise_done(n) && own == (n->initiator == (n->turn % 2 == 0)));
    return pattern_of(n)->message[n->turn++];
}

/* --- for its users ---------------------------------------------------------------------------- */

void sc_noise_init(struct sc_noise *n, struct sc_crypto *c, const struct sc_noise_config *config)
{
    *n = (struct sc_noise){.pattern = config->pattern,
                           .initiator = config->initiator,
                           .key.suite = config->suite,
                           .own = config->own};
    const char *name = pattern_of(n)->name[config->suite - 1];
    memcpy(n->hash, name, strlen(name)); /* none is longer than a hash: zeros fill it */
    memcpy(n->chaining, n->hash, sizeof n->chaining);
    mix_hash(n, c, config->prologue);
    n->drawn = config->ephemeral != NULL;
    if (config->ephemeral)
        n->ephemeral = *config->ephemeral;
}

void sc_noise_wipe(struct sc_noise *n, struct sc_crypto *c)
{
    OPENSSL_cleanse(n, sizeof *n);
    sc_crypto_forget(c);
}

size_t sc_noise_write(struct sc_noise *n, struct sc_crypto *c, struct sc_field payload,
                      uint8_t *out)
{
    const enum token *token = next_message(n, true);
    struct sc_writer w = sc_writer(out, payload.len + SC_NOISE_OVERHEAD);
    assert(payload.len + SC_NOISE_OVERHEAD <= SC_NOISE_MESSAGE_MAX);
    for (size_t i = 0; i < TOKENS_MAX && token[i] != END; i++)
        if (!write_token(n, c, token[i], &w))
            return 0;
    seal(n, c, payload, &w);
    return sc_writer_len(&w);
}

bool sc_noise_read(struct sc_noise *n, struct sc_crypto *c, struct sc_field message,
                   uint8_t *payload, size_t *len)
{
    const enum token *token = next_message(n, false);
    struct sc_reader r = sc_reader(message.data, message.len);
    bool good = message.len <= SC_NOISE_MESSAGE_MAX;
    for (size_t i = 0; i < TOKENS_MAX && token[i] != END && good; i++)
        good = read_token(n, c, token[i], &r);
    size_t left = sc_reader_left(&r), tag = n->keyed ? SC_AEAD_TAG_LEN : 0;
    if (!good || left < tag)
        return false;
    *len = left - tag;
    return unseal(n, c, (struct sc_field){r.at, left}, payload);
}

bool sc_noise_done(const struct sc_noise *n)
{
    return n->turn == pattern_of(n)->turns;
}

void sc_noise_split(struct sc_noise *n, struct sc_crypto *c, struct sc_aead_key *send,
                    struct sc_aead_key *receive)
{
    struct sc_noise left = {.pattern = n->pattern, .initiator = n->initiator, .turn = n->turn};
    uint8_t out[2][SC_HASH_LEN];
    assert(sc_noise_done(n));
    derive(n, c, nothing, out);
    send->suite = receive->suite = n->key.suite;
    memcpy(send->bytes, out[n->initiator ? 0 : 1], sizeof send->bytes);
    memcpy(receive->bytes, out[n->initiator ? 1 : 0], sizeof receive->bytes);
    OPENSSL_cleanse(out, sizeof out);
    memcpy(left.hash, n->hash, sizeof left.hash);
    memcpy(left.peer, n->peer, sizeof left.peer);
    sc_noise_wipe(n, c);
    *n = left;
}
