#include "crypto/crypto.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/hash.h"

/* Of each suite, as enum sc_suite counts from 1. */
static const char *const ciphers[SC_SUITES] = {"AES-256-GCM", "ChaCha20-Poly1305"};

/* The context keeps the algorithm; so this one needs not be remembered. */
static EVP_MAC_CTX *new_hmac(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *x = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (x && !EVP_MAC_CTX_set_params(x, params)) {
        EVP_MAC_CTX_free(x);
        return NULL;
    }
    return x;
}

static EVP_PKEY_CTX *new_maker(const char *algorithm)
{
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    if (x && EVP_PKEY_fromdata_init(x) != 1) {
        EVP_PKEY_CTX_free(x);
        return NULL;
    }
    return x;
}

static bool fetch(struct sc_crypto *c)
{
    for (unsigned i = 0; i < SC_SUITES; i++)
        if (!(c->cipher[i] = EVP_CIPHER_fetch(NULL, ciphers[i], NULL)))
            return false;
    c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    c->digest = EVP_MD_CTX_new();
    c->hmac = new_hmac();
    c->x25519 = new_maker("X25519");
    c->ed25519 = new_maker("ED25519");
    return c->sha256 && c->digest && c->hmac && c->x25519 && c->ed25519 &&
           EVP_DigestInit_ex(c->digest, c->sha256, NULL);
}

int sc_crypto_init(struct sc_crypto *c, const struct sc_entropy *entropy)
{
    memset(c, 0, sizeof *c);
    if (entropy)
        c->entropy = *entropy;
    if (fetch(c) && sc_aead_init(&c->aead, c) == 0) {
        sc_hmac_forget(c); /* a context without a key could not say that it has none */
        return 0;
    }
    sc_crypto_fini(c);
    return -ENOMEM;
}

void sc_crypto_fini(struct sc_crypto *c)
{
    sc_aead_fini(&c->aead);
    EVP_PKEY_CTX_free(c->ed25519);
    EVP_PKEY_CTX_free(c->x25519);
    EVP_MAC_CTX_free(c->hmac);
    EVP_MD_CTX_free(c->digest);
    EVP_MD_free(c->sha256);
    for (unsigned i = 0; i < SC_SUITES; i++)
        EVP_CIPHER_free(c->cipher[i]);
    memset(c, 0, sizeof *c);
}

void sc_crypto_forget(struct sc_crypto *c)
{
    sc_aead_forget(&c->aead);
    sc_hmac_forget(c);
}
