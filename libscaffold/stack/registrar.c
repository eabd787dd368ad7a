/* A host's word to its router: JOIN until it has an address, then REFRESH every SC_LEASE_REFRESH.
 * What changes is said at once, once; the digest in the next REFRESH finds out whether it arrived.
 * Until the router has said that it is fine, REFRESH comes early, at doubling intervals. */
#include "stack/internal.h"

#include <stdio.h>

/* The transaction of question `n` of this kind: nobody else knows it, and repetitions share it, so
 * that the answer to any of them will do. */
static uint64_t transaction(const struct sc_stack *s, enum sc_control_message message, uint32_t n)
{
    uint32_t text[2] = {message, n};
    return sc_hash(s->map_seed, text, sizeof text);
}

static void send(struct sc_stack *s, struct sc_control *c, uint32_t n)
{
    c->transaction = transaction(s, (enum sc_control_message)c->message, n);
    c->src = s->env.address;
    c->epoch = s->env.epoch;
    sc_outbox_control(s, SC_QUEUE_OWN, &s->config.router, 0, c);
}

static void join(struct sc_stack *s, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    struct sc_control c = {.message = SC_MSG_JOIN};
    snprintf(c.name, sizeof c.name, "%s", s->config.host_name);
    sc_secrets_host(s, c.token);
    send(s, &c, g->joins);
    sc_stack_arm(s, &g->due, now + g->interval);
    g->interval = sc_time_min(2 * g->interval, SC_REQUEST_RETRANSMIT_MAX);
}

static void refresh(struct sc_stack *s, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    struct sc_control c = {
        .message = SC_MSG_REFRESH, .registered = g->registered, .digest = g->digest};
    send(s, &c, g->serial);
    sc_stack_arm(s, &g->due, now + g->refresh_interval);
    g->refresh_interval = sc_time_min(2 * g->refresh_interval, SC_LEASE_REFRESH);
}

/* The router may not know what we serve now: ask it soon. */
static void doubt(struct sc_stack *s, sc_time now)
{
    s->registrar.refresh_interval = SC_REQUEST_RETRANSMIT;
    sc_stack_arm(s, &s->registrar.due, now + SC_REQUEST_RETRANSMIT);
}

static void send_registration(struct sc_stack *s, struct sc_control *c)
{
    c->serial = ++s->registrar.serial;
    send(s, c, c->serial);
    c->service_count = 0;
    c->replaces = 0;
}

static void register_all(struct sc_stack *s)
{
    struct sc_control c = {.message = SC_MSG_REGISTER, .replaces = 1};
    for (struct sc_service *v = NULL; (v = sc_service_table_next(&s->services, v)) != NULL;) {
        c.service[c.service_count++] = v->id;
        if (c.service_count == SC_REGISTER_MAX)
            send_registration(s, &c);
    }
    if (c.service_count || c.replaces)
        send_registration(s, &c);
}

bool sc_registrar_reachable(const struct sc_stack *s, sc_time now)
{
    const struct sc_registrar *g = &s->registrar;
    return s->is_router || (g->joined && now - g->answered_at < SC_LEASE_TIME);
}

/* As long as a lease, and a word from the router: it has let a host go then, too, that was there
 * under our name. */
sc_time sc_registrar_new_until(const struct sc_stack *s)
{
    const struct sc_registrar *g = &s->registrar;
    return s->is_router || g->joins > 0 ? 0 : g->started + SC_LEASE_TIME + SC_LEASE_REFRESH;
}

bool sc_registrar_is_new(const struct sc_stack *s, sc_time now)
{
    return now < sc_registrar_new_until(s);
}

static void tell_reachable(struct sc_stack *s, sc_time now)
{
    bool reachable = sc_registrar_reachable(s, now);
    if (reachable != s->registrar.reachable)
        sc_stack_notify(s, &(struct sc_event){.type = SC_EVENT_JOINED});
    s->registrar.reachable = reachable;
}

static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now)
{
    (void)d;
    if (s->registrar.joined)
        refresh(s, now);
    else
        join(s, now);
    tell_reachable(s, now);
}

