#include "stack/denials.h"

#include <stdlib.h>

#include "base/list.h"

static struct sc_denied *denied_of(struct sc_map_node *n)
{
    return n ? sc_container(n, struct sc_denied, node) : NULL;
}

void sc_denials_init(struct sc_denials *d, const uint64_t seed[2])
{
    *d = (struct sc_denials){0};
    SC_MAP_INIT(&d->by_service, struct sc_denied, node, service, seed);
}

void sc_denials_fini(struct sc_denials *d)
{
    for (struct sc_denied *one; (one = sc_denials_any(d)) != NULL;)
        sc_denials_take(d, &one->service);
    sc_map_fini(&d->by_service);
}

struct sc_denied *sc_denials_find(const struct sc_denials *d, const struct sc_service_id *service)
{
    return denied_of(sc_map_find(&d->by_service, service));
}

struct sc_denied *sc_denials_any(const struct sc_denials *d)
{
    return denied_of(sc_map_next(&d->by_service, NULL));
}

static struct sc_denied *make(struct sc_denials *d, const struct sc_service_id *service)
{
    struct sc_denied *one = sc_denials_find(d, service);
    if (one)
        return one;
    one = calloc(1, sizeof *one);
    if (!one)
        return NULL;
    one->service = *service;
    if (sc_map_insert(&d->by_service, &one->node) == 0)
        return one;
    free(one);
    return NULL;
}

bool sc_denials_show(struct sc_denials *d, const struct sc_service_id *service)
{
    struct sc_denied *one = make(d, service);
    if (one)
        one->shown = true;
    return one != NULL;
}

bool sc_denials_put(struct sc_denials *d, const struct sc_service_id *service, enum sc_denial why)
{
    struct sc_denied *one = make(d, service);
    if (!one)
        return false;
    bool is_new = one->why == SC_DENIAL_NONE;
    one->why = why;
    d->count += is_new;
    return is_new;
}

bool sc_denials_take(struct sc_denials *d, const struct sc_service_id *service)
{
    struct sc_denied *one = sc_denials_find(d, service);
    if (!one)
        return false;
    bool was_denied = one->why != SC_DENIAL_NONE;
    d->count -= was_denied;
    sc_map_remove(&d->by_service, &one->node);
    free(one);
    return was_denied;
}
