#include "naming/provider.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/hash.h"

void sc_provider_of_key(const uint8_t key[SC_KEY_LEN], uint8_t provider[SC_PROVIDER_LEN])
{
    uint8_t digest[32];
    if (EVP_Digest(key, SC_KEY_LEN, digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    memcpy(provider, digest, SC_PROVIDER_LEN);
}

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, 6 */

bool sc_provider_read(const char *text, uint8_t provider[SC_PROVIDER_LEN])
{
    unsigned bits = 0, held = 0;
    size_t at = 0;
    if (strlen(text) != SC_PROVIDER_TEXT)
        return false;
    for (; *text; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit)
            return false;
        bits = bits << 5 | (unsigned)(digit - digits);
        held += 5;
        if (held >= 8 && at < SC_PROVIDER_LEN) {
            held -= 8;
            provider[at++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & 3) == 0; /* 130 bits say 128 */
}

void sc_provider_write(const uint8_t provider[SC_PROVIDER_LEN], char text[SC_PROVIDER_TEXT + 1])
{
    for (size_t i = 0; i < SC_PROVIDER_TEXT; i++) {
        size_t bit = 5 * i, at = bit / 8;
        unsigned two =
            (unsigned)provider[at] << 8 | (at + 1 < SC_PROVIDER_LEN ? provider[at + 1] : 0);
        text[i] = digits[two >> (11 - bit % 8) & 31];
    }
    text[SC_PROVIDER_TEXT] = 0;
}

bool sc_provider_has_key(const uint8_t key[SC_KEY_LEN])
{
    static const uint8_t none[SC_KEY_LEN];
    return memcmp(key, none, sizeof none) != 0;
}

void sc_provider_derive_pair(struct sc_crypto *c, const uint8_t seed[SC_NETWORK_SEED_LEN],
                             const char *alias, struct sc_key *pair)
{
    static const char label[] = "scaffold alias";
    uint8_t secret[SC_KEY_SEED_LEN], text[sizeof label + SC_NAME_MAX];
    struct sc_writer info = sc_writer(text, sizeof text);
    sc_write_copy(&info, label, sizeof label - 1);
    sc_write_copy(&info, alias, strlen(alias));
    sc_hkdf(c, (struct sc_field){0}, (struct sc_field){seed, SC_NETWORK_SEED_LEN},
            (struct sc_field){text, sc_writer_len(&info)}, secret, sizeof secret);
    sc_key_init(pair, c, secret);
    OPENSSL_cleanse(secret, sizeof secret);
}

void sc_provider_derive(struct sc_crypto *c, const uint8_t seed[SC_NETWORK_SEED_LEN],
                        const char *alias, uint8_t key[SC_KEY_LEN])
{
    struct sc_key pair;
    sc_provider_derive_pair(c, seed, alias, &pair);
    memcpy(key, pair.public, SC_KEY_LEN);
    sc_key_wipe(&pair);
}
