#include "crypto/hash.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/crypto.h"

void sc_sha256(struct sc_crypto *c, struct sc_pieces data, uint8_t out[SC_HASH_LEN])
{
    bool good = EVP_DigestInit_ex(c->digest, NULL, NULL);
    for (size_t i = 0; i < data.count; i++)
        good = good && EVP_DigestUpdate(c->digest, data.piece[i].data, data.piece[i].len);
    if (!good || !EVP_DigestFinal_ex(c->digest, out, NULL))
        abort();
}

void sc_hmac(struct sc_crypto *c, struct sc_field key, struct sc_pieces data,
             uint8_t out[SC_HASH_LEN])
{
    size_t len;
    const uint8_t *bytes = key.len ? key.data : (const uint8_t *)""; /* NULL: the key before */
    bool good = EVP_MAC_init(c->hmac, bytes, key.len, NULL);
    for (size_t i = 0; i < data.count; i++)
        good = good && EVP_MAC_update(c->hmac, data.piece[i].data, data.piece[i].len);
    if (!good || !EVP_MAC_final(c->hmac, out, &len, SC_HASH_LEN))
        abort(); /* no token, and no key, would be worth anything */
}

void sc_hmac_forget(struct sc_crypto *c)
{
    static const uint8_t zeros[SC_HASH_LEN];
    if (!EVP_MAC_init(c->hmac, zeros, sizeof zeros, NULL))
        abort();
}

/* RFC 5869 2.3: each block is the HMAC of the one before, the info and its own number. */
static void expand(struct sc_crypto *c, struct sc_field key, struct sc_field info, uint8_t *out,
                   size_t len)
{
    uint8_t block[SC_HASH_LEN], number = 0;
    size_t before = 0;
    for (size_t take; len > 0; out += take, len -= take) {
        number++;
        const struct sc_field text[] = {{block, before}, info, {&number, 1}};
        sc_hmac(c, key, (struct sc_pieces){text, 3}, block);
        before = sizeof block;
        take = len < sizeof block ? len : sizeof block;
        memcpy(out, block, take);
    }
    OPENSSL_cleanse(block, sizeof block);
}

void sc_hkdf(struct sc_crypto *c, struct sc_field salt, struct sc_field secret,
             struct sc_field info, uint8_t *out, size_t len)
{
    uint8_t key[SC_HASH_LEN];
    assert(len <= SC_HKDF_MAX);
    sc_hmac(c, salt, (struct sc_pieces){&secret, 1}, key);
    expand(c, (struct sc_field){key, sizeof key}, info, out, len);
    OPENSSL_cleanse(key, sizeof key);
}
