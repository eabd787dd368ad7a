/* The program that is run: started under the filter. */
#ifndef SC_TRAP_PROGRAM_H
#define SC_TRAP_PROGRAM_H

#include <signal.h>
#include <sys/types.h>

struct sc_trap_program {
    pid_t pid;
    int notify; /* where its calls are heard of */
};

/* Starts `words`, NULL at the end, with the signal mask `mask`. 0, or -1 after a line on stderr
 * that says why not. */
int sc_trap_program_start(char **words, const sigset_t *mask, struct sc_trap_program *p);

#endif
