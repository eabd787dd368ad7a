#include "router/askers.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

void sc_askers_init(struct sc_askers *a, const uint64_t seed[2])
{
    SC_MAP_INIT(&a->accounts, struct sc_asker, node, place, seed);
}

static void close_account(struct sc_askers *a, struct sc_asker *asker)
{
    sc_map_remove(&a->accounts, &asker->node);
    free(asker);
}

void sc_askers_fini(struct sc_askers *a)
{
    struct sc_map_node *n = sc_map_next(&a->accounts, NULL);
    while (n) {
        struct sc_map_node *next = sc_map_next(&a->accounts, n);
        close_account(a, sc_container(n, struct sc_asker, node));
        n = next;
    }
    sc_map_fini(&a->accounts);
}

static void place_of(const struct sc_underlay *from, uint8_t place[9])
{
    memset(place, 0, 9);
    place[0] = from->family;
    memcpy(place + 1, from->ip, from->family == 4 ? 4 : 8);
}

static struct sc_asker *find(const struct sc_askers *a, const struct sc_underlay *from)
{
    uint8_t place[9];
    place_of(from, place);
    struct sc_map_node *n = sc_map_find(&a->accounts, place);
    return n ? sc_container(n, struct sc_asker, node) : NULL;
}

static struct sc_asker *open_account(struct sc_askers *a, const struct sc_underlay *from)
{
    struct sc_asker *asker = calloc(1, sizeof *asker);
    if (!asker)
        return NULL;
    place_of(from, asker->place);
    sc_list_init(&asker->names);
    if (sc_map_insert(&a->accounts, &asker->node) == 0)
        return asker;
    free(asker);
    return NULL;
}

void sc_asked_init(struct sc_asked *n)
{
    *n = (struct sc_asked){.asker = NULL};
    sc_list_init(&n->link);
}

bool sc_askers_may(struct sc_askers *a, const struct sc_underlay *from, uint32_t share, sc_time now)
{
    struct sc_asker *asker = find(a, from);
    if (!asker || asker->count < share)
        return true;
    struct sc_list *first = sc_list_first(&asker->names);
    struct sc_asked *oldest = first ? sc_container(first, struct sc_asked, link) : NULL;
    if (!oldest || now - oldest->at < SC_NAME_COUNTS)
        return false;
    sc_askers_take(a, oldest);
    return true;
}

void sc_askers_put(struct sc_askers *a, const struct sc_underlay *from, struct sc_asked *n,
                   sc_time now)
{
    n->at = now;
    n->asker = find(a, from);
    if (!n->asker)
        n->asker = open_account(a, from);
    if (!n->asker)
        return;
    n->asker->count++;
    sc_list_append(&n->asker->names, &n->link);
}

void sc_asked_touch(struct sc_asked *n, sc_time now)
{
    n->at = now;
    if (sc_list_empty(&n->link))
        return;
    sc_list_remove(&n->link);
    sc_list_append(&n->asker->names, &n->link);
}

void sc_asked_keep(struct sc_asked *n)
{
    sc_list_remove(&n->link);
}

void sc_askers_take(struct sc_askers *a, struct sc_asked *n)
{
    if (!n->asker)
        return;
    sc_list_remove(&n->link);
    if (--n->asker->count == 0)
        close_account(a, n->asker);
    n->asker = NULL;
}
