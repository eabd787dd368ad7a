#include "router/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/mapping.h"

void sc_changes_init(struct sc_changes *c, struct sc_node *node, struct sc_pool *pool,
                     struct sc_aliases *aliases,
                     void (*on_late)(void *owner, struct sc_due *d, sc_time now), void *owner,
                     sc_time now)
{
    *c = (struct sc_changes){.node = node,
                             .pool = pool,
                             .aliases = aliases,
                             .on_late = on_late,
                             .owner = owner,
                             .started = now};
    sc_askers_init(&c->askers, node->map_seed);
    sc_list_init(&c->all);
}

/* --- storing ---------------------------------------------------------------------------------- */

static bool ask_to_store(struct sc_changes *c, const struct sc_change *change)
{
    struct sc_event e = {.type = SC_EVENT_STORE, .token = change->token};
    sc_mapping_of(change->entry, &e.mapping);
    memcpy(e.mapping.invitation, change->invitation, sizeof e.mapping.invitation);
    return sc_notices_tell(&c->node->notices, &e);
}

static struct sc_change *begin(struct sc_changes *c, const struct sc_change *what)
{
    struct sc_change *change = malloc(sizeof *change);
    if (!change)
        return NULL;
    *change = *what;
    change->token = ++c->tokens;
    if (!ask_to_store(c, change)) {
        free(change);
        return NULL;
    }
    sc_list_init(&change->waiting);
    sc_list_append(&c->all, &change->link);
    c->count++;
    return change;
}

static struct sc_change *find(const struct sc_changes *c, uint64_t token)
{
    for (struct sc_list *it = c->all.next; it != &c->all; it = it->next) {
        struct sc_change *change = sc_container(it, struct sc_change, link);
        if (change->token == token)
            return change;
    }
    return NULL;
}

/* --- a new name ------------------------------------------------------------------------------- */

/* A router that was just started does not know yet who is there, and takes nobody's address: hosts
 * come back within a lease. */
static bool may_reuse(const struct sc_changes *c, sc_time now)
{
    return now - c->started >= SC_LEASE_TIME;
}

/* A free address, or that of the name that nobody missed for the longest. */
static struct sc_pool_entry *new_entry(struct sc_changes *c, const struct sc_service_id *id,
                                       const char *text, struct sc_pool_entry **old)
{
    struct sc_pool_entry *e = sc_pool_allocate(c->pool, id, text);
    if (!e && (*old = sc_pool_oldest(c->pool)) != NULL)
        e = sc_pool_replace(c->pool, *old, id, text);
    return e;
}

static struct sc_pool_entry *make(struct sc_changes *c, const struct sc_service_id *id,
                                  const uint8_t key[SC_KEY_LEN], const char *text)
{
    struct sc_pool_entry *old = NULL, *e = new_entry(c, id, text, &old);
    if (!e)
        return NULL;
    memcpy(e->key, key, sizeof e->key);
    e->vouched = sc_aliases_vouch(key);
    e->change = begin(c, &(struct sc_change){.kind = SC_CHANGE_NAME, .entry = e, .old = old});
    if (!e->change) {
        sc_pool_drop(c->pool, e);
        return NULL;
    }
    if (old)
        old->change = e->change;
    return e;
}

/* 0, or why this place cannot have a new name now. */
static int refusal(struct sc_changes *c, const struct sc_underlay *from, sc_time now)
{
    uint32_t share = SC_NAMES_SHARE(sc_pool_room(c->pool));
    if (from->family && !sc_askers_may(&c->askers, from, share, now))
        return EDQUOT;
    bool full = sc_pool_is_full(c->pool) && !may_reuse(c, now);
    return full || c->count >= SC_CHANGES_MAX ? EAGAIN : 0;
}

struct sc_pool_entry *sc_changes_map(struct sc_changes *c, const struct sc_service_name *name,
                                     const struct sc_underlay *from, sc_time now, int *error)
{
    struct sc_service_id id;
    uint8_t key[SC_KEY_LEN];
    char text[SC_NAME_MAX + 1];
    *error = ENOENT;
    if (sc_service_name_write(name, text, sizeof text) < 0)
        return NULL;
    struct sc_pool_entry *e = sc_pool_find_name(c->pool, text);
    if (e)
        return e;
    sc_aliases_id(c->aliases, name, key, &id);
    e = sc_pool_find_service(c->pool, &id); /* one service may have two names */
    if (e || (*error = refusal(c, from, now)) != 0)
        return e;
    e = make(c, &id, key, text);
    if (e)
        sc_askers_put(&c->askers, from, &e->asked, now);
    else
        *error = ENOMEM;
    return e;
}

/* --- a name that is used ---------------------------------------------------------------------- */

void sc_changes_use(struct sc_changes *c, const struct sc_service_id *service)
{
    struct sc_pool_entry *e = sc_pool_find_service(c->pool, service);
    if (!e || e->used || e->change || c->count >= SC_CHANGES_MAX)
        return; /* not now: it is served and reached again */
    sc_pool_use(c->pool, e, true);
    if (begin(c, &(struct sc_change){.kind = SC_CHANGE_USE, .entry = e}))
        sc_asked_keep(&e->asked);
    else
        sc_pool_use(c->pool, e, false);
}

