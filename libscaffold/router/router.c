#include "router/router.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "router/notes.h"
#include "router/reply.h"
#include "router/rules.h"

/* Stands for a question of the router itself: no message has this number. */
#define OWN_NAME 0

static struct sc_router *router_of(struct sc_routing *r)
{
    return (struct sc_router *)(void *)r;
}

static const struct sc_router *const_router_of(const struct sc_routing *r)
{
    return (const struct sc_router *)(const void *)r;
}

/* --- its own name ----------------------------------------------------------------------------- */

static void has_name(struct sc_router *r, struct sc_pool_entry *e)
{
    sc_pool_hold(r->routing.pool, e, true);
    r->routing.node->env.pool = e->pool;
    sc_node_take_provider(r->routing.node, e->key);
}

/* After what was kept has been restored; again and again while it cannot be stored. */
static void take_name(void *part, struct sc_due *d, sc_time now)
{
    struct sc_router *r = part;
    struct sc_parked ourselves = {.message = {.message = OWN_NAME}};
    struct sc_service_name n;
    int error;
    if (sc_service_name_of_host(r->routing.node->host_name, &n) < 0)
        return;
    struct sc_pool_entry *e = sc_changes_map(&r->changes, &n, &ourselves.from, now, &error);
    if (e && !e->change)
        has_name(r, e);
    else if (!e || !sc_changes_park(&r->changes, e->change, &ourselves, now))
        sc_dues_arm(&r->routing.node->dues, d, now + SC_OWN_NAME_RETRY);
}

/* --- who waited for the disk ------------------------------------------------------------------ */

static void resume(struct sc_router *r, struct sc_parked *q, int error, sc_time now)
{
    if (q->message.message == SC_MSG_LOOKUP)
        sc_answers_resume(&r->answers, q, error, now);
    else if (q->message.message == SC_MSG_JOIN)
        sc_joins_resume(&r->joins, q, error, now);
    else
        sc_dues_arm(&r->routing.node->dues, &r->naming, error ? now + SC_OWN_NAME_RETRY : now);
    free(q);
}

/* The disk takes longer than anybody is willing to wait. */
static void on_late(void *part, struct sc_due *d, sc_time now)
{
    struct sc_router *r = part;
    resume(r, sc_changes_take_late(&r->changes, d), ETIME, now);
}

void sc_router_stored(struct sc_router *r, uint64_t token, int error, sc_time now)
{
    struct sc_change *change = sc_changes_settle(&r->changes, token, error);
    struct sc_parked *q;
    if (change && error && change->kind == SC_CHANGE_OWNER)
        sc_invitations_give_back(&r->invitations, change->invitation);
    while (change && (q = sc_changes_take(&r->changes, change)) != NULL)
        resume(r, q, error, now);
    free(change);
}

/* --- requests of hosts ------------------------------------------------------------------------ */

/* The host that a request speaks for, which goes on in this channel; NULL when it has to join
 * first. */
static struct sc_host *speaker(struct sc_router *r, const struct sc_parked *q, sc_time now)
{
    const struct sc_control *c = &q->message;
    struct sc_host *h = sc_hosts_find(&r->hosts, c->src);
    struct sc_channel *s = sc_channels_find(r->routing.channels, q->channel);
    if (!h || h->epoch != c->epoch || !h->up || !sc_host_is_in(h, s))
        return NULL;
    if (s)
        sc_channels_adopt(r->routing.channels, s, &h->link, now);
    return h;
}

/* Which it may not, or for which there is no room, the answer says. */
static void register_one(struct sc_router *r, struct sc_host *h, const struct sc_service_id *id,
                         struct sc_control *answer, sc_time now)
{
    enum sc_denial why = sc_rights_deny(&r->rights, h, id, now);
    if (why == SC_DENIAL_NONE && !sc_leases_has(&r->leases, h, id)) {
        if (sc_leases_add(&r->leases, h, id))
            sc_changes_use(&r->changes, id);
        else
            why = SC_DENIAL_NO_ROOM;
    }
    if (why == SC_DENIAL_NONE)
        return;
    answer->service[answer->service_count] = *id;
    answer->denial[answer->service_count++] = (uint8_t)why;
    if (why != SC_DENIAL_NO_ROOM) /* which was noted already */
        sc_notes_denied(&r->routing.node->notices, h, id, why);
}

/* Signatures take time: what is too much at once is not looked at. */
static bool may_have_grants(struct sc_router *r, const struct sc_parked *q, sc_time now)
{
    const struct sc_control *c = &q->message;
    return (c->grant.len > 0 || c->wants_grant) &&
           sc_node_allows(r->routing.node, SC_RATE_GRANT, &q->from, true, now);
}

