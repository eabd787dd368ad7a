#include "stack/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- storing ---------------------------------------------------------------------------------- */

static bool ask_to_store(struct sc_stack *s, const struct sc_change *c)
{
    const struct sc_pool_entry *e = c->entry;
    struct sc_event ev = {.type = SC_EVENT_STORE, .token = c->token};
    ev.mapping = (struct sc_mapping){
        .service = e->service, .pool = e->pool, .used = e->used, .reused = e->reused};
    snprintf(ev.mapping.name, sizeof ev.mapping.name, "%s", e->name);
    struct sc_notice *n = sc_stack_notice_new(s, &ev, 0);
    if (n)
        sc_stack_post(s, n);
    return n != NULL;
}

static struct sc_change *begin(struct sc_stack *s, struct sc_pool_entry *e,
                               struct sc_pool_entry *old, bool use)
{
    struct sc_change *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct sc_change){.token = ++s->tokens, .entry = e, .old = old, .use = use};
    if (!ask_to_store(s, c)) {
        free(c);
        return NULL;
    }
    sc_list_init(&c->waiting);
    sc_list_append(&s->changes, &c->link);
    s->change_count++;
    return c;
}

static struct sc_change *find(const struct sc_stack *s, uint64_t token)
{
    for (struct sc_list *it = s->changes.next; it != &s->changes; it = it->next) {
        struct sc_change *c = sc_container(it, struct sc_change, link);
        if (c->token == token)
            return c;
    }
    return NULL;
}

/* --- a new name ------------------------------------------------------------------------------- */

/* A router that was just started does not know yet who is there, and takes nobody's address: hosts
 * come back within a lease. */
static bool may_reuse(const struct sc_stack *s, sc_time now)
{
    return now - s->registrar.started >= SC_LEASE_TIME;
}

/* A free address, or that of the name that nobody missed for the longest. */
static struct sc_pool_entry *new_entry(struct sc_stack *s, const struct sc_service_id *id,
                                       const char *text, struct sc_pool_entry **old)
{
    struct sc_pool_entry *e = sc_pool_allocate(&s->pool, id, text);
    if (!e && (*old = sc_pool_oldest(&s->pool)) != NULL)
        e = sc_pool_replace(&s->pool, *old, id, text);
    return e;
}

static struct sc_pool_entry *make(struct sc_stack *s, const struct sc_service_id *id,
                                  const char *text)
{
    struct sc_pool_entry *old = NULL, *e = new_entry(s, id, text, &old);
    if (!e)
        return NULL;
    e->change = begin(s, e, old, false);
    if (!e->change) {
        sc_pool_drop(&s->pool, e);
        return NULL;
    }
    if (old)
        old->change = e->change;
    return e;
}

/* 0, or why this place cannot have a new name now. */
static int refusal(struct sc_stack *s, const struct sc_underlay *from, sc_time now)
{
    uint32_t share = SC_NAMES_SHARE(sc_pool_room(&s->pool));
    if (from->family && !sc_askers_may(&s->askers, from, share, now))
        return EDQUOT;
    bool full = sc_pool_is_full(&s->pool) && !may_reuse(s, now);
    return full || s->change_count >= SC_CHANGES_MAX ? EAGAIN : 0;
}

struct sc_pool_entry *sc_changes_map(struct sc_stack *s, const struct sc_service_name *name,
                                     const struct sc_underlay *from, sc_time now, int *error)
{
    struct sc_service_id id;
    char text[SC_NAME_MAX + 1];
    sc_name_to_id(name, &id);
    struct sc_pool_entry *e = sc_pool_find_service(&s->pool, &id);
    *error = ENOENT;
    if (e || sc_name_write(name, text, sizeof text) < 0)
        return e;
    if ((*error = refusal(s, from, now)) != 0)
        return NULL;
    e = make(s, &id, text);
    if (e)
        sc_askers_put(&s->askers, from, &e->asked, now);
    else
        *error = ENOMEM;
    return e;
}

/* --- a name that is used ---------------------------------------------------------------------- */

void sc_changes_use(struct sc_stack *s, const struct sc_service_id *service)
{
    struct sc_pool_entry *e = s->is_router ? sc_pool_find_service(&s->pool, service) : NULL;
    if (!e || e->used || e->change || s->change_count >= SC_CHANGES_MAX)
        return; /* not now: it is served and reached again */
    sc_pool_use(&s->pool, e, true);
    if (begin(s, e, NULL, true))
        sc_asked_keep(&e->asked);
    else
        sc_pool_use(&s->pool, e, false);
}

