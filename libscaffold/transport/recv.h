/* The receive side of a flow: reassembly and the window. Bytes in order are borrowed from the
 * datagram until sc_recv_settle; bytes ahead of a hole are copied at once.
 *
 *     consumed      stored         next
 *   ---|-------------|--------------|----[ahead]---[ahead]---  limit
 *      | in blocks   | borrowed     |  in blocks
 *
 * Bytes are borrowed only while nothing is ahead, so that the picture always holds. */
#ifndef SC_TRANSPORT_RECV_H
#define SC_TRANSPORT_RECV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/ranges.h"
#include "base/time.h"
#include "transport/store.h"

struct sc_recv {
    struct sc_store store;
    uint64_t consumed;   /* the application took everything below */
    uint64_t stored;     /* in-order bytes below are in blocks, from here on borrowed */
    uint64_t next;       /* first byte that is missing */
    uint64_t highest;    /* one above the highest byte seen */
    uint64_t final;      /* length of the stream; UINT64_MAX until the end was seen */
    uint64_t limit;      /* first byte that the peer may not send: announced */
    uint64_t window;     /* bytes that we are willing to hold */
    uint64_t tuned_from; /* consumed, when the running measurement began */
    sc_time tuned_at;
    bool discard;     /* the application reads no more */
    bool want_window; /* limit moved enough to be announced */
    struct sc_ranges ahead;
    struct sc_span *spans; /* borrowed, in order */
    struct sc_span *last_span;
};

void sc_recv_init(struct sc_recv *r, struct sc_block_pool *pool, sc_time now);
void sc_recv_fini(struct sc_recv *r);

/* A STREAM frame. `data` must stay valid until sc_recv_settle. Returns 0; -EPROTO when the peer
 * broke its window or changed the end; -ENOBUFS when there is no room for it now: the packet must
 * count as not received. */
int sc_recv_on_stream(struct sc_recv *r, uint64_t offset, const uint8_t *data, size_t len,
                      bool fin);

/* Copies what is borrowed. Returns 0 or -ENOMEM: bytes were lost, the flow has failed. */
int sc_recv_settle(struct sc_recv *r);

/* In-order bytes in place; see sc_flow_recv_peek. */
size_t sc_recv_peek(const struct sc_recv *r, struct iovec *iov, size_t max);

/* The application took `len` of them. Widens the window (doubling when a quarter of it went in a
 * round trip) and sets want_window when it moved by a quarter. rtt 0: unknown. */
void sc_recv_consume(struct sc_recv *r, size_t len, sc_time rtt, sc_time now);

/* From now on everything is consumed as it comes. */
void sc_recv_discard(struct sc_recv *r);

/* The limit to announce now; it counts as announced. */
uint64_t sc_recv_announce(struct sc_recv *r);

static inline uint64_t sc_recv_available(const struct sc_recv *r)
{
    return r->next - r->consumed;
}

/* Every byte and the end have arrived. */
static inline bool sc_recv_complete(const struct sc_recv *r)
{
    return r->next == r->final;
}

/* ... and were consumed. */
static inline bool sc_recv_eof(const struct sc_recv *r)
{
    return r->consumed == r->final;
}

#endif
