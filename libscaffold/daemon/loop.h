/* The event loop of scaffoldd: descriptors, alarms, and memory that must outlive the current batch
 * of events. The only place that reads the clock. One thread. */
#ifndef SC_DAEMON_LOOP_H
#define SC_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/heap.h"
#include "base/time.h"

struct sc_loop;

/* A descriptor that is watched. `ready` gets EPOLL* bits. */
struct sc_watch {
    int fd; /* -1: not watched */
    void (*ready)(struct sc_watch *w, uint32_t events);
};

/* Something to be done at a time. Fires once; set again from inside if wanted. */
struct sc_alarm {
    struct sc_timer timer;
    void (*fire)(struct sc_alarm *a);
};

/* What no turn should take: it is added to everybody's round trip. */
#define SC_LONG_TURN (5 * SC_MS)

struct sc_closer;

struct sc_loop {
    int epfd;
    struct sc_watch timer;
    sc_time timer_at; /* what it is set for; SC_NEVER: it is not */
    sc_time now;      /* read once per batch */
    bool stopping;
    bool firing; /* alarms; what is set for now meanwhile waits for the next turn */
    struct sc_heap alarms;
    void **dispose;
    size_t dispose_count;
    size_t dispose_room;
    uint64_t wakeups;
    struct sc_closer *closer; /* closer.h; NULL: none is needed */
    bool copied; /* another thread may hold what is closed here, so that epoll does not forget it */
    sc_time longest_turn; /* since it was last taken: for so long nothing else was served */
    uint64_t long_turns;  /* of more than SC_LONG_TURN */
};

/* Returns 0 or a negative errno. */
int sc_loop_init(struct sc_loop *l);
void sc_loop_fini(struct sc_loop *l);

/* Watches w->fd for `events`; returns 0 or a negative errno. */
int sc_loop_watch(struct sc_loop *l, struct sc_watch *w, uint32_t events);
void sc_loop_rewatch(struct sc_loop *l, struct sc_watch *w, uint32_t events);
/* Stops watching; events of the current batch are not delivered any more. Does not close. */
void sc_loop_unwatch(struct sc_loop *l, struct sc_watch *w);
/* The same, and closes: a descriptor that nobody else has is forgotten by epoll itself. Nothing if
 * it is not watched. */
void sc_loop_close(struct sc_loop *l, struct sc_watch *w);

void sc_alarm_init(struct sc_alarm *a, void (*fire)(struct sc_alarm *a));
void sc_loop_alarm(struct sc_loop *l, struct sc_alarm *a, sc_time at); /* SC_NEVER: cancel */

/* Frees `memory` once no event of this batch can refer to it any more. */
void sc_loop_dispose(struct sc_loop *l, void *memory);

/* Microseconds of CLOCK_MONOTONIC. */
sc_time sc_clock_now(void);

/* The longest turn since the last call, from waking up to waiting again. */
sc_time sc_loop_take_longest_turn(struct sc_loop *l);

/* Waits for events, at most until `deadline`, and dispatches one batch. It may be empty and come
 * earlier, at what was a deadline when the last turns began to wait. */
void sc_loop_turn(struct sc_loop *l, sc_time deadline);

#endif
