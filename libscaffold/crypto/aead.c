#include "crypto/aead.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/secret.h"

/* In the order in which they are asked. */
static const struct sc_aead_ops *const libraries[] = {&sc_aead_libcrypto};
#define LIBRARIES (sizeof libraries / sizeof *libraries)

/* --- life ------------------------------------------------------------------------------------- */

static int init_cipher(struct sc_cipher *e, const struct sc_crypto *c, enum sc_suite suite,
                       bool seals)
{
    for (size_t i = 0; i < LIBRARIES && !e->state; i++) {
        e->ops = libraries[i];
        e->state = e->ops->make(c, suite, seals);
    }
    return e->state ? 0 : -ENOMEM;
}

static void forget_cipher(struct sc_cipher *e)
{
    if (e->keyed)
        e->ops->forget(e->state);
    e->keyed = false;
    OPENSSL_cleanse(e->key, sizeof e->key);
}

static void fini_cipher(struct sc_cipher *e)
{
    if (!e->state)
        return;
    forget_cipher(e);
    e->ops->free(e->state);
    e->state = NULL;
}

int sc_aead_init(struct sc_aead *a, const struct sc_crypto *c)
{
    int err = 0;
    memset(a, 0, sizeof *a);
    for (unsigned i = 0; i < SC_SUITES && err == 0; i++) {
        err = init_cipher(&a->seal[i], c, (enum sc_suite)(i + 1), true);
        if (err == 0)
            err = init_cipher(&a->open[i], c, (enum sc_suite)(i + 1), false);
    }
    if (err < 0)
        sc_aead_fini(a);
    return err;
}

void sc_aead_fini(struct sc_aead *a)
{
    for (unsigned i = 0; i < SC_SUITES; i++) {
        fini_cipher(&a->seal[i]);
        fini_cipher(&a->open[i]);
    }
}

void sc_aead_forget(struct sc_aead *a)
{
    for (unsigned i = 0; i < SC_SUITES; i++) {
        forget_cipher(&a->seal[i]);
        forget_cipher(&a->open[i]);
    }
}

const char *sc_aead_name(const struct sc_aead *a, enum sc_suite suite)
{
    return a->seal[suite - 1].ops->name;
}

bool sc_suite_known(unsigned suite)
{
    return suite >= 1 && suite <= SC_SUITES;
}

/* --- use -------------------------------------------------------------------------------------- */

/* Noise 12.3: ChaChaPoly's counter is little-endian; 12.4: AESGCM's big-endian. */
static void write_nonce(enum sc_suite suite, uint64_t n, uint8_t out[SC_AEAD_NONCE_LEN])
{
    memset(out, 0, SC_AEAD_NONCE_LEN);
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(n >> 8 * (suite == SC_SUITE_AESGCM ? 7 - i : i));
}

/* The key that a context has to be given: none when it is the one that it has. */
static const uint8_t *new_key(struct sc_cipher *e, const struct sc_aead_key *key)
{
    if (e->keyed && sc_secret_equal(e->key, key->bytes, sizeof e->key))
        return NULL;
    memcpy(e->key, key->bytes, sizeof e->key);
    e->keyed = true;
    return key->bytes;
}

static void seal(struct sc_aead *a, const struct sc_aead_key *key, uint64_t nonce,
                 struct sc_pieces aad, struct sc_pieces plain, uint8_t *out)
{
    struct sc_cipher *e = &a->seal[key->suite - 1];
    uint8_t bytes[SC_AEAD_NONCE_LEN];
    write_nonce(key->suite, nonce, bytes);
    e->ops->seal(e->state, new_key(e, key), bytes, aad, plain, out);
}

size_t sc_aead_seal(struct sc_aead *a, const struct sc_aead_key *key, uint64_t nonce,
                    struct sc_pieces aad, struct sc_pieces plain, uint8_t *out)
{
    size_t len = SC_AEAD_TAG_LEN;
    assert(nonce != SC_AEAD_NONCE_NEVER);
    for (size_t i = 0; i < plain.count; i++)
        len += plain.piece[i].len;
    seal(a, key, nonce, aad, plain, out);
    return len;
}

bool sc_aead_open(struct sc_aead *a, const struct sc_aead_key *key, uint64_t nonce,
                  struct sc_pieces aad, struct sc_field sealed, uint8_t *out)
{
    struct sc_cipher *e = &a->open[key->suite - 1];
    uint8_t bytes[SC_AEAD_NONCE_LEN];
    if (sealed.len < SC_AEAD_TAG_LEN)
        return false;
    bool good = nonce != SC_AEAD_NONCE_NEVER; /* a peer may name it */
    write_nonce(key->suite, nonce, bytes);
    good = good && e->ops->open(e->state, new_key(e, key), bytes, aad, sealed, out);
    if (!good)
        OPENSSL_cleanse(out, sealed.len - SC_AEAD_TAG_LEN);
    return good;
}

void sc_aead_rekey(struct sc_aead *a, struct sc_aead_key *key)
{
    static const uint8_t zeros[SC_AEAD_KEY_LEN];
    static const struct sc_field plain = {zeros, sizeof zeros};
    uint8_t next[SC_AEAD_KEY_LEN + SC_AEAD_TAG_LEN];
    seal(a, key, SC_AEAD_NONCE_NEVER, (struct sc_pieces){NULL, 0}, (struct sc_pieces){&plain, 1},
         next);
    memcpy(key->bytes, next, sizeof key->bytes);
    OPENSSL_cleanse(next, sizeof next);
}
