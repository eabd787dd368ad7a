#include "node/secrets.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#include "base/secret.h"

#define COOKIE_LEN 16

/* Of SHA-256: a block, and the two masks of RFC 2104. */
#define BLOCK 64
#define SHA256_LEN 32
#define INNER 0x36
#define OUTER 0x5c

/* For one digest of a thread after another: to look SHA-256 up takes longer than to use it. */
static EVP_MD_CTX *begin(void)
{
    static _Thread_local EVP_MD_CTX *context;
    const EVP_MD *kind = context ? NULL : EVP_sha256(); /* NULL: as before */
    if (!context)
        context = EVP_MD_CTX_new();
    return context && EVP_DigestInit_ex(context, kind, NULL) ? context : NULL;
}

/* SHA-256 of the key under a mask, and of the data. */
static void digest(const uint8_t *key, size_t key_len, uint8_t mask, const uint8_t *data,
                   size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
    EVP_MD_CTX *context = begin();
    uint8_t block[BLOCK];
    memset(block, mask, sizeof block);
    for (size_t i = 0; i < key_len; i++)
        block[i] ^= key[i];
    if (!context || !EVP_DigestUpdate(context, block, sizeof block) ||
        !EVP_DigestUpdate(context, data, len) || !EVP_DigestFinal_ex(context, out, NULL))
        abort(); /* libcrypto without SHA-256: no token would be worth anything */
}

/* HMAC (RFC 2104), of a key that is no longer than a block. */
static void mac_with(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                     uint8_t out[16])
{
    uint8_t full[EVP_MAX_MD_SIZE];
    digest(key, key_len, INNER, data, len, full);
    digest(key, key_len, OUTER, full, SHA256_LEN, full);
    memcpy(out, full, 16);
}

static void mac(const struct sc_secrets *s, const uint8_t *data, size_t len, uint8_t out[16])
{
    mac_with(s->run, sizeof s->run, data, len, out);
}

void sc_secrets_token(const struct sc_secrets *s, uint32_t flow, uint8_t token[SC_TOKEN_LEN])
{
    uint8_t text[5];
    struct sc_writer w = sc_writer(text, sizeof text);
    sc_write_u8(&w, 't');
    sc_write_u32(&w, flow);
    mac(s, text, sizeof text, token);
}

void sc_secrets_host(const struct sc_secrets *s, const char *name, uint8_t token[SC_HOST_TOKEN_LEN])
{
    static const char label[] = "scaffold host:";
    static const uint8_t none[sizeof s->host];
    uint8_t text[sizeof label + SC_HOST_NAME_MAX];
    struct sc_writer w = sc_writer(text, sizeof text);
    memset(token, 0, SC_HOST_TOKEN_LEN);
    if (memcmp(s->host, none, sizeof none) == 0)
        return;
    sc_write_copy(&w, label, sizeof label - 1);
    sc_write_copy(&w, name, strlen(name));
    mac_with(s->host, sizeof s->host, text, sc_writer_len(&w), token);
}

bool sc_secrets_host_equal(const uint8_t *a, const uint8_t *b)
{
    static const uint8_t none[SC_HOST_TOKEN_LEN];
    return memcmp(a, none, sizeof none) != 0 && sc_secret_equal(a, b, SC_HOST_TOKEN_LEN);
}

/* Time is cut into slots of a cookie's life; the slot before is still good. */
static void cookie_of(const struct sc_secrets *s, const struct sc_underlay *from, uint64_t open_id,
                      uint64_t slot, uint8_t out[COOKIE_LEN])
{
    uint8_t text[1 + SC_UNDERLAY_LEN + 16];
    struct sc_writer w = sc_writer(text, sizeof text);
    sc_write_u8(&w, 'c');
    sc_underlay_write(&w, from);
    sc_write_u64(&w, open_id);
    sc_write_u64(&w, slot);
    mac(s, text, sc_writer_len(&w), out);
}

size_t sc_secrets_cookie(const struct sc_secrets *s, const struct sc_underlay *from,
                         uint64_t open_id, sc_time now, uint8_t cookie[32])
{
    cookie_of(s, from, open_id, now / SC_COOKIE_LIFETIME, cookie);
    return COOKIE_LEN;
}

bool sc_secrets_cookie_valid(const struct sc_secrets *s, const struct sc_underlay *from,
                             uint64_t open_id, const struct sc_field *cookie, sc_time now)
{
    uint8_t good[COOKIE_LEN];
    uint64_t slot = now / SC_COOKIE_LIFETIME;
    if (cookie->len != COOKIE_LEN)
        return false;
    for (uint64_t back = 0; back < 2 && back <= slot; back++) {
        cookie_of(s, from, open_id, slot - back, good);
        if (sc_secret_equal(good, cookie->data, COOKIE_LEN))
            return true;
    }
    return false;
}
