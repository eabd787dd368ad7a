/* Handshakes of Noise (revision 34): NX, where the responder shows its static key, and XX, where
 * both do, over 25519, AESGCM or ChaChaPoly, and SHA256.
 *
 *     NX   -> e                      XX   -> e
 *          <- e, ee, s, es                <- e, ee, s, es
 *                                         -> s, se
 *
 * Each message also carries a payload, which nobody else reads from the second message on. One end
 * inits with `initiator`, the other without; they write and read in turn until sc_noise_done, and
 * split. After false from a function the state is of no more use: wipe it. What is secret in it is
 * in it alone, so a copy by assignment is another handshake that stands where this one does: one
 * more thing to wipe. */
#ifndef SC_CRYPTO_NOISE_H
#define SC_CRYPTO_NOISE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/x25519.h"

/* As ANSWER names them (docs/protocol.md). */
enum sc_noise_pattern { SC_NOISE_NX = 1, SC_NOISE_XX = 2 };
#define SC_NOISE_PATTERNS 2

/* Of any message (Noise 3). */
#define SC_NOISE_MESSAGE_MAX 65535
/* What a message has beside its payload at most: e, and s and the payload with their tags. */
#define SC_NOISE_OVERHEAD (2 * SC_X25519_LEN + 2 * SC_AEAD_TAG_LEN)

struct sc_noise {
    enum sc_noise_pattern pattern;
    bool initiator;
    unsigned turn;                 /* messages written or read */
    bool keyed;                    /* something was shared: what follows is sealed */
    struct sc_aead_key key;        /* Noise's k... */
    uint64_t nonce;                /* ...and n */
    uint8_t chaining[SC_HASH_LEN]; /* ck */
    uint8_t hash[SC_HASH_LEN];     /* h: of everything so far; after a split the handshake hash */
    const struct sc_x25519 *own;   /* s */
    bool drawn;
    struct sc_x25519 ephemeral;  /* e */
    uint8_t peer[SC_X25519_LEN]; /* rs: the peer's static key, once a message has shown it */
    uint8_t peer_ephemeral[SC_X25519_LEN]; /* re */
};

struct sc_noise_config {
    enum sc_noise_pattern pattern;
    enum sc_suite suite;
    bool initiator;
    struct sc_field prologue; /* of which both ends have the same bytes, or nothing opens */
    /* The static key, to which the handshake keeps a pointer; NULL for the initiator of NX. */
    const struct sc_x25519 *own;
    /* The ephemeral key, for who has shown it before the pattern was known; NULL: drawn when it is
     * written. */
    const struct sc_x25519 *ephemeral;
};

/* Wipe it in the end. */
void sc_noise_init(struct sc_noise *n, struct sc_crypto *c, const struct sc_noise_config *config);

/* Nothing secret is left in it, nor in the contexts that it used. */
void sc_noise_wipe(struct sc_noise *n, struct sc_crypto *c);

/* Writes the next message, which is this end's, to `out`, which has room for the payload and
 * SC_NOISE_OVERHEAD, together at most SC_NOISE_MESSAGE_MAX, and is apart from it. Returns its
 * length, or 0 when the peer's key is worth nothing (x25519.h). */
size_t sc_noise_write(struct sc_noise *n, struct sc_crypto *c, struct sc_field payload,
                      uint8_t *out);

/* Reads the next message, which is the peer's, and writes its payload to `payload`, which has room
 * for message.len and is apart from it, and its length to *len. False when it is too short or too
 * long, a key in it is worth nothing, or it is not to the bit what the peer wrote next; then
 * nothing of it is in `payload`. */
bool sc_noise_read(struct sc_noise *n, struct sc_crypto *c, struct sc_field message,
                   uint8_t *payload, size_t *len);

/* True after the last message. */
bool sc_noise_done(const struct sc_noise *n);

/* The keys of what follows, once done; it wipes all but `hash` and `peer`. */
void sc_noise_split(struct sc_noise *n, struct sc_crypto *c, struct sc_aead_key *send,
                    struct sc_aead_key *receive);

#endif
