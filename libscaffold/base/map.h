/* Hash map with intrusive nodes and fixed-length byte keys that live in the owner's structure.
 * Seeded, so that a peer who chooses keys cannot choose collisions. Not thread-safe. */
#ifndef SC_BASE_MAP_H
#define SC_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sc_map_node {
    struct sc_map_node *next;
    uint64_t hash;
    bool linked;
};

struct sc_map {
    struct sc_map_node **bucket;
    size_t bucket_count; /* grows one by one, so that no insertion costs more than another; 0 before
                            the first */
    size_t level;        /* the power of two at or below bucket_count */
    size_t room;         /* buckets that there is memory for */
    size_t count;
    size_t key_len;
    ptrdiff_t key_offset; /* from the node to the key */
    uint64_t seed[2];
};

/* Map of structures of `type`, whose `node` is a struct sc_map_node and whose key is `key`. */
#define SC_MAP_INIT(map, type, node, key, seed)                                                    \
    sc_map_init(map, sizeof(((type *)0)->key),                                                     \
                (ptrdiff_t)offsetof(type, key) - (ptrdiff_t)offsetof(type, node), seed)

void sc_map_init(struct sc_map *m, size_t key_len, ptrdiff_t key_offset, const uint64_t seed[2]);
void sc_map_fini(struct sc_map *m); /* frees the buckets, not the entries */

/* Inserts a node whose key is set and not present. Returns 0 or -ENOMEM. */
int sc_map_insert(struct sc_map *m, struct sc_map_node *n);

/* Removes a node; nothing happens when it is not linked. */
void sc_map_remove(struct sc_map *m, struct sc_map_node *n);

/* The node with this key, or NULL. */
struct sc_map_node *sc_map_find(const struct sc_map *m, const void *key);

/* Iteration in no order: pass NULL first. The current node may be removed only after its successor
 * was asked for. */
struct sc_map_node *sc_map_next(const struct sc_map *m, const struct sc_map_node *n);

/* A walk in pieces, between which the map may change: the next bucket's entries, to be followed by
 * their `next`, or NULL when it has none. *cursor is 0 before the first piece, and 0 again after
 * the last one. What is there from beginning to end is met exactly once; what comes or goes
 * meanwhile at most once. */
struct sc_map_node *sc_map_scan(const struct sc_map *m, size_t *cursor);

/* SipHash-1-3 of `len` bytes (Aumasson and Bernstein, 2012), for hash tables only. */
uint64_t sc_hash(const uint64_t seed[2], const void *data, size_t len);

#endif
