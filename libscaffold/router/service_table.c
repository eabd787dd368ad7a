#include "router/service_table.h"

#include <stdlib.h>

/* Instances that are counted rather than picked from, and picks before they are counted after all:
 * more than the hosts that one OPEN can exclude. */
#define FEW 64
#define PICKS 32

static const uint64_t pick_seed[2] = {0, 0}; /* a choice gives nothing away, and may be repeated */

void sc_service_table_init(struct sc_service_table *t, const uint64_t seed[2])
{
    *t = (struct sc_service_table){0};
    SC_MAP_INIT(&t->services, struct sc_service, node, id, seed);
    SC_MAP_INIT(&t->by_key, struct sc_instance, node, key, seed);
    for (size_t i = 0; i < SC_SERVICE_PORTS; i++)
        sc_list_init(&t->by_port[i]);
}

static struct sc_service *find_service(const struct sc_service_table *t,
                                       const struct sc_service_id *id)
{
    struct sc_map_node *n = sc_map_find(&t->services, id);
    return n ? sc_container(n, struct sc_service, node) : NULL;
}

static struct sc_service *make_service(struct sc_service_table *t, const struct sc_service_id *id)
{
    struct sc_service *s = find_service(t, id);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->id = *id;
    sc_list_init(&s->by_port);
    if (sc_map_insert(&t->services, &s->node) < 0) {
        free(s);
        return NULL;
    }
    return s;
}

static void drop_if_empty(struct sc_service_table *t, struct sc_service *s)
{
    if (s->count > 0)
        return;
    sc_map_remove(&t->services, &s->node);
    free(s->instance);
    free(s);
}

/* --- the array of a service's instances ------------------------------------------------------- */

static bool make_room(struct sc_service *s)
{
    if (s->count < s->room)
        return true;
    size_t room = s->room ? 2 * s->room : 1;
    struct sc_instance **grown = realloc(s->instance, room * sizeof *grown);
    if (!grown)
        return false;
    s->instance = grown;
    s->room = room;
    return true;
}

static void place(struct sc_service *s, struct sc_instance *i, size_t at)
{
    s->instance[at] = i;
    i->at = at;
}

static void put(struct sc_service_table *t, struct sc_service *s, struct sc_instance *i)
{
    size_t at = s->count++;
    if (i->host == 0) {
        if (s->local == 0)
            sc_list_append(&t->by_port[sc_service_id_port(&s->id) % SC_SERVICE_PORTS], &s->by_port);
        if (at > s->local)
            place(s, s->instance[s->local], at); /* the first remote one makes way */
        at = s->local++;
    }
    place(s, i, at);
}

static void take(struct sc_service *s, const struct sc_instance *i)
{
    size_t hole = i->at;
    if (i->host == 0) {
        place(s, s->instance[--s->local], hole);
        hole = s->local;
        if (s->local == 0)
            sc_list_remove(&s->by_port);
    }
    if (hole < --s->count) /* else nothing stands behind it: the last local one has moved already */
        place(s, s->instance[s->count], hole);
}

/* --- instances -------------------------------------------------------------------------------- */

struct sc_instance *sc_service_table_add(struct sc_service_table *t, const struct sc_service_id *id,
                                         uint64_t host, void *app)
{
    if (t->instances >= SC_INSTANCES_MAX)
        return NULL;
    struct sc_service *s = make_service(t, id);
    struct sc_instance *i = s ? calloc(1, sizeof *i) : NULL;
    if (!s)
        return NULL;
    if (i)
        *i = (struct sc_instance){
            .key = {.service = *id, .host = host, .number = host ? 0 : ++t->numbers},
            .service = s,
            .host = host,
            .app = app,
            .accepting = true};
    if (!i || !make_room(s) || sc_map_insert(&t->by_key, &i->node) < 0) {
        free(i);
        drop_if_empty(t, s);
        return NULL;
    }
    sc_list_init(&i->in_host);
    sc_list_init(&i->flows);
    put(t, s, i);
    t->instances++;
    return i;
}

void sc_service_table_remove(struct sc_service_table *t, struct sc_instance *i)
{
    struct sc_service *s = i->service;
    take(s, i);
    sc_map_remove(&t->by_key, &i->node);
    sc_list_remove(&i->in_host);
    free(i);
    t->instances--;
    drop_if_empty(t, s);
}

