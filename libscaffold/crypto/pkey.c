#include "crypto/pkey.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

static OSSL_PARAM part(const char *name, const uint8_t *bytes)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes, SC_PKEY_LEN);
}

EVP_PKEY *sc_pkey_new(EVP_PKEY_CTX *maker, const uint8_t *secret, const uint8_t *public)
{
    OSSL_PARAM params[3], *p = params;
    EVP_PKEY *key = NULL;
    if (secret)
        *p++ = part(OSSL_PKEY_PARAM_PRIV_KEY, secret);
    if (public)
        *p++ = part(OSSL_PKEY_PARAM_PUB_KEY, public);
    *p = OSSL_PARAM_construct_end();
    if (EVP_PKEY_fromdata(maker, &key, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) !=
        1)
        abort(); /* 32 bytes are always a key; so there was no memory */
    return key;
}

void sc_pkey_public(EVP_PKEY_CTX *maker, const uint8_t *secret, uint8_t out[SC_PKEY_LEN])
{
    size_t len = SC_PKEY_LEN;
    EVP_PKEY *key = sc_pkey_new(maker, secret, NULL);
    if (EVP_PKEY_get_raw_public_key(key, out, &len) != 1)
        abort();
    EVP_PKEY_free(key);
}
