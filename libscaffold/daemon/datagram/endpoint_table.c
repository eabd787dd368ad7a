#include "daemon/datagram/endpoint_table.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/datagram/endpoint.h"
#include "daemon/stream/client_port.h"

/* A host whose reply endpoints are known here, by the whole id of one of them. */
struct replier {
    struct sc_map_node node;
    struct sc_list link; /* oldest first */
    struct sc_service_id service;
    uint64_t host;
    sc_time until;
};

void sc_endpoint_table_init(struct sc_endpoint_table *t, uint64_t seed)
{
    unsigned range = SC_PORT_LAST - SC_PORT_FIRST + 1;
    t->seed[0] = seed;
    t->seed[1] = ~seed;
    sc_list_init(&t->kept);
    sc_list_init(&t->replier_ages);
    SC_MAP_INIT(&t->by_serial, struct sc_endpoint, by_serial, serial, t->seed);
    SC_MAP_INIT(&t->ports, struct sc_host_port, node, number, t->seed);
    SC_MAP_INIT(&t->groups, struct sc_endpoint_group, node, service, t->seed);
    SC_MAP_INIT(&t->repliers, struct replier, node, service, t->seed);
    t->next_port = (uint16_t)(SC_PORT_FIRST + (seed >> 16) % range);
}

/* --- ports ------------------------------------------------------------------------------------ */

static void forget_port(struct sc_endpoint_table *t, struct sc_host_port *p)
{
    if (!p->endpoint) {
        sc_list_remove(&p->link);
        t->kept_count--;
    }
    sc_map_remove(&t->ports, &p->node);
    free(p);
}

static void forget_old_ports(struct sc_endpoint_table *t, sc_time now)
{
    while (!sc_list_empty(&t->kept)) {
        struct sc_host_port *p = sc_container(sc_list_first(&t->kept), struct sc_host_port, link);
        if (p->until > now && t->kept_count <= SC_PORTS_KEPT_MAX)
            return;
        forget_port(t, p);
    }
}

static struct sc_host_port *use_port(struct sc_endpoint_table *t, uint16_t number)
{
    struct sc_host_port *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    sc_list_init(&p->link);
    p->number = number;
    if (sc_map_insert(&t->ports, &p->node) < 0) {
        free(p);
        return NULL;
    }
    return p;
}

static bool is_free(const struct sc_daemon *d, uint16_t port, const struct sc_service_id *service)
{
    if (sc_map_find(&d->endpoints.ports, &port))
        return false;
    if (!service)
        return true;
    struct sc_service_id id = sc_service_id_at(*service, port, IPPROTO_UDP);
    return !sc_endpoint_group_find(d, &id);
}

struct sc_host_port *sc_host_port_take(struct sc_daemon *d, uint16_t wanted,
                                       const struct sc_service_id *service)
{
    struct sc_endpoint_table *t = &d->endpoints;
    forget_old_ports(t, d->loop.now);
    if (wanted)
        return is_free(d, wanted, NULL) ? use_port(t, wanted) : NULL;
    for (int i = SC_PORT_FIRST; i <= SC_PORT_LAST; i++) {
        uint16_t port = t->next_port; /* in turn: one that was given back is not given out soon */
        t->next_port = port == SC_PORT_LAST ? SC_PORT_FIRST : (uint16_t)(port + 1);
        if (is_free(d, port, service))
            return use_port(t, port);
    }
    return NULL;
}

void sc_host_port_give(struct sc_daemon *d, struct sc_host_port *p, bool keep)
{
    struct sc_endpoint_table *t = &d->endpoints;
    if (!keep) {
        sc_map_remove(&t->ports, &p->node);
        free(p);
        return;
    }
    p->endpoint = NULL;
    p->until = d->loop.now + SC_PORT_KEPT_FOR;
    sc_list_append(&t->kept, &p->link);
    t->kept_count++;
    forget_old_ports(t, d->loop.now);
}

struct sc_endpoint *sc_host_port_find(const struct sc_daemon *d, uint16_t number)
{
    struct sc_map_node *n = sc_map_find(&d->endpoints.ports, &number);
    return n ? sc_container(n, struct sc_host_port, node)->endpoint : NULL;
}

/* --- groups ----------------------------------------------------------------------------------- */

struct sc_endpoint_group *sc_endpoint_group_find(const struct sc_daemon *d,
                                                 const struct sc_service_id *service)
{
    struct sc_map_node *n = sc_map_find(&d->endpoints.groups, service);
    return n ? sc_container(n, struct sc_endpoint_group, node) : NULL;
}

static bool is_reached_by_v4(const struct sc_endpoint *e)
{
    return e->family != SC_FAMILY_INET6 || !e->v6only;
}

bool sc_endpoint_reaches(const struct sc_endpoint *e, const struct sc_address *to)
{
    if (!e->wildcard)
        return memcmp(e->own.ip, to->ip, sizeof to->ip) == 0;
    return sc_address_is_v4(to) ? is_reached_by_v4(e) : e->family == SC_FAMILY_INET6;
}

