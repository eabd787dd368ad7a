#include "router/rights.h"

#include <stdio.h>
#include <stdlib.h>

#include "naming/scope.h"
#include "router/notes.h"

struct shown {
    struct sc_list link;
    uint8_t provider[SC_PROVIDER_LEN];
    struct sc_grant grant;
};

/* What one host has shown. */
struct sc_shown {
    struct sc_map_node node;
    uint8_t host[SC_KEY_LEN];
    struct sc_list grants;
    size_t count;
};

/* The clock of the wall may be set meanwhile. */
#define LOOK_AGAIN_S 3600

/* --- what was shown --------------------------------------------------------------------------- */

static struct sc_shown *shown_of(struct sc_map_node *n)
{
    return sc_container(n, struct sc_shown, node);
}

static struct sc_shown *find(const struct sc_rights *r, const uint8_t host[SC_KEY_LEN])
{
    struct sc_map_node *n = sc_map_find(&r->shown, host);
    return n ? shown_of(n) : NULL;
}

static struct sc_shown *make(struct sc_rights *r, const uint8_t host[SC_KEY_LEN])
{
    struct sc_shown *all = find(r, host);
    if (all)
        return all;
    all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    memcpy(all->host, host, sizeof all->host);
    sc_list_init(&all->grants);
    if (sc_map_insert(&r->shown, &all->node) == 0)
        return all;
    free(all);
    return NULL;
}

static void drop(struct sc_rights *r, struct sc_shown *all, struct shown *one)
{
    sc_list_remove(&one->link);
    free(one);
    all->count--;
    r->shown_count--;
}

static void drop_if_empty(struct sc_rights *r, struct sc_shown *all)
{
    if (all->count > 0)
        return;
    sc_map_remove(&r->shown, &all->node);
    free(all);
}

/* The one that says the same, but perhaps for another time. */
static struct shown *find_like(const struct sc_shown *all, const struct sc_grant *g)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &all->grants)
    {
        struct shown *one = sc_container(it, struct shown, link);
        if (sc_grant_is_like(&one->grant, g))
            return one;
    }
    return NULL;
}

static struct shown *add(struct sc_rights *r, const struct sc_grant *g)
{
    struct sc_shown *all = r->shown_count < SC_GRANTS_SHOWN ? make(r, g->host) : NULL;
    struct shown *one = all && all->count < SC_GRANTS_OF_HOST ? calloc(1, sizeof *one) : NULL;
    if (!one) {
        if (all)
            drop_if_empty(r, all);
        return NULL;
    }
    sc_provider_of_key(g->provider, one->provider);
    sc_list_append(&all->grants, &one->link);
    all->count++;
    r->shown_count++;
    return one;
}

/* Looks again when this one ends, or before. */
static void await_end(struct sc_rights *r, const struct sc_grant *g, sc_time now)
{
    uint64_t wall = sc_node_wall(r->node, now), end = g->until + SC_GRANT_TOLERANCE_S;
    uint64_t left = end <= wall ? 0 : end - wall > LOOK_AGAIN_S ? LOOK_AGAIN_S : end - wall;
    sc_time at = now + left * SC_SECOND;
    if (at < r->due.timer.at)
        sc_dues_arm(&r->node->dues, &r->due, at);
}

/* True when it is new here, or ends later than what was known. */
static bool remember(struct sc_rights *r, const struct sc_grant *g, sc_time now)
{
    struct sc_shown *all = find(r, g->host);
    struct shown *one = all ? find_like(all, g) : NULL;
    if (one && one->grant.until >= g->until)
        return false;
    if (!one)
        one = add(r, g);
    if (!one) {
        r->node->counters.dropped_table_full++;
        return false;
    }
    one->grant = *g;
    await_end(r, g, now);
    return true;
}

/* --- what ends -------------------------------------------------------------------------------- */

