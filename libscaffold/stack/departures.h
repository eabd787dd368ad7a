/* What flows send, and where it goes: the next train of those that are ready, and their timers. */
#ifndef SC_STACK_DEPARTURES_H
#define SC_STACK_DEPARTURES_H

#include "router/routing.h"
#include "stack/flows.h"
#include "stack/peers.h"

struct sc_departures {
    struct sc_node *node;
    struct sc_routing *routing;
    struct sc_peers *peers;
    struct sc_flows *flows;
};

/* False: no flow has a train now. */
bool sc_departures_drain(struct sc_departures *d, struct sc_train *t, sc_time now);
/* Some flow is ready to send. */
bool sc_departures_pending(const struct sc_departures *d);
void sc_departures_tick(struct sc_departures *d, sc_time now);

/* A train of a flow was too large for the host's own network. */
void sc_departures_too_large(struct sc_departures *d, const struct sc_train *t, sc_time now);

#endif
