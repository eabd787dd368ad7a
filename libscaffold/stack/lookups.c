#include "stack/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void fill(struct sc_mapping *m, const struct sc_pool_entry *e)
{
    *m = (struct sc_mapping){.service = e->service, .pool = e->pool};
    snprintf(m->name, sizeof m->name, "%s", e->name);
}

static void tell(struct sc_stack *s, void *ticket, int error, const struct sc_pool_entry *e)
{
    struct sc_event ev = {.type = SC_EVENT_MAPPED, .ticket = ticket};
    if (e)
        fill(&ev.mapping, e);
    ev.mapping.error = error;
    sc_stack_notify(s, &ev);
}

const struct sc_pool_entry *sc_lookups_map(struct sc_stack *s, const struct sc_service_name *name)
{
    struct sc_service_id id;
    char text[SC_NAME_MAX + 1];
    sc_name_to_id(name, &id);
    const struct sc_pool_entry *e = sc_pool_find_service(&s->pool, &id);
    if (e || sc_name_write(name, text, sizeof text) < 0)
        return e;
    e = sc_pool_allocate(&s->pool, &id, text);
    if (e) {
        struct sc_event ev = {.type = SC_EVENT_ALLOCATED};
        fill(&ev.mapping, e);
        sc_stack_notify(s, &ev);
    }
    return e;
}

/* A name without its port: mappings are made for whole services. */
static int read_name(const char *text, struct sc_service_name *n)
{
    int err = sc_name_read(text, n, NULL);
    n->port = 0;
    n->proto = 0;
    return err;
}

/* By name: from memory, and a router makes a mapping where there is none. NULL and an errno when
 * there is nothing. */
static const struct sc_pool_entry *find_name(struct sc_stack *s, const char *text, int *error)
{
    struct sc_service_name n;
    struct sc_service_id id;
    *error = ENOENT;
    if (read_name(text, &n) < 0)
        return NULL;
    sc_name_to_id(&n, &id);
    if (!s->is_router)
        return sc_pool_find_service(&s->pool, &id);
    *error = ENOMEM;
    return sc_lookups_map(s, &n);
}

static const struct sc_pool_entry *find(struct sc_stack *s, enum sc_lookup_by by, const char *name,
                                        uint32_t pool, const struct sc_service_id *service,
                                        int *error)
{
    *error = ENOENT;
    switch (by) {
    case SC_LOOKUP_NAME:
        return find_name(s, name, error);
    case SC_LOOKUP_POOL:
        return sc_pool_find(&s->pool, pool);
    case SC_LOOKUP_SERVICE:
        return sc_pool_find_service(&s->pool, service);
    }
    return NULL;
}

/* --- asking the router ------------------------------------------------------------------------ */

static void end_request(struct sc_stack *s, struct sc_request *q)
{
    sc_stack_arm(s, &q->due, SC_NEVER);
    sc_list_remove(&q->link);
    s->request_count--;
    free(q);
}

static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now)
{
    struct sc_request *q = sc_container(d, struct sc_request, due);
    if (now >= q->deadline) {
        tell(s, q->ticket, sc_registrar_reachable(s, now) ? ETIMEDOUT : ENETUNREACH, NULL);
        end_request(s, q);
        return;
    }
    q->message.src = s->env.address;
    sc_outbox_control(s, &s->config.router, 0, &q->message);
    sc_stack_arm(s, d, sc_time_min(now + q->interval, q->deadline));
    q->interval *= 2;
}

static int ask_router(struct sc_stack *s, enum sc_lookup_by by, const char *name, uint32_t pool,
                      const struct sc_service_id *service, void *ticket, sc_time now)
{
    struct sc_request *q = s->request_count < SC_REQUESTS_MAX ? calloc(1, sizeof *q) : NULL;
    if (!q)
        return -ENOBUFS;
    q->message = (struct sc_control){.message = SC_MSG_LOOKUP,
                                     .transaction = sc_rng_next(&s->rng),
                                     .by = (uint8_t)by,
                                     .pool = pool,
                                     .service_count = 1};
    struct sc_service_name n;
    if (name && read_name(name, &n) == 0)
        sc_name_write(&n, q->message.name, sizeof q->message.name);
    if (service)
        q->message.service[0] = *service;
    q->ticket = ticket;
    q->interval = SC_REQUEST_RETRANSMIT;
    q->deadline = now + SC_REQUEST_TIMEOUT;
    sc_timer_init(&q->due.timer);
    q->due.fire = on_due;
    sc_list_append(&s->requests, &q->link);
    s->request_count++;
    on_due(s, &q->due, now);
    return 0;
}

int sc_stack_lookup(struct sc_stack *s, enum sc_lookup_by by, const char *name, uint32_t pool,
                    const struct sc_service_id *service, void *ticket, sc_time now)
{
    int error;
    struct sc_service_name n;
    const struct sc_pool_entry *e = find(s, by, name, pool, service, &error);
    bool nonsense = by == SC_LOOKUP_NAME && sc_name_read(name, &n, NULL) < 0;
    if (!e && !s->is_router && !nonsense)
        return ask_router(s, by, name, pool, service, ticket, now);
    tell(s, ticket, e ? 0 : error, e);
    return 0;
}

void sc_lookups_on_mapping(struct sc_stack *s, const struct sc_control *c)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->requests)
    {
        struct sc_request *q = sc_container(it, struct sc_request, link);
        if (q->message.transaction != c->transaction)
            continue;
        int error = c->status == SC_LOOKUP_FOUND       ? 0
                    : c->status == SC_LOOKUP_EXHAUSTED ? ENOMEM
                                                       : ENOENT;
        if (error == 0 && sc_pool_learn(&s->pool, c->pool, &c->service[0], c->name) < 0)
            error = ENOMEM;
        tell(s, q->ticket, error, error ? NULL : sc_pool_find(&s->pool, c->pool));
        end_request(s, q);
        return;
    }
}

void sc_lookups_answer(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from)
{
    int error;
    const struct sc_pool_entry *e =
        find(s, (enum sc_lookup_by)c->by, c->name, c->pool, &c->service[0], &error);
    struct sc_control a = {.message = SC_MSG_MAPPING,
                           .transaction = c->transaction,
                           .src = s->env.address,
                           .service_count = 1,
                           .status = SC_LOOKUP_FOUND};
    if (e) {
        snprintf(a.name, sizeof a.name, "%s", e->name);
        a.service[0] = e->service;
        a.pool = e->pool;
    } else {
        a.status = error == ENOMEM ? SC_LOOKUP_EXHAUSTED : SC_LOOKUP_UNKNOWN;
    }
    sc_outbox_control(s, from, 0, &a);
}

void sc_lookups_fini(struct sc_stack *s)
{
    struct sc_list *first;
    while ((first = sc_list_first(&s->requests)) != NULL)
        end_request(s, sc_container(first, struct sc_request, link));
}

bool sc_stack_mapping_of_pool(const struct sc_stack *s, uint32_t pool, struct sc_mapping *out)
{
    const struct sc_pool_entry *e = sc_pool_find(&s->pool, pool);
    if (e)
        fill(out, e);
    return e != NULL;
}

bool sc_stack_mapping_of_service(const struct sc_stack *s, const struct sc_service_id *service,
                                 struct sc_mapping *out)
{
    const struct sc_pool_entry *e = sc_pool_find_service(&s->pool, service);
    if (e)
        fill(out, e);
    return e != NULL;
}

int sc_stack_restore_mapping(struct sc_stack *s, const struct sc_mapping *m)
{
    return sc_pool_put(&s->pool, m->pool, &m->service, m->name);
}
