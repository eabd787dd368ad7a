/* What must survive a restart of scaffoldd: the pool addresses that were handed out (a router's),
 * and the router's own domain. One line a mapping, appended; read at start. */
#ifndef SC_DAEMON_STATE_H
#define SC_DAEMON_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

struct sc_state {
    int fd; /* the mappings file, append only; -1: nothing is kept */
    uint32_t domain;
};

/* Opens or makes the state under `dir`/`instance`. Returns 0, or -1 with one line in `why`. */
int sc_state_open(struct sc_state *st, const char *dir, uint32_t instance, char *why, size_t size);
void sc_state_close(struct sc_state *st);

/* Gives every kept mapping to the stack. Returns how many lines could not be used. */
size_t sc_state_restore(struct sc_state *st, struct sc_stack *stack);

/* Keeps one more. Returns 0 or a negative errno. */
int sc_state_keep(struct sc_state *st, const struct sc_mapping *m);

#endif
