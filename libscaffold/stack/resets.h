/* RESET: for flows that one side has forgotten. */
#ifndef SC_STACK_RESETS_H
#define SC_STACK_RESETS_H

#include "stack/flows.h"
#include "stack/peers.h"

struct sc_resets {
    struct sc_node *node;
    struct sc_peers *peers;
    struct sc_flows *flows;
};

/* A packet of `len` bytes for a flow that is not known here: its sender may be told, never with
 * more bytes than it sent, and never in answer to a reset. dst: its network address when the RESET
 * has to pass a relay, else 0. */
void sc_resets_send(struct sc_resets *r, uint32_t flow, uint64_t dst, size_t len,
                    const struct sc_underlay *from, sc_time now);
void sc_resets_on_reset(struct sc_resets *r, struct sc_reader *in, const struct sc_underlay *from,
                        sc_time now);

#endif
