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

/* The name as it is written, whoever wrote it. */
static bool spell(const char *text, struct sc_service_name *n, char name[SC_NAME_MAX + 1])
{
    return sc_mapping_name(text, n) == 0 && sc_service_name_write(n, name, SC_NAME_MAX + 1) > 0;
}

static struct sc_pool_entry *find_name(const struct sc_pool *p, const char *text)
{
    struct sc_service_name n;
    char name[SC_NAME_MAX + 1];
    uint8_t provider[SC_PROVIDER_LEN];
    struct sc_service_id id;
    if (!spell(text, &n, name))
        return NULL;
    struct sc_pool_entry *e = sc_pool_find_name(p, name);
    if (e || !sc_provider_read(n.provider, provider))
        return e;
    sc_service_name_to_id(&n, provider, &id); /* perhaps known by its alias */
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

/* The service of such a name, if that is how it is written. */
static bool service_of(const struct sc_control *c, struct sc_service_id *id)
{
    struct sc_service_name n;
    char name[SC_NAME_MAX + 1];
    uint8_t provider[SC_PROVIDER_LEN];
    if (!spell(c->name, &n, name) || strcmp(name, c->name) != 0)
        return false;
    bool has_key = sc_provider_has_key(c->key);
    if (sc_provider_read(n.provider, provider) == has_key)
        return false;
    if (has_key)
        sc_provider_of_key(c->key, provider);
    sc_service_name_to_id(&n, provider, id);
    return true;
}

bool sc_mapping_fits(const struct sc_control *answer, const struct sc_control *question)
{
    struct sc_service_id id, asked = sc_service_id_at(question->service[0], 0, 0);
    if (answer->status != SC_LOOKUP_FOUND)
        return true;
    if (answer->pool == 0 || !service_of(answer, &id) ||
        !sc_service_id_equal(&id, &answer->service[0]))
        return false;
    switch (question->by) {
    case SC_LOOKUP_NAME:
        return strcmp(answer->name, question->name) == 0;
    case SC_LOOKUP_POOL:
        return answer->pool == question->pool;
    default:
        return sc_service_id_equal(&id, &asked);
    }
}

/* Each datagram asks: no more of the name is written than there is. */
void sc_mapping_of(const struct sc_pool_entry *e, struct sc_mapping *out)
{
    out->error = 0;
    strcpy(out->name, e->name);
    out->service = e->service;
    out->pool = e->pool;
    memcpy(out->key, e->key, sizeof out->key);
    out->vouched = e->vouched;
    out->used = e->used;
    out->reused = e->reused;
    out->owned = e->owned;
    memcpy(out->owner, e->owner, sizeof out->owner);
    out->stale = false;
}

void sc_mapping_answer(const struct sc_pool_entry *e, const struct sc_control *question,
                       struct sc_mapping *out)
{
    struct sc_service_name n;
    char name[SC_NAME_MAX + 1];
    sc_mapping_of(e, out);
    if (question->by != SC_LOOKUP_NAME || !spell(question->name, &n, name) ||
        strcmp(name, e->name) == 0)
        return;
    strcpy(out->name, name);
    memset(out->key, 0, sizeof out->key);
    out->vouched = SC_VOUCHED_SELF;
}

void sc_mapping_tell(struct sc_notices *to, void *ticket, int error, const struct sc_mapping *m)
{
    struct sc_event ev = {.type = SC_EVENT_MAPPED, .ticket = ticket};
    if (m)
        ev.mapping = *m;
    ev.mapping.error = error;
    sc_notices_tell(to, &ev);
}
