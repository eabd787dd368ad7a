/* A sealed channel between a host and its router (wire/packet.h draws its packets). The number
 * counts from 0 and is the nonce; each direction has a key of its own. Not thread-safe. */
#ifndef SC_CHANNEL_SESSION_H
#define SC_CHANNEL_SESSION_H

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/window.h"
#include "wire/packet.h"

struct sc_channel;

/* What two hosts have between them: the channel that is in use, and the one before, which is heard
 * until it ends, since packets of it are under way. Each ends by itself: see sc_channels. */
struct sc_link {
    struct sc_channel *now, *before;
};

/* How one end finds the other. */
struct sc_channel_keys {
    struct sc_aead_key seal, open;
};

struct sc_channel {
    struct sc_map_node by_id;
    uint32_t id;          /* what packets to us are addressed to */
    uint32_t peer_id;     /* ...and to the peer */
    struct sc_link *link; /* whose it is; NULL: nobody's whom we have let in */
    struct sc_list age;   /* among all, the oldest first */
    sc_time since;
    uint8_t peer[32];                /* the peer's host key */
    uint8_t invitation[SC_HASH_LEN]; /* of the one that a host that joins has shown */
    struct sc_underlay at;           /* where it has shown that it gets packets */
    struct sc_channel_keys keys;
    uint64_t sent; /* the next number */
    struct sc_window received;
};

/* Writes the packet, sealed, to `out`, which has room for `len` + SC_CHANNEL_OVERHEAD. Returns how
 * many bytes it wrote. */
size_t sc_channel_seal(struct sc_channel *s, struct sc_aead *a, const uint8_t *packet, size_t len,
                       uint8_t *out);

/* Opens a packet in place. Returns the packet inside, and its length in *inner; NULL when it is not
 * to the bit what the peer sealed, or has been here already: then nothing has changed but the bytes
 * of `data`. */
uint8_t *sc_channel_open(struct sc_channel *s, struct sc_aead *a, uint8_t *data, size_t len,
                         size_t *inner);

#endif
