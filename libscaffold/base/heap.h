/* Binary min-heap of deadlines with intrusive entries: change or remove in O(log n).
 * Not thread-safe. */
#ifndef SC_BASE_HEAP_H
#define SC_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

struct sc_timer {
    sc_time at;   /* SC_NEVER: not in the heap */
    size_t index; /* position in the heap while queued */
};

struct sc_heap {
    struct sc_timer **entry;
    size_t count;
    size_t room;
};

void sc_heap_init(struct sc_heap *h);
void sc_heap_fini(struct sc_heap *h);
void sc_timer_init(struct sc_timer *t);

/* Puts `t` at `at`, moves it there, or with SC_NEVER takes it out. Returns 0 or -ENOMEM (only when
 * `t` was not in the heap yet). */
int sc_heap_set(struct sc_heap *h, struct sc_timer *t, sc_time at);

/* The earliest deadline, or SC_NEVER. */
sc_time sc_heap_next(const struct sc_heap *h);

/* Takes out and returns the earliest entry that is due (at <= now), or NULL. */
struct sc_timer *sc_heap_pop_due(struct sc_heap *h, sc_time now);

#endif
