/* Sealing and opening: AES-256-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), with the
 * nonces of Noise (revision 34, 12.3 and 12.4). For each suite there is one context that seals and
 * one that opens; both are keyed anew only when a call brings another key than the call before. */
#ifndef SC_CRYPTO_AEAD_H
#define SC_CRYPTO_AEAD_H

#include <stdbool.h>

#include "base/bytes.h"

#define SC_AEAD_KEY_LEN 32
#define SC_AEAD_TAG_LEN 16
#define SC_AEAD_NONCE_LEN 12
/* Never the number of anything sealed: it is that of a rekey (Noise 4.2, 5.1). */
#define SC_AEAD_NONCE_NEVER UINT64_MAX

/* As OPEN names them (docs/protocol.md). */
enum sc_suite { SC_SUITE_AESGCM = 1, SC_SUITE_CHACHAPOLY = 2 };
#define SC_SUITES 2

struct sc_aead_key {
    enum sc_suite suite;
    uint8_t bytes[SC_AEAD_KEY_LEN];
};

struct sc_crypto;

/* A library that seals and opens: what stands behind one suite. */
struct sc_aead_ops {
    const char *name;
    /* Something that seals, or opens, by this suite; NULL without memory, or when this library, or
     * this CPU, is not for it. */
    void *(*make)(const struct sc_crypto *c, enum sc_suite suite, bool seals);
    void (*free)(void *cipher);
    /* Nothing of its key is left. */
    void (*forget)(void *cipher);
    /* `key` is NULL when it is that of the call before. `out` has room for the pieces and a tag. */
    void (*seal)(void *cipher, const uint8_t *key, const uint8_t nonce[SC_AEAD_NONCE_LEN],
                 struct sc_pieces aad, struct sc_pieces plain, uint8_t *out);
    /* `sealed` is as long as a tag at least. What is in `out` when false is returned is wiped by
     * the caller. */
    bool (*open)(void *cipher, const uint8_t *key, const uint8_t nonce[SC_AEAD_NONCE_LEN],
                 struct sc_pieces aad, struct sc_field sealed, uint8_t *out);
};

extern const struct sc_aead_ops sc_aead_libcrypto;

/* One context, and whose key it has. */
struct sc_cipher {
    const struct sc_aead_ops *ops;
    void *state;
    bool keyed;
    uint8_t key[SC_AEAD_KEY_LEN];
};

struct sc_aead {
    struct sc_cipher seal[SC_SUITES], open[SC_SUITES];
};

/* Each suite gets the first library of the table in aead.c that is for it. Returns 0, or -ENOMEM
 * when none is; nothing is left then. */
int sc_aead_init(struct sc_aead *a, const struct sc_crypto *c);
void sc_aead_fini(struct sc_aead *a);

/* No context keeps the key that it was last used with. */
void sc_aead_forget(struct sc_aead *a);

/* The name of the library behind this suite, for people. */
const char *sc_aead_name(const struct sc_aead *a, enum sc_suite suite);

/* True for the number of a suite that there is. */
bool sc_suite_known(unsigned suite);

/* Writes the pieces' bytes, sealed, and the tag to `out`, which has room for both and is either
 * apart from the pieces or the place of the only one. `nonce` has never been used with this key,
 * and is not SC_AEAD_NONCE_NEVER. Returns how many bytes it wrote. */
size_t sc_aead_seal(struct sc_aead *a, const struct sc_aead_key *key, uint64_t nonce,
                    struct sc_pieces aad, struct sc_pieces plain, uint8_t *out);

/* Undoes that: `out` has room for all but the tag, and may be where `sealed` is. False when not
 * every bit is as it was sealed; then `out` has zeros. */
bool sc_aead_open(struct sc_aead *a, const struct sc_aead_key *key, uint64_t nonce,
                  struct sc_pieces aad, struct sc_field sealed, uint8_t *out);

/* The key of the next generation, in place: Noise's REKEY (4.2). */
void sc_aead_rekey(struct sc_aead *a, struct sc_aead_key *key);

#endif
