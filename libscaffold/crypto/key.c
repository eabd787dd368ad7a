#include "crypto/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/pkey.h"

void sc_key_init(struct sc_key *i, struct sc_crypto *c, const uint8_t seed[SC_KEY_SEED_LEN])
{
    memcpy(i->seed, seed, sizeof i->seed);
    sc_pkey_public(c->ed25519, seed, i->public);
}

void sc_key_wipe(struct sc_key *i)
{
    OPENSSL_cleanse(i, sizeof *i);
}

void sc_key_sign(const struct sc_key *i, struct sc_crypto *c, struct sc_field text,
                 uint8_t signature[SC_SIGNATURE_LEN])
{
    size_t len = SC_SIGNATURE_LEN;
    EVP_PKEY *key = sc_pkey_new(c->ed25519, i->seed, i->public);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!key || !context || EVP_DigestSignInit(context, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &len, text.data, text.len) != 1)
        abort(); /* without memory, or Ed25519 */
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

/* y of the points whose order divides 8, as they may be written, without the sign of x: under such
 * a key anybody can sign (Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs", 2020, table
 * 6).
 */
static const uint8_t small_order[][SC_KEY_LEN] = {
    {0},
    {1},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static bool has_small_order(const uint8_t public[SC_KEY_LEN])
{
    uint8_t y[SC_KEY_LEN];
    memcpy(y, public, sizeof y);
    y[SC_KEY_LEN - 1] &= 0x7f;
    for (size_t i = 0; i < sizeof small_order / sizeof *small_order; i++)
        if (memcmp(y, small_order[i], sizeof y) == 0)
            return true;
    return false;
}

bool sc_key_verify(const uint8_t public[SC_KEY_LEN], struct sc_crypto *c, struct sc_field text,
                   const uint8_t signature[SC_SIGNATURE_LEN])
{
    if (has_small_order(public))
        return false;
    EVP_PKEY *key = sc_pkey_new(c->ed25519, NULL, public);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        abort();
    bool signed_by =
        key && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestVerify(context, signature, SC_SIGNATURE_LEN, text.data, text.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return signed_by;
}

void sc_key_hash(struct sc_crypto *c, const uint8_t public[SC_KEY_LEN],
                 uint8_t out[SC_KEY_HASH_LEN])
{
    uint8_t digest[SC_HASH_LEN];
    struct sc_field key = {public, SC_KEY_LEN};
    sc_sha256(c, (struct sc_pieces){&key, 1}, digest);
    memcpy(out, digest, SC_KEY_HASH_LEN);
}
