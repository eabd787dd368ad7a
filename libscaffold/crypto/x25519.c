#include "crypto/x25519.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/pkey.h"

void sc_x25519_init(struct sc_x25519 *pair, struct sc_crypto *c,
                    const uint8_t secret[SC_X25519_LEN])
{
    memmove(pair->secret, secret, sizeof pair->secret);
    sc_pkey_public(c->x25519, pair->secret, pair->public);
}

void sc_x25519_draw(struct sc_x25519 *pair, struct sc_crypto *c)
{
    sc_entropy_fill(&c->entropy, pair->secret, sizeof pair->secret);
    sc_pkey_public(c->x25519, pair->secret, pair->public);
}

void sc_x25519_wipe(struct sc_x25519 *pair)
{
    OPENSSL_cleanse(pair, sizeof *pair);
}

/* libcrypto itself refuses zeros. */
static bool derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t out[SC_X25519_LEN])
{
    size_t len = SC_X25519_LEN;
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    bool good = x && EVP_PKEY_derive_init(x) == 1 && EVP_PKEY_derive_set_peer(x, peer) == 1 &&
                EVP_PKEY_derive(x, out, &len) == 1;
    EVP_PKEY_CTX_free(x);
    return good;
}

bool sc_x25519_share(const struct sc_x25519 *pair, struct sc_crypto *c,
                     const uint8_t peer[SC_X25519_LEN], uint8_t out[SC_X25519_LEN])
{
    EVP_PKEY *own = sc_pkey_new(c->x25519, pair->secret, pair->public);
    EVP_PKEY *other = sc_pkey_new(c->x25519, NULL, peer);
    bool good = derive(own, other, out);
    EVP_PKEY_free(other);
    EVP_PKEY_free(own);
    if (!good)
        OPENSSL_cleanse(out, SC_X25519_LEN);
    return good;
}
