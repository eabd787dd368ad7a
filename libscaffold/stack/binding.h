/* The one answer to "who gets this?": of a flow or a datagram that is bound late, whichever role
 * this host plays. What the network has for it is the router's to say (router/routing.h); what
 * bears this host's own name is this host's. */
#ifndef SC_STACK_BINDING_H
#define SC_STACK_BINDING_H

#include "router/routing.h"

/* LOCAL without an instance: a datagram for whichever socket has that port here. What is found is
 * used from now on, so that its name keeps its address. */
struct sc_binding sc_binding_choose(struct sc_routing *r, const struct sc_query *q, sc_time now);

/* The same for every repetition of one attempt at an OPEN, so that they all meet the same instance;
 * the next attempt's is another one, where there are several. */
uint64_t sc_binding_hash(const struct sc_node *node, uint64_t open_id, uint8_t attempt);

#endif
