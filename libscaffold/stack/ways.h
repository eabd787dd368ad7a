/* Which way a flow's packets go: directly to its peer, or through the relay that its OPEN or its
 * ANSWER came by. */
#ifndef SC_STACK_WAYS_H
#define SC_STACK_WAYS_H

#include "stack/peers.h"

/* A packet that lost hops came through a relay. */
bool sc_ways_is_relayed(const struct sc_header *h);

/* From now on the flow's packets go there. False: there is no room for one more peer. */
bool sc_ways_settle(struct sc_peers *peers, struct sc_entry *e, bool relayed, uint64_t address,
                    const struct sc_underlay *to, sc_time now);

/* What a flow that has failed has still to say, its ABORT, goes where its peer is by now, if that
 * was given up where it had been; and waits for it to be proven there. */
void sc_ways_follow(struct sc_peers *peers, struct sc_entry *e, sc_time now);

/* Its timer came: by the relay from now on? */
void sc_ways_consider_relay(struct sc_peers *peers, struct sc_entry *e, sc_time now);

/* Where packets of an answered flow go; family 0: that is not known. */
struct sc_underlay sc_ways_of(const struct sc_entry *e);

#endif
