/* Lets go of sockets whose queue may hold descriptors that a stranger has put there. The last close
 * of such a one can take as long as he likes: a TCP socket lingers, a large file is freed. Here a
 * thread does it that *ends*: what a task lets go when it exits does not linger, however deep one
 * socket lies in the queue of another, and what takes its time takes that thread's.
 *
 * The sockets are put under numbers that are kept for this. A thread takes a table of its own with
 * no numbers beyond them, tells the loop, and waits; the loop empties the numbers, which is never
 * the last close, and lets the thread go.
 *
 * Where the kernel lets nobody put descriptors there (SO_PASSRIGHTS, Linux 6.16) there is none. */
#ifndef SC_DAEMON_CLOSER_H
#define SC_DAEMON_CLOSER_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/loop.h"

/* Sockets that one thread takes. */
#define SC_CLOSER_SLOTS 32

struct sc_closer {
    struct sc_loop *loop;
    int blank;                  /* what stands under a number that is kept free */
    int slots[SC_CLOSER_SLOTS]; /* the numbers, the lowest that there were */
    size_t filled;              /* of these */
    int *waiting;               /* sockets that have none of them yet */
    size_t waiting_count;
    size_t waiting_room;
    struct sc_watch copied; /* eventfd: the thread has a table of its own, or cannot have one */
    sem_t go;               /* for the thread: nothing is the loop's any more */
    bool running;           /* a thread has not told yet */
    struct sc_alarm again;
    uint64_t taken;
    uint64_t delays; /* a thread could not be had, or too many did not end */
};

/* To be called before anything is opened that is closed again: its numbers are the lowest. Returns
 * 0 or a negative errno. */
int sc_closer_init(struct sc_closer *c, struct sc_loop *l);

/* What still waits is left to the end of the process. */
void sc_closer_fini(struct sc_closer *c);

/* Whether nobody but scaffoldd puts descriptors into queues that are read by this loop. */
static inline bool sc_rights_are_kept_out(const struct sc_loop *l)
{
    return l->closer == NULL;
}

/* Closes a socket that somebody else has, too, and may have closed by now. */
void sc_closer_close(struct sc_loop *l, int fd);

/* Closes w->fd, which is not watched from now on, as soon as may be. */
void sc_closer_take(struct sc_loop *l, struct sc_watch *w);

#endif
