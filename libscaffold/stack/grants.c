#include "stack/grants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "naming/scope.h"

/* The clock of the wall may be set meanwhile. */
#define LOOK_EVERY SC_OFFER_LOOK
#define A_DAY_S (24 * 3600)

static struct sc_held *held_of(struct sc_list *l)
{
    return sc_container(l, struct sc_held, link);
}

static uint64_t half_of(const struct sc_grant *g)
{
    return g->from + (g->until - g->from) / 2;
}

/* --- for people ------------------------------------------------------------------------------- */

static void note(struct sc_grants *g, enum sc_note_what what, const struct sc_held *h)
{
    struct sc_note n = {.what = what, .until = h->grant.until};
    sc_provider_write(h->provider, n.host);
    sc_notices_note(&g->node->notices, &n);
}

/* Once a day, that it ends, or is not good by this host's clock. */
static void warn(struct sc_grants *g, struct sc_held *h, uint64_t wall)
{
    uint64_t life = h->grant.until - h->grant.from;
    bool ends = wall + life / SC_GRANT_WARN_PART >= h->grant.until;
    bool good = sc_grant_age(&h->grant, wall) == SC_GRANT_GOOD;
    if ((good && !ends) || (h->warned <= wall && wall < h->warned + A_DAY_S))
        return;
    h->warned = wall;
    note(g, good ? SC_NOTE_GRANT_ENDS : SC_NOTE_GRANT_TIME, h);
}

/* --- which there are -------------------------------------------------------------------------- */

static void drop(struct sc_grants *g, struct sc_held *h)
{
    sc_list_remove(&h->link);
    free(h);
    g->count--;
}

/* The one that says the same, but perhaps for another time. */
static struct sc_held *find_like(const struct sc_grants *g, const struct sc_grant *grant)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->all)
    {
        struct sc_held *h = held_of(it);
        if (sc_grant_is_like(&h->grant, grant))
            return h;
    }
    return NULL;
}

static struct sc_held *make(struct sc_grants *g)
{
    struct sc_held *h = g->count < SC_GRANTS_HELD ? calloc(1, sizeof *h) : NULL;
    if (!h)
        return NULL;
    sc_list_append(&g->all, &h->link);
    g->count++;
    return h;
}

static void look_from(struct sc_grants *g, sc_time at)
{
    if (at < g->due.timer.at)
        sc_dues_arm(&g->node->dues, &g->due, at);
}

/* NULL: there is no room. */
static struct sc_held *put(struct sc_grants *g, struct sc_field bytes, const struct sc_grant *grant,
                           enum sc_held_how how)
{
    struct sc_held *h = find_like(g, grant);
    if (!h)
        h = make(g);
    if (!h)
        return NULL;
    h->how = how;
    h->grant = *grant;
    h->warned = 0;
    h->len = bytes.len;
    memcpy(h->bytes, bytes.data, bytes.len);
    sc_provider_of_key(grant->provider, h->provider);
    return h;
}

bool sc_grants_restore(struct sc_grants *g, struct sc_field grant)
{
    struct sc_grant read;
    look_from(g, 0);
    return sc_grant_read(&read, grant) && put(g, grant, &read, SC_HELD_INSTALLED);
}

int sc_grants_take(struct sc_grants *g, struct sc_field grant, enum sc_held_how how, sc_time now)
{
    struct sc_node *node = g->node;
    struct sc_grant read;
    if (!sc_grant_read(&read, grant) || !sc_scope_is_pattern(read.pattern))
        return -EINVAL;
    if (memcmp(read.host, node->credentials.host.public, SC_KEY_LEN) != 0)
        return -EXDEV;
    if (!sc_signatures_is_good(&node->signatures, &node->crypto, grant))
        return -EBADMSG;
    if (how == SC_HELD_INSTALLED && sc_grant_age(&read, sc_node_wall(node, now)) == SC_GRANT_OVER)
        return -ETIME;
    struct sc_held *h = put(g, grant, &read, how);
    look_from(g, now + LOOK_EVERY);
    if (h)
        warn(g, h, sc_node_wall(node, now));
    return h ? 0 : -ENOBUFS;
}

/* --- those of our own providers --------------------------------------------------------------- */

/* Every name of the provider, for this host. */
static void grant_ourselves(struct sc_grants *g, const struct sc_key *provider, sc_time now)
{
    uint64_t wall = sc_node_wall(g->node, now);
    struct sc_grant grant = {.from = wall > SC_GRANT_TOLERANCE_S ? wall - SC_GRANT_TOLERANCE_S : 0,
                             .until = wall + SC_GRANT_LIFE_S,
                             .flags = SC_GRANT_SERVE,
                             .pattern = "*",
                             .last_port = UINT16_MAX};
    uint8_t bytes[SC_GRANT_MAX];
    memcpy(grant.host, g->node->credentials.host.public, SC_KEY_LEN);
    memcpy(grant.provider, provider->public, SC_KEY_LEN);
    sc_entropy_fill(&g->node->crypto.entropy, (uint8_t *)&grant.serial, sizeof grant.serial);
    size_t len = sc_grant_write(bytes, &g->node->crypto, &grant, provider);
    put(g, (struct sc_field){bytes, len}, &grant, SC_HELD_OWN);
    look_from(g, now + LOOK_EVERY);
}