/* Of one host. True when there were some. */
static bool drop_those_over(struct sc_rights *r, struct sc_shown *all, sc_time now)
{
    size_t before = all->count;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &all->grants)
    {
        struct shown *one = sc_container(it, struct shown, link);
        if (sc_grant_age(&one->grant, sc_node_wall(r->node, now)) == SC_GRANT_OVER)
            drop(r, all, one);
        else
            await_end(r, &one->grant, now);
    }
    return all->count < before;
}

/* What it has registered and may not any more. */
static void take_from(struct sc_rights *r, struct sc_host *h, sc_time now)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &h->instances)
    {
        struct sc_service_id id = sc_container(it, struct sc_instance, in_host)->key.service;
        if (sc_rights_deny(r, h, &id, now) != SC_DENIAL_NONE)
            sc_leases_remove(r->leases, h, &id);
    }
}

static void take_from_all(struct sc_rights *r, sc_time now)
{
    struct sc_map *hosts = &r->leases->hosts->by_address;
    for (struct sc_map_node *n = sc_map_next(hosts, NULL); n; n = sc_map_next(hosts, n))
        take_from(r, sc_container(n, struct sc_host, by_address), now);
}

static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_rights *r = part;
    struct sc_map_node *next, *n = sc_map_next(&r->shown, NULL);
    bool some = false;
    (void)d;
    for (; n; n = next) {
        next = sc_map_next(&r->shown, n);
        some |= drop_those_over(r, shown_of(n), now);
        drop_if_empty(r, shown_of(n));
    }
    if (some)
        take_from_all(r, now);
}

/* --- life ------------------------------------------------------------------------------------- */

void sc_rights_init(struct sc_rights *r, struct sc_node *node, struct sc_pool *pool,
                    struct sc_aliases *aliases, struct sc_leases *leases)
{
    *r = (struct sc_rights){.node = node, .pool = pool, .aliases = aliases, .leases = leases};
    SC_MAP_INIT(&r->shown, struct sc_shown, node, host, node->map_seed);
    sc_due_init(&r->due, on_due, r);
}

void sc_rights_fini(struct sc_rights *r)
{
    struct sc_map_node *next, *n = sc_map_next(&r->shown, NULL);
    for (; n; n = next) {
        struct sc_shown *all = shown_of(n);
        struct sc_list *it, *tmp;
        next = sc_map_next(&r->shown, n);
        sc_list_each(it, tmp, &all->grants) drop(r, all, sc_container(it, struct shown, link));
        drop_if_empty(r, all);
    }
    sc_map_fini(&r->shown);
}

/* --- what a host may -------------------------------------------------------------------------- */

/* What is known of a service: its label's text, and its provider's alias, where there are such. */
struct known {
    const char *label, *alias;
    struct sc_service_name name;
};

static void look_up(const struct sc_rights *r, const struct sc_service_id *id, struct known *k)
{
    const struct sc_pool_entry *e = sc_pool_find_service(r->pool, id);
    uint8_t provider[SC_PROVIDER_LEN];
    *k = (struct known){0};
    if (e && sc_service_name_read(e->name, &k->name, NULL) == 0) {
        k->label = k->name.label;
        k->alias = sc_provider_read(k->name.provider, provider) ? NULL : k->name.provider;
    }
    if (!k->alias)
        k->alias = sc_aliases_of(r->aliases, id->bytes);
}

static bool is_of_hosts(const char *alias)
{
    return strcmp(alias, "host") == 0;
}

/* The pattern of what the router's operator lets the host serve of this alias; NULL: nothing that
 * has to do with this service. */
static const char *pattern_of(const struct sc_rights *r, const struct sc_host *h,
                              const struct sc_service_id *id, const struct known *k)
{
    if (is_of_hosts(k->alias))
        return sc_scope_covers_label(h->name, id, k->label) ? h->name : NULL;
    if (!r->listed)
        return "*";
    for (size_t i = 0; i < r->right_count; i++) {
        const struct sc_right *one = &r->right[i];
        if (strcmp(one->host, h->name) == 0 && strcmp(one->alias, k->alias) == 0 &&
            sc_scope_covers_label(one->pattern, id, k->label))
            return one->pattern;
    }
    return NULL;
}

