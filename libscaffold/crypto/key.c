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

bool sc_key_verify(const uint8_t public[SC_KEY_LEN], struct sc_crypto *c, struct sc_field text,
                   const uint8_t signature[SC_SIGNATURE_LEN])
{
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
