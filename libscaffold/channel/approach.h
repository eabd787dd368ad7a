/* A host's side of handshakes: it greets its router until that answers, and proves who it is until
 * it hears something in the new channel. One at a time. Not thread-safe. */
#ifndef SC_CHANNEL_APPROACH_H
#define SC_CHANNEL_APPROACH_H

#include "crypto/noise.h"
#include "channel/proof.h"
#include "channel/channels.h"

enum sc_approach_stage { SC_APPROACH_NONE, SC_APPROACH_GREETING, SC_APPROACH_PROVING };

struct sc_approach {
    struct sc_node *node;
    struct sc_channels *channels;
    struct sc_link *link; /* to the router: gets the channel once it is heard in */
    enum sc_approach_stage stage;
    uint32_t id;
    struct sc_noise noise;              /* as it stands after GREET */
    struct sc_x25519 own;               /* its static key */
    uint8_t packet[SC_CONTROL_REQUEST]; /* GREET or PROVE, to be repeated */
    size_t len;
    unsigned sent;             /* so often */
    unsigned trials;           /* GREETED that came for it */
    bool is_again;             /* it was repeated at once, for a cookie's sake */
    uint32_t channel;          /* PROVING: the new one, not heard in yet... */
    struct sc_control request; /* ...and what was asked in it first */
};

void sc_approach_init(struct sc_approach *a, struct sc_node *node, struct sc_channels *channels,
                      struct sc_link *link);
void sc_approach_fini(struct sc_approach *a);

/* Greets, or says again what was not answered. */
void sc_approach_go_on(struct sc_approach *a, sc_time now);

/* The router wants a cookie with GREET: it is repeated at once, but not for each that comes. */
void sc_approach_on_again(struct sc_approach *a, const struct sc_control *c);

/* True when it was our router's, as it proves by the key that we know; then `request` is sent with
 * our own proof. */
bool sc_approach_on_greeted(struct sc_approach *a, const struct sc_control *c,
                            const struct sc_control *request, sc_time now);

/* Something was heard in a channel: if it is the new one, it is the link's from now on. */
void sc_approach_heard(struct sc_approach *a, struct sc_channel *s, sc_time now);

#endif
