/* The supervisor's rounds: calls are taken from the kernel, served by a few threads, and kept while
 * what they wait for has not happened. */
#ifndef SC_TRAP_LOOP_H
#define SC_TRAP_LOOP_H

#include "trap/notify.h"

enum sc_trap_verdict {
    SC_TRAP_DONE, /* answered; the call is over */
    SC_TRAP_WAIT, /* call->fd, ->events and ->deadline say for what; served again then */
};

/* Serves until no program of the tree is left. `signals` is a signalfd, `notify` the filter's
 * descriptor, `program` the process whose end counts. Returns its wait status, or -1 with errno
 * when the rounds could not begin. */
int sc_trap_loop_run(int notify, int signals, pid_t program);

#endif
