/* Signatures of grants that were found good, so that nobody has to check them again (110 us each).
 * A cache of SC_SIGNATURES_KNOWN: what hashes to the same place makes room. Not thread-safe. */
#ifndef SC_NODE_SIGNATURES_H
#define SC_NODE_SIGNATURES_H

#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/grant.h"
#include "crypto/hash.h"

struct sc_signature {
    uint8_t digest[SC_HASH_LEN]; /* of the whole grant; zeros: none */
};

struct sc_signatures {
    struct sc_signature good[SC_SIGNATURES_KNOWN];
};

/* Whether the grant's provider has signed it, to the last bit. What else it takes to be good, time
 * above all, is the caller's to ask. */
bool sc_signatures_is_good(struct sc_signatures *v, struct sc_crypto *c, struct sc_field grant);

#endif
