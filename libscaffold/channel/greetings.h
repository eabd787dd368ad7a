/* A router's side of handshakes: GREET is answered, and PROVE makes a channel. What is half done is
 * bounded by SC_GREETINGS_MAX, the oldest goes first. When there is much of it, or more comes than
 * one rate allows, GREET is answered by a cookie and nothing is kept; who brings that back has
 * shown that it gets packets where it says, and has a rate that made-up places do not use up. Not
 * thread-safe. */
#ifndef SC_CHANNEL_GREETINGS_H
#define SC_CHANNEL_GREETINGS_H

#include "crypto/noise.h"
#include "channel/proof.h"
#include "channel/channels.h"

struct sc_greetings {
    struct sc_node *node;
    struct sc_channels *channels;
    struct sc_map by_id;   /* of ours */
    struct sc_map by_from; /* where it came from, and the id of theirs */
    struct sc_list all;    /* the oldest first */
    struct sc_due due;
};

void sc_greetings_init(struct sc_greetings *g, struct sc_node *node, struct sc_channels *channels);
void sc_greetings_fini(struct sc_greetings *g);

/* known: a host that has joined is there. */
void sc_greetings_on_greet(struct sc_greetings *g, const struct sc_control *c,
                           const struct sc_underlay *from, bool known, sc_time now);

/* A new channel that nobody owns yet, and what its host said of itself; NULL: it is none. */
struct sc_channel *sc_greetings_on_prove(struct sc_greetings *g, const struct sc_control *c,
                                         const struct sc_underlay *from, struct sc_proof *proof,
                                         sc_time now);

#endif
