/* What a host says of its key for handshakes, which changes from day to day: "it is mine".
 *
 *     "SCS1" | 32 X25519 key | 8 until, seconds since 1970 | 64 signature by the host key */
#ifndef SC_CRYPTO_STATEMENT_H
#define SC_CRYPTO_STATEMENT_H

#include "crypto/key.h"
#include "crypto/x25519.h"

#define SC_STATEMENT_SIGNED (4 + SC_X25519_LEN + 8)
#define SC_STATEMENT_LEN (SC_STATEMENT_SIGNED + SC_SIGNATURE_LEN)

void sc_statement_write(uint8_t out[SC_STATEMENT_LEN], struct sc_crypto *c,
                        const struct sc_key *host, const uint8_t key[SC_X25519_LEN],
                        uint64_t until);

/* Whether the host says it of this key. Until when is another question. */
bool sc_statement_is_of(const uint8_t statement[SC_STATEMENT_LEN], struct sc_crypto *c,
                        const uint8_t host[SC_KEY_LEN], const uint8_t key[SC_X25519_LEN]);

#endif
