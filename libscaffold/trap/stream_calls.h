/* The trapped calls that move bytes of a service's stream. send and recv without an address, read
 * and write go past the trap; those that come here would otherwise show AF_UNIX: they have an
 * address, control messages or flags of TCP's own. */
#ifndef SC_TRAP_STREAM_CALLS_H
#define SC_TRAP_STREAM_CALLS_H

#include "trap/arguments.h"

/* sendto and sendmsg, recvfrom and recvmsg; the call's socket is taken, and no UDP socket. */
enum sc_trap_verdict sc_trap_stream_send(int notify, struct sc_trap_call *c);
enum sc_trap_verdict sc_trap_stream_receive(int notify, struct sc_trap_call *c);

#endif
