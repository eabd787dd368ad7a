/* A host's word to its router: JOIN until it has an address, then REFRESH every SC_LEASE_REFRESH.
 * What changes is said at once, once; the digest in the next REFRESH finds out whether it arrived.
 * Until the router has said that it is fine, REFRESH comes early, at doubling intervals. */
#include "stack/internal.h"

#include <stdio.h>

static void send(struct sc_stack *s, struct sc_control *c)
{
    c->transaction = sc_rng_next(&s->rng);
    c->src = s->env.address;
    c->epoch = s->env.epoch;
    sc_outbox_control(s, &s->config.router, 0, c);
}

static void join(struct sc_stack *s, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    struct sc_control c = {.message = SC_MSG_JOIN};
    snprintf(c.name, sizeof c.name, "%s", s->config.host_name);
    send(s, &c);
    sc_stack_arm(s, &g->due, now + g->interval);
    g->interval =
        2 * g->interval < SC_REQUEST_RETRANSMIT_MAX ? 2 * g->interval : SC_REQUEST_RETRANSMIT_MAX;
}

static void refresh(struct sc_stack *s, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    struct sc_control c = {
        .message = SC_MSG_REFRESH, .registered = g->registered, .digest = g->digest};
    g->refresh_serial = g->serial;
    send(s, &c);
    sc_stack_arm(s, &g->due, now + g->refresh_interval);
    g->refresh_interval = sc_time_min(2 * g->refresh_interval, SC_LEASE_REFRESH);
}

/* The router may not know what we serve now: ask it soon. */
static void doubt(struct sc_stack *s, sc_time now)
{
    s->registrar.refresh_interval = SC_REQUEST_RETRANSMIT;
    sc_stack_arm(s, &s->registrar.due, now + SC_REQUEST_RETRANSMIT);
}

static void register_all(struct sc_stack *s)
{
    struct sc_control c = {.message = SC_MSG_REGISTER, .replaces = 1};
    struct sc_instance *i;
    for (size_t n = 0; (i = sc_service_table_at(&s->services, n)) != NULL; n++) {
        c.service[c.service_count++] = i->service->id;
        if (c.service_count == SC_REGISTER_MAX) {
            c.serial = ++s->registrar.serial;
            send(s, &c);
            c.service_count = 0;
            c.replaces = 0;
        }
    }
    if (c.service_count || c.replaces) {
        c.serial = ++s->registrar.serial;
        send(s, &c);
    }
}

static void on_due(struct sc_stack *s, struct sc_due *d, sc_time now)
{
    (void)d;
    bool was = s->registrar.joined_once &&
               now - s->registrar.answered_at < SC_LEASE_TIME + SC_LEASE_REFRESH;
    if (s->env.address == 0)
        join(s, now);
    else
        refresh(s, now);
    if (was && !sc_registrar_reachable(s, now))
        sc_stack_notify(s, &(struct sc_event){.type = SC_EVENT_JOINED});
}

void sc_registrar_start(struct sc_stack *s, sc_time now)
{
    s->registrar = (struct sc_registrar){.interval = SC_REQUEST_RETRANSMIT,
                                         .refresh_interval = SC_REQUEST_RETRANSMIT};
    sc_timer_init(&s->registrar.due.timer);
    s->registrar.due.fire = on_due;
    if (!s->is_router)
        sc_stack_arm(s, &s->registrar.due, now);
}

bool sc_registrar_reachable(const struct sc_stack *s, sc_time now)
{
    return s->is_router ||
           (s->registrar.joined_once && now - s->registrar.answered_at < SC_LEASE_TIME);
}

static void on_joined(struct sc_stack *s, const struct sc_control *c, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    s->env.address = c->address;
    s->env.pool = c->pool;
    g->router_epoch = c->epoch;
    g->joined_once = true;
    g->interval = SC_REQUEST_RETRANSMIT;
    if (g->registered)
        register_all(s);
    doubt(s, now);
    sc_stack_notify(s, &(struct sc_event){.type = SC_EVENT_JOINED});
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
           (s->registrar.known_serial == s->registrar.serial && s->registrar.joined_once);
}

static void on_refreshed(struct sc_stack *s, const struct sc_control *c, sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    if (c->state == SC_REFRESH_JOIN) {
        join(s, now); /* with the address we have, which a restarted router gives back */
    } else if (c->state == SC_REFRESH_REGISTER) {
        register_all(s);
        doubt(s, now);
    } else {
        known(s, g->refresh_serial);
        g->refresh_interval = SC_LEASE_REFRESH;
        sc_stack_arm(s, &g->due, now + SC_LEASE_REFRESH);
    }
}

void sc_registrar_on_answer(struct sc_stack *s, const struct sc_control *c, sc_time now)
{
    bool was = sc_registrar_reachable(s, now);
    s->registrar.answered_at = now;
    if (c->message == SC_MSG_JOINED)
        on_joined(s, c, now);
    else if (c->message == SC_MSG_REFRESHED)
        on_refreshed(s, c, now);
    else if (c->message == SC_MSG_REGISTERED && c->serial == s->registrar.known_serial + 1)
        known(s, c->serial); /* one change after what is known; otherwise a REFRESH tells */
    if (!was && sc_registrar_reachable(s, now))
        sc_stack_notify(s, &(struct sc_event){.type = SC_EVENT_JOINED});
}

void sc_registrar_changed(struct sc_stack *s, const struct sc_service_id *id, bool added,
                          sc_time now)
{
    struct sc_registrar *g = &s->registrar;
    g->registered += added ? 1 : -1u;
    g->digest ^= sc_router_digest(id);
    if (s->is_router || s->env.address == 0)
        return;
    struct sc_control c = {.message = added ? SC_MSG_REGISTER : SC_MSG_UNREGISTER,
                           .serial = ++g->serial,
                           .service_count = 1,
                           .service = {*id}};
    send(s, &c);
    doubt(s, now);
}