const struct sc_key *sc_grants_key(const struct sc_grants *g,
                                   const uint8_t provider[SC_PROVIDER_LEN])
{
    uint8_t hash[SC_PROVIDER_LEN];
    for (size_t i = 0; i < g->own_count; i++) {
        sc_provider_of_key(g->own[i].public, hash);
        if (memcmp(hash, provider, sizeof hash) == 0)
            return &g->own[i];
    }
    return NULL;
}

int sc_grants_hold(struct sc_grants *g, const uint8_t seed[SC_KEY_SEED_LEN], sc_time now)
{
    uint8_t hash[SC_PROVIDER_LEN];
    struct sc_key pair;
    if (!g->own)
        g->own = calloc(SC_PROVIDERS_HELD, sizeof *g->own);
    if (!g->own || g->own_count == SC_PROVIDERS_HELD)
        return -ENOBUFS;
    sc_key_init(&pair, &g->node->crypto, seed);
    sc_provider_of_key(pair.public, hash);
    bool known = sc_grants_key(g, hash) != NULL;
    if (!known) {
        g->own[g->own_count++] = pair;
        grant_ourselves(g, &pair, now);
    }
    sc_key_wipe(&pair);
    return known ? -EEXIST : 0;
}

/* --- as time goes by -------------------------------------------------------------------------- */

/* Our own is as good as new, whatever became of the clock. */
static void look_at(struct sc_grants *g, struct sc_held *h, sc_time now)
{
    uint64_t wall = sc_node_wall(g->node, now);
    enum sc_grant_age age = sc_grant_age(&h->grant, wall);
    const struct sc_key *own = h->how == SC_HELD_OWN ? sc_grants_key(g, h->provider) : NULL;
    if (own && (age != SC_GRANT_GOOD || wall >= half_of(&h->grant)))
        grant_ourselves(g, own, now);
    else if (age == SC_GRANT_OVER && h->how == SC_HELD_GIVEN)
        drop(g, h);
    else
        warn(g, h, wall);
}

static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_grants *g = part;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->all) look_at(g, held_of(it), now);
    if (g->count > 0)
        sc_dues_arm(&g->node->dues, d, now + LOOK_EVERY);
}

void sc_grants_init(struct sc_grants *g, struct sc_node *node, const struct sc_pool *pool)
{
    *g = (struct sc_grants){.node = node, .pool = pool};
    sc_list_init(&g->all);
    sc_due_init(&g->due, on_due, g);
}

void sc_grants_fini(struct sc_grants *g)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->all) drop(g, held_of(it));
    for (size_t i = 0; i < g->own_count; i++)
        sc_key_wipe(&g->own[i]);
    free(g->own);
}

/* --- what they are good for ------------------------------------------------------------------- */

static const char *label_of(const struct sc_grants *g, const struct sc_service_id *id,
                            struct sc_service_name *n)
{
    const struct sc_pool_entry *e = sc_pool_find_service(g->pool, id);
    return e && sc_service_name_read(e->name, n, NULL) == 0 ? n->label : NULL;
}

const struct sc_held *sc_grants_find(const struct sc_grants *g, const struct sc_service_id *id,
                                     sc_time now, enum sc_grant_age *age)
{
    uint64_t wall = sc_node_wall(g->node, now);
    const struct sc_held *best = NULL;
    struct sc_service_name n;
    const char *label = label_of(g, id, &n);
    struct sc_list *it, *tmp;
    *age = SC_GRANT_GOOD;
    sc_list_each(it, tmp, &g->all)
    {
        const struct sc_held *h = held_of(it);
        if (memcmp(h->provider, id->bytes, sizeof h->provider) != 0 ||
            !sc_scope_may_serve(&h->grant, id, label))
            continue;
        enum sc_grant_age this = sc_grant_age(&h->grant, wall);
        if (this != SC_GRANT_GOOD)
            *age = this;
        else if (!best || best->grant.until < h->grant.until)
            best = h;
    }
    return best;
}

bool sc_grants_wants(const struct sc_grants *g, const struct sc_service_id *id, sc_time now)
{
    enum sc_grant_age age;
    if (!g->node->secure)
        return false;
    const struct sc_held *h = sc_grants_find(g, id, now, &age);
    return !h || (h->how == SC_HELD_GIVEN && sc_node_wall(g->node, now) >= half_of(&h->grant));
}