/* --- who waits -------------------------------------------------------------------------------- */

static void unpark(struct sc_stack *s, struct sc_parked *p)
{
    sc_stack_arm(s, &p->due, SC_NEVER);
    sc_list_remove(&p->link);
    s->parked--;
    s->parked_remote -= p->from.family != 0;
}

static void resume(struct sc_stack *s, struct sc_parked *p, int error, sc_time now)
{
    unpark(s, p);
    if (p->message.message == SC_MSG_LOOKUP)
        sc_lookups_resume(s, p, error, now);
    else
        sc_router_resume(s, p, error, now);
    free(p);
}

/* The disk takes longer than anybody is willing to wait. */
static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now)
{
    resume(s, sc_container(d, struct sc_parked, due), ETIME, now);
}

bool sc_changes_park(struct sc_stack *s, struct sc_change *c, const struct sc_parked *question,
                     sc_time now)
{
    bool remote = question->from.family != 0;
    bool room = s->parked < SC_PARKED_MAX && (!remote || s->parked_remote < SC_PARKED_MAX / 2);
    struct sc_parked *p = room ? malloc(sizeof *p) : NULL;
    if (!p) {
        s->counters.dropped_waiting++;
        return false;
    }
    *p = *question;
    sc_timer_init(&p->due.timer);
    p->due.fire = on_due;
    sc_list_append(&c->waiting, &p->link);
    s->parked++;
    s->parked_remote += remote;
    sc_stack_arm(s, &p->due, now + SC_REQUEST_TIMEOUT);
    return true;
}

/* --- the disk's answer ------------------------------------------------------------------------ */

/* Hosts ask anew for what they have in memory when they see the number change. */
static void count_reuse(struct sc_stack *s)
{
    s->counters.addresses_reused++;
    if (++s->reuses == 0)
        s->reuses = 1;
}

static void settle(struct sc_stack *s, struct sc_change *c)
{
    if (c->use)
        return;
    c->entry->change = NULL;
    if (!c->old)
        return;
    sc_askers_take(&s->askers, &c->old->asked);
    sc_pool_settle(&s->pool, c->entry, c->old);
    count_reuse(s);
}

static void take_back(struct sc_stack *s, struct sc_change *c)
{
    if (c->use) {
        sc_pool_use(&s->pool, c->entry, false);
        return;
    }
    if (c->old)
        c->old->change = NULL;
    sc_askers_take(&s->askers, &c->entry->asked);
    sc_pool_drop(&s->pool, c->entry);
}

void sc_stack_stored(struct sc_stack *s, uint64_t token, int error, sc_time now)
{
    struct sc_change *c = find(s, token);
    struct sc_list *first;
    if (!c)
        return;
    sc_list_remove(&c->link);
    s->change_count--;
    if (error)
        take_back(s, c);
    else
        settle(s, c);
    while ((first = sc_list_first(&c->waiting)) != NULL)
        resume(s, sc_container(first, struct sc_parked, link), error, now);
    free(c);
}

/* --- why not, in a byte ----------------------------------------------------------------------- */

static const int errors[] = {
    [SC_TROUBLE_SPACE] = ENOSPC,   [SC_TROUBLE_READ_ONLY] = EROFS, [SC_TROUBLE_DAMAGED] = EUCLEAN,
    [SC_TROUBLE_REMOVED] = ESTALE, [SC_TROUBLE_SLOW] = ETIME,      [SC_TROUBLE_FAILED] = EIO,
    [SC_TROUBLE_SHARE] = EDQUOT};

#define TROUBLES (sizeof errors / sizeof *errors)

uint8_t sc_changes_trouble(int error)
{
    for (uint8_t i = 1; i < TROUBLES; i++)
        if (errors[i] == error)
            return i;
    return SC_TROUBLE_FAILED;
}

int sc_changes_error(uint8_t trouble)
{
    return errors[trouble && trouble < TROUBLES ? trouble : SC_TROUBLE_FAILED];
}

void sc_changes_fini(struct sc_stack *s)
{
    struct sc_list *first;
    while ((first = sc_list_first(&s->changes)) != NULL) {
        struct sc_change *c = sc_container(first, struct sc_change, link);
        while ((first = sc_list_first(&c->waiting)) != NULL) {
            struct sc_parked *p = sc_container(first, struct sc_parked, link);
            unpark(s, p);
            free(p);
        }
        sc_list_remove(&c->link);
        free(c);
    }
}
