#include "router/mapping.h"

#include <string.h>

struct sc_control sc_mapping_question(enum sc_lookup_by by, const char *name, uint32_t pool,
                                      const struct sc_service_id *service)
{
    struct sc_control c = {
        .message = SC_MSG_LOOKUP, .by = (uint8_t)by, .pool = pool, .service_count = 1};
    struct sc_service_name n;
    if (name && sc_mapping_name(name, &n) == 0)
        sc_service_name_write(&n, c.name, sizeof c.name);
    if (service)
        c.service[0] = *service;
    return c;
}

int sc_mapping_name(const char *text, struct sc_service_name *n)
{
    int err = sc_service_name_read(text, n, NULL);
    n->port = 0;
    n->proto = 0;
    return err;
}

static struct sc_pool_entry *find_name(const struct sc_pool *p, const char *text)
{
    struct sc_service_name n;
    struct sc_service_id id;
    if (sc_mapping_name(text, &n) < 0)
        return NULL;
    sc_service_name_to_id(&n, &id);
    return sc_pool_find_service(p, &id);
}

struct sc_pool_entry *sc_mapping_find(const struct sc_pool *p, const struct sc_control *question)
{
    switch (question->by) {
    case SC_LOOKUP_NAME:
        return find_name(p, question->name);
    case SC_LOOKUP_POOL:
        return sc_pool_find(p, question->pool);
    default:
        return sc_pool_find_service(p, &question->service[0]);
    }
}

/* Each datagram asks: no more of the name is written than there is. */
void sc_mapping_of(const struct sc_pool_entry *e, struct sc_mapping *out)
{
    out->error = 0;
    strcpy(out->name, e->name);
    out->service = e->service;
    out->pool = e->pool;
    out->used = e->used;
    out->reused = e->reused;
    out->owned = e->owned;
    memcpy(out->owner, e->owner, sizeof out->owner);
    out->stale = false;
}

void sc_mapping_tell(struct sc_notices *to, void *ticket, int error, const struct sc_pool_entry *e)
{
    struct sc_event ev = {.type = SC_EVENT_MAPPED, .ticket = ticket};
    if (e)
        sc_mapping_of(e, &ev.mapping);
    ev.mapping.error = error;
    sc_notices_tell(to, &ev);
}
