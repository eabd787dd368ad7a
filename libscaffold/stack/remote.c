#include "stack/remote.h"

static struct sc_remote *remote_of(struct sc_routing *r)
{
    return (struct sc_remote *)(void *)r;
}

static const struct sc_remote *const_remote_of(const struct sc_routing *r)
{
    return (const struct sc_remote *)(const void *)r;
}

/* What was sent here was chosen by the router: it is ours, or goes back. */
static struct sc_binding choose_local(const struct sc_routing *r, const struct sc_query *q)
{
    struct sc_instance *i = sc_routing_choose(r, q, true);
    return (struct sc_binding){.to = i ? SC_BINDING_LOCAL : SC_BINDING_NOBODY,
                               .reason = i ? SC_REASON_FOUND : SC_REASON_NOT_HERE,
                               .rule = "instance",
                               .instance = i};
}

static struct sc_binding choose(struct sc_routing *base, const struct sc_query *q, sc_time now)
{
    const struct sc_registrar *g = &remote_of(base)->registrar;
    struct sc_binding b = {.rule = "router"};
    if (q->scope == SC_SCOPE_ARRIVED)
        return choose_local(base, q);
    if (sc_registrar_reachable(g, now)) {
        b.to = SC_BINDING_ROUTER;
        b.way = &base->node->router;
        b.link = &g->link;
    } else if (sc_registrar_is_new(g, now)) {
        b.to = SC_BINDING_HOLD;
        b.reason = SC_REASON_TOO_EARLY;
    } else {
        b.reason = SC_REASON_NO_ROUTE;
    }
    return b;
}

/* The router saw it, too. */
static void use(struct sc_routing *base, const struct sc_service_id *service)
{
    (void)base, (void)service;
}

static void change(struct sc_routing *base, const struct sc_service_id *id, bool added, sc_time now)
{
    sc_registrar_change(&remote_of(base)->registrar, id, added, now);
}

static int lookup(struct sc_routing *base, const struct sc_control *question, void *ticket,
                  sc_time now)
{
    return sc_lookups_ask(&remote_of(base)->lookups, question, ticket, now);
}

static void hear(struct sc_routing *base, const struct sc_control *c,
                 const struct sc_caller *caller, sc_time now)
{
    struct sc_remote *m = remote_of(base);
    uint32_t joins = m->registrar.joins;
    if (!caller->channel && !sc_node_is_router(base->node, &caller->at))
        return;
    if (c->message == SC_MSG_GREETED)
        sc_registrar_on_greeted(&m->registrar, c, now);
    else if (c->message == SC_MSG_AGAIN)
        sc_registrar_on_again(&m->registrar, c);
    else if (c->message == SC_MSG_MAPPING)
        sc_lookups_on_mapping(&m->lookups, c, now);
    else if (!sc_control_is_request(c->message) && !sc_control_is_plain(c->message))
        sc_registrar_on_answer(&m->registrar, c, now);
    if (m->registrar.joins != joins)
        sc_lookups_again(&m->lookups, now);
}

static void heard_in(struct sc_routing *base, struct sc_channel *s, sc_time now)
{
    sc_registrar_heard(&remote_of(base)->registrar, s, now);
}

static bool is_registered(const struct sc_routing *base)
{
    return sc_registrar_is_registered(&const_remote_of(base)->registrar);
}

static void describe(const struct sc_routing *base, struct sc_stack_self *out)
{
    const struct sc_registrar *g = &const_remote_of(base)->registrar;
    out->joined = g->reachable;
    out->name_taken = g->name_taken;
    out->refused = g->refused;
    out->names = g->names;
    out->new_until = sc_registrar_new_until(g);
}

static sc_time deadline(const struct sc_routing *base)
{
    (void)base;
    return SC_NEVER;
}

static void tick(struct sc_routing *base, sc_time now)
{
    (void)base, (void)now;
}

static const struct sc_routing_ops ops = {.name = "remote router",
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

void sc_remote_init(struct sc_remote *m, struct sc_node *node, struct sc_service_table *services,
                    struct sc_pool *pool, struct sc_channels *channels, struct sc_grants *grants,
                    bool require_verified, sc_time now)
{
    m->routing = (struct sc_routing){
        .ops = &ops, .node = node, .services = services, .pool = pool, .channels = channels};
    sc_registrar_init(&m->registrar, node, services, pool, channels, grants, now);
    sc_pins_init(&m->pins, node, require_verified);
    sc_lookups_init(&m->lookups, node, pool, &m->pins, &m->registrar);
}

void sc_remote_fini(struct sc_remote *m)
{
    sc_lookups_fini(&m->lookups);
    sc_pins_fini(&m->pins);
    sc_registrar_fini(&m->registrar);
}

void sc_remote_start(struct sc_remote *m, sc_time now)
{
    sc_registrar_start(&m->registrar, now);
}
