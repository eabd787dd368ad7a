/* Which IPv4 address stands for which service: both ways, bounded by SC_MAPPINGS_MAX. A router
 * allocates; a host remembers what it was told. Not thread-safe. */
#ifndef SC_NAMING_POOL_H
#define SC_NAMING_POOL_H

#include "base/map.h"
#include "naming/name.h"

struct sc_pool {
    struct sc_map by_pool;
    struct sc_map by_service;
    uint32_t base; /* host order */
    unsigned bits; /* 0: any address, for hosts, which are told */
    uint32_t next; /* offset to try first */
};

struct sc_pool_entry {
    struct sc_map_node by_pool, by_service;
    uint32_t pool;
    struct sc_service_id service; /* port and protocol 0 */
    char name[SC_NAME_MAX + 1];
};

void sc_pool_init(struct sc_pool *p, uint32_t base, unsigned bits, const uint64_t seed[2]);
void sc_pool_fini(struct sc_pool *p);

const struct sc_pool_entry *sc_pool_find(const struct sc_pool *p, uint32_t pool);

/* By service id; port and protocol are ignored. */
const struct sc_pool_entry *sc_pool_find_service(const struct sc_pool *p,
                                                 const struct sc_service_id *id);

/* Puts a mapping in. Returns 0, -EEXIST (address or service is mapped otherwise), -EINVAL (outside
 * the pool), -ENOSPC or -ENOMEM. The same mapping again is 0. */
int sc_pool_put(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id, const char *name);

/* The same, but what contradicts it is forgotten first: a host believes its router's newest word.
 * Returns 0, -ENOSPC or -ENOMEM. */
int sc_pool_learn(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id,
                  const char *name);

/* A fresh address for a service that has none; NULL when the pool is exhausted or memory short.
 * Addresses ending in .0 and .255 are left out: some programs take them for networks. */
const struct sc_pool_entry *sc_pool_allocate(struct sc_pool *p, const struct sc_service_id *id,
                                             const char *name);

#endif
