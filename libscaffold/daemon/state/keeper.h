/* Between the stack, which says what is to be stored, and the thread that stores it. */
#ifndef SC_DAEMON_STATE_KEEPER_H
#define SC_DAEMON_STATE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/loop.h"
#include "daemon/state/storage.h"

struct sc_daemon;
struct sc_event;

struct sc_keeper {
    struct sc_storage storage;
    struct sc_watch watch; /* its results */
    uint64_t stored;
    uint64_t failed;
    int trouble;   /* why the last one failed, an errno; 0: it did not */
    char why[512]; /* the same in words */
};

/* From now on d->state is the thread's. Returns 0 or a negative errno. */
int sc_keeper_start(struct sc_daemon *d);
void sc_keeper_stop(struct sc_daemon *d); /* closes d->state, too */

/* SC_EVENT_STORE. */
void sc_keeper_put(struct sc_daemon *d, const struct sc_event *e);

/* A router's own name, before anybody can ask: waits for the disk. Returns 0, or -1 with one line
 * in `why`. */
int sc_keeper_own_name(struct sc_daemon *d, char *why, size_t size);

#endif
