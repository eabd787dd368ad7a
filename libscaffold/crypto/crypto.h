/* What cryptography is done with: libcrypto's algorithms, fetched once, and contexts that are used
 * again and again, since to look an algorithm up costs more than to use it (openssl#20625). Each
 * stack has one, and so has whoever works with keys outside of a stack. Not thread-safe.
 *
 * libcrypto fails for want of memory or of an algorithm alone, and what would go on without its
 * answer is not worth having: where no error is documented, it ends the process. */
#ifndef SC_CRYPTO_CRYPTO_H
#define SC_CRYPTO_CRYPTO_H

#include <openssl/types.h>

#include "crypto/aead.h"
#include "crypto/entropy.h"

struct sc_crypto {
    struct sc_entropy entropy;
    EVP_MD *sha256;
    EVP_CIPHER *cipher[SC_SUITES];
    EVP_MD_CTX *digest;             /* of SHA-256 */
    EVP_MAC_CTX *hmac;              /* of HMAC-SHA-256 */
    EVP_PKEY_CTX *x25519, *ed25519; /* that make keys of bytes */
    struct sc_aead aead;
};

/* Without memory, or with a libcrypto that lacks one of the algorithms, returns -ENOMEM; nothing is
 * left then. `entropy` may be NULL for who draws nothing: checks, hashes. The struct must not move
 * afterwards. */
int sc_crypto_init(struct sc_crypto *c, const struct sc_entropy *entropy);
void sc_crypto_fini(struct sc_crypto *c);

/* No context keeps a key that it was used with: for the end of whatever had one. */
void sc_crypto_forget(struct sc_crypto *c);

#endif
