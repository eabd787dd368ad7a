#include "base/map.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A power of two: a table of a few entries is one cache line or two. */
#define FIRST_BUCKETS 16

static inline uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void round_once(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t sc_hash(const uint64_t seed[2], const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t v[4] = {seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
                     seed[0] ^ UINT64_C(0x6c7967656e657261),
                     seed[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t last = (uint64_t)len << 56;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        word = le64toh(word); /* the digest of a REFRESH is made of these: hosts must agree */
        v[3] ^= word;
        round_once(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)p[i] << (8 * i);
    v[3] ^= last;
    round_once(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        round_once(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void sc_map_init(struct sc_map *m, size_t key_len, ptrdiff_t key_offset, const uint64_t seed[2])
{
    *m = (struct sc_map){.key_len = key_len, .key_offset = key_offset, .seed = {seed[0], seed[1]}};
}

void sc_map_fini(struct sc_map *m)
{
    free(m->bucket);
    m->bucket = NULL;
    m->bucket_count = m->level = m->room = m->count = 0;
}

static const void *key_of(const struct sc_map *m, const struct sc_map_node *n)
{
    return (const char *)n + m->key_offset;
}

/* Those below `level` that have been split already share their hashes with their upper half. */
static size_t index_of(const struct sc_map *m, uint64_t hash)
{
    size_t i = hash & (2 * m->level - 1);
    return i < m->bucket_count ? i : i - m->level;
}

static struct sc_map_node **bucket_of(const struct sc_map *m, uint64_t hash)
{
    return &m->bucket[index_of(m, hash)];
}

/* Room for one more bucket; false when there is none. */
static bool make_room(struct sc_map *m)
{
    if (m->bucket_count < m->room)
        return true;
    size_t room = m->room ? 2 * m->room : FIRST_BUCKETS;
    struct sc_map_node **grown = realloc(m->bucket, room * sizeof *grown);
    if (!grown)
        return false;
    m->bucket = grown;
    m->room = room;
    return true;
}

static void push(struct sc_map_node **bucket, struct sc_map_node *n)
{
    n->next = *bucket;
    *bucket = n;
}

/* The oldest bucket that is still whole gives half of its entries to a new one. */
static void split(struct sc_map *m)
{
    size_t from = m->bucket_count - m->level;
    struct sc_map_node *n = m->bucket[from], *next;
    m->bucket[from] = m->bucket[m->bucket_count++] = NULL;
    for (; n; n = next) {
        next = n->next;
        push(bucket_of(m, n->hash), n);
    }
    if (m->bucket_count == 2 * m->level)
        m->level *= 2;
}

/* One bucket more when there would be more entries than buckets. */
static int grow(struct sc_map *m)
{
    if (m->count < m->bucket_count)
        return 0;
    if (!make_room(m))
        return m->bucket_count ? 0 : -ENOMEM; /* longer chains are better than no entry */
    if (m->bucket_count) {
        split(m);
        return 0;
    }
    memset(m->bucket, 0, FIRST_BUCKETS * sizeof *m->bucket);
    m->bucket_count = m->level = FIRST_BUCKETS;
    return 0;
}

int sc_map_insert(struct sc_map *m, struct sc_map_node *n)
{
    int err = grow(m);
    if (err < 0)
        return err;
    n->hash = sc_hash(m->seed, key_of(m, n), m->key_len);
    push(bucket_of(m, n->hash), n);
    n->linked = true;
    m->count++;
    return 0;
}

void sc_map_remove(struct sc_map *m, struct sc_map_node *n)
{
    if (!n->linked)
        return;
    struct sc_map_node **at = bucket_of(m, n->hash);
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    n->next = NULL;
    n->linked = false;
    m->count--;
}

struct sc_map_node *sc_map_find(const struct sc_map *m, const void *key)
{
    if (m->count == 0)
        return NULL;
    uint64_t hash = sc_hash(m->seed, key, m->key_len);
    struct sc_map_node *n = *bucket_of(m, hash);
    while (n && (n->hash != hash || memcmp(key_of(m, n), key, m->key_len) != 0))
        n = n->next;
    return n;
}

struct sc_map_node *sc_map_next(const struct sc_map *m, const struct sc_map_node *n)
{
    if (n && n->next)
        return n->next;
    size_t i = n ? index_of(m, n->hash) + 1 : 0;
    for (; i < m->bucket_count; i++)
        if (m->bucket[i])
            return m->bucket[i];
    return NULL;
}

/* Counted up from the highest bit downwards (the scan of Redis' tables): the two halves of a bucket
 * that is split follow each other, so that whatever was met in the whole one is not met again. */
struct sc_map_node *sc_map_scan(const struct sc_map *m, size_t *cursor)
{
    size_t at = *cursor;
    *cursor = 0;
    if (m->bucket_count == 0)
        return NULL;
    size_t low = at & (m->level - 1);
    bool halved = low + m->level < m->bucket_count;
    size_t bit = halved ? m->level : m->level / 2;
    struct sc_map_node *first = m->bucket[index_of(m, at)];
    while (bit && at & bit) {
        at ^= bit;
        bit /= 2;
    }
    *cursor = bit ? at | bit : 0;
    return first;
}
