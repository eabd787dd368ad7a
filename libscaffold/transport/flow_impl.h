/* What flow.c does for the other files of a flow. None of them is called from there:
 *
 *   turn.c     what a flow does when it is its turn, by state
 *   open.c     the first three packets
 *   input.c    packets of an open flow
 *   verdict.c  what became of packets sent
 *   output.c   trains of an open flow
 *   close.c    failing, aborting, lingering
 *   head.c     how a packet begins */
#ifndef SC_TRANSPORT_FLOW_IMPL_H
#define SC_TRANSPORT_FLOW_IMPL_H

#include "transport/flow.h"

void sc_flow_change_state(struct sc_flow *f, enum sc_flow_state state, sc_time now);
void sc_flow_raise(struct sc_flow *f, unsigned events);
/* Raises SC_FLOW_WRITABLE when room has come back. */
void sc_flow_check_room(struct sc_flow *f);
/* To be called before there is more to send: perhaps the path has had to wait for it. */
void sc_flow_note_dry(struct sc_flow *f, sc_time now);
/* Bytes (or the end) wait for acknowledgement or for being sent. */
bool sc_flow_has_unacknowledged(const struct sc_flow *f);

#endif
