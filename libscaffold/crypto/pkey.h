/* libcrypto's keys, made of the bytes that ours are. For x25519.c and key.c. */
#ifndef SC_CRYPTO_PKEY_H
#define SC_CRYPTO_PKEY_H

#include <openssl/types.h>
#include <stdint.h>

#define SC_PKEY_LEN 32

/* `secret` or `public` may be NULL. With both, nothing is computed; of a secret alone, the public
 * key is. The caller frees it. */
EVP_PKEY *sc_pkey_new(EVP_PKEY_CTX *maker, const uint8_t *secret, const uint8_t *public);

/* The public key of a secret, of this maker's kind. */
void sc_pkey_public(EVP_PKEY_CTX *maker, const uint8_t *secret, uint8_t out[SC_PKEY_LEN]);

#endif
