#include "transport/recv.h"

#include <assert.h>
#include <errno.h>

#include "base/limits.h"

/* A window that goes faster than this is doubled, whatever the round trip: both programs must be
 * scheduled before it moves again. */
#define SCHEDULING_SLACK (2 * SC_MS)

void sc_recv_init(struct sc_recv *r, struct sc_block_pool *pool, sc_time now)
{
    *r = (struct sc_recv){.final = UINT64_MAX,
                          .limit = SC_WINDOW_INITIAL,
                          .window = SC_WINDOW_INITIAL,
                          .tuned_at = now};
    sc_store_init(&r->store, pool);
    sc_ranges_init(&r->ahead, SC_RECV_HOLES);
}

static void pop_span(struct sc_recv *r)
{
    struct sc_span *s = r->spans;
    r->spans = s->next;
    if (!r->spans)
        r->last_span = NULL;
    sc_span_put(r->store.pool, s);
}

void sc_recv_fini(struct sc_recv *r)
{
    while (r->spans)
        pop_span(r);
    sc_store_clear(&r->store);
    sc_ranges_fini(&r->ahead);
}

/* --- arrival ---------------------------------------------------------------------------------- */

static bool breaks_rules(const struct sc_recv *r, uint64_t offset, size_t len, bool fin)
{
    uint64_t to = offset + len;
    if (to > r->limit || to > r->final)
        return true;
    return fin && ((r->final != UINT64_MAX && r->final != to) || to < r->highest);
}

/* An application that has nothing to read gets its next bytes whatever the pool says, so that full
 * memory stops only flows that hold some of it. */
static enum sc_block_use use_of(const struct sc_recv *r)
{
    return r->next == r->consumed ? SC_BLOCK_PROMISED : SC_BLOCK_RECEIVE;
}

/* Settling may need a block for these bytes, which is why it is asked for here. */
static bool memory_for(const struct sc_recv *r, uint64_t to)
{
    return sc_block_left(r->store.pool, use_of(r)) > 0 || sc_store_at(&r->store, to - 1);
}

static int borrow(struct sc_recv *r, const uint8_t *data, size_t len)
{
    if (!memory_for(r, r->next + len))
        return -ENOBUFS;
    struct sc_span *s = sc_span_take(r->store.pool);
    if (!s)
        return -ENOBUFS;
    *s = (struct sc_span){.data = data, .len = len};
    if (r->last_span)
        r->last_span->next = s;
    else
        r->spans = s;
    r->last_span = s;
    r->next += len;
    return 0;
}

/* Moves `next` to `to` and over what came early; nothing is borrowed now. */
static void advance(struct sc_recv *r, uint64_t to)
{
    r->next = to;
    while (r->ahead.count > 0 && r->ahead.range[0].from <= r->next) {
        if (r->ahead.range[0].to > r->next)
            r->next = r->ahead.range[0].to;
        sc_ranges_drop_lowest(&r->ahead);
    }
    r->stored = r->next;
}

/* Bytes that fill (a part of) the first hole, while others are ahead. */
static int fill_hole(struct sc_recv *r, const uint8_t *data, size_t len)
{
    enum sc_block_use use = use_of(r);
    if (sc_recv_settle(r) || sc_store_put(&r->store, r->next, data, len, use))
        return -ENOBUFS;
    advance(r, r->next + len);
    return 0;
}

/* Bytes that leave a hole before them. */
static int put_ahead(struct sc_recv *r, uint64_t offset, const uint8_t *data, size_t len)
{
    if (sc_ranges_contain(&r->ahead, offset, offset + len))
        return 0;
    if (sc_store_put(&r->store, offset, data, len, SC_BLOCK_REORDER))
        return -ENOBUFS;
    return sc_ranges_add(&r->ahead, offset, offset + len) ? -ENOBUFS : 0;
}

static int take_bytes(struct sc_recv *r, uint64_t offset, const uint8_t *data, size_t len)
{
    if (offset > r->next)
        return put_ahead(r, offset, data, len);
    uint64_t known = r->next - offset;
    if (known >= len)
        return 0;
    data += known;
    len -= (size_t)known;
    return r->ahead.count > 0 ? fill_hole(r, data, len) : borrow(r, data, len);
}

