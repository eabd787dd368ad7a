/* Bytes of a stream by their offset, in blocks; parts may be missing. The window of offsets in use
 * may move only upwards. Not thread-safe. */
#ifndef SC_TRANSPORT_STORE_H
#define SC_TRANSPORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "transport/blocks.h"

struct sc_store {
    struct sc_block_pool *pool;
    uint8_t **slot; /* ring: block n is in slot n % room; NULL while nothing is held */
    size_t room;    /* a power of two, or 0 */
    uint64_t low;   /* blocks [low, high) may be present */
    uint64_t high;
};

void sc_store_init(struct sc_store *s, struct sc_block_pool *pool);

/* Gives back every block. */
void sc_store_clear(struct sc_store *s);

/* Gives back the blocks that lie wholly below `offset`. */
void sc_store_release(struct sc_store *s, uint64_t offset);

/* Gives back the blocks that lie wholly at or above `offset`. */
void sc_store_trim(struct sc_store *s, uint64_t offset);

/* The byte at `offset`; up to the end of its block is there. NULL when the block is not held. */
uint8_t *sc_store_at(const struct sc_store *s, uint64_t offset);

/* As sc_store_at, taking the block when needed; NULL when there is no memory. */
uint8_t *sc_store_make(struct sc_store *s, uint64_t offset, enum sc_block_use use);

/* Copies bytes in. Returns 0, or -ENOMEM: then an unknown part of the blocks was taken, and nothing
 * that was stored is harmed. */
int sc_store_put(struct sc_store *s, uint64_t offset, const uint8_t *data, size_t len,
                 enum sc_block_use use);

/* Pieces of [from, to), which must be held; returns their number, at most `max`. */
size_t sc_store_pieces(const struct sc_store *s, uint64_t from, uint64_t to, struct iovec *iov,
                       size_t max);

/* Bytes from `offset` to the end of its block. */
static inline size_t sc_store_run(uint64_t offset)
{
    return SC_BLOCK_LEN - (size_t)(offset % SC_BLOCK_LEN);
}

#endif
