/* What each trapped call does: client/'s own function on a descriptor of ours for the program's
 * socket, and the socket that takes its place handed in under the program's number. */
#ifndef SC_TRAP_CALLS_H
#define SC_TRAP_CALLS_H

#include "trap/loop.h"

/* Serves a call, for the first time or after its wait. Closes call->fd when that is over. */
enum sc_trap_verdict sc_trap_serve(int notify, struct sc_trap_call *c);

#endif
