/* Packets of others, on their way through this host. */
#ifndef SC_STACK_FORWARD_H
#define SC_STACK_FORWARD_H

#include "node/node.h"
#include "router/hosts.h"

/* Passes it on to that host; NULL, or down: nowhere. origin: where it came from, which it says from
 * now on; NULL: it says what it said. full: counts what finds no room to wait for the link. What
 * leads nowhere, or has gone too far, is counted, too. */
void sc_forward(struct sc_node *node, const struct sc_host *host, uint8_t *data, size_t len,
                const struct sc_underlay *origin, uint64_t *full);

#endif