static void drop_all(struct sc_recv *r)
{
    while (r->spans)
        pop_span(r);
    sc_store_release(&r->store, r->next);
    if (r->ahead.count == 0)
        sc_store_clear(&r->store);
    r->stored = r->consumed = r->next;
}

static void open_window(struct sc_recv *r)
{
    if (r->final == UINT64_MAX && r->consumed + r->window >= r->limit + r->window / 4)
        r->want_window = true;
}

int sc_recv_on_stream(struct sc_recv *r, uint64_t offset, const uint8_t *data, size_t len, bool fin)
{
    if (breaks_rules(r, offset, len, fin))
        return -EPROTO;
    if (len > 0) {
        int rc = take_bytes(r, offset, data, len);
        if (rc)
            return rc;
    }
    if (fin)
        r->final = offset + len;
    if (offset + len > r->highest)
        r->highest = offset + len;
    if (r->discard) {
        drop_all(r);
        open_window(r);
    }
    return 0;
}

int sc_recv_settle(struct sc_recv *r)
{
    while (r->spans) {
        struct sc_span *s = r->spans;
        if (sc_store_put(&r->store, r->stored, s->data, s->len, SC_BLOCK_PROMISED))
            return -ENOMEM;
        r->stored += s->len;
        pop_span(r);
    }
    return 0;
}

/* --- the application -------------------------------------------------------------------------- */

size_t sc_recv_peek(const struct sc_recv *r, struct iovec *iov, size_t max)
{
    size_t n = sc_store_pieces(&r->store, r->consumed, r->stored, iov, max);
    for (const struct sc_span *s = r->spans; s && n < max; s = s->next)
        iov[n++] = (struct iovec){.iov_base = (void *)(uintptr_t)s->data, .iov_len = s->len};
    return n;
}

static void consume_spans(struct sc_recv *r, size_t len)
{
    r->stored += len;
    while (len > 0) {
        struct sc_span *s = r->spans;
        size_t part = len < s->len ? len : s->len;
        s->data += part;
        s->len -= part;
        len -= part;
        if (s->len == 0)
            pop_span(r);
    }
}

/* Doubles the window when a quarter of it went in each round trip: slow start doubles its own in
 * each, and half a one passes before ours is known there (Linux keeps the same distance). Behind a
 * hole nothing can be consumed for longer than that, and then all of it at once. */
static void tune(struct sc_recv *r, sc_time rtt, sc_time now)
{
    sc_time round = sc_time_max(rtt, SCHEDULING_SLACK), took = now - r->tuned_at;
    uint64_t quarter = r->window / 4, went = r->consumed - r->tuned_from;
    if (took <= round && went < quarter)
        return; /* the measurement goes on */
    bool fast = went * round >= quarter * took;
    bool memory = (uint64_t)sc_block_left(r->store.pool, SC_BLOCK_SEND) * SC_BLOCK_LEN > r->window;
    if (fast && memory)
        r->window = r->window * 2 < SC_WINDOW_MAX ? r->window * 2 : SC_WINDOW_MAX;
    r->tuned_from = r->consumed;
    r->tuned_at = now;
}

void sc_recv_consume(struct sc_recv *r, size_t len, sc_time rtt, sc_time now)
{
    assert(len <= r->next - r->consumed);
    size_t in_blocks = r->stored - r->consumed < len ? (size_t)(r->stored - r->consumed) : len;
    r->consumed += len;
    if (in_blocks < len)
        consume_spans(r, len - in_blocks);
    if (r->consumed == r->stored && r->ahead.count == 0)
        sc_store_clear(&r->store); /* an idle flow holds no block */
    else
        sc_store_release(&r->store, r->consumed);
    tune(r, rtt, now);
    open_window(r);
}

void sc_recv_discard(struct sc_recv *r)
{
    r->discard = true;
    drop_all(r);
    open_window(r);
}

uint64_t sc_recv_announce(struct sc_recv *r)
{
    if (r->consumed + r->window > r->limit)
        r->limit = r->consumed + r->window;
    r->want_window = false;
    return r->limit;
}
