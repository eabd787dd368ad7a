/* Which scaffoldd this process speaks to: of the places where one may be, the first that answers
 * when it is needed, and that one from then on. Signal-safe, thread-safe. */
#ifndef SC_CLIENT_PROCESS_DAEMON_H
#define SC_CLIENT_PROCESS_DAEMON_H

#include <stddef.h>

#include "local/places.h"

/* Where to look, as the environment said when the library initialised: programs clear it later
 * (A14), and may be in a chroot by then. */
const struct sc_places *sc_daemon_places(void);

/* The places to try now: from *first to before *last. One of them when it is chosen. */
void sc_daemon_candidates(unsigned *first, unsigned *last);

/* A place as it is now: one that was not there at first is looked at again. */
const struct sc_place *sc_daemon_look(unsigned place);

/* This place has answered. False: meanwhile another one was chosen. */
bool sc_daemon_choose(unsigned place);

/* The chosen one; the first place until then. */
struct sc_daemon_id sc_daemon_id(void);

/* Writes "A, B or C", the places to try now; returns its length, which is less than `size`. */
size_t sc_daemon_text(char *out, size_t size);

#endif
