#include "router/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

void sc_pool_init(struct sc_pool *p, uint32_t base, unsigned bits, const uint64_t seed[2])
{
    *p = (struct sc_pool){.base = base, .bits = bits, .next = 1};
    sc_list_init(&p->unused);
    SC_MAP_INIT(&p->by_pool, struct sc_pool_entry, by_pool, pool, seed);
    SC_MAP_INIT(&p->by_service, struct sc_pool_entry, by_service, service, seed);
    SC_MAP_INIT(&p->by_name, struct sc_pool_entry, by_name, name, seed);
}

static struct sc_pool_entry *entry_of(struct sc_map_node *by_pool)
{
    return sc_container(by_pool, struct sc_pool_entry, by_pool);
}

static void forget(struct sc_pool *p, struct sc_pool_entry *e)
{
    sc_map_remove(&p->by_pool, &e->by_pool);
    sc_map_remove(&p->by_service, &e->by_service);
    sc_map_remove(&p->by_name, &e->by_name);
    sc_list_remove(&e->idle);
    free(e);
}

void sc_pool_fini(struct sc_pool *p)
{
    struct sc_map_node *n = sc_map_next(&p->by_service, NULL);
    while (n) { /* by service there are also those that have not got their address yet */
        struct sc_map_node *next = sc_map_next(&p->by_service, n);
        forget(p, sc_container(n, struct sc_pool_entry, by_service));
        n = next;
    }
    sc_map_fini(&p->by_pool);
    sc_map_fini(&p->by_service);
    sc_map_fini(&p->by_name);
}

/* Addresses that are given: all but those that end in .0 and .255. */
static bool is_given(uint32_t address)
{
    return (uint8_t)address != 0 && (uint8_t)address != 255;
}

uint32_t sc_pool_size(uint32_t base, unsigned bits)
{
    uint32_t size = bits ? 1u << (32 - bits) : 0;
    if (size >= 256)
        return size - size / 256 * 2;
    return size ? size - !is_given(base) - !is_given(base + size - 1) : 0;
}

uint32_t sc_pool_room(const struct sc_pool *p)
{
    uint32_t size = sc_pool_size(p->base, p->bits);
    return size < SC_MAPPINGS_MAX ? size : SC_MAPPINGS_MAX;
}

bool sc_pool_is_full(const struct sc_pool *p)
{
    return p->by_pool.count >= sc_pool_room(p);
}

struct sc_pool_entry *sc_pool_find(const struct sc_pool *p, uint32_t pool)
{
    struct sc_map_node *n = sc_map_find(&p->by_pool, &pool);
    return n ? entry_of(n) : NULL;
}

struct sc_pool_entry *sc_pool_find_service(const struct sc_pool *p, const struct sc_service_id *id)
{
    struct sc_service_id base = sc_service_id_at(*id, 0, 0);
    struct sc_map_node *n = sc_map_find(&p->by_service, &base);
    return n ? sc_container(n, struct sc_pool_entry, by_service) : NULL;
}

struct sc_pool_entry *sc_pool_find_name(const struct sc_pool *p, const char *name)
{
    char key[SC_NAME_MAX + 1] = {0};
    strncpy(key, name, sizeof key - 1);
    struct sc_map_node *n = sc_map_find(&p->by_name, key);
    return n ? sc_container(n, struct sc_pool_entry, by_name) : NULL;
}

static bool inside(const struct sc_pool *p, uint32_t pool)
{
    return p->bits == 0 || (pool ^ p->base) >> (32 - p->bits) == 0;
}

/* So that it is found by what it stands for. */
static int insert(struct sc_pool *p, struct sc_pool_entry *e)
{
    int err = sc_map_insert(&p->by_service, &e->by_service);
    return err < 0 ? err : sc_map_insert(&p->by_name, &e->by_name);
}

static struct sc_pool_entry *new_entry(uint32_t pool, const struct sc_service_id *id,
                                       const char *name)
{
    struct sc_pool_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->pool = pool;
    e->service = sc_service_id_at(*id, 0, 0);
    snprintf(e->name, sizeof e->name, "%s", name);
    sc_list_init(&e->idle);
    sc_asked_init(&e->asked);
    return e;
}

