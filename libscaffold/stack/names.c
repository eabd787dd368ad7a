/* Of stack.h: names, what they are restored from, and whom they are believed of. */
#include <errno.h>
#include <string.h>

#include "router/mapping.h"
#include "stack/parts.h"
#include "stack/stack.h"

int sc_stack_lookup(struct sc_stack *s, enum sc_lookup_by by, const char *name, uint32_t pool,
                    const struct sc_service_id *service, void *ticket, sc_time now)
{
    struct sc_control c = sc_mapping_question(by, name, pool, service);
    return s->routing->ops->lookup(s->routing, &c, ticket, now);
}

bool sc_stack_mapping_of_pool(struct sc_stack *s, uint32_t pool, struct sc_mapping *out)
{
    struct sc_pool_entry *e = sc_pool_find(&s->pool, pool);
    if (!e || e->change || !sc_pool_is_fresh(&s->pool, e))
        return false;
    sc_pool_touch(&s->pool, e);
    sc_mapping_of(e, out);
    return true;
}

static bool mapping_of(const struct sc_stack *s, const struct sc_pool_entry *e,
                       struct sc_mapping *out)
{
    if (!e || e->change)
        return false;
    sc_mapping_of(e, out);
    out->stale = !sc_pool_is_fresh(&s->pool, e);
    return true;
}

bool sc_stack_mapping_of_name(const struct sc_stack *s, const char *name, struct sc_mapping *out)
{
    return mapping_of(s, sc_pool_find_name(&s->pool, name), out);
}

bool sc_stack_mapping_of_service(const struct sc_stack *s, const struct sc_service_id *service,
                                 struct sc_mapping *out)
{
    return mapping_of(s, sc_pool_find_service(&s->pool, service), out);
}

int sc_stack_restore_alias(struct sc_stack *s, const char *alias, const uint8_t key[SC_KEY_LEN])
{
    int err = sc_aliases_bind(&s->router.aliases, alias, key);
    return err == -EEXIST && sc_stack_pin(s, alias) ? 0 : err; /* the operator's word counts */
}

bool sc_stack_restore_pin(struct sc_stack *s, const struct sc_pin *pin)
{
    bool is_router = s->routing == &s->router.routing;
    if (is_router && pin->local)
        sc_aliases_bind(&s->router.aliases, pin->alias, pin->key);
    return (is_router && !pin->local) || sc_pins_restore(&s->remote.pins, pin);
}

/* A router's: names that were given out by the old key keep it until a restart. */
static int bind_alias(struct sc_stack *s, const char *alias, const uint8_t key[SC_KEY_LEN],
                      bool replace, sc_time now)
{
    int err = sc_aliases_bind(&s->router.aliases, alias, key);
    bool another = err == -EEXIST && !sc_aliases_has(&s->router.aliases, alias, key);
    if (err == -EINVAL || err == -ENOMEM)
        return err;
    if (another && !replace)
        return -EKEYREJECTED;
    err = sc_pins_vouch(&s->remote.pins, alias, key, true, now);
    return err < 0 ? err : another ? -EINPROGRESS : 0;
}

int sc_stack_vouch(struct sc_stack *s, const char *alias, const uint8_t key[SC_KEY_LEN],
                   bool replace, sc_time now)
{
    if (s->routing == &s->router.routing)
        return bind_alias(s, alias, key, replace, now);
    int err = sc_pins_vouch(&s->remote.pins, alias, key, replace, now);
    if (err == 0)
        sc_pool_vouch(&s->pool, alias, key, SC_VOUCHED_PINNED);
    return err;
}

const struct sc_pin *sc_stack_pin(const struct sc_stack *s, const char *alias)
{
    return sc_pins_find(&s->remote.pins, alias);
}

void sc_stack_scan_pins(const struct sc_stack *s, size_t *cursor,
                        void (*each)(void *arg, const struct sc_pin *p), void *arg)
{
    sc_pins_scan(&s->remote.pins, cursor, each, arg);
}

int sc_stack_restore_mapping(struct sc_stack *s, const struct sc_mapping *m)
{
    struct sc_service_name n;
    struct sc_service_id id;
    uint8_t key[SC_KEY_LEN];
    if (sc_mapping_name(m->name, &n) < 0)
        return -EINVAL;
    sc_aliases_id(&s->router.aliases, &n, key, &id);
    int err = sc_pool_put(&s->pool, m->pool, &id, m->name);
    struct sc_pool_entry *e = err < 0 ? NULL : sc_pool_find(&s->pool, m->pool);
    if (!e)
        return err;
    memcpy(e->key, key, sizeof e->key);
    e->vouched = sc_aliases_vouch(key);
    e->reused = m->reused;
    e->owned = m->owned;
    memcpy(e->owner, m->owner, sizeof e->owner);
    sc_pool_use(&s->pool, e, m->used);
    return 0;
}

void sc_stack_stored(struct sc_stack *s, uint64_t token, int error, sc_time now)
{
    sc_router_stored(&s->router, token, error, now);
}
