/* Who a host or a provider is: an Ed25519 key pair (RFC 8032), of which others know the public key,
 * or its hash. */
#ifndef SC_CRYPTO_KEY_H
#define SC_CRYPTO_KEY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/limits.h"

#define SC_KEY_LEN 32
#define SC_KEY_SEED_LEN 32
#define SC_SIGNATURE_LEN 64

struct sc_crypto;

struct sc_key {
    uint8_t seed[SC_KEY_SEED_LEN]; /* the secret; RFC 8032 calls it the private key */
    uint8_t public[SC_KEY_LEN];
};

/* The pair of this seed. */
void sc_key_init(struct sc_key *i, struct sc_crypto *c, const uint8_t seed[SC_KEY_SEED_LEN]);
void sc_key_wipe(struct sc_key *i);

void sc_key_sign(const struct sc_key *i, struct sc_crypto *c, struct sc_field text,
                 uint8_t signature[SC_SIGNATURE_LEN]);

/* True when whoever has this public key has signed the text; false also when it is no key,
 * or one that anybody can sign for. */
bool sc_key_verify(const uint8_t public[SC_KEY_LEN], struct sc_crypto *c, struct sc_field text,
                   const uint8_t signature[SC_SIGNATURE_LEN]);

void sc_key_hash(struct sc_crypto *c, const uint8_t public[SC_KEY_LEN],
                 uint8_t out[SC_KEY_HASH_LEN]);

#endif
