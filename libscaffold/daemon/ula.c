#include "daemon/ula.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"
#include "naming/name.h"

struct entry {
    struct sc_map_node node;
    uint8_t ip[16];
    struct sc_service_id service;
};

void sc_ula_init(struct sc_ula_table *t, const uint64_t seed[2])
{
    SC_MAP_INIT(&t->map, struct entry, node, ip, seed);
}

void sc_ula_fini(struct sc_ula_table *t)
{
    struct sc_map_node *n = sc_map_next(&t->map, NULL);
    while (n) {
        struct sc_map_node *next = sc_map_next(&t->map, n);
        sc_map_remove(&t->map, n);
        free(sc_container(n, struct entry, node));
        n = next;
    }
    sc_map_fini(&t->map);
}

struct sc_address sc_ula_of(struct sc_ula_table *t, const struct sc_service_id *id)
{
    struct sc_address a = {.ip = SC_POOL6_PREFIX};
    sc_id_ula_hash(id, a.ip + 6);
    if (sc_map_find(&t->map, a.ip) || t->map.count >= SC_MAPPINGS_MAX)
        return a;
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return a;
    memcpy(e->ip, a.ip, sizeof e->ip);
    e->service = sc_service_id_at(*id, 0, 0);
    if (sc_map_insert(&t->map, &e->node) < 0)
        free(e);
    return a;
}

bool sc_ula_find(const struct sc_ula_table *t, const struct sc_address *a,
                 struct sc_service_id *out)
{
    struct sc_map_node *n = sc_map_find(&t->map, a->ip);
    if (n)
        *out = sc_container(n, struct entry, node)->service;
    return n != NULL;
}
