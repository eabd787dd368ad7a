/* Signatures of grants that were found good, so that nobody has to check them again (110 us each).
 * A cache of SC_VERDICTS: what hashes to the same place makes room. Not thread-safe. */
#ifndef SC_NODE_VERDICTS_H
#define SC_NODE_VERDICTS_H

#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/grant.h"
#include "crypto/hash.h"

struct sc_verdict {
    uint8_t digest[SC_HASH_LEN]; /* of the whole grant; zeros: none */
};

struct sc_verdicts {
    struct sc_verdict good[SC_VERDICTS];
};

/* Whether the grant's provider has signed it, to the last bit. What else it takes to be good, time
 * above all, is the caller's to ask. */
bool sc_verdicts_is_signed(struct sc_verdicts *v, struct sc_crypto *c, struct sc_field grant);

#endif
