#include "node/dues.h"

#include "base/list.h"

void sc_dues_init(struct sc_dues *all, struct sc_stack_counters *counters)
{
    sc_heap_init(&all->heap);
    all->counters = counters;
}

void sc_dues_fini(struct sc_dues *all)
{
    sc_heap_fini(&all->heap);
}

void sc_due_init(struct sc_due *d, void (*fire)(void *part, struct sc_due *d, sc_time now),
                 void *part)
{
    sc_timer_init(&d->timer);
    d->fire = fire;
    d->part = part;
}

void sc_dues_arm(struct sc_dues *all, struct sc_due *d, sc_time at)
{
    if (sc_heap_set(&all->heap, &d->timer, at) < 0)
        all->counters->dropped_memory++;
}

sc_time sc_dues_deadline(const struct sc_dues *all)
{
    return sc_heap_next(&all->heap);
}

struct sc_due *sc_dues_take(struct sc_dues *all, sc_time now)
{
    struct sc_timer *t = sc_heap_pop_due(&all->heap, now);
    return t ? sc_container(t, struct sc_due, timer) : NULL;
}
