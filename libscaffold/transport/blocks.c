#include "transport/blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Free blocks kept: 4 MiB, a fast flow's window, so that steady traffic never reaches malloc. */
#define FREE_KEPT 256
#define SPANS_PER_CHUNK 255

struct chunk {
    struct chunk *next;
    struct sc_span span[SPANS_PER_CHUNK];
};

void sc_block_pool_init(struct sc_block_pool *p, size_t memory)
{
    *p = (struct sc_block_pool){.limit = memory / SC_BLOCK_LEN};
}

void sc_block_pool_fini(struct sc_block_pool *p)
{
    assert(p->used == 0);
    while (p->free_block) {
        void *next = *(void **)p->free_block;
        free(p->free_block);
        p->free_block = next;
    }
    while (p->span_chunks) {
        struct chunk *next = ((struct chunk *)p->span_chunks)->next;
        free(p->span_chunks);
        p->span_chunks = next;
    }
}

static size_t share(const struct sc_block_pool *p, enum sc_block_use use)
{
    switch (use) {
    case SC_BLOCK_SEND:
        return p->limit / 2;
    case SC_BLOCK_REORDER:
        return p->limit / 4 * 3;
    case SC_BLOCK_RECEIVE:
        return p->limit;
    case SC_BLOCK_PROMISED:
        break;
    }
    return SIZE_MAX;
}

size_t sc_block_left(const struct sc_block_pool *p, enum sc_block_use use)
{
    size_t most = share(p, use);
    return most > p->used ? most - p->used : 0;
}

uint8_t *sc_block_take(struct sc_block_pool *p, enum sc_block_use use)
{
    void *block = NULL;
    if (sc_block_left(p, use) > 0) {
        block = p->free_block;
        if (block) {
            p->free_block = *(void **)block;
            p->free_count--;
        } else {
            block = malloc(SC_BLOCK_LEN);
        }
    }
    if (block)
        p->used++;
    else
        p->refused++;
    return block;
}

void sc_block_put(struct sc_block_pool *p, uint8_t *block)
{
    assert(p->used > 0);
    p->used--;
    if (p->free_count >= FREE_KEPT) {
        free(block);
        return;
    }
    *(void **)(void *)block = p->free_block;
    p->free_block = block;
    p->free_count++;
}

size_t sc_block_pool_bytes(const struct sc_block_pool *p)
{
    return p->used * SC_BLOCK_LEN;
}

static void add_spans(struct sc_block_pool *p)
{
    struct chunk *c = malloc(sizeof *c);
    if (!c)
        return;
    c->next = p->span_chunks;
    p->span_chunks = c;
    for (size_t i = 0; i < SPANS_PER_CHUNK; i++)
        sc_span_put(p, &c->span[i]);
}

struct sc_span *sc_span_take(struct sc_block_pool *p)
{
    if (!p->free_span)
        add_spans(p);
    struct sc_span *s = p->free_span;
    if (s)
        p->free_span = s->next;
    return s;
}

void sc_span_put(struct sc_block_pool *p, struct sc_span *s)
{
    s->next = p->free_span;
    p->free_span = s;
}
