#include "stack/lookups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/mapping.h"
#include "router/trouble.h"

void sc_lookups_init(struct sc_lookups *l, struct sc_node *node, struct sc_pool *pool,
                     struct sc_pins *pins, const struct sc_registrar *registrar)
{
    *l = (struct sc_lookups){.node = node, .pool = pool, .pins = pins, .registrar = registrar};
    sc_list_init(&l->requests);
}

static void tell(struct sc_lookups *l, const struct sc_control *question, void *ticket, int error,
                 const struct sc_pool_entry *e)
{
    struct sc_mapping m = {0};
    if (e)
        sc_mapping_answer(e, question, &m);
    sc_mapping_tell(&l->node->notices, ticket, error, &m);
}

/* Nothing of it is remembered; whoever asked is told whose name it is, and by which key. */
static void tell_refused(struct sc_lookups *l, void *ticket, int error, const struct sc_control *c)
{
    struct sc_mapping m = {.service = c->service[0]};
    strcpy(m.name, c->name);
    memcpy(m.key, c->key, sizeof m.key);
    sc_mapping_tell(&l->node->notices, ticket, error, &m);
}

static void end_request(struct sc_lookups *l, struct sc_lookup *q)
{
    sc_dues_arm(&l->node->dues, &q->due, SC_NEVER);
    sc_list_remove(&q->link);
    l->count--;
    free(q);
}

static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_lookups *l = part;
    struct sc_lookup *q = sc_container(d, struct sc_lookup, due);
    if (now >= q->deadline) {
        sc_mapping_tell(&l->node->notices, q->ticket,
                        sc_registrar_reachable(l->registrar, now) ? ETIMEDOUT : ENETUNREACH, NULL);
        end_request(l, q);
        return;
    }
    q->message.src = l->node->env.address;
    sc_channels_control(l->registrar->channels, l->registrar->link.now, &l->node->router,
                        SC_QUEUE_OWN, &q->message);
    sc_dues_arm(&l->node->dues, d, sc_time_min(now + q->interval, q->deadline));
    q->interval *= 2;
}

void sc_lookups_again(struct sc_lookups *l, sc_time now)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &l->requests)
    {
        struct sc_lookup *q = sc_container(it, struct sc_lookup, link);
        q->interval = SC_REQUEST_RETRANSMIT;
        on_due(l, &q->due, now);
    }
}

static int ask_router(struct sc_lookups *l, const struct sc_control *c, void *ticket, sc_time now)
{
    struct sc_lookup *q = l->count < SC_REQUESTS_MAX ? calloc(1, sizeof *q) : NULL;
    if (!q)
        return -ENOBUFS;
    q->message = *c;
    q->message.transaction = sc_rng_next(&l->node->rng);
    q->ticket = ticket;
    q->interval = SC_REQUEST_RETRANSMIT;
    q->deadline = now + SC_REQUEST_TIMEOUT;
    sc_due_init(&q->due, on_due, l);
    sc_list_append(&l->requests, &q->link);
    l->count++;
    on_due(l, &q->due, now);
    return 0;
}

int sc_lookups_ask(struct sc_lookups *l, const struct sc_control *question, void *ticket,
                   sc_time now)
{
    struct sc_pool_entry *e = sc_mapping_find(l->pool, question);
    bool nonsense = question->by == SC_LOOKUP_NAME && !*question->name;
    if (!nonsense && !(e && sc_pool_is_fresh(l->pool, e)))
        return ask_router(l, question, ticket, now);
    if (e)
        sc_pool_touch(l->pool, e);
    tell(l, question, ticket, e ? 0 : ENOENT, e);
    return 0;
}

static int error_of(const struct sc_control *c)
{
    static const int errors[] = {[SC_LOOKUP_FOUND] = 0,
                                 [SC_LOOKUP_UNKNOWN] = ENOENT,
                                 [SC_LOOKUP_EXHAUSTED] = ENOMEM,
                                 [SC_LOOKUP_SHARE] = EDQUOT};
    return c->status == SC_LOOKUP_UNSTORED ? sc_trouble_error(c->trouble) : errors[c->status];
}

/* Takes in what the router says of a mapping. */
static int learn(struct sc_lookups *l, const struct sc_control *c, sc_time now)
{
    enum sc_vouched vouched;
    int error = sc_pins_check(l->pins, c->name, c->key, &vouched, now);
    if (error)
        return error;
    if (sc_pool_learn(l->pool, c->pool, &c->service[0], c->name) < 0)
        return ENOMEM;
    struct sc_pool_entry *e = sc_pool_find(l->pool, c->pool);
    memcpy(e->key, c->key, sizeof e->key);
    e->vouched = vouched;
    e->reused = c->reused;
    e->used = c->used;
    e->generation = l->pool->reuses;
    return 0;
}

void sc_lookups_on_mapping(struct sc_lookups *l, const struct sc_control *c, sc_time now)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &l->requests)
    {
        struct sc_lookup *q = sc_container(it, struct sc_lookup, link);
        if (q->message.transaction != c->transaction)
            continue;
        if (!sc_mapping_fits(c, &q->message)) {
            l->node->counters.dropped_malformed++;
            return;
        }
        int error = error_of(c);
        if (error == 0)
            error = learn(l, c, now);
        if (error == EKEYREJECTED || error == ENOKEY)
            tell_refused(l, q->ticket, error, c);
        else
            tell(l, &q->message, q->ticket, error, error ? NULL : sc_pool_find(l->pool, c->pool));
        end_request(l, q);
        return;
    }
}

void sc_lookups_fini(struct sc_lookups *l)
{
    struct sc_list *first;
    while ((first = sc_list_first(&l->requests)) != NULL)
        end_request(l, sc_container(first, struct sc_lookup, link));
}
