/* What the trap could not do, said in one line on stderr. */
#ifndef SC_TRAP_SAY_H
#define SC_TRAP_SAY_H

#include <sys/types.h>

/* "scaffold: PROGRAM (pid N): ..." and a line end; `tid` 0: about no program. */
__attribute__((format(printf, 2, 3))) void sc_trap_say(pid_t tid, const char *format, ...);

#endif
