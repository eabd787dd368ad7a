#include "daemon/ula.h"

#include <stdlib.h>

#include "base/limits.h"
#include "naming/service_name.h"

struct entry {
    struct sc_map_node node;
    struct sc_list link;
    uint8_t ip[16];
    struct sc_service_id service;
    struct sc_share share;
    sc_time charged_at;
};

void sc_ula_init(struct sc_ula_table *t, struct sc_shares *shares, const uint64_t seed[2])
{
    t->shares = shares;
    sc_list_init(&t->charged);
    sc_list_init(&t->free);
    SC_MAP_INIT(&t->map, struct entry, node, ip, seed);
}

static struct entry *first_of(struct sc_list *list)
{
    struct sc_list *first = sc_list_first(list);
    return first ? sc_container(first, struct entry, link) : NULL;
}

static void forget(struct sc_ula_table *t, struct entry *e)
{
    sc_share_give(t->shares, &e->share);
    sc_list_remove(&e->link);
    sc_map_remove(&t->map, &e->node);
    free(e);
}

void sc_ula_fini(struct sc_ula_table *t)
{
    struct entry *e;
    while ((e = first_of(&t->charged)) != NULL || (e = first_of(&t->free)) != NULL)
        forget(t, e);
    sc_map_fini(&t->map);
}

static struct sc_address address_of(const struct sc_service_id *id)
{
    struct sc_address a = {.ip = SC_POOL6_PREFIX};
    sc_id_ula_hash(id, a.ip + 6);
    return a;
}

/* The entry, which was used just now. */
static struct entry *find(struct sc_ula_table *t, const struct sc_address *a)
{
    struct sc_map_node *n = sc_map_find(&t->map, a->ip);
    struct entry *e = n ? sc_container(n, struct entry, node) : NULL;
    if (!e)
        return NULL;
    sc_list_remove(&e->link);
    sc_list_append(e->share.user ? &t->charged : &t->free, &e->link);
    return e;
}

static struct entry *add(struct sc_ula_table *t, const struct sc_address *a,
                         const struct sc_service_id *id)
{
    if (t->map.count >= SC_MAPPINGS_MAX)
        forget(t, sc_list_empty(&t->free) ? first_of(&t->charged) : first_of(&t->free));
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    memcpy(e->ip, a->ip, sizeof e->ip);
    e->service = sc_service_id_at(*id, 0, 0);
    if (sc_map_insert(&t->map, &e->node) < 0) {
        free(e);
        return NULL;
    }
    sc_list_init(&e->link);
    sc_list_append(&t->free, &e->link);
    return e;
}

struct sc_address sc_ula_of(struct sc_ula_table *t, const struct sc_service_id *id)
{
    struct sc_address a = address_of(id);
    if (!find(t, &a))
        add(t, &a, id);
    return a;
}

bool sc_ula_find(struct sc_ula_table *t, const struct sc_address *a, struct sc_service_id *out)
{
    const struct entry *e = find(t, a);
    if (e)
        *out = e->service;
    return e != NULL;
}

bool sc_ula_knows(struct sc_ula_table *t, const struct sc_service_id *id)
{
    struct sc_address a = address_of(id);
    return find(t, &a) != NULL;
}

void sc_ula_charge(struct sc_ula_table *t, const struct sc_service_id *id, struct sc_share *share,
                   sc_time now)
{
    struct sc_address a = sc_ula_of(t, id);
    struct entry *e = find(t, &a);
    if (!e || e->share.user) { /* somebody else asked at the same time, or there is no memory */
        sc_share_give(t->shares, share);
        return;
    }
    e->share = *share;
    e->charged_at = now;
    *share = (struct sc_share){0};
    find(t, &a); /* to its list */
}

void sc_ula_age(struct sc_ula_table *t, sc_time now)
{
    struct entry *e;
    while ((e = first_of(&t->charged)) != NULL && now - e->charged_at >= SC_NAME_COUNTS) {
        sc_share_give(t->shares, &e->share);
        sc_list_remove(&e->link);
        sc_list_append(&t->free, &e->link);
    }
}