void sc_registrar_start(struct sc_stack *s, sc_time now)
{
    s->registrar = (struct sc_registrar){.started = now,
                                         .interval = SC_REQUEST_RETRANSMIT,
                                         .refresh_interval = SC_REQUEST_RETRANSMIT};
    sc_timer_init(&s->registrar.due.timer);
    s->registrar.due.fire = on_due;
    if (!s->is_router)
        sc_stack_arm(s, &s->registrar.due, now);
}

static void on_joined(struct sc_stack *s, const struct sc_control *c, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    if (c->transaction != transaction(s, SC_MSG_JOIN, g->joins))
        return;
    bool taken = c->address == 0 && c->trouble == SC_TROUBLE_NONE;
    int refused = c->address == 0 && !taken ? sc_changes_error(c->trouble) : 0;
    if (taken != g->name_taken || refused != g->refused)
        sc_stack_notify(s, &(struct sc_event){.type = SC_EVENT_JOINED});
    g->name_taken = taken;
    g->refused = refused;
    g->names = c->names;
    g->joined = c->address != 0;
    if (!g->joined) { /* JOIN again: that host may leave, the disk get room */
        sc_time at = now + sc_time_max(c->lease_ms * SC_MS, SC_REQUEST_RETRANSMIT);
        sc_stack_arm(s, &g->due, sc_time_min(at, g->due.timer.at));
        return;
    }
    bool moved = s->env.address != c->address || s->env.pool != c->pool;
    s->env.address = c->address;
    s->env.pool = c->pool;
    g->joins++;
    g->interval = SC_REQUEST_RETRANSMIT;
    if (moved && g->reachable)
        sc_stack_notify(s, &(struct sc_event){.type = SC_EVENT_JOINED});
    if (g->registered)
        register_all(s);
    doubt(s, now);
}

/* The router knows what was registered up to this serial. */
static void known(struct sc_stack *s, uint32_t serial)
{
    struct sc_registrar *g = &s->registrar;
    bool news = g->known_serial != serial && serial == g->serial;
    g->known_serial = serial;
    if (news)
        sc_stack_notify(s, &(struct sc_event){.type = SC_EVENT_REGISTERED});
}

bool sc_stack_registered(const struct sc_stack *s)
{
    return s->is_router ||
           (s->registrar.known_serial == s->registrar.serial && s->registrar.joined);
}

static void on_refreshed(struct sc_stack *s, const struct sc_control *c, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    if (c->transaction != transaction(s, SC_MSG_REFRESH, g->serial))
        return; /* about what was served before the last change */
    if (c->reuses)
        s->reuses = c->reuses; /* what is in memory from before is asked for again */
    if (c->state == SC_REFRESH_JOIN) {
        join(s, now); /* with the address we have, which a restarted router gives back */
    } else if (c->state == SC_REFRESH_REGISTER) {
        register_all(s);
        doubt(s, now);
    } else {
        known(s, g->serial);
        g->refresh_interval = SC_LEASE_REFRESH;
        sc_stack_arm(s, &g->due, now + SC_LEASE_REFRESH);
    }
}

/* One change after what is known; otherwise a REFRESH tells. */
static void on_registered(struct sc_stack *s, const struct sc_control *c)
{
    bool ours = c->transaction == transaction(s, SC_MSG_REGISTER, c->serial) ||
                c->transaction == transaction(s, SC_MSG_UNREGISTER, c->serial);
    if (ours && c->serial == s->registrar.known_serial + 1)
        known(s, c->serial);
}

void sc_registrar_on_answer(struct sc_stack *s, const struct sc_control *c, sc_time now)
{
    s->registrar.answered_at = now;
    if (c->message == SC_MSG_JOINED)
        on_joined(s, c, now);
    else if (c->message == SC_MSG_REFRESHED)
        on_refreshed(s, c, now);
    else if (c->message == SC_MSG_REGISTERED)
        on_registered(s, c);
    tell_reachable(s, now);
}

void sc_registrar_changed(struct sc_stack *s, const struct sc_service_id *id, bool added,
                          sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    g->registered += added ? 1 : -1u;
    g->digest ^= sc_router_digest(id);
    if (s->is_router || !g->joined)
        return; /* joining registers everything */
    struct sc_control c = {.message = added ? SC_MSG_REGISTER : SC_MSG_UNREGISTER,
                           .serial = ++g->serial,
                           .service_count = 1,
                           .service = {*id}};
    send(s, &c, c.serial);
    doubt(s, now);
}
