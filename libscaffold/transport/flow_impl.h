/* What the files of a flow share, and nobody else includes:
 *
 *   flow.c    life, states, the application's calls
 *   open.c    the first three packets
 *   input.c   packets of an open flow
 *   output.c  trains of an open flow
 *   close.c   failing, aborting, lingering
 *   timer.c   deadlines
 */
#ifndef SC_TRANSPORT_FLOW_IMPL_H
#define SC_TRANSPORT_FLOW_IMPL_H

#include "transport/flow.h"

/* --- flow.c --- */
void sc_flow_change_state(struct sc_flow *f, enum sc_flow_state state);
void sc_flow_raise(struct sc_flow *f, unsigned events);
/* Bytes that may be written and unacknowledged. */
size_t sc_flow_send_buffer(const struct sc_flow *f);
/* Raises SC_FLOW_WRITABLE when room has come back. */
void sc_flow_check_room(struct sc_flow *f);
/* Datagram size changed: tells who depends on it. */
void sc_flow_on_mtu(struct sc_flow *f);
/* Bytes (or the end) wait for acknowledgement or for being sent. */
bool sc_flow_has_unacknowledged(const struct sc_flow *f);

/* --- open.c --- */
bool sc_open_wants_send(const struct sc_flow *f);
bool sc_open_produce(struct sc_flow *f, struct sc_train *t, sc_time now);
sc_time sc_open_deadline(const struct sc_flow *f);
void sc_open_on_timer(struct sc_flow *f, sc_time now);
/* The third packet: header, its own fields, and room for frames. */
void sc_open_write_confirm(const struct sc_flow *f, struct sc_writer *w, uint64_t number);

/* --- input.c --- */
/* A packet of the DATA number space. `confirm`: it wants an acknowledgement whatever it carries. */
void sc_input_packet(struct sc_flow *f, uint64_t number, struct sc_reader *frames, unsigned ecn,
                     bool confirm, sc_time now);
/* Verdicts that came by a timer instead of an acknowledgement. */
void sc_input_on_recovery_timer(struct sc_flow *f, sc_time now);

/* --- output.c --- */
/* The header of a DATA packet. */
void sc_output_header(const struct sc_flow *f, struct sc_writer *w, uint64_t number);
/* An empty train for the peer. */
void sc_output_begin(const struct sc_flow *f, struct sc_train *t);
/* Makes what was written to the scratch buffer a train of one packet. */
void sc_output_single(struct sc_train *t, size_t len);
/* A probe timeout: the oldest packet's contents go out again, whatever the window says. */
void sc_output_probe(struct sc_flow *f);
/* When the pacer lets data go that nothing else holds up; SC_NEVER: not its turn. */
sc_time sc_output_paced_at(const struct sc_flow *f);

/* --- close.c --- */
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
