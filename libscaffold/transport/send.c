#include "transport/send.h"

#include <assert.h>

#include "base/limits.h"
#include "wire/frame.h"

/* Above this many disjoint ranges we forget detail and send more than necessary. */
#define RANGES_MAX 4096

void sc_send_init(struct sc_send *s, struct sc_block_pool *pool)
{
    *s = (struct sc_send){0};
    sc_store_init(&s->store, pool);
    sc_ranges_init(&s->early, RANGES_MAX);
    sc_ranges_init(&s->lost, RANGES_MAX);
}

void sc_send_fini(struct sc_send *s)
{
    sc_store_clear(&s->store);
    sc_ranges_fini(&s->early);
    sc_ranges_fini(&s->lost);
}

/* Bytes that memory has room for: the rest of the last block, and what the pool would give. */
static uint64_t memory_room(const struct sc_send *s)
{
    uint64_t room = sc_store_at(&s->store, s->end) ? sc_store_run(s->end) : 0;
    return room + (uint64_t)sc_block_left(s->store.pool, SC_BLOCK_SEND) * SC_BLOCK_LEN;
}

size_t sc_send_room(const struct sc_send *s, size_t buffer)
{
    uint64_t held = s->end - (s->acked < s->end ? s->acked : s->end);
    if (s->fin || held >= buffer)
        return 0;
    uint64_t room = buffer - held;
    if (room > SC_STREAM_OFFSET_MAX - s->end)
        room = SC_STREAM_OFFSET_MAX - s->end;
    uint64_t memory = memory_room(s);
    return (size_t)(room < memory ? room : memory);
}

size_t sc_send_space(struct sc_send *s, size_t want, struct iovec *iov, size_t max)
{
    size_t n = 0;
    uint64_t at = s->end;
    for (; want > 0 && n < max; n++) {
        uint8_t *data = sc_store_make(&s->store, at, SC_BLOCK_SEND);
        if (!data)
            break;
        size_t run = sc_store_run(at);
        if (run > want)
            run = want;
        iov[n] = (struct iovec){.iov_base = data, .iov_len = run};
        at += run;
        want -= run;
    }
    return n;
}

void sc_send_commit(struct sc_send *s, size_t len)
{
    assert(!s->fin);
    s->end += len;
    sc_store_trim(&s->store, s->end);
    if (s->acked == s->end)
        sc_store_clear(&s->store);
}

void sc_send_close(struct sc_send *s)
{
    s->fin = true;
}

void sc_send_abandon(struct sc_send *s)
{
    sc_store_clear(&s->store);
    sc_ranges_fini(&s->early);
    sc_ranges_fini(&s->lost);
    sc_ranges_init(&s->early, RANGES_MAX);
    sc_ranges_init(&s->lost, RANGES_MAX);
    s->acked = s->next = sc_send_top(s);
}

/* First byte that may not be sent now for the first time; the end needs no window. */
static uint64_t sendable_to(const struct sc_send *s)
{
    return s->limit < s->end ? s->limit : sc_send_top(s);
}

bool sc_send_pending(const struct sc_send *s)
{
    return s->lost.count > 0 || s->next < sendable_to(s);
}

uint64_t sc_send_backlog(const struct sc_send *s)
{
    uint64_t to = sendable_to(s);
    uint64_t n = to > s->next ? to - s->next : 0;
    if (s->lost.count > 0)
        n += s->lost.range[s->lost.count - 1].to - s->lost.range[0].from;
    return n;
}

/* The part of [from, to) that fits; the end counts as no byte. */
static struct sc_send_piece piece_of(const struct sc_send *s, uint64_t from, uint64_t to,
                                     size_t max)
{
    uint64_t data_to = to < s->end ? to : s->end;
    struct sc_send_piece p = {.offset = from, .len = (size_t)(data_to - from)};
    if (p.len > max)
        p.len = max;
    p.fin = to > s->end && from + p.len == s->end;
    return p;
}

bool sc_send_take(struct sc_send *s, size_t max, struct sc_send_piece *piece)
{
    if (s->lost.count > 0) {
        struct sc_range r = s->lost.range[0];
        *piece = piece_of(s, r.from, r.to, max);
        piece->again = true;
        /* Cuts the lowest range from below: never a new range, so it cannot fail. */
        sc_ranges_remove(&s->lost, r.from, r.from + piece->len + (piece->fin ? 1 : 0));
        return true;
    }
    uint64_t to = sendable_to(s);
    if (s->next >= to)
        return false;
    *piece = piece_of(s, s->next, to, max);
    piece->again = false;
    s->next += piece->len + (piece->fin ? 1 : 0);
    return true;
}

/* Moves `acked` to `to` and over what was acknowledged early. */
static void advance(struct sc_send *s, uint64_t to)
{
    s->acked = to;
    while (s->early.count > 0 && s->early.range[0].from <= s->acked) {
        if (s->early.range[0].to > s->acked)
            s->acked = s->early.range[0].to;
        sc_ranges_drop_lowest(&s->early);
    }
    if (s->lost.count > 0)
        sc_ranges_remove(&s->lost, 0, s->acked); /* cuts from below: cannot fail */
    if (s->acked >= s->end)
        sc_store_clear(&s->store); /* an idle flow holds no block */
    else
        sc_store_release(&s->store, s->acked);
}

uint64_t sc_send_on_acked(struct sc_send *s, uint64_t offset, size_t len, bool fin)
{
    uint64_t to = offset + len + (fin ? 1 : 0), before = s->acked;
    if (to <= s->acked)
        return 0;
    if (s->lost.count > 0 && sc_ranges_remove(&s->lost, offset, to))
        return 0; /* too fragmented: it will be sent once more, and acknowledged then */
    if (offset <= s->acked)
        advance(s, to);
    else if (sc_ranges_add(&s->early, offset, to))
        sc_send_on_lost(s, offset, len, fin); /* cannot be remembered: send it again */
    return s->acked - before;
}

void sc_send_on_lost(struct sc_send *s, uint64_t offset, size_t len, bool fin)
{
    uint64_t from = offset > s->acked ? offset : s->acked;
    uint64_t to = offset + len + (fin ? 1 : 0);
    if (from >= to)
        return;
    if (sc_ranges_add(&s->lost, from, to)) {
        /* Too fragmented: everything sent counts as lost; one range, which always fits. */
        sc_ranges_add(&s->lost, s->acked, s->next);
        from = s->acked;
        to = s->next;
    }
    for (size_t i = 0; i < s->early.count && s->early.range[i].from < to; i++)
        if (s->early.range[i].to > from)
            sc_ranges_remove(&s->lost, s->early.range[i].from, s->early.range[i].to);
}

bool sc_send_on_window(struct sc_send *s, uint64_t limit)
{
    if (limit <= s->limit)
        return false;
    s->limit = limit;
    return true;
}

bool sc_send_finished(const struct sc_send *s)
{
    return s->fin && s->acked == s->end + 1;
}
