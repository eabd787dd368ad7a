#include "router/answers.h"

#include <errno.h>
#include <string.h>

#include "router/mapping.h"
#include "router/reply.h"
#include "router/trouble.h"

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

static void mapping_of(const struct sc_answers *a, const struct sc_parked *q,
                       const struct sc_pool_entry *e, struct sc_mapping *m)
{
    struct sc_service_name n;
    struct sc_service_id id;
    sc_mapping_answer(e, &q->message, m);
    if (!sc_provider_has_key(m->key) && sc_mapping_name(m->name, &n) == 0)
        sc_aliases_id(a->aliases, &n, m->key, &id);
    m->vouched = sc_aliases_vouch(m->key);
}

static void answer(struct sc_answers *a, const struct sc_parked *q, int error,
                   const struct sc_pool_entry *e)
{
    struct sc_mapping m = {0};
    if (e)
        mapping_of(a, q, e, &m);
    if (q->from.family == 0) {
        sc_mapping_tell(&a->node->notices, q->ticket, error, &m);
        return;
    }
    struct sc_control c = {
        .message = SC_MSG_MAPPING, .service_count = 1, .status = (uint8_t)status_of(error)};
    if (c.status == SC_LOOKUP_UNSTORED)
        c.trouble = sc_trouble_of(error);
    if (e) {
        strcpy(c.name, m.name);
        memcpy(c.key, m.key, sizeof c.key);
        c.service[0] = m.service;
        c.pool = m.pool;
        c.reused = m.reused;
        c.used = m.used;
    }
    sc_reply(a->node, a->hosts, q, &c);
}

/* Names are made for those who have joined from where they ask; others would be whoever sends
 * packets. A host that is about to join asks again. */
static bool may_make(const struct sc_answers *a, const struct sc_parked *q)
{
    return q->from.family == 0 || sc_hosts_is_at(a->hosts, q->message.src, &q->from);
}

static struct sc_pool_entry *make_name(struct sc_answers *a, const struct sc_parked *q, int *error,
                                       sc_time now)
{
    struct sc_service_name n;
    *error = ENOENT;
    if (q->message.by != SC_LOOKUP_NAME || sc_mapping_name(q->message.name, &n) < 0)
        return NULL;
    *error = EACCES;
    if (!may_make(a, q))
        return NULL;
    *error = EAGAIN;
    if (q->from.family && !sc_node_allows(a->node, SC_RATE_NAME, &q->from, true, now))
        return NULL;
    return sc_changes_map(a->changes, &n, &q->from, now, error);
}

/* Drops that the asker makes up for by asking again. */
static bool is_dropped(struct sc_answers *a, const struct sc_parked *q, int error)
{
    a->node->counters.dropped_share += error == EDQUOT;
    a->node->counters.dropped_unjoined += error == EACCES;
    a->node->counters.dropped_waiting += error == EAGAIN;
    return q->from.family && (error == EACCES || error == EAGAIN);
}

bool sc_answers_on_lookup(struct sc_answers *a, const struct sc_parked *q, sc_time now)
{
    int error = 0;
    struct sc_pool_entry *e = sc_mapping_find(a->pool, &q->message);
    if (!e)
        e = make_name(a, q, &error, now);
    if (e && e->change)
        return sc_changes_park(a->changes, e->change, q, now);
    if (e) {
        sc_pool_touch(a->pool, e);
        sc_asked_touch(&e->asked, now);
    }
    if (e || !is_dropped(a, q, error))
        answer(a, q, e ? 0 : error, e);
    return true;
}

void sc_answers_resume(struct sc_answers *a, const struct sc_parked *q, int error, sc_time now)
{
    const struct sc_pool_entry *e = error ? sc_mapping_find(a->pool, &q->message) : NULL;
    if (e && !e->change)
        error = 0; /* it was to lose its address, and keeps it */
    if (error)
        answer(a, q, error, NULL);
    else if (!sc_answers_on_lookup(a, q, now) && q->from.family == 0)
        answer(a, q, EAGAIN, NULL);
}