static void on_register(struct sc_router *r, const struct sc_parked *q, sc_time now)
{
    const struct sc_control *c = &q->message;
    struct sc_control a = {.message = SC_MSG_REGISTERED, .serial = c->serial};
    uint8_t grant[SC_GRANT_MAX];
    struct sc_host *h = speaker(r, q, now);
    if (!h)
        return; /* its next REFRESH tells it to join */
    bool grants = may_have_grants(r, q, now);
    if (grants && c->grant.len > 0)
        sc_rights_show(&r->rights, h, c->grant, now);
    if (c->replaces)
        sc_leases_remove_all(&r->leases, h);
    for (size_t i = 0; i < c->service_count; i++) {
        if (c->message == SC_MSG_UNREGISTER)
            sc_leases_remove(&r->leases, h, &c->service[i]);
        else
            register_one(r, h, &c->service[i], &a, now);
    }
    sc_leases_renew(&r->leases, h, &q->from, now);
    if (grants && c->wants_grant && c->service_count > 0 && a.service_count == 0)
        a.grant =
            (struct sc_field){grant, sc_rights_grant(&r->rights, h, &c->service[0], now, grant)};
    if (a.service_count > 0 &&
        !sc_node_allows(r->routing.node, SC_RATE_DENIAL, &q->from, true, now))
        a.service_count = 0;
    sc_reply(r->routing.node, &r->hosts, q, &a);
}

static void on_refresh(struct sc_router *r, const struct sc_parked *q, sc_time now)
{
    const struct sc_control *c = &q->message;
    struct sc_host *h = speaker(r, q, now);
    struct sc_control a = {
        .message = SC_MSG_REFRESHED, .state = SC_REFRESH_JOIN, .reuses = r->routing.pool->reuses};
    if (h) {
        bool same = h->registered == c->registered && h->digest == c->digest;
        a.state = same ? SC_REFRESH_FINE : SC_REFRESH_REGISTER;
        sc_leases_renew(&r->leases, h, &q->from, now);
    }
    sc_reply(r->routing.node, &r->hosts, q, &a);
}

static void on_where(struct sc_router *r, const struct sc_parked *q)
{
    const struct sc_host *h = sc_hosts_find(&r->hosts, q->message.address);
    struct sc_control a = {.message = SC_MSG_THERE, .address = q->message.address};
    if (h && h->up)
        a.underlay = h->underlay;
    sc_reply(r->routing.node, &r->hosts, q, &a);
}

/* A request of a host, or of whoever wants to be one. */
static void serve(struct sc_router *r, const struct sc_parked *q, sc_time now)
{
    switch (q->message.message) {
    case SC_MSG_JOIN:
        sc_joins_on_join(&r->joins, q, now);
        break;
    case SC_MSG_REGISTER:
    case SC_MSG_UNREGISTER:
        on_register(r, q, now);
        break;
    case SC_MSG_REFRESH:
        on_refresh(r, q, now);
        break;
    case SC_MSG_LOOKUP:
        sc_answers_on_lookup(&r->answers, q, now);
        break;
    case SC_MSG_WHERE:
        on_where(r, q);
        break;
    default:
        break;
    }
}

/* Who has not been let in may ask for that. */
static bool may_ask(struct sc_router *r, const struct sc_control *c, const struct sc_channel *s)
{
    bool may = !s || s->link || c->message == SC_MSG_JOIN || c->message == SC_MSG_REFRESH;
    r->routing.node->counters.dropped_unjoined += !may;
    return may;
}

static void on_prove(struct sc_router *r, const struct sc_control *c,
                     const struct sc_underlay *from, sc_time now)
{
    struct sc_proof proof;
    struct sc_channel *s = sc_greetings_on_prove(&r->greetings, c, from, &proof, now);
    if (!s)
        return;
    sc_invitation_hash(&r->routing.node->crypto, proof.invitation, s->invitation);
    OPENSSL_cleanse(proof.invitation, sizeof proof.invitation);
    struct sc_parked q = {.message = proof.request, .from = s->at, .channel = s->id};
    if (may_ask(r, &proof.request, s))
        serve(r, &q, now);
}

static void hear(struct sc_routing *base, const struct sc_control *c,
                 const struct sc_caller *caller, sc_time now)
{
    struct sc_router *r = router_of(base);
    const struct sc_channel *s = caller->channel;
    struct sc_parked q = {
        .message = *c, .from = caller->at, .known = caller->known, .channel = s ? s->id : 0};
    if (c->message == SC_MSG_GREET)
        sc_greetings_on_greet(&r->greetings, c, &caller->at, caller->known, now);
    else if (c->message == SC_MSG_PROVE)
        on_prove(r, c, &caller->at, now);
    else if (sc_control_is_request(c->message) && may_ask(r, c, s) &&
             sc_node_allows(base->node, SC_RATE_REQUEST, &caller->at, caller->known, now))
        serve(r, &q, now);
}

