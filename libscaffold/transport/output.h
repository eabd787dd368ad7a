/* Trains of a flow that is OPEN or lingers. */
#ifndef SC_TRANSPORT_OUTPUT_H
#define SC_TRANSPORT_OUTPUT_H

#include "transport/flow.h"

bool sc_output_wants_send(const struct sc_flow *f, sc_time now);
bool sc_output_produce(struct sc_flow *f, struct sc_train *t, sc_time now);

/* When the pacer lets data go that nothing else holds up; SC_NEVER: not its turn. */
sc_time sc_output_paced_at(const struct sc_flow *f);

#endif
