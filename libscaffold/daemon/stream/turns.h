/* Whose turn it is to move bytes. Programs write faster than a host can send: if all that is there
 * were taken before any of it is sent, what many flows have would leave the processor's caches in
 * between. So sessions wait for each other, and in one turn of the loop they take no more than can
 * leave in it. Those that had little to move the last time do not wait for those that had much. */
#ifndef SC_DAEMON_STREAM_TURNS_H
#define SC_DAEMON_STREAM_TURNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct sc_session;

struct sc_turns {
    struct sc_list quick, bulk; /* sessions that wait, the next one first */
    struct sc_session *now;     /* whose turn it is; NULL: nobody's */
    size_t share;               /* bytes that it may take; 0 for nobody */
    bool in_bulk;               /* it had to wait for others, and what it takes counts */
    size_t left;                /* bytes that those may still take in this turn of the loop */
};

void sc_turns_init(struct sc_turns *t);

/* It may have something to move: behind all others, unless it waits already. */
void sc_turns_wait(struct sc_session *s);
bool sc_turns_pending(const struct sc_turns *t);

/* A turn of the loop begins. Then sessions have theirs, the quick ones first; NULL: nobody waits,
 * or there is enough to be sent. */
void sc_turns_begin(struct sc_turns *t);
struct sc_session *sc_turns_next(struct sc_turns *t);

/* So much was taken by the session whose turn it is. */
void sc_turns_took(struct sc_turns *t, size_t len);

#endif
