#include "naming/service_table.h"

#include <stdlib.h>

void sc_service_table_init(struct sc_service_table *t, const uint64_t seed[2])
{
    *t = (struct sc_service_table){0};
    SC_MAP_INIT(&t->services, struct sc_service, node, id, seed);
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
    sc_list_init(&s->instances);
    if (sc_map_insert(&t->services, &s->node) < 0) {
        free(s);
        return NULL;
    }
    return s;
}

struct sc_instance *sc_service_table_add(struct sc_service_table *t, const struct sc_service_id *id,
                                         uint64_t host, void *app)
{
    if (t->instances >= SC_INSTANCES_MAX)
        return NULL;
    struct sc_service *s = make_service(t, id);
    struct sc_instance *i = s ? calloc(1, sizeof *i) : NULL;
    if (!i)
        return NULL;
    *i = (struct sc_instance){.service = s, .host = host, .app = app, .accepting = true};
    sc_list_init(&i->in_host);
    sc_list_append(&s->instances, &i->in_service);
    s->count++;
    t->instances++;
    return i;
}

void sc_service_table_remove(struct sc_service_table *t, struct sc_instance *i)
{
    struct sc_service *s = i->service;
    sc_list_remove(&i->in_service);
    sc_list_remove(&i->in_host);
    free(i);
    t->instances--;
    if (--s->count == 0) {
        sc_map_remove(&t->services, &s->node);
        free(s);
    }
}

void sc_service_table_fini(struct sc_service_table *t)
{
    struct sc_service *s = sc_service_table_next(t, NULL);
    while (s) {
        struct sc_service *next = sc_service_table_next(t, s);
        for (size_t left = s->count; left > 0; left--) /* the last one takes the service along */
            sc_service_table_remove(
                t, sc_container(s->instances.next, struct sc_instance, in_service));
        s = next;
    }
    sc_map_fini(&t->services);
}

static struct sc_instance *local_of(const struct sc_service *s)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->instances)
    {
        struct sc_instance *i = sc_container(it, struct sc_instance, in_service);
        if (i->host == 0 && i->accepting)
            return i;
    }
    return NULL;
}

struct sc_instance *sc_service_table_local(const struct sc_service_table *t, uint16_t port,
                                           uint8_t proto)
{
    for (struct sc_service *s = NULL; (s = sc_service_table_next(t, s)) != NULL;) {
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

struct sc_instance *sc_service_table_find(const struct sc_service_table *t,
                                          const struct sc_service_id *id, uint64_t host)
{
    struct sc_service *s = find_service(t, id);
    struct sc_list *it, *tmp;
    if (!s)
        return NULL;
    sc_list_each(it, tmp, &s->instances)
    {
        struct sc_instance *i = sc_container(it, struct sc_instance, in_service);
        if (i->host == host)
            return i;
    }
    return NULL;
}

static bool eligible(const struct sc_instance *i, const struct sc_choice *c)
{
    uint64_t host = i->host ? i->host : c->own;
    if (!i->accepting || (c->local_only && i->host) || (c->remote_only && !i->host))
        return false;
    for (size_t n = 0; n < c->exclude_count; n++)
        if (c->exclude[n] == host)
            return false;
    return true;
}

/* The eligible instance that the hash points at: counted first, then taken. */
static struct sc_instance *choose_from(struct sc_service *s, const struct sc_choice *c)
{
    struct sc_list *it, *tmp;
    size_t count = 0;
    sc_list_each(it, tmp, &s->instances) count +=
        eligible(sc_container(it, struct sc_instance, in_service), c);
    if (count == 0)
        return NULL;
    size_t left = c->hash % count;
    sc_list_each(it, tmp, &s->instances)
    {
        struct sc_instance *i = sc_container(it, struct sc_instance, in_service);
        if (eligible(i, c) && left-- == 0)
            return i;
    }
    return NULL;
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

struct sc_instance *sc_service_table_at(const struct sc_service_table *t, size_t index)
{
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&t->services, n)) != NULL;) {
        struct sc_service *s = sc_container(n, struct sc_service, node);
        if (index >= s->count) {
            index -= s->count;
            continue;
        }
        struct sc_list *it = s->instances.next;
        while (index-- > 0)
            it = it->next;
        return sc_container(it, struct sc_instance, in_service);
    }
    return NULL;
}
