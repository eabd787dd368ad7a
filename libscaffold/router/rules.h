/* The router's rules of who gets what: tried in their order, and the first that decides names
 * itself in the answer. */
#ifndef SC_ROUTER_RULES_H
#define SC_ROUTER_RULES_H

#include "router/routing.h"

/* hosts: which can be bound to by their names. */
struct sc_binding sc_rules_choose(const struct sc_routing *r, const struct sc_hosts *hosts,
                                  const struct sc_query *q);

#endif
