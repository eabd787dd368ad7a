/* How a flow ends, and what it does after it has failed. */
#ifndef SC_TRANSPORT_CLOSE_H
#define SC_TRANSPORT_CLOSE_H

#include "transport/flow.h"

/* FAILED, saying nothing to the peer. */
void sc_close_silently(struct sc_flow *f, int error, sc_time now);
/* FAILED, and the peer is told. */
void sc_close_telling(struct sc_flow *f, enum sc_abort_reason reason, int error, sc_time now);
/* The peer's ABORT arrived. */
void sc_close_on_abort(struct sc_flow *f, sc_time now);
/* Over, if nobody answers any more. */
void sc_close_if_stuck(struct sc_flow *f, sc_time now);
/* LINGER, if both directions are finished. */
void sc_close_if_finished(struct sc_flow *f, sc_time now);

/* A packet for a flow that has FAILED. */
void sc_close_on_packet(struct sc_flow *f, uint64_t number, struct sc_reader *frames, bool confirm,
                        sc_time now);

bool sc_close_wants_send(const struct sc_flow *f);
bool sc_close_produce(struct sc_flow *f, struct sc_train *t, sc_time now);
sc_time sc_close_deadline(const struct sc_flow *f);
void sc_close_on_timer(struct sc_flow *f, sc_time now);

#endif
