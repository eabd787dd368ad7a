/* libscaffold_shim.so: libc's names for what client/ does, for programs that nobody wants to
 * change. */

#include "client/process/real.h"

/* Tells real.c that libc's functions are the next ones after ours. */
const char sc_real_next = 1;

#define SC_SYMBOL(name) #name
#include "client/entries.h"
