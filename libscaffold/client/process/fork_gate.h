/* Between a fork and what the library holds for a moment.
 *
 * A socket that takes the program's number has another one before that. A child that another
 * thread forks meanwhile would keep it under that number, and the socket would live on when the
 * program has closed it. So the library goes through the gate with such numbers: while somebody is
 * inside, forks wait; while a fork is under way, others wait outside. Inside is never waited for
 * anything, and no signal is delivered.
 *
 * Children of vfork and of posix_spawn need no gate: they end or exec, and the numbers are
 * close-on-exec. Async-signal-safe; no wait takes longer than ten seconds. */
#ifndef SC_CLIENT_PROCESS_FORK_GATE_H
#define SC_CLIENT_PROCESS_FORK_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct sc_fork_gate {
    uint64_t signals; /* that the thread had blocked before */
    bool blocked;     /* all are, now; a sandbox may refuse that */
    bool counted;
};

/* Around what must not be seen by a child. A thread may enter again while it is inside. errno is
 * kept. */
void sc_fork_gate_enter(struct sc_fork_gate *g);
void sc_fork_gate_leave(const struct sc_fork_gate *g);

/* Around whatever makes a process with a copy of this one's memory: `fork` of libc comes here by
 * itself. sc_fork_end runs in the parent, sc_fork_end_in_child in the child. errno is kept. */
void sc_fork_begin(void);
void sc_fork_end(void);
void sc_fork_end_in_child(void);

#endif
