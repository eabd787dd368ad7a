/* Sealing and opening with libcrypto: there for every suite, on every machine. A cipher is an
 * EVP_CIPHER_CTX. */
#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/crypto.h"

static void *make(const struct sc_crypto *c, enum sc_suite suite, bool seals)
{
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    if (x && !EVP_CipherInit_ex(x, c->cipher[suite - 1], NULL, NULL, NULL, seals)) {
        EVP_CIPHER_CTX_free(x);
        return NULL;
    }
    return x;
}

static void free_cipher(void *cipher)
{
    EVP_CIPHER_CTX_free(cipher);
}

/* A reset alone wipes all that follows from a key; the cipher itself comes along. */
static void forget(void *cipher)
{
    EVP_CIPHER *kind = EVP_CIPHER_CTX_get1_cipher(cipher);
    int seals = EVP_CIPHER_CTX_is_encrypting(cipher);
    EVP_CIPHER_CTX_reset(cipher);
    if (!EVP_CipherInit_ex(cipher, kind, NULL, NULL, NULL, seals))
        abort(); /* no memory: it could not seal again */
    EVP_CIPHER_free(kind);
}

/* One piece; `out` is NULL for what is not sealed but vouched for. */
static bool update(EVP_CIPHER_CTX *x, struct sc_field in, uint8_t *out)
{
    int written;
    assert(in.len <= INT_MAX);
    return in.len == 0 || EVP_CipherUpdate(x, out, &written, in.data, (int)in.len);
}

static bool begin(EVP_CIPHER_CTX *x, const uint8_t *key, const uint8_t *nonce, struct sc_pieces aad)
{
    bool good = EVP_CipherInit_ex(x, NULL, NULL, key, nonce, -1);
    for (size_t i = 0; i < aad.count; i++)
        good = good && update(x, aad.piece[i], NULL);
    return good;
}

static void seal(void *cipher, const uint8_t *key, const uint8_t nonce[SC_AEAD_NONCE_LEN],
                 struct sc_pieces aad, struct sc_pieces plain, uint8_t *out)
{
    int none;
    bool good = begin(cipher, key, nonce, aad);
    for (size_t i = 0; i < plain.count; i++) {
        good = good && update(cipher, plain.piece[i], out);
        out += plain.piece[i].len;
    }
    if (!good || !EVP_CipherFinal_ex(cipher, out, &none) ||
        !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SC_AEAD_TAG_LEN, out))
        abort(); /* nothing must leave that was not sealed */
}

static bool unseal(void *cipher, const uint8_t *key, const uint8_t nonce[SC_AEAD_NONCE_LEN],
                   struct sc_pieces aad, struct sc_field sealed, uint8_t *out)
{
    int none;
    struct sc_field body = {sealed.data, sealed.len - SC_AEAD_TAG_LEN};
    uint8_t tag[SC_AEAD_TAG_LEN], rest[1];
    memcpy(tag, sealed.data + body.len, sizeof tag); /* libcrypto's parameter is not const */
    return begin(cipher, key, nonce, aad) && update(cipher, body, out) &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SC_AEAD_TAG_LEN, tag) &&
           EVP_CipherFinal_ex(cipher, rest, &none) > 0;
}

const struct sc_aead_ops sc_aead_libcrypto = {.name = "libcrypto",
                                              .make = make,
                                              .free = free_cipher,
                                              .forget = forget,
                                              .seal = seal,
                                              .open = unseal};
