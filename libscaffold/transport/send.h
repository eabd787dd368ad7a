/* The send side of a flow: bytes taken from the application and not yet acknowledged. The end of
 * the stream is a virtual byte after the last one, so that it is sent, lost and acknowledged like
 * data:
 *
 *     acked        next          end  (end + 1 with FIN)
 *   ---|------------|-------------|
 *      | sent       | not sent    |   and above `acked`: ranges acknowledged, ranges lost
 */
#ifndef SC_TRANSPORT_SEND_H
#define SC_TRANSPORT_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/ranges.h"
#include "transport/store.h"

struct sc_send {
    struct sc_store store;
    uint64_t acked;         /* everything below is acknowledged */
    uint64_t next;          /* nothing from here on was ever sent */
    uint64_t end;           /* nothing from here on was written */
    uint64_t limit;         /* the peer's window: first byte that may not be sent */
    bool fin;               /* nothing more will be written */
    bool starved;           /* the owner was told that there is no room ... */
    bool short_of_memory;   /* ... for want of blocks, which no acknowledgement will bring */
    struct sc_ranges early; /* acknowledged above `acked` */
    struct sc_ranges lost;  /* to be sent again; disjoint from what is acknowledged */
};

/* A piece of the stream to put into one packet. */
struct sc_send_piece {
    uint64_t offset;
    size_t len;
    bool fin;
    bool again; /* was sent before */
};

void sc_send_init(struct sc_send *s, struct sc_block_pool *pool);
void sc_send_fini(struct sc_send *s);

/* Bytes that can be written now, when `buffer` bytes may be unacknowledged in all. */
size_t sc_send_room(const struct sc_send *s, size_t buffer);

/* Room to write into, at most `want` bytes in at most `max` pieces; returns their number. */
size_t sc_send_space(struct sc_send *s, size_t want, struct iovec *iov, size_t max);
void sc_send_commit(struct sc_send *s, size_t len);
void sc_send_close(struct sc_send *s);

/* Drops what was written; nothing will be sent any more. */
void sc_send_abandon(struct sc_send *s);

/* True when there is something to send that the peer's window allows. */
bool sc_send_pending(const struct sc_send *s);

/* Bytes that sc_send_take would hand out, about (lost ones count in full). */
uint64_t sc_send_backlog(const struct sc_send *s);

/* The next piece of at most `max` bytes: lost ones first. False: nothing (allowed). */
bool sc_send_take(struct sc_send *s, size_t max, struct sc_send_piece *piece);

/* The fate of [offset, offset + len) and perhaps of the end that was sent with it. sc_send_on_acked
 * returns the number of bytes that `acked` moved. */
uint64_t sc_send_on_acked(struct sc_send *s, uint64_t offset, size_t len, bool fin);
void sc_send_on_lost(struct sc_send *s, uint64_t offset, size_t len, bool fin);

/* The peer's window; lower values than before are ignored. True when it moved. */
bool sc_send_on_window(struct sc_send *s, uint64_t limit);

/* Everything written, the end included, was acknowledged. */
bool sc_send_finished(const struct sc_send *s);

static inline uint64_t sc_send_top(const struct sc_send *s)
{
    return s->end + (s->fin ? 1 : 0);
}

#endif
