/* The program that is run: started under the filter. */
#ifndef SC_TRAP_PROGRAM_H
#define SC_TRAP_PROGRAM_H

#include <signal.h>
#include <sys/types.h>

struct sc_trap_program {
    pid_t pid;
    int notify; /* where its calls are heard of */
};

/* Starts `words`, NULL at the end, with the signal mask `mask`. 0, or -1, the program not being
 * started. One line on stderr says what is in the way; with `instead`, why the trap is used though
 * nobody asked for it, a line says that, too. */
int sc_trap_program_start(char **words, const sigset_t *mask, const char *instead,
                          struct sc_trap_program *p);

/* Becomes `words`, untrapped; where they cannot be run, ends as a shell would. */
_Noreturn void sc_trap_program_become(char **words, const sigset_t *mask);

#endif
