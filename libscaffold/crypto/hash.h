/* SHA-256 (FIPS 180-4), HMAC of it (RFC 2104) and HKDF (RFC 5869). */
#ifndef SC_CRYPTO_HASH_H
#define SC_CRYPTO_HASH_H

#include "base/bytes.h"

#define SC_HASH_LEN 32
/* What HKDF can give (RFC 5869 2.3). */
#define SC_HKDF_MAX (255 * SC_HASH_LEN)

struct sc_crypto;

void sc_sha256(struct sc_crypto *c, struct sc_pieces data, uint8_t out[SC_HASH_LEN]);

/* The context keeps the key until the next call, or sc_crypto_forget. */
void sc_hmac(struct sc_crypto *c, struct sc_field key, struct sc_pieces data,
             uint8_t out[SC_HASH_LEN]);
/* As if it had been used with a key of zeros. */
void sc_hmac_forget(struct sc_crypto *c);

/* `len` bytes, at most SC_HKDF_MAX, that follow from the secret; without the secret nobody tells
 * those of one info from those of another. An empty salt is RFC 5869's "not provided". */
void sc_hkdf(struct sc_crypto *c, struct sc_field salt, struct sc_field secret,
             struct sc_field info, uint8_t *out, size_t len);

#endif
