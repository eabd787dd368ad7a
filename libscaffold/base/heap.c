#include "base/heap.h"

#include <errno.h>
#include <stdlib.h>

void sc_heap_init(struct sc_heap *h)
{
    *h = (struct sc_heap){0};
}

void sc_heap_fini(struct sc_heap *h)
{
    free(h->entry);
    *h = (struct sc_heap){0};
}

void sc_timer_init(struct sc_timer *t)
{
    *t = (struct sc_timer){.at = SC_NEVER};
}

static void place(struct sc_heap *h, struct sc_timer *t, size_t i)
{
    h->entry[i] = t;
    t->index = i;
}

static void sift_up(struct sc_heap *h, struct sc_timer *t, size_t i)
{
    while (i > 0 && h->entry[(i - 1) / 2]->at > t->at) {
        place(h, h->entry[(i - 1) / 2], i);
        i = (i - 1) / 2;
    }
    place(h, t, i);
}

static void sift_down(struct sc_heap *h, struct sc_timer *t, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < h->count && h->entry[child + 1]->at < h->entry[child]->at)
            child++;
        if (child >= h->count || h->entry[child]->at >= t->at)
            break;
        place(h, h->entry[child], i);
        i = child;
    }
    place(h, t, i);
}

static void settle(struct sc_heap *h, struct sc_timer *t, size_t i)
{
    if (i > 0 && h->entry[(i - 1) / 2]->at > t->at)
        sift_up(h, t, i);
    else
        sift_down(h, t, i);
}

static void take_out(struct sc_heap *h, struct sc_timer *t)
{
    struct sc_timer *last = h->entry[--h->count];
    if (last != t)
        settle(h, last, t->index);
    t->at = SC_NEVER;
}

static int insert(struct sc_heap *h, struct sc_timer *t, sc_time at)
{
    if (h->count == h->room) {
        size_t room = h->room ? 2 * h->room : 16;
        struct sc_timer **grown = realloc(h->entry, room * sizeof(struct sc_timer *));
        if (!grown)
            return -ENOMEM;
        h->entry = grown;
        h->room = room;
    }
    t->at = at;
    sift_up(h, t, h->count++);
    return 0;
}

int sc_heap_set(struct sc_heap *h, struct sc_timer *t, sc_time at)
{
    if (t->at == at)
        return 0;
    if (t->at == SC_NEVER)
        return insert(h, t, at);
    if (at == SC_NEVER) {
        take_out(h, t);
        return 0;
    }
    t->at = at;
    settle(h, t, t->index);
    return 0;
}

sc_time sc_heap_next(const struct sc_heap *h)
{
    return h->count ? h->entry[0]->at : SC_NEVER;
}

struct sc_timer *sc_heap_pop_due(struct sc_heap *h, sc_time now)
{
    if (h->count == 0 || h->entry[0]->at > now)
        return NULL;
    struct sc_timer *t = h->entry[0];
    take_out(h, t);
    return t;
}