int sc_pool_put(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id, const char *name)
{
    const struct sc_pool_entry *there = sc_pool_find(p, pool);
    const struct sc_pool_entry *known = sc_pool_find_service(p, id);
    const struct sc_pool_entry *named = sc_pool_find_name(p, name);
    if (there || known || named)
        return there == known && there == named ? 0 : -EEXIST;
    if (!inside(p, pool))
        return -EINVAL;
    if (p->by_pool.count >= SC_MAPPINGS_MAX)
        return -ENOSPC;
    struct sc_pool_entry *e = new_entry(pool, id, name);
    if (!e)
        return -ENOMEM;
    if (sc_map_insert(&p->by_pool, &e->by_pool) < 0 || insert(p, e) < 0) {
        forget(p, e);
        return -ENOMEM;
    }
    sc_list_append(&p->unused, &e->idle);
    return 0;
}

bool sc_pool_is_fresh(const struct sc_pool *p, const struct sc_pool_entry *e)
{
    return p->bits != 0 || e->generation == p->reuses;
}

/* --- a host's --------------------------------------------------------------------------------- */

int sc_pool_learn(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id,
                  const char *name)
{
    int err = sc_pool_put(p, pool, id, name);
    if (err == -EEXIST) {
        struct sc_pool_entry *e;
        while ((e = sc_pool_find(p, pool)) || (e = sc_pool_find_service(p, id)) ||
               (e = sc_pool_find_name(p, name)))
            forget(p, e);
    } else if (err == -ENOSPC) {
        forget(p, sc_pool_oldest(p));
    } else {
        return err;
    }
    return sc_pool_put(p, pool, id, name);
}

void sc_pool_vouch(struct sc_pool *p, const char *alias, const uint8_t key[SC_KEY_LEN],
                   enum sc_vouched by)
{
    struct sc_map_node *next, *n = sc_map_next(&p->by_pool, NULL);
    for (; n; n = next) {
        struct sc_pool_entry *e = entry_of(n);
        struct sc_service_name name;
        next = sc_map_next(&p->by_pool, n);
        if (sc_service_name_read(e->name, &name, NULL) < 0 || strcmp(name.provider, alias) != 0)
            continue;
        e->vouched = by;
        if (memcmp(e->key, key, SC_KEY_LEN) != 0)
            forget(p, e);
    }
}

/* --- a router's ------------------------------------------------------------------------------- */

struct sc_pool_entry *sc_pool_allocate(struct sc_pool *p, const struct sc_service_id *id,
                                       const char *name)
{
    uint32_t size = p->bits ? 1u << (32 - p->bits) : 0;
    if (sc_pool_is_full(p)) /* asking a full pool costs nothing */
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

struct sc_pool_entry *sc_pool_oldest(struct sc_pool *p)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &p->unused)
    {
        struct sc_pool_entry *e = sc_container(it, struct sc_pool_entry, idle);
        if (!e->change)
            return e;
    }
    return NULL;
}

struct sc_pool_entry *sc_pool_replace(struct sc_pool *p, struct sc_pool_entry *old,
                                      const struct sc_service_id *id, const char *name)
{
    struct sc_pool_entry *e = new_entry(old->pool, id, name);
    if (e && insert(p, e) < 0) {
        forget(p, e);
        return NULL;
    }
    if (e)
        e->reused = true;
    return e;
}

/* It is on the list when it may lose its address; a host may forget any. */
static void list(struct sc_pool *p, struct sc_pool_entry *e)
{
    sc_list_remove(&e->idle);
    if (p->bits == 0 || (!e->used && !e->held && !e->owned))
        sc_list_append(&p->unused, &e->idle);
}

void sc_pool_settle(struct sc_pool *p, struct sc_pool_entry *e, struct sc_pool_entry *old)
{
    forget(p, old);
    sc_map_insert(&p->by_pool, &e->by_pool); /* there is room: one was taken out */
    list(p, e);
    if (++p->reuses == 0)
        p->reuses = 1;
}

void sc_pool_drop(struct sc_pool *p, struct sc_pool_entry *e)
{
    forget(p, e);
}

void sc_pool_touch(struct sc_pool *p, struct sc_pool_entry *e)
{
    list(p, e);
}

void sc_pool_use(struct sc_pool *p, struct sc_pool_entry *e, bool used)
{
    e->used = used;
    list(p, e);
}

void sc_pool_hold(struct sc_pool *p, struct sc_pool_entry *e, bool held)
{
    e->held = held;
    list(p, e);
}

void sc_pool_own(struct sc_pool *p, struct sc_pool_entry *e, bool owned)
{
    e->owned = owned;
    list(p, e);
}
