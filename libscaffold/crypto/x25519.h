/* X25519 (RFC 7748): key pairs, and what two of them share. */
#ifndef SC_CRYPTO_X25519_H
#define SC_CRYPTO_X25519_H

#include <stdbool.h>
#include <stdint.h>

#define SC_X25519_LEN 32

struct sc_crypto;

struct sc_x25519 {
    uint8_t secret[SC_X25519_LEN];
    uint8_t public[SC_X25519_LEN];
};

/* The pair of these 32 bytes, whatever they are. */
void sc_x25519_init(struct sc_x25519 *pair, struct sc_crypto *c,
                    const uint8_t secret[SC_X25519_LEN]);
/* A new one, of 32 bytes from `c->entropy`. */
void sc_x25519_draw(struct sc_x25519 *pair, struct sc_crypto *c);
void sc_x25519_wipe(struct sc_x25519 *pair);

/* What the owners of both secrets can compute. False, and zeros, where it would be all zeros: the
 * peer's key is a point of small order, and what it stands for is no secret (RFC 7748 6.1). */
bool sc_x25519_share(const struct sc_x25519 *pair, struct sc_crypto *c,
                     const uint8_t peer[SC_X25519_LEN], uint8_t out[SC_X25519_LEN]);

#endif
