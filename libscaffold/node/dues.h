/* What is to be done at a certain time, one thing at a time. Nothing here calls anybody: the stack
 * takes what is due and fires it. Not thread-safe. */
#ifndef SC_NODE_DUES_H
#define SC_NODE_DUES_H

#include "base/heap.h"
#include "node/counters.h"

/* Embedded in what it is about. */
struct sc_due {
    struct sc_timer timer; /* first: the heap's entry is the due itself */
    void (*fire)(void *part, struct sc_due *d, sc_time now);
    void *part; /* of the stack, whose it is */
};

struct sc_dues {
    struct sc_heap heap;
    struct sc_stack_counters *counters;
};

void sc_dues_init(struct sc_dues *all, struct sc_stack_counters *counters);
void sc_dues_fini(struct sc_dues *all);

/* A due that is not armed yet. */
void sc_due_init(struct sc_due *d, void (*fire)(void *part, struct sc_due *d, sc_time now),
                 void *part);

/* Fires at `at`, instead of when it would have; SC_NEVER: not at all. Without memory for it, which
 * is counted, it does not fire. */
void sc_dues_arm(struct sc_dues *all, struct sc_due *d, sc_time at);

/* The earliest, or SC_NEVER. */
sc_time sc_dues_deadline(const struct sc_dues *all);

/* The earliest that is due, which is then armed no longer; NULL: none. */
struct sc_due *sc_dues_take(struct sc_dues *all, sc_time now);

#endif