/* --- a host's name ---------------------------------------------------------------------------- */

static void give(struct sc_changes *c, struct sc_pool_entry *e, const uint8_t key[SC_KEY_LEN])
{
    memcpy(e->owner, key, sizeof e->owner);
    sc_pool_own(c->pool, e, true);
}

static void take_away(struct sc_changes *c, struct sc_pool_entry *e)
{
    memset(e->owner, 0, sizeof e->owner);
    sc_pool_own(c->pool, e, false);
}

bool sc_changes_own(struct sc_changes *c, struct sc_pool_entry *e, const uint8_t key[SC_KEY_LEN],
                    const uint8_t invitation[SC_HASH_LEN])
{
    struct sc_change change = {.kind = SC_CHANGE_OWNER, .entry = e};
    if (e->change || c->count >= SC_CHANGES_MAX)
        return false;
    give(c, e, key);
    memcpy(change.invitation, invitation, sizeof change.invitation);
    e->change = begin(c, &change);
    if (!e->change)
        take_away(c, e);
    return e->change != NULL;
}

bool sc_changes_disown(struct sc_changes *c, struct sc_pool_entry *e)
{
    if (e->change || c->count >= SC_CHANGES_MAX)
        return false;
    take_away(c, e);
    return begin(c, &(struct sc_change){.kind = SC_CHANGE_LOSS, .entry = e}) != NULL;
}

/* --- who waits -------------------------------------------------------------------------------- */

static void unpark(struct sc_changes *c, struct sc_parked *p)
{
    sc_dues_arm(&c->node->dues, &p->due, SC_NEVER);
    sc_list_remove(&p->link);
    c->parked--;
    c->parked_remote -= p->from.family != 0;
}

bool sc_changes_park(struct sc_changes *c, struct sc_change *change,
                     const struct sc_parked *question, sc_time now)
{
    bool remote = question->from.family != 0;
    bool room = c->parked < SC_PARKED_MAX && (!remote || c->parked_remote < SC_PARKED_MAX / 2);
    struct sc_parked *p = room ? malloc(sizeof *p) : NULL;
    if (!p) {
        c->node->counters.dropped_waiting++;
        return false;
    }
    *p = *question;
    sc_due_init(&p->due, c->on_late, c->owner);
    sc_list_append(&change->waiting, &p->link);
    c->parked++;
    c->parked_remote += remote;
    sc_dues_arm(&c->node->dues, &p->due, now + SC_REQUEST_TIMEOUT);
    return true;
}

struct sc_parked *sc_changes_take(struct sc_changes *c, struct sc_change *change)
{
    struct sc_list *first = sc_list_first(&change->waiting);
    struct sc_parked *p = first ? sc_container(first, struct sc_parked, link) : NULL;
    if (p)
        unpark(c, p);
    return p;
}

struct sc_parked *sc_changes_take_late(struct sc_changes *c, struct sc_due *d)
{
    struct sc_parked *p = sc_container(d, struct sc_parked, due);
    unpark(c, p);
    return p;
}

/* --- the disk's answer ------------------------------------------------------------------------ */

static void settle(struct sc_changes *c, struct sc_change *change)
{
    if (change->kind == SC_CHANGE_USE || change->kind == SC_CHANGE_LOSS)
        return;
    change->entry->change = NULL;
    if (!change->old)
        return;
    sc_askers_take(&c->askers, &change->old->asked);
    sc_pool_settle(c->pool, change->entry, change->old);
    c->node->counters.addresses_reused++;
}

static void take_back(struct sc_changes *c, struct sc_change *change)
{
    if (change->kind == SC_CHANGE_LOSS)
        return; /* the disk's trouble is told, and the next start may know it again */
    if (change->kind == SC_CHANGE_USE) {
        sc_pool_use(c->pool, change->entry, false);
        return;
    }
    if (change->kind == SC_CHANGE_OWNER) {
        take_away(c, change->entry);
        change->entry->change = NULL;
        return;
    }
    if (change->old)
        change->old->change = NULL;
    sc_askers_take(&c->askers, &change->entry->asked);
    sc_pool_drop(c->pool, change->entry);
}

struct sc_change *sc_changes_settle(struct sc_changes *c, uint64_t token, int error)
{
    struct sc_change *change = find(c, token);
    if (!change)
        return NULL;
    sc_list_remove(&change->link);
    c->count--;
    if (error)
        take_back(c, change);
    else
        settle(c, change);
    return change;
}

void sc_changes_fini(struct sc_changes *c)
{
    struct sc_list *first;
    while ((first = sc_list_first(&c->all)) != NULL) {
        struct sc_change *change = sc_container(first, struct sc_change, link);
        for (struct sc_parked *p; (p = sc_changes_take(c, change)) != NULL;)
            free(p);
        sc_list_remove(&change->link);
        free(change);
    }
    sc_askers_fini(&c->askers);
}
