/* The seccomp filter of trapped programs: which system calls are handed to the supervisor. */
#ifndef SC_TRAP_FILTER_H
#define SC_TRAP_FILTER_H

/* Installs it on the calling thread and all that it starts. Returns the descriptor on which the
 * supervisor hears of the calls, or a negative errno: -EBUSY when a filter above has a listener. */
int sc_trap_filter_install(void);

#endif
