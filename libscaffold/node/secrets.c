#include "node/secrets.h"

#include <string.h>

#include "base/limits.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"

#define COOKIE_LEN 16
#define SC_SOCKET_NAME_MAX 108 /* of an address of AF_UNIX */

/* The first half of an HMAC is as good a proof as all of it (RFC 2104 5). */
static void mac_with(const struct sc_secrets *s, struct sc_field key, const struct sc_writer *text,
                     uint8_t out[16])
{
    const struct sc_field data = {text->start, sc_writer_len(text)};
    uint8_t full[SC_HASH_LEN];
    sc_hmac(s->crypto, key, (struct sc_pieces){&data, 1}, full);
    memcpy(out, full, 16);
}

static void mac(const struct sc_secrets *s, const struct sc_writer *text, uint8_t out[16])
{
    mac_with(s, (struct sc_field){s->run, sizeof s->run}, text, out);
}

void sc_secrets_token(const struct sc_secrets *s, uint32_t flow, uint8_t token[SC_TOKEN_LEN])
{
    uint8_t text[5];
    struct sc_writer w = sc_writer(text, sizeof text);
    sc_write_u8(&w, 't');
    sc_write_u32(&w, flow);
    mac(s, &w, token);
}

uint64_t sc_secrets_socket(const struct sc_secrets *s, const char *name)
{
    static const char label[] = "scaffold socket:";
    uint8_t text[sizeof label + SC_SOCKET_NAME_MAX], out[16];
    uint64_t proof;
    struct sc_writer w = sc_writer(text, sizeof text);
    sc_write_copy(&w, label, sizeof label - 1);
    sc_write_copy(&w, name, strnlen(name, SC_SOCKET_NAME_MAX));
    mac_with(s, (struct sc_field){s->host, sizeof s->host}, &w, out);
    memcpy(&proof, out, sizeof proof);
    return proof;
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
    mac_with(s, (struct sc_field){s->host, sizeof s->host}, &w, token);
}

bool sc_secrets_host_equal(const uint8_t *a, const uint8_t *b)
{
    static const uint8_t none[SC_HOST_TOKEN_LEN];
    return memcmp(a, none, sizeof none) != 0 && sc_secret_equal(a, b, SC_HOST_TOKEN_LEN);
}

/* Time is cut into slots of a cookie's life; the slot before is still good. */
static void cookie_of(const struct sc_secrets *s, const struct sc_underlay *from,
                      struct sc_cookie_use use, uint64_t slot, uint8_t out[COOKIE_LEN])
{
    uint8_t text[1 + SC_UNDERLAY_LEN + 16];
    struct sc_writer w = sc_writer(text, sizeof text);
    sc_write_u8(&w, (uint8_t)use.what);
    sc_underlay_write(&w, from);
    sc_write_u64(&w, use.id);
    sc_write_u64(&w, slot);
    mac(s, &w, out);
}

size_t sc_secrets_cookie(const struct sc_secrets *s, const struct sc_underlay *from,
                         struct sc_cookie_use use, sc_time now, uint8_t cookie[SC_COOKIE_MAX])
{
    cookie_of(s, from, use, now / SC_COOKIE_LIFETIME, cookie);
    return COOKIE_LEN;
}

bool sc_secrets_cookie_valid(const struct sc_secrets *s, const struct sc_underlay *from,
                             struct sc_cookie_use use, const struct sc_field *cookie, sc_time now)
{
    uint8_t good[COOKIE_LEN];
    uint64_t slot = now / SC_COOKIE_LIFETIME;
    if (cookie->len != COOKIE_LEN)
        return false;
    for (uint64_t back = 0; back < 2 && back <= slot; back++) {
        cookie_of(s, from, use, slot - back, good);
        if (sc_secret_equal(good, cookie->data, COOKIE_LEN))
            return true;
    }
    return false;
}
