/* A flow that is OPENING or ANSWERED: its turn. What it is told by packets stands in flow.h. */
#ifndef SC_TRANSPORT_OPEN_H
#define SC_TRANSPORT_OPEN_H

#include "transport/flow.h"

bool sc_open_wants_send(const struct sc_flow *f);
bool sc_open_produce(struct sc_flow *f, struct sc_train *t, sc_time now);
sc_time sc_open_deadline(const struct sc_flow *f);
void sc_open_on_timer(struct sc_flow *f, sc_time now);

/* Server: the third packet, but for its frames. False: it is not for this flow. */
bool sc_open_on_confirm(struct sc_flow *f, const struct sc_confirm *c, sc_time now);

#endif
