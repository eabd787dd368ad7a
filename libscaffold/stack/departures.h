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

/* Begins a train: of the flow that has waited longest. `company`: others may join it. False: no
 * flow has one now. */
bool sc_departures_lead(struct sc_departures *d, struct sc_train *t, bool company, sc_time now);
/* Adds what other flows have to send to the same place now, as far as the train takes it. */
void sc_departures_join(struct sc_departures *d, struct sc_train *t, sc_time now);
/* Nothing more is added: it leaves. */
void sc_departures_close(struct sc_departures *d, struct sc_train *t, sc_time now);
/* Some flow is ready to send. */
bool sc_departures_pending(const struct sc_departures *d);
void sc_departures_tick(struct sc_departures *d, sc_time now);

/* This segment of the train that was drained last was too large for the host's own network. */
void sc_departures_too_large(struct sc_departures *d, const struct sc_train *t, size_t segment,
                             sc_time now);

#endif
