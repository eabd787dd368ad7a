#include "base/map.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void round_once(uint64_t v[4])
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
    m->bucket_count = m->count = 0;
}

static const void *key_of(const struct sc_map *m, const struct sc_map_node *n)
{
    return (const char *)n + m->key_offset;
}

static struct sc_map_node **bucket_of(const struct sc_map *m, uint64_t hash)
{
    return &m->bucket[hash & (m->bucket_count - 1)];
}

/* Doubles the buckets when there would be more entries than buckets. */
static int grow(struct sc_map *m)
{
    if (m->count < m->bucket_count)
        return 0;
    size_t count = m->bucket_count ? 2 * m->bucket_count : 16;
    struct sc_map_node **old = m->bucket;
    size_t old_count = m->bucket_count;
    struct sc_map_node **fresh = calloc(count, sizeof(struct sc_map_node *));
    if (!fresh)
        return old_count ? 0 : -ENOMEM; /* longer chains are better than no entry */
    m->bucket = fresh;
    m->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct sc_map_node *n = old[i], *next; n; n = next) {
            next = n->next;
            struct sc_map_node **b = bucket_of(m, n->hash);
            n->next = *b;
            *b = n;
        }
    }
    free(old);
    return 0;
}

int sc_map_insert(struct sc_map *m, struct sc_map_node *n)
{
    int err = grow(m);
    if (err < 0)
        return err;
    n->hash = sc_hash(m->seed, key_of(m, n), m->key_len);
    struct sc_map_node **b = bucket_of(m, n->hash);
    n->next = *b;
    n->linked = true;
    *b = n;
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
    size_t i = n ? (n->hash & (m->bucket_count - 1)) + 1 : 0;
    for (; i < m->bucket_count; i++)
        if (m->bucket[i])
            return m->bucket[i];
    return NULL;
}
