#include "stack/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void fill(struct sc_mapping *m, const struct sc_pool_entry *e)
{
    *m = (struct sc_mapping){
        .service = e->service, .pool = e->pool, .used = e->used, .reused = e->reused};
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

/* A name without its port: mappings are made for whole services. */
static int read_name(const char *text, struct sc_service_name *n)
{
    int err = sc_name_read(text, n, NULL);
    n->port = 0;
    n->proto = 0;
    return err;
}

static struct sc_pool_entry *find_name(const struct sc_stack *s, const char *text)
{
    struct sc_service_name n;
    struct sc_service_id id;
    if (read_name(text, &n) < 0)
        return NULL;
    sc_name_to_id(&n, &id);
    return sc_pool_find_service(&s->pool, &id);
}

/* From memory. */
static struct sc_pool_entry *find(const struct sc_stack *s, const struct sc_control *c)
{
    switch (c->by) {
    case SC_LOOKUP_NAME:
        return find_name(s, c->name);
    case SC_LOOKUP_POOL:
        return sc_pool_find(&s->pool, c->pool);
    default:
        return sc_pool_find_service(&s->pool, &c->service[0]);
    }
}

static struct sc_control question(enum sc_lookup_by by, const char *name, uint32_t pool,
                                  const struct sc_service_id *service)
{
    struct sc_control c = {
        .message = SC_MSG_LOOKUP, .by = (uint8_t)by, .pool = pool, .service_count = 1};
    struct sc_service_name n;
    if (name && read_name(name, &n) == 0)
        sc_name_write(&n, c.name, sizeof c.name);
    if (service)
        c.service[0] = *service;
    return c;
}

/* --- the router answers ----------------------------------------------------------------------- */

static enum sc_lookup_status status_of(int error)
{
    switch (error) {
    case 0:
        return SC_LOOKUP_FOUND;
    case ENOENT:
        return SC_LOOKUP_UNKNOWN;
    case ENOMEM:
        return SC_LOOKUP_EXHAUSTED;
    case EDQUOT:
        return SC_LOOKUP_SHARE;
    default:
        return SC_LOOKUP_UNSTORED;
    }
}

static void answer(struct sc_stack *s, const struct sc_parked *p, int error,
                   const struct sc_pool_entry *e)
{
    if (p->from.family == 0) {
        tell(s, p->ticket, error, e);
        return;
    }
    struct sc_control a = {.message = SC_MSG_MAPPING,
                           .transaction = p->message.transaction,
                           .src = s->env.address,
                           .service_count = 1,
                           .status = (uint8_t)status_of(error)};
    if (a.status == SC_LOOKUP_UNSTORED)
        a.trouble = sc_changes_trouble(error);
    if (e) {
        snprintf(a.name, sizeof a.name, "%s", e->name);
        a.service[0] = e->service;
        a.pool = e->pool;
        a.reused = e->reused;
        a.used = e->used;
    }
    bool known = sc_stack_knows(s, p->message.src, &p->from);
    sc_outbox_control(s, sc_stack_queue_for(known), &p->from, 0, &a);
}

/* Names are made for those who have joined from where they ask; others would be whoever sends
 * packets. A host that is about to join asks again. */
static bool may_make(const struct sc_stack *s, const struct sc_parked *p)
{
    const struct sc_host *h = sc_hosts_find(&s->hosts, p->message.src);
    return p->from.family == 0 || (h && h->up && sc_underlay_equal(&h->underlay, &p->from));
}

static struct sc_pool_entry *make_name(struct sc_stack *s, const struct sc_parked *p, int *error,
                                       sc_time now)
{
    struct sc_service_name n;
    *error = ENOENT;
    if (p->message.by != SC_LOOKUP_NAME || read_name(p->message.name, &n) < 0)
        return NULL;
    *error = EACCES;
    if (!may_make(s, p))
        return NULL;
    *error = EAGAIN;
    if (p->from.family && !sc_stack_allows(s, SC_RATE_NAME, &p->from, true, now))
        return NULL;
    return sc_changes_map(s, &n, &p->from, now, error);
}

/* Drops that the asker makes up for by asking again. */
static bool is_dropped(struct sc_stack *s, const struct sc_parked *p, int error)
{
    s->counters.dropped_share += error == EDQUOT;
    s->counters.dropped_unjoined += error == EACCES;
    s->counters.dropped_waiting += error == EAGAIN;
    return p->from.family && (error == EACCES || error == EAGAIN);
}

/* False: it would have to wait, and too many do. */
static bool serve(struct sc_stack *s, const struct sc_parked *p, sc_time now)
{
    int error = 0;
    struct sc_pool_entry *e = find(s, &p->message);
    if (!e)
        e = make_name(s, p, &error, now);
    if (e && e->change)
        return sc_changes_park(s, e->change, p, now);
    if (e) {
        sc_pool_touch(&s->pool, e);
        sc_asked_touch(&e->asked, now);
    }
    if (e || !is_dropped(s, p, error))
        answer(s, p, e ? 0 : error, e);
    return true;
}

void sc_lookups_answer(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now)
{
    struct sc_parked p = {.message = *c, .from = *from};
    serve(s, &p, now);
}

void sc_lookups_resume(struct sc_stack *s, const struct sc_parked *p, int error, sc_time now)
{
    const struct sc_pool_entry *e = error ? find(s, &p->message) : NULL;
    if (e && !e->change)
        error = 0; /* it was to lose its address, and keeps it */
    if (error)
        answer(s, p, error, NULL);
    else if (!serve(s, p, now) && p->from.family == 0)
        answer(s, p, EAGAIN, NULL);
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
    sc_outbox_control(s, SC_QUEUE_OWN, &s->config.router, 0, &q->message);
    sc_stack_arm(s, d, sc_time_min(now + q->interval, q->deadline));
    q->interval *= 2;
}

static int ask_router(struct sc_stack *s, const struct sc_control *c, void *ticket, sc_time now)
{
    struct sc_request *q = s->request_count < SC_REQUESTS_MAX ? calloc(1, sizeof *q) : NULL;
    if (!q)
        return -ENOBUFS;
    q->message = *c;
    q->message.transaction = sc_rng_next(&s->rng);
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

/* What was heard before the router gave an address to another name has to be asked for again. */
static bool is_trusted(const struct sc_stack *s, const struct sc_pool_entry *e)
{
    return s->is_router || e->generation == s->reuses;
}

int sc_stack_lookup(struct sc_stack *s, enum sc_lookup_by by, const char *name, uint32_t pool,
                    const struct sc_service_id *service, void *ticket, sc_time now)
{
    struct sc_parked p = {.message = question(by, name, pool, service), .ticket = ticket};
    if (s->is_router)
        return serve(s, &p, now) ? 0 : -ENOBUFS;
    struct sc_pool_entry *e = find(s, &p.message);
    bool nonsense = by == SC_LOOKUP_NAME && !*p.message.name;
    if (!nonsense && !(e && is_trusted(s, e)))
        return ask_router(s, &p.message, ticket, now);
    if (e)
        sc_pool_touch(&s->pool, e);
    tell(s, ticket, e ? 0 : ENOENT, e);
    return 0;
}

static int error_of(const struct sc_control *c)
{
    static const int errors[] = {[SC_LOOKUP_FOUND] = 0,
                                 [SC_LOOKUP_UNKNOWN] = ENOENT,
                                 [SC_LOOKUP_EXHAUSTED] = ENOMEM,
                                 [SC_LOOKUP_SHARE] = EDQUOT};
    return c->status == SC_LOOKUP_UNSTORED ? sc_changes_error(c->trouble) : errors[c->status];
}

/* Takes in what the router says of a mapping. */
static int learn(struct sc_stack *s, const struct sc_control *c)
{
    if (sc_pool_learn(&s->pool, c->pool, &c->service[0], c->name) < 0)
        return ENOMEM;
    struct sc_pool_entry *e = sc_pool_find(&s->pool, c->pool);
    e->reused = c->reused;
    e->used = c->used;
    e->generation = s->reuses;
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
        int error = error_of(c);
        if (error == 0)
            error = learn(s, c);
        tell(s, q->ticket, error, error ? NULL : sc_pool_find(&s->pool, c->pool));
        end_request(s, q);
        return;
    }
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
    if (!e || e->change || !is_trusted(s, e))
        return false;
    fill(out, e);
    return true;
}

bool sc_stack_mapping_of_service(const struct sc_stack *s, const struct sc_service_id *service,
                                 struct sc_mapping *out)
{
    const struct sc_pool_entry *e = sc_pool_find_service(&s->pool, service);
    if (!e || (s->is_router && e->change))
        return false;
    fill(out, e);
    out->stale = !is_trusted(s, e);
    return true;
}

int sc_stack_restore_mapping(struct sc_stack *s, const struct sc_mapping *m)
{
    int err = sc_pool_put(&s->pool, m->pool, &m->service, m->name);
    struct sc_pool_entry *e = err < 0 ? NULL : sc_pool_find(&s->pool, m->pool);
    if (!e)
        return err;
    e->reused = m->reused;
    sc_pool_use(&s->pool, e, m->used);
    return 0;
}