void sc_service_table_fini(struct sc_service_table *t)
{
    struct sc_service *s = sc_service_table_next(t, NULL);
    while (s) {
        struct sc_service *next = sc_service_table_next(t, s);
        for (size_t left = s->count; left > 0; left--) /* the last one takes the service along */
            sc_service_table_remove(t, s->instance[0]);
        s = next;
    }
    sc_map_fini(&t->services);
    sc_map_fini(&t->by_key);
}

static struct sc_instance *local_of(const struct sc_service *s)
{
    for (size_t i = 0; i < s->local; i++)
        if (s->instance[i]->accepting)
            return s->instance[i];
    return NULL;
}

struct sc_instance *sc_service_table_local(const struct sc_service_table *t, uint16_t port,
                                           uint8_t proto)
{
    const struct sc_list *head = &t->by_port[port % SC_SERVICE_PORTS];
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, head)
    {
        const struct sc_service *s = sc_container(it, struct sc_service, by_port);
        bool same = sc_service_id_port(&s->id) == port && sc_service_id_proto(&s->id) == proto;
        struct sc_instance *i = same ? local_of(s) : NULL;
        if (i)
            return i;
    }
    return NULL;
}

struct sc_service *sc_service_table_next(const struct sc_service_table *t,
                                         const struct sc_service *s)
{
    struct sc_map_node *n = sc_map_next(&t->services, s ? &s->node : NULL);
    return n ? sc_container(n, struct sc_service, node) : NULL;
}

bool sc_service_table_serves(const struct sc_service_table *t, const struct sc_service_id *id)
{
    return find_service(t, id) != NULL;
}

struct sc_instance *sc_service_table_find(const struct sc_service_table *t,
                                          const struct sc_service_id *id, uint64_t host)
{
    struct sc_instance_key key = {.service = *id, .host = host};
    struct sc_map_node *n = sc_map_find(&t->by_key, &key);
    return n ? sc_container(n, struct sc_instance, node) : NULL;
}

uint64_t sc_service_table_digest(const struct sc_service_id *id)
{
    static const uint64_t no_seed[2] = {0, 0};
    return sc_hash(no_seed, id->bytes, sizeof id->bytes);
}

/* --- choosing --------------------------------------------------------------------------------- */

static bool is_excluded(const struct sc_choice *c, uint64_t host)
{
    for (size_t n = 0; n < c->exclude_count; n++)
        if (c->exclude[n] == host)
            return true;
    return false;
}

static bool eligible(const struct sc_instance *i, const struct sc_choice *c)
{
    return i->accepting && !is_excluded(c, i->host ? i->host : c->own);
}

/* Of a few: the eligible one that the hash points at, counted first, then taken. */
static struct sc_instance *choose_counted(struct sc_instance **from, size_t n,
                                          const struct sc_choice *c)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += eligible(from[i], c);
    if (count == 0)
        return NULL;
    size_t left = c->hash % count;
    for (size_t i = 0; i < n; i++)
        if (eligible(from[i], c) && left-- == 0)
            return from[i];
    return NULL;
}

/* Of many: the first eligible one of those that the hash, and what follows from it, point at. No
 * more than SC_OPEN_EXCLUDE hosts are excluded, so that all of PICKS fail is next to impossible;
 * full queues of this host's own instances are the exception, and those are counted then. */
static struct sc_instance *choose_picked(struct sc_instance **from, size_t n,
                                         const struct sc_choice *c)
{
    uint64_t hash = c->hash;
    for (int i = 0; i < PICKS; i++) {
        struct sc_instance *one = from[hash % n];
        if (eligible(one, c))
            return one;
        hash = sc_hash(pick_seed, &hash, sizeof hash);
    }
    return choose_counted(from, n, c);
}

static struct sc_instance *choose_from(const struct sc_service *s, const struct sc_choice *c)
{
    size_t first = c->remote_only || is_excluded(c, c->own) ? s->local : 0;
    size_t end = c->local_only ? s->local : s->count;
    if (first >= end)
        return NULL;
    struct sc_instance **from = &s->instance[first];
    return end - first <= FEW ? choose_counted(from, end - first, c)
                              : choose_picked(from, end - first, c);
}

struct sc_instance *sc_service_table_choose(const struct sc_service_table *t,
                                            const struct sc_service_id *id,
                                            const struct sc_choice *c)
{
    struct sc_service_id all_ports = sc_service_id_at(*id, 0, 0);
    struct sc_service *s = find_service(t, id);
    struct sc_instance *i = s ? choose_from(s, c) : NULL;
    if (i)
        return i;
    s = find_service(t, &all_ports);
    return s ? choose_from(s, c) : NULL;
}
