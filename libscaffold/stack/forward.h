/* Packets of others that this host passes on, to hosts that have joined here. What leads nowhere,
 * or has gone too far, is counted. */
#ifndef SC_STACK_FORWARD_H
#define SC_STACK_FORWARD_H

#include "node/node.h"
#include "router/hosts.h"

/* NULL, or down: nowhere. origin: where it came from, which it says from now on; NULL: it says what
 * it said. full: counts what finds no room to wait for the link. */
void sc_forward(struct sc_node *node, const struct sc_host *host, uint8_t *data, size_t len,
                const struct sc_underlay *origin, uint64_t *full);

/* The same in the host's channel. */
void sc_forward_sealed(struct sc_channels *channels, const struct sc_host *host, uint8_t *data,
                       size_t len, const struct sc_underlay *origin);

#endif