static enum sc_denial deny_by_grants(const struct sc_rights *r, const struct sc_host *h,
                                     const struct sc_service_id *id, const struct known *k,
                                     uint64_t wall)
{
    struct sc_shown *all = find(r, h->key);
    enum sc_denial why = SC_DENIAL_NO_GRANT;
    struct sc_list *it, *tmp;
    if (!all)
        return why;
    sc_list_each(it, tmp, &all->grants)
    {
        const struct shown *one = sc_container(it, struct shown, link);
        if (memcmp(one->provider, id->bytes, sizeof one->provider) != 0 ||
            !sc_scope_may_serve(&one->grant, id, k->label))
            continue;
        enum sc_grant_age age = sc_grant_age(&one->grant, wall);
        if (age == SC_GRANT_GOOD)
            return SC_DENIAL_NONE;
        why = age == SC_GRANT_EARLY ? SC_DENIAL_EARLY : SC_DENIAL_OVER;
    }
    return why;
}

enum sc_denial sc_rights_deny(struct sc_rights *r, const struct sc_host *h,
                              const struct sc_service_id *id, sc_time now)
{
    struct known k;
    if (!r->node->secure)
        return SC_DENIAL_NONE;
    look_up(r, id, &k);
    if (!k.alias || !sc_aliases_holds(r->aliases, k.alias))
        return deny_by_grants(r, h, id, &k, sc_node_wall(r->node, now));
    if (pattern_of(r, h, id, &k))
        return SC_DENIAL_NONE;
    return is_of_hosts(k.alias) ? SC_DENIAL_OTHER_HOST : SC_DENIAL_NOT_LISTED;
}

void sc_rights_show(struct sc_rights *r, const struct sc_host *h, struct sc_field grant,
                    sc_time now)
{
    struct sc_event e = {.type = SC_EVENT_GRANT};
    struct sc_grant g;
    bool good = sc_grant_read(&g, grant) && memcmp(g.host, h->key, SC_KEY_LEN) == 0 &&
                sc_signatures_is_good(&r->node->signatures, &r->node->crypto, grant);
    if (!good) {
        r->node->counters.dropped_grants++;
        return;
    }
    if (!remember(r, &g, now))
        return;
    memcpy(e.grant.bytes, grant.data, grant.len);
    e.grant.len = grant.len;
    e.grant.until = g.until;
    sc_notices_tell(&r->node->notices, &e);
}

bool sc_rights_restore(struct sc_rights *r, const struct sc_grant *g)
{
    return remember(r, g, 0);
}

/* --- what the router grants ------------------------------------------------------------------- */

size_t sc_rights_grant(struct sc_rights *r, const struct sc_host *h, const struct sc_service_id *id,
                       sc_time now, uint8_t out[SC_GRANT_MAX])
{
    uint64_t wall = sc_node_wall(r->node, now);
    struct sc_grant g = {.from = wall > SC_GRANT_TOLERANCE_S ? wall - SC_GRANT_TOLERANCE_S : 0,
                         .until = wall + SC_GRANT_LIFE_S,
                         .flags = SC_GRANT_SERVE,
                         .last_port = UINT16_MAX};
    struct sc_key provider;
    struct known k;
    look_up(r, id, &k);
    const char *pattern = k.alias && r->node->secure ? pattern_of(r, h, id, &k) : NULL;
    if (!pattern || !sc_aliases_pair(r->aliases, k.alias, &provider))
        return 0;
    memcpy(g.host, h->key, SC_KEY_LEN);
    snprintf(g.pattern, sizeof g.pattern, "%s", pattern);
    sc_entropy_fill(&r->node->crypto.entropy, (uint8_t *)&g.serial, sizeof g.serial);
    size_t len = sc_grant_write(out, &r->node->crypto, &g, &provider);
    sc_key_wipe(&provider);
    return len;
}
