#include "node/credentials.h"

#include <openssl/crypto.h>

#include "base/limits.h"

static void make(struct sc_credentials *c, struct sc_crypto *crypto, uint64_t wall, sc_time now)
{
    sc_x25519_draw(&c->handshake, crypto);
    sc_statement_write(c->statement, crypto, &c->host, c->handshake.public,
                       wall + SC_STATEMENT_LIFE_S);
    c->since = now;
}

void sc_credentials_init(struct sc_credentials *c, struct sc_crypto *crypto,
                         const uint8_t seed[SC_KEY_SEED_LEN], uint64_t wall, sc_time now)
{
    sc_key_init(&c->host, crypto, seed);
    make(c, crypto, wall, now);
}

void sc_credentials_wipe(struct sc_credentials *c)
{
    OPENSSL_cleanse(c, sizeof *c);
}

void sc_credentials_renew(struct sc_credentials *c, struct sc_crypto *crypto, uint64_t wall,
                          sc_time now)
{
    if (now >= c->since + SC_STATEMENT_RENEW)
        make(c, crypto, wall, now);
}
