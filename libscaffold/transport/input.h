/* Packets of a flow that is OPEN or lingers: frames are told to the parts they concern. */
#ifndef SC_TRANSPORT_INPUT_H
#define SC_TRANSPORT_INPUT_H

#include "transport/flow.h"

/* A packet of the DATA number space. `confirm`: it wants an acknowledgement whatever it carries. */
void sc_input_packet(struct sc_flow *f, uint64_t number, struct sc_reader *frames, unsigned ecn,
                     bool confirm, sc_time now);

/* Verdicts that came by a timer instead of an acknowledgement. */
void sc_input_on_recovery_timer(struct sc_flow *f, sc_time now);

#endif
