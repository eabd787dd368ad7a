/* What a host shows who it is with: its own key, kept from start to start, and a key for
 * handshakes, new at every start and every SC_STATEMENT_RENEW, which the first one signs. Pure. */
#ifndef SC_NODE_CREDENTIALS_H
#define SC_NODE_CREDENTIALS_H

#include "base/time.h"
#include "crypto/crypto.h"
#include "crypto/key.h"
#include "crypto/statement.h"
#include "crypto/x25519.h"

struct sc_credentials {
    struct sc_key host;
    struct sc_x25519 handshake;
    uint8_t statement[SC_STATEMENT_LEN]; /* that this key is this host's */
    sc_time since;
};

/* `wall` is in seconds since 1970. */
void sc_credentials_init(struct sc_credentials *c, struct sc_crypto *crypto,
                         const uint8_t seed[SC_KEY_SEED_LEN], uint64_t wall, sc_time now);
void sc_credentials_wipe(struct sc_credentials *c);

/* A new key for handshakes, if it is time. Handshakes under way keep the old one by a copy. */
void sc_credentials_renew(struct sc_credentials *c, struct sc_crypto *crypto, uint64_t wall,
                          sc_time now);

#endif
