#include "transport/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 8

void sc_store_init(struct sc_store *s, struct sc_block_pool *pool)
{
    *s = (struct sc_store){.pool = pool};
}

static uint8_t **slot_of(const struct sc_store *s, uint64_t block)
{
    return &s->slot[block & (s->room - 1)];
}

static void drop(struct sc_store *s, uint64_t block)
{
    uint8_t **slot = slot_of(s, block);
    if (*slot)
        sc_block_put(s->pool, *slot);
    *slot = NULL;
}

void sc_store_clear(struct sc_store *s)
{
    for (uint64_t n = s->low; n < s->high; n++)
        drop(s, n);
    free(s->slot);
    s->slot = NULL;
    s->room = 0;
    s->low = s->high = 0;
}

void sc_store_release(struct sc_store *s, uint64_t offset)
{
    uint64_t block = offset / SC_BLOCK_LEN;
    while (s->low < block && s->low < s->high)
        drop(s, s->low++);
    if (s->low == s->high && s->slot)
        sc_store_clear(s);
}

void sc_store_trim(struct sc_store *s, uint64_t offset)
{
    uint64_t block = (offset + SC_BLOCK_LEN - 1) / SC_BLOCK_LEN;
    while (s->high > block && s->high > s->low)
        drop(s, --s->high);
    if (s->low == s->high && s->slot)
        sc_store_clear(s);
}

uint8_t *sc_store_at(const struct sc_store *s, uint64_t offset)
{
    uint64_t block = offset / SC_BLOCK_LEN;
    if (block < s->low || block >= s->high)
        return NULL;
    uint8_t *data = *slot_of(s, block);
    return data ? data + offset % SC_BLOCK_LEN : NULL;
}

/* Makes the ring wide enough for blocks [low, high). */
static int widen(struct sc_store *s, uint64_t low, uint64_t high)
{
    if (high - low <= s->room)
        return 0;
    size_t room = s->room ? s->room : ROOM_FIRST;
    while (room < high - low)
        room *= 2;
    uint8_t **slot = calloc(room, sizeof *slot);
    if (!slot)
        return -ENOMEM;
    for (uint64_t n = s->low; n < s->high; n++)
        slot[n & (room - 1)] = *slot_of(s, n);
    free(s->slot);
    s->slot = slot;
    s->room = room;
    return 0;
}

uint8_t *sc_store_make(struct sc_store *s, uint64_t offset, enum sc_block_use use)
{
    uint64_t block = offset / SC_BLOCK_LEN;
    bool empty = s->low == s->high;
    uint64_t low = empty || block < s->low ? block : s->low;
    uint64_t high = empty || block >= s->high ? block + 1 : s->high;
    if (widen(s, low, high))
        return NULL;
    s->low = low;
    s->high = high;
    uint8_t **slot = slot_of(s, block);
    if (!*slot)
        *slot = sc_block_take(s->pool, use);
    return *slot ? *slot + offset % SC_BLOCK_LEN : NULL;
}

int sc_store_put(struct sc_store *s, uint64_t offset, const uint8_t *data, size_t len,
                 enum sc_block_use use)
{
    while (len > 0) {
        size_t run = sc_store_run(offset);
        if (run > len)
            run = len;
        uint8_t *to = sc_store_make(s, offset, use);
        if (!to)
            return -ENOMEM;
        memcpy(to, data, run);
        data += run;
        offset += run;
        len -= run;
    }
    return 0;
}

size_t sc_store_pieces(const struct sc_store *s, uint64_t from, uint64_t to, struct iovec *iov,
                       size_t max)
{
    size_t n = 0;
    for (; from < to && n < max; n++) {
        size_t run = sc_store_run(from);
        if (run > to - from)
            run = (size_t)(to - from);
        uint8_t *data = sc_store_at(s, from);
        assert(data);
        iov[n] = (struct iovec){.iov_base = data, .iov_len = run};
        from += run;
    }
    return n;
}
