/* How flows begin: OPEN, ANSWER, CONFIRM, REFUSE and RETRY, on both sides. */
#ifndef SC_STACK_OPENING_H
#define SC_STACK_OPENING_H

#include "router/routing.h"
#include "stack/flows.h"
#include "stack/peers.h"
#include "stack/resets.h"

struct sc_opening {
    struct sc_node *node;
    struct sc_routing *routing;
    struct sc_peers *peers;
    struct sc_flows *flows;
    struct sc_resets *resets;
};

/* `data` is the whole packet: an OPEN for another host is passed on. */
void sc_opening_on_open(struct sc_opening *o, uint8_t *data, size_t len, struct sc_reader *r,
                        const struct sc_caller *caller, sc_time now);
void sc_opening_on_answer(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                          const struct sc_underlay *from, sc_time now);
void sc_opening_on_confirm(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                           size_t len, const struct sc_underlay *from, sc_time now);
void sc_opening_on_refuse(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                          sc_time now);
void sc_opening_on_retry(struct sc_opening *o, const struct sc_header *h, struct sc_reader *r,
                         sc_time now);

#endif
