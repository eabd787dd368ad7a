/* The thread that waits for the disk, so that the loop does not. The loop puts in what is to be
 * kept, and takes out what became of it; the thread writes all that has gathered in one
 * transaction. It touches nothing but its state and these queues, and gets no signals. */
#ifndef SC_DAEMON_STATE_STORAGE_H
#define SC_DAEMON_STATE_STORAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "daemon/state/state.h"

/* Asked for and not answered: never more than SC_CHANGES_MAX, which the stack sees to. */
struct sc_storage_batch {
    size_t count;
    uint64_t token[SC_CHANGES_MAX];
    struct sc_mapping mapping[SC_CHANGES_MAX];
    size_t pin_count; /* for which nobody waits */
    struct sc_pin pin[SC_PINS_WAITING];
    size_t grant_count; /* the same */
    struct sc_kept_grant grant[SC_GRANTS_WAITING];
    size_t invitation_count; /* the same */
    struct sc_invitation invitation[SC_INVITATIONS_MAX];
};

struct sc_storage_result {
    uint64_t token;
    int error; /* a positive errno */
};

struct sc_storage {
    struct sc_state *state; /* the thread's, from start to stop */
    pthread_t thread;
    bool running;
    int ready; /* eventfd: there are results; -1: not started */
    pthread_mutex_t lock;
    pthread_cond_t work;
    /* Behind the lock: */
    bool stopping;
    struct sc_storage_batch *gathering;
    struct sc_storage_batch *writing; /* the thread's own, until it changes the two */
    size_t result_count;
    struct sc_storage_result result[SC_CHANGES_MAX];
    char why[512]; /* the last failure, in words */
    struct sc_storage_batch batch[2];
};

/* Returns 0 or a negative errno. */
int sc_storage_start(struct sc_storage *s, struct sc_state *state);

/* Writes what was put in, and ends. False: the disk did not let it end in time; the state is still
 * the thread's then, and the process should go. */
bool sc_storage_stop(struct sc_storage *s);

/* Has the mapping kept; a result with this token follows. */
void sc_storage_put(struct sc_storage *s, uint64_t token, const struct sc_mapping *m);

/* Has the pin kept, if not too many wait. */
void sc_storage_pin(struct sc_storage *s, const struct sc_pin *pin);

/* Has the grant kept, if not too many wait. */
void sc_storage_grant(struct sc_storage *s, const struct sc_kept_grant *grant);

/* The same of an invitation, before anything that it lets in. */
void sc_storage_invite(struct sc_storage *s, const struct sc_invitation *one);

/* Takes all results there are. Returns how many. `why` gets the last failure. */
size_t sc_storage_take(struct sc_storage *s, struct sc_storage_result out[SC_CHANGES_MAX],
                       char why[512]);

#endif
