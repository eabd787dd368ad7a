#include "naming/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"

void sc_pool_init(struct sc_pool *p, uint32_t base, unsigned bits, const uint64_t seed[2])
{
    *p = (struct sc_pool){.base = base, .bits = bits, .next = 1};
    SC_MAP_INIT(&p->by_pool, struct sc_pool_entry, by_pool, pool, seed);
    SC_MAP_INIT(&p->by_service, struct sc_pool_entry, by_service, service, seed);
}

static void forget(struct sc_pool *p, struct sc_map_node *by_pool)
{
    struct sc_pool_entry *e = sc_container(by_pool, struct sc_pool_entry, by_pool);
    sc_map_remove(&p->by_pool, &e->by_pool);
    sc_map_remove(&p->by_service, &e->by_service);
    free(e);
}

void sc_pool_fini(struct sc_pool *p)
{
    struct sc_map_node *n = sc_map_next(&p->by_pool, NULL);
    while (n) {
        struct sc_map_node *next = sc_map_next(&p->by_pool, n);
        forget(p, n);
        n = next;
    }
    sc_map_fini(&p->by_pool);
    sc_map_fini(&p->by_service);
}

const struct sc_pool_entry *sc_pool_find(const struct sc_pool *p, uint32_t pool)
{
    struct sc_map_node *n = sc_map_find(&p->by_pool, &pool);
    return n ? sc_container(n, struct sc_pool_entry, by_pool) : NULL;
}

const struct sc_pool_entry *sc_pool_find_service(const struct sc_pool *p,
                                                 const struct sc_service_id *id)
{
    struct sc_service_id base = sc_service_id_at(*id, 0, 0);
    struct sc_map_node *n = sc_map_find(&p->by_service, &base);
    return n ? sc_container(n, struct sc_pool_entry, by_service) : NULL;
}

static bool inside(const struct sc_pool *p, uint32_t pool)
{
    return p->bits == 0 || (pool ^ p->base) >> (32 - p->bits) == 0;
}

int sc_pool_put(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id, const char *name)
{
    const struct sc_pool_entry *there = sc_pool_find(p, pool);
    const struct sc_pool_entry *known = sc_pool_find_service(p, id);
    if (there || known)
        return there == known ? 0 : -EEXIST;
    if (!inside(p, pool))
        return -EINVAL;
    if (p->by_pool.count >= SC_MAPPINGS_MAX)
        return -ENOSPC;
    struct sc_pool_entry *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->pool = pool;
    e->service = sc_service_id_at(*id, 0, 0);
    snprintf(e->name, sizeof e->name, "%s", name);
    if (sc_map_insert(&p->by_pool, &e->by_pool) < 0 ||
        sc_map_insert(&p->by_service, &e->by_service) < 0) {
        forget(p, &e->by_pool);
        return -ENOMEM;
    }
    return 0;
}

int sc_pool_learn(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id,
                  const char *name)
{
    int err = sc_pool_put(p, pool, id, name);
    if (err != -EEXIST)
        return err;
    struct sc_map_node *n = sc_map_find(&p->by_pool, &pool);
    if (n)
        forget(p, n);
    const struct sc_pool_entry *e = sc_pool_find_service(p, id);
    n = e ? sc_map_find(&p->by_pool, &e->pool) : NULL;
    if (n)
        forget(p, n);
    return sc_pool_put(p, pool, id, name);
}

/* Addresses that are given: all but those that end in .0 and .255. */
static bool is_given(uint32_t address)
{
    return (uint8_t)address != 0 && (uint8_t)address != 255;
}

/* So that asking a full pool costs nothing. Pools smaller than a /24 hold a few less; the search
 * finds that out. */
static bool is_full(const struct sc_pool *p, uint32_t size)
{
    return p->by_pool.count >= size - size / 256 * 2;
}

const struct sc_pool_entry *sc_pool_allocate(struct sc_pool *p, const struct sc_service_id *id,
                                             const char *name)
{
    uint32_t size = p->bits ? 1u << (32 - p->bits) : 0;
    if (is_full(p, size))
        return NULL;
    for (uint32_t tried = 0; tried < size; tried++) {
        uint32_t offset = p->next++ & (size - 1);
        if (!is_given(p->base + offset) || sc_pool_find(p, p->base + offset))
            continue;
        if (sc_pool_put(p, p->base + offset, id, name) < 0)
            return NULL;
        return sc_pool_find(p, p->base + offset);
    }
    return NULL;
}