/* A request decides whose it is. */
static void heard_in(struct sc_routing *base, struct sc_channel *s, sc_time now)
{
    (void)base, (void)s, (void)now;
}

int sc_router_forget_host(struct sc_router *r, const char *name)
{
    struct sc_service_name n;
    char text[SC_NAME_MAX + 1];
    if (sc_service_name_of_host(name, &n) < 0 || sc_service_name_write(&n, text, sizeof text) < 0)
        return -ENOENT;
    struct sc_pool_entry *e = sc_pool_find_name(r->routing.pool, text);
    if (!e || !e->owned)
        return -ENOENT;
    if (!sc_changes_disown(&r->changes, e))
        return -EAGAIN;
    struct sc_host *h = sc_hosts_find_name(&r->hosts, n.label);
    if (h && h->up)
        sc_leases_end(&r->leases, h);
    if (h)
        sc_channels_leave(r->routing.channels, &h->link);
    return 0;
}

/* --- the operations --------------------------------------------------------------------------- */

static struct sc_binding choose(struct sc_routing *base, const struct sc_query *q, sc_time now)
{
    (void)now;
    return sc_rules_choose(base, &router_of(base)->hosts, q);
}

static void use(struct sc_routing *base, const struct sc_service_id *service)
{
    sc_changes_use(&router_of(base)->changes, service);
}

/* It sees its own instances in the table. */
static void change(struct sc_routing *base, const struct sc_service_id *id, bool added, sc_time now)
{
    (void)base, (void)id, (void)added, (void)now;
}

static int lookup(struct sc_routing *base, const struct sc_control *question, void *ticket,
                  sc_time now)
{
    struct sc_parked q = {.message = *question, .ticket = ticket};
    return sc_answers_on_lookup(&router_of(base)->answers, &q, now) ? 0 : -ENOBUFS;
}

static bool is_registered(const struct sc_routing *base)
{
    (void)base;
    return true;
}

static void describe(const struct sc_routing *base, struct sc_stack_self *out)
{
    out->is_router = out->joined = true;
    out->names = sc_pool_room(base->pool);
}

static sc_time deadline(const struct sc_routing *base)
{
    return sc_leases_deadline(&const_router_of(base)->leases);
}

static void tick(struct sc_routing *base, sc_time now)
{
    sc_leases_tick(&router_of(base)->leases, now);
}

static const struct sc_routing_ops ops = {.name = "router",
                                          .choose = choose,
                                          .use = use,
                                          .change = change,
                                          .lookup = lookup,
                                          .hear = hear,
                                          .heard_in = heard_in,
                                          .is_registered = is_registered,
                                          .describe = describe,
                                          .deadline = deadline,
                                          .tick = tick};

/* --- life ------------------------------------------------------------------------------------- */

void sc_router_init(struct sc_router *r, struct sc_node *node, struct sc_service_table *services,
                    struct sc_pool *pool, struct sc_channels *channels, uint32_t domain,
                    const uint8_t seed[SC_NETWORK_SEED_LEN], sc_time now)
{
    r->routing = (struct sc_routing){
        .ops = &ops, .node = node, .services = services, .pool = pool, .channels = channels};
    sc_hosts_init(&r->hosts, channels, domain, node->map_seed);
    sc_greetings_init(&r->greetings, node, channels);
    sc_aliases_init(&r->aliases, &node->crypto, seed, node->map_seed);
    sc_changes_init(&r->changes, node, pool, &r->aliases, on_late, r, now);
    r->leases = (struct sc_leases){node, &r->hosts, services, pool};
    sc_rights_init(&r->rights, node, pool, &r->aliases, &r->leases);
    r->joins = (struct sc_joins){node,       &r->hosts,  pool,           &r->changes,
                                 &r->leases, &r->rights, &r->invitations};
    r->answers = (struct sc_answers){node, &r->hosts, pool, &r->changes, &r->aliases};
    sc_due_init(&r->naming, take_name, r);
}

void sc_router_fini(struct sc_router *r)
{
    sc_changes_fini(&r->changes);
    sc_greetings_fini(&r->greetings);
    sc_rights_fini(&r->rights);
    sc_aliases_fini(&r->aliases);
    sc_hosts_fini(&r->hosts);
}

void sc_router_start(struct sc_router *r, sc_time now)
{
    struct sc_node *node = r->routing.node;
    node->env.address = sc_network_address(r->hosts.domain, 1);
    while (r->routing.pool->reuses == 0) /* another one than before it was restarted */
        r->routing.pool->reuses = (uint32_t)sc_rng_next(&node->rng);
    sc_dues_arm(&node->dues, &r->naming, now);
}
