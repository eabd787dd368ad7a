#include "base/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sc_ranges_init(struct sc_ranges *s, size_t limit)
{
    *s = (struct sc_ranges){.limit = limit};
}

void sc_ranges_fini(struct sc_ranges *s)
{
    free(s->range);
    s->range = NULL;
    s->count = s->room = 0;
}

/* Index of the first range that ends at or after `at`: the only one that `at` can touch. */
static size_t first_touching(const struct sc_ranges *s, uint64_t at)
{
    if (s->count && s->range[s->count - 1].to < at)
        return s->count; /* the usual case: numbers grow */
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->range[mid].to < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int make_room(struct sc_ranges *s)
{
    if (s->count >= s->limit)
        return -ENOSPC;
    if (s->count < s->room)
        return 0;
    size_t room = s->room ? 2 * s->room : 4;
    if (room > s->limit)
        room = s->limit;
    struct sc_range *grown = realloc(s->range, room * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    s->range = grown;
    s->room = room;
    return 0;
}

static int insert_at(struct sc_ranges *s, size_t i, uint64_t from, uint64_t to)
{
    int err = make_room(s);
    if (err < 0)
        return err;
    memmove(s->range + i + 1, s->range + i, (s->count - i) * sizeof *s->range);
    s->range[i] = (struct sc_range){from, to};
    s->count++;
    return 0;
}

static void erase(struct sc_ranges *s, size_t from, size_t to)
{
    if (from == to)
        return;
    memmove(s->range + from, s->range + to, (s->count - to) * sizeof *s->range);
    s->count -= to - from;
}

int sc_ranges_add(struct sc_ranges *s, uint64_t from, uint64_t to)
{
    if (from >= to)
        return 0;
    size_t i = first_touching(s, from);
    if (i == s->count || s->range[i].from > to)
        return insert_at(s, i, from, to);
    struct sc_range *r = &s->range[i];
    size_t end = i + 1; /* the ranges from i up to end become one */
    if (from < r->from)
        r->from = from;
    while (end < s->count && s->range[end].from <= to)
        end++;
    if (s->range[end - 1].to > to)
        to = s->range[end - 1].to;
    r->to = to;
    erase(s, i + 1, end);
    return 0;
}

int sc_ranges_remove(struct sc_ranges *s, uint64_t from, uint64_t to)
{
    if (from >= to)
        return 0;
    size_t i = first_touching(s, from);
    if (i < s->count && s->range[i].to == from)
        i++;
    if (i == s->count || s->range[i].from >= to)
        return 0;
    if (s->range[i].from < from && s->range[i].to > to) { /* a hole in the middle */
        uint64_t end = s->range[i].to;
        int err = insert_at(s, i + 1, to, end);
        if (err == 0)
            s->range[i].to = from;
        return err;
    }
    if (s->range[i].from < from)
        s->range[i++].to = from;
    size_t end = i;
    while (end < s->count && s->range[end].to <= to)
        end++;
    if (end < s->count && s->range[end].from < to)
        s->range[end].from = to;
    erase(s, i, end);
    return 0;
}

bool sc_ranges_contain(const struct sc_ranges *s, uint64_t from, uint64_t to)
{
    if (from >= to)
        return true;
    size_t i = first_touching(s, from);
    if (i < s->count && s->range[i].to == from)
        i++;
    return i < s->count && s->range[i].from <= from && s->range[i].to >= to;
}

void sc_ranges_drop_lowest(struct sc_ranges *s)
{
    if (s->count)
        erase(s, 0, 1);
}
