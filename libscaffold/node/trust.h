/* Whom a host trusts to be its router, and what it was invited with. Pure. */
#ifndef SC_NODE_TRUST_H
#define SC_NODE_TRUST_H

#include <stdbool.h>

#include "base/limits.h"
#include "crypto/key.h"

struct sc_trust {
    bool knows_router;
    uint8_t router[SC_KEY_HASH_LEN];       /* of the router's host key */
    uint8_t invitation[SC_INVITATION_LEN]; /* zeros: none */
};

/* Whether this host key is our router's. */
bool sc_trust_is_router(const struct sc_trust *t, struct sc_crypto *c,
                        const uint8_t key[SC_KEY_LEN]);

#endif
