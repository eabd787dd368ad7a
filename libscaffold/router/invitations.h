/* What lets hosts in that a router has never seen, each good for some of them, and for some time.
 * Pure. */
#ifndef SC_ROUTER_INVITATIONS_H
#define SC_ROUTER_INVITATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "node/event.h"

struct sc_invitations {
    size_t count;
    struct sc_invitation all[SC_INVITATIONS_MAX];
};

/* What a router knows of the secret: whoever reads that is not invited by it. */
void sc_invitation_hash(struct sc_crypto *c, const uint8_t secret[SC_INVITATION_LEN],
                        uint8_t hash[SC_HASH_LEN]);

/* Replaces one of the same hash. Those that are over make room. False: there is none. */
bool sc_invitations_put(struct sc_invitations *all, const struct sc_invitation *one, uint64_t wall);

/* The invitation with this hash, if it is good at this time; NULL: there is none. */
struct sc_invitation *sc_invitations_find(struct sc_invitations *all,
                                          const uint8_t hash[SC_HASH_LEN], uint64_t wall);

/* A host that was let in by it could not stay: it lets in another one, unless it is over. */
void sc_invitations_give_back(struct sc_invitations *all, const uint8_t hash[SC_HASH_LEN]);

#endif
