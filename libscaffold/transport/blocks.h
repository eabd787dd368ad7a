/* Memory for stream bytes: equal blocks, shared by all flows of a stack and bounded in all. A few
 * free blocks are kept; an idle flow holds none. Not thread-safe. */
#ifndef SC_TRANSPORT_BLOCKS_H
#define SC_TRANSPORT_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one block: a flow with one unread byte holds one, and SC_FLOWS_MAX / 2 such flows fit
 * into SC_MEMORY_MAX; a power of two, so that a stream offset tells block and place. */
#define SC_BLOCK_LEN 16384u

/* Who asks. Each may fill the pool up to its own share of the limit, so that writers cannot starve
 * readers, nor what arrives early starve what arrives in order. */
enum sc_block_use {
    SC_BLOCK_SEND,     /* bytes of the application, not yet acknowledged: 1/2 */
    SC_BLOCK_REORDER,  /* received ahead of a hole: 3/4 */
    SC_BLOCK_RECEIVE,  /* received in order: all */
    SC_BLOCK_PROMISED, /* settling what was accepted already: no limit but malloc's */
};

/* A piece of a datagram, borrowed until the end of a batch (recv.h). */
struct sc_span {
    struct sc_span *next;
    const uint8_t *data;
    size_t len;
};

struct sc_block_pool {
    void *free_block; /* list through the first pointer of each */
    size_t free_count;
    size_t used;      /* blocks in use */
    size_t limit;     /* blocks, at most; exceeded only by SC_BLOCK_PROMISED, by one batch */
    uint64_t refused; /* requests that found no memory */
    struct sc_span *free_span;
    void *span_chunks;
};

/* A pool of at most `memory` bytes; allocates nothing yet. */
void sc_block_pool_init(struct sc_block_pool *p, size_t memory);
void sc_block_pool_fini(struct sc_block_pool *p); /* all blocks must have been put back */

/* A block of SC_BLOCK_LEN bytes with any content, or NULL. */
uint8_t *sc_block_take(struct sc_block_pool *p, enum sc_block_use use);
void sc_block_put(struct sc_block_pool *p, uint8_t *block);

/* Blocks that `use` could still take. */
size_t sc_block_left(const struct sc_block_pool *p, enum sc_block_use use);

/* Bytes in use. */
size_t sc_block_pool_bytes(const struct sc_block_pool *p);

struct sc_span *sc_span_take(struct sc_block_pool *p); /* NULL: no memory */
void sc_span_put(struct sc_block_pool *p, struct sc_span *s);

#endif
