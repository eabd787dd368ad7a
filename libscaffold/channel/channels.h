/* All channels of a host: one with its router, or a router's with each of its hosts. A channel is
 * heard for SC_CHANNEL_END, and its owner makes another one before. One that nobody owns, of a host
 * that was not let in, lives as long as its answer may be asked for again. Not thread-safe. */
#ifndef SC_CHANNEL_SESSIONS_H
#define SC_CHANNEL_SESSIONS_H

#include "node/node.h"
#include "channel/channel.h"

struct sc_channels {
    struct sc_node *node;
    struct sc_map by_id;
    struct sc_list owned, strange; /* sc_channel.age */
    size_t strange_count;
    struct sc_due due; /* the end of the oldest */
};

/* What two hosts have agreed upon. */
struct sc_agreement {
    uint32_t id, peer_id;
    uint8_t peer[32];
    struct sc_underlay at;
    struct sc_channel_keys keys;
};

void sc_channels_init(struct sc_channels *all, struct sc_node *node);
void sc_channels_fini(struct sc_channels *all);

/* An id that no channel has; greetings and channels share them. */
uint32_t sc_channels_new_id(struct sc_channels *all);

/* A channel that nobody owns yet; the oldest of those makes room. NULL without memory. */
struct sc_channel *sc_channels_add(struct sc_channels *all, const struct sc_agreement *a,
                                   sc_time now);

/* The channel is its peer's from now on; the one before it stays for a while. Nothing if it is the
 * link's already. */
void sc_channels_adopt(struct sc_channels *all, struct sc_channel *s, struct sc_link *link,
                       sc_time now);

/* Ends both: its owner goes. */
void sc_channels_leave(struct sc_channels *all, struct sc_link *link);

struct sc_channel *sc_channels_find(const struct sc_channels *all, uint32_t id);

/* Opens a packet in place, as sc_channel_open does, whichever channel it belongs to. NULL: it
 * belongs to none, and is counted. */
uint8_t *sc_channels_open(struct sc_channels *all, uint8_t *data, size_t len, size_t *inner,
                          struct sc_channel **channel);

/* Sends a packet in a channel. NULL: there is none, and it is counted. Without security it goes to
 * `plain` as it is. */
void sc_channels_send(struct sc_channels *all, struct sc_channel *s,
                      const struct sc_underlay *plain, enum sc_queue q, const uint8_t *packet,
                      size_t len);
void sc_channels_control(struct sc_channels *all, struct sc_channel *s,
                         const struct sc_underlay *plain, enum sc_queue q,
                         const struct sc_control *c);

#endif