/* 0.0.0.0:P and [::]:P of one process are one instance; on loopback the addresses decide. */
static bool overlap(const struct sc_endpoint *a, const struct sc_endpoint *b)
{
    if (!a->loopback)
        return a->family == b->family || a->pid != b->pid;
    if (a->wildcard && b->wildcard)
        return (is_reached_by_v4(a) && is_reached_by_v4(b)) || a->family == b->family;
    return a->wildcard ? sc_endpoint_reaches(a, &b->own) : sc_endpoint_reaches(b, &a->own);
}

/* UDP's rule on Linux. */
static bool may_share(const struct sc_endpoint *a, const struct sc_endpoint *b)
{
    return (a->reuseaddr && b->reuseaddr) || (a->reuseport && b->reuseport && a->uid == b->uid);
}

static struct sc_endpoint *in_the_way(struct sc_endpoint_group *g, const struct sc_endpoint *e)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->members)
    {
        struct sc_endpoint *other = sc_container(it, struct sc_endpoint, member);
        if (overlap(e, other) && !may_share(e, other))
            return other;
    }
    return NULL;
}

static struct sc_endpoint_group *new_group(struct sc_daemon *d, const struct sc_service_id *service)
{
    struct sc_endpoint_group *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->service = *service;
    sc_list_init(&g->members);
    if (sc_map_insert(&d->endpoints.groups, &g->node) < 0) {
        free(g);
        return NULL;
    }
    return g;
}

int sc_endpoint_group_join(struct sc_endpoint *e, const struct sc_service_id *service,
                           struct sc_endpoint **other)
{
    struct sc_endpoint_group *g = sc_endpoint_group_find(e->daemon, service);
    *other = g ? in_the_way(g, e) : NULL;
    if (*other)
        return EADDRINUSE;
    if (!g)
        g = new_group(e->daemon, service);
    if (!g)
        return ENOMEM;
    sc_list_append(&g->members, &e->member);
    e->group = g;
    return 0;
}

static bool wants_serving(const struct sc_endpoint_group *g)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->members)
    {
        const struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (e->bound && !e->reply)
            return true;
    }
    return false;
}

int sc_endpoint_group_serve(struct sc_daemon *d, struct sc_endpoint_group *g)
{
    if (wants_serving(g) && !g->instance)
        return -sc_stack_serve(d->stack, &g->service, g, &g->instance, d->loop.now);
    if (g->instance && !wants_serving(g)) {
        sc_stack_unserve(d->stack, g->instance, d->loop.now);
        g->instance = NULL;
    }
    return 0;
}

void sc_endpoint_group_leave(struct sc_endpoint *e)
{
    struct sc_endpoint_group *g = e->group;
    if (!g)
        return;
    e->group = NULL;
    sc_list_remove(&e->member);
    sc_endpoint_group_serve(e->daemon, g);
    if (!sc_list_empty(&g->members))
        return;
    sc_map_remove(&e->daemon->endpoints.groups, &g->node);
    free(g);
}

/* --- reply endpoints of other hosts ----------------------------------------------------------- */

static void forget_replier(struct sc_endpoint_table *t, struct replier *r)
{
    sc_map_remove(&t->repliers, &r->node);
    sc_list_remove(&r->link);
    free(r);
}

static struct replier *oldest_replier(struct sc_endpoint_table *t)
{
    struct sc_list *first = sc_list_first(&t->replier_ages);
    return first ? sc_container(first, struct replier, link) : NULL;
}

static struct replier *new_replier(struct sc_endpoint_table *t, const struct sc_service_id *service)
{
    struct replier *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->service = *service;
    if (sc_map_insert(&t->repliers, &r->node) < 0) {
        free(r);
        return NULL;
    }
    sc_list_append(&t->replier_ages, &r->link);
    return r;
}

void sc_replier_learn(struct sc_daemon *d, const struct sc_service_id *service, uint64_t host)
{
    struct sc_endpoint_table *t = &d->endpoints;
    struct sc_map_node *n = sc_map_find(&t->repliers, service);
    struct replier *r = n ? sc_container(n, struct replier, node) : new_replier(t, service);
    if (!r)
        return; /* answers are bound late, as to any service */
    r->host = host;
    r->until = d->loop.now + SC_PORT_KEPT_FOR;
    sc_list_remove(&r->link);
    sc_list_append(&t->replier_ages, &r->link);
    while (t->repliers.count > SC_REPLIERS_MAX || oldest_replier(t)->until < d->loop.now)
        forget_replier(t, oldest_replier(t));
}

uint64_t sc_replier_host(struct sc_daemon *d, const struct sc_service_id *service)
{
    struct sc_map_node *n = sc_map_find(&d->endpoints.repliers, service);
    if (!n)
        return 0;
    const struct replier *r = sc_container(n, struct replier, node);
    return r->until < d->loop.now ? 0 : r->host;
}

void sc_endpoint_table_fini(struct sc_endpoint_table *t)
{
    while (!sc_list_empty(&t->kept))
        forget_port(t, sc_container(sc_list_first(&t->kept), struct sc_host_port, link));
    while (oldest_replier(t))
        forget_replier(t, oldest_replier(t));
    sc_map_fini(&t->by_serial);
    sc_map_fini(&t->ports);
    sc_map_fini(&t->groups);
    sc_map_fini(&t->repliers);
}
