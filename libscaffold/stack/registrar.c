#include "stack/registrar.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "router/trouble.h"

/* The transaction of question `n` of this kind: nobody else knows it, and repetitions share it, so
 * that the answer to any of them will do. */
static uint64_t transaction(const struct sc_registrar *g, enum sc_control_message message,
                            uint32_t n)
{
    uint32_t text[2] = {message, n};
    return sc_hash(g->node->map_seed, text, sizeof text);
}

static void sign(const struct sc_registrar *g, struct sc_control *c, uint32_t n)
{
    c->transaction = transaction(g, (enum sc_control_message)c->message, n);
    c->src = g->node->env.address;
    c->epoch = g->node->env.epoch;
}

static void ask(struct sc_registrar *g, const struct sc_control *c)
{
    sc_channels_control(g->channels, g->link.now, &g->node->router, SC_QUEUE_OWN, c);
}

static void send(struct sc_registrar *g, struct sc_control *c, uint32_t n)
{
    sign(g, c, n);
    ask(g, c);
}

static struct sc_control join_request(const struct sc_registrar *g)
{
    struct sc_control c = {.message = SC_MSG_JOIN};
    snprintf(c.name, sizeof c.name, "%s", g->node->host_name);
    sc_secrets_host(&g->node->secrets, g->node->host_name, c.token);
    sign(g, &c, g->joins);
    return c;
}

static struct sc_control refresh_request(const struct sc_registrar *g)
{
    struct sc_control c = {
        .message = SC_MSG_REFRESH, .registered = g->registered, .digest = g->digest};
    sign(g, &c, g->serial);
    return c;
}

/* Until there is an answer. */
static void come_again(struct sc_registrar *g, sc_time now)
{
    sc_dues_arm(&g->node->dues, &g->due, now + g->interval);
    g->interval = sc_time_min(2 * g->interval, SC_REQUEST_RETRANSMIT_MAX);
}

static void join(struct sc_registrar *g, sc_time now)
{
    struct sc_control c = join_request(g);
    ask(g, &c);
    g->unanswered++; /* a router does not keep channels of those that it has not let in */
    come_again(g, now);
}

/* One that is not answered about as soon as the last one comes again, and then soon: it is known
 * before long whether the router was restarted. */
static void refresh(struct sc_registrar *g, sc_time now)
{
    struct sc_control c = refresh_request(g);
    ask(g, &c);
    if (g->unanswered == 0) {
        g->asked_at = now;
        g->refresh_interval = g->patience;
    } else if (g->unanswered < SC_REFRESH_UNANSWERED) {
        g->refresh_interval = SC_REQUEST_RETRANSMIT;
    }
    g->unanswered++;
    sc_dues_arm(&g->node->dues, &g->due, now + g->refresh_interval);
    g->refresh_interval = sc_time_min(2 * g->refresh_interval, SC_LEASE_REFRESH);
}

/* The router may not know what we serve now: ask it soon. */
static void doubt(struct sc_registrar *g, sc_time now)
{
    sc_dues_arm(&g->node->dues, &g->due, now + SC_REQUEST_RETRANSMIT);
}

/* No host but this one has it: see sc_meaning_of_loopback. */
static bool stays_here(const struct sc_service_id *id)
{
    static const uint8_t nobody[SC_PROVIDER_LEN];
    return memcmp(id->bytes, nobody, sizeof nobody) == 0;
}

static void count(struct sc_registrar *g, const struct sc_service_id *id, bool added)
{
    g->registered += added ? 1 : -1u;
    g->digest ^= sc_service_table_digest(id);
}

static void offer_by(struct sc_registrar *g, sc_time at)
{
    sc_dues_arm(&g->node->dues, &g->offering, sc_time_min(at, g->offering.timer.at));
}

static void send_registration(struct sc_registrar *g, struct sc_control *c, sc_time now)
{
    c->serial = ++g->serial;
    c->wants_grant = c->service_count > 0 && sc_grants_wants(g->grants, &c->service[0], now);
    if (c->wants_grant) /* which may be lost */
        offer_by(g, now + SC_OFFER_AGAIN);
    send(g, c, c->serial);
    c->service_count = 0;
    c->replaces = 0;
}

/* What was denied is asked for with all the rest, and counts until it is denied again. */
static void forget_denials(struct sc_registrar *g)
{
    for (struct sc_denied *one; (one = sc_denials_any(&g->denials)) != NULL;) {
        struct sc_service_id id = one->service;
        if (sc_denials_take(&g->denials, &id))
            count(g, &id, true);
    }
}

static void register_all(struct sc_registrar *g, sc_time now)
{
    struct sc_control c = {.message = SC_MSG_REGISTER, .replaces = 1};
    forget_denials(g);
    for (struct sc_service *v = NULL; (v = sc_service_table_next(g->services, v)) != NULL;) {
        if (stays_here(&v->id))
            continue;
        c.service[c.service_count++] = v->id;
        if (c.service_count == SC_REGISTER_MAX)
            send_registration(g, &c, now);
    }
    if (c.service_count || c.replaces)
        send_registration(g, &c, now);
}

bool sc_registrar_reachable(const struct sc_registrar *g, sc_time now)
{
    return g->joined && now - g->answered_at < SC_LEASE_TIME;
}

/* As long as a lease, and a word from the router: it has let a host go then, too, that was there
 * under our name. */
sc_time sc_registrar_new_until(const struct sc_registrar *g)
{
    return g->joins > 0 ? 0 : g->started + SC_LEASE_TIME + SC_LEASE_REFRESH;
}

bool sc_registrar_is_new(const struct sc_registrar *g, sc_time now)
{
    return now < sc_registrar_new_until(g);
}

static void tell_reachable(struct sc_registrar *g, sc_time now)
{
    bool reachable = sc_registrar_reachable(g, now);
    if (reachable != g->reachable)
        sc_notices_tell(&g->node->notices, &(struct sc_event){.type = SC_EVENT_JOINED});
    g->reachable = reachable;
}

/* There is none with this router, or it is old, or the router does not know it any more: that of a
 * host that it has not let in it forgets soon. A handshake is brought to its end, since the router
 * may use the new one already. */
static bool needs_channel(const struct sc_registrar *g, sc_time now)
{
    sc_time life = g->joined ? SC_CHANNEL_RENEW : SC_CHANNEL_STRANGER;
    return g->node->secure &&
           (!g->link.now || now >= g->link.now->since + life ||
            g->unanswered >= SC_REFRESH_UNANSWERED || g->approach.stage != SC_APPROACH_NONE);
}

static void on_due(void *part, struct sc_due *d, sc_time now)
{
    struct sc_registrar *g = part;
    (void)d;
    if (needs_channel(g, now))
        sc_approach_go_on(&g->approach, now);
    if (g->node->secure && !g->link.now)
        come_again(g, now);
    else if (g->joined)
        refresh(g, now);
    else
        join(g, now);
    tell_reachable(g, now);
}

/* Providers that were asked for in one go. */
struct asked {
    uint8_t provider[SC_PROVIDERS_HELD][SC_PROVIDER_LEN];
    size_t count;
};

/* True when there is room for it, and it was not there. */
static bool note_asked(struct asked *all, const struct sc_service_id *id)
{
    for (size_t i = 0; i < all->count; i++)
        if (memcmp(all->provider[i], id->bytes, SC_PROVIDER_LEN) == 0)
            return false;
    if (all->count == SC_PROVIDERS_HELD)
        return false;
    memcpy(all->provider[all->count++], id->bytes, SC_PROVIDER_LEN);
    return true;
}

/* Of each provider that it is time for: its first service is registered once more. */
static bool ask_for_grants(struct sc_registrar *g, sc_time now)
{
    struct asked all = {.count = 0};
    for (struct sc_service *v = NULL; (v = sc_service_table_next(g->services, v)) != NULL;) {
        struct sc_control c = {.message = SC_MSG_REGISTER, .service_count = 1, .service = {v->id}};
        if (!stays_here(&v->id) && sc_grants_wants(g->grants, &v->id, now) &&
            !sc_denials_find(&g->denials, &v->id) && note_asked(&all, &v->id))
            send_registration(g, &c, now);
    }
    return all.count > 0;
}

static void on_offering(void *part, struct sc_due *d, sc_time now)
{
    struct sc_registrar *g = part;
    bool denied = g->denials.count > 0, asked = false;
    if (g->joined && denied)
        register_all(g, now);
    else if (g->joined)
        asked = ask_for_grants(g, now);
    if (g->joined && (denied || asked))
        doubt(g, now);
    sc_dues_arm(&g->node->dues, d, now + (denied || asked ? SC_OFFER_AGAIN : SC_OFFER_LOOK));
}

/* What the new channel is asked first: one with a router that was restarted begins anew. */
static struct sc_control first_request(const struct sc_registrar *g)
{
    bool goes_on = g->joined && g->unanswered < SC_REFRESH_UNANSWERED;
    return goes_on ? refresh_request(g) : join_request(g);
}

void sc_registrar_on_again(struct sc_registrar *g, const struct sc_control *c)
{
    sc_approach_on_again(&g->approach, c);
}

void sc_registrar_on_greeted(struct sc_registrar *g, const struct sc_control *c, sc_time now)
{
    struct sc_control request = first_request(g);
    sc_approach_on_greeted(&g->approach, c, &request, now);
}

void sc_registrar_heard(struct sc_registrar *g, struct sc_channel *s, sc_time now)
{
    sc_approach_heard(&g->approach, s, now);
}

void sc_registrar_init(struct sc_registrar *g, struct sc_node *node,
                       const struct sc_service_table *services, struct sc_pool *pool,
                       struct sc_channels *channels, struct sc_grants *grants, sc_time now)
{
    *g = (struct sc_registrar){.node = node,
                               .grants = grants,
                               .services = services,
                               .pool = pool,
                               .channels = channels,
                               .started = now,
                               .interval = SC_REQUEST_RETRANSMIT,
                               .patience = SC_REQUEST_RETRANSMIT};
    sc_due_init(&g->due, on_due, g);
    sc_due_init(&g->offering, on_offering, g);
    sc_denials_init(&g->denials, node->map_seed);
    sc_approach_init(&g->approach, node, channels, &g->link);
}

void sc_registrar_fini(struct sc_registrar *g)
{
    sc_approach_fini(&g->approach);
    sc_denials_fini(&g->denials);
    sc_channels_leave(g->channels, &g->link);
}

void sc_registrar_start(struct sc_registrar *g, sc_time now)
{
    sc_dues_arm(&g->node->dues, &g->due, now);
}

/* Of the router; one that is malformed or not signed is not worth more than none. */
static void take_grant(struct sc_registrar *g, const struct sc_control *c, sc_time now)
{
    if (c->grant.len > 0 && sc_grants_take(g->grants, c->grant, SC_HELD_GIVEN, now) < 0)
        g->node->counters.dropped_grants++;
}

static void on_joined(struct sc_registrar *g, const struct sc_control *c, sc_time now)
{
    if (c->transaction != transaction(g, SC_MSG_JOIN, g->joins))
        return;
    bool taken = c->address == 0 && c->trouble == SC_TROUBLE_NONE;
    int refused = c->address == 0 && !taken ? sc_trouble_error(c->trouble) : 0;
    if (taken != g->name_taken || refused != g->refused)
        sc_notices_tell(&g->node->notices, &(struct sc_event){.type = SC_EVENT_JOINED});
    g->name_taken = taken;
    g->refused = refused;
    g->names = c->names;
    g->joined = c->address != 0;
    if (!g->joined) { /* JOIN again: that host may leave, the disk get room */
        sc_time at = now + sc_time_max(c->lease_ms * SC_MS, SC_REQUEST_RETRANSMIT);
        sc_dues_arm(&g->node->dues, &g->due, sc_time_min(at, g->due.timer.at));
        return;
    }
    OPENSSL_cleanse(g->node->trust.invitation, SC_INVITATION_LEN); /* it is not needed again */
    bool moved = g->node->env.address != c->address || g->node->env.pool != c->pool;
    g->node->env.address = c->address;
    g->node->env.pool = c->pool;
    if (sc_provider_has_key(c->key))
        sc_node_take_provider(g->node, c->key);
    g->joins++;
    g->interval = SC_REQUEST_RETRANSMIT;
    if (moved && g->reachable)
        sc_notices_tell(&g->node->notices, &(struct sc_event){.type = SC_EVENT_JOINED});
    take_grant(g, c, now);
    if (g->registered || g->denials.count)
        register_all(g, now);
    doubt(g, now);
    if (g->node->secure)
        offer_by(g, now + SC_OFFER_SOON);
}

/* The router knows what was registered up to this serial. */
static void known(struct sc_registrar *g, uint32_t serial)
{
    bool news = g->known_serial != serial && serial == g->serial;
    g->known_serial = serial;
    if (news)
        sc_notices_tell(&g->node->notices, &(struct sc_event){.type = SC_EVENT_REGISTERED});
}

bool sc_registrar_is_registered(const struct sc_registrar *g)
{
    return g->known_serial == g->serial && g->joined;
}

/* Twice what it took; an answer to a repetition counts from the first one. */
static void learn_patience(struct sc_registrar *g, sc_time now)
{
    sc_time wait = sc_time_max(2 * (now - g->asked_at), SC_REQUEST_RETRANSMIT);
    g->patience = sc_time_min(wait, SC_LEASE_REFRESH);
}

static void on_refreshed(struct sc_registrar *g, const struct sc_control *c, sc_time now)
{
    learn_patience(g, now);
    if (c->transaction != transaction(g, SC_MSG_REFRESH, g->serial))
        return; /* about what was served before the last change */
    if (c->reuses)
        g->pool->reuses = c->reuses; /* what is in memory from before is asked for again */
    if (c->state == SC_REFRESH_JOIN) {
        join(g, now); /* with the address we have, which a restarted router gives back */
    } else if (c->state == SC_REFRESH_REGISTER) {
        register_all(g, now);
        doubt(g, now);
    } else {
        known(g, g->serial);
        sc_dues_arm(&g->node->dues, &g->due, now + SC_LEASE_REFRESH);
    }
}

/* The router has not seen our grant for it yet: there is one answer to that. */
static bool show_grant(struct sc_registrar *g, const struct sc_service_id *id, sc_time now)
{
    enum sc_grant_age age;
    const struct sc_held *held = sc_grants_find(g->grants, id, now, &age);
    if (!held || sc_denials_find(&g->denials, id) || !sc_denials_show(&g->denials, id))
        return false;
    struct sc_control c = {.message = SC_MSG_REGISTER,
                           .service_count = 1,
                           .service = {*id},
                           .grant = {held->bytes, held->len}};
    send_registration(g, &c, now);
    return true;
}

/* By our own clock it may be plainer. */
static enum sc_denial reason(const struct sc_registrar *g, const struct sc_service_id *id,
                             enum sc_denial why, sc_time now)
{
    enum sc_grant_age age;
    bool good = sc_grants_find(g->grants, id, now, &age) != NULL;
    if (why != SC_DENIAL_NO_GRANT || good || age == SC_GRANT_GOOD)
        return why;
    return age == SC_GRANT_EARLY ? SC_DENIAL_EARLY : SC_DENIAL_OVER;
}

static void on_denied(struct sc_registrar *g, const struct sc_service_id *id, enum sc_denial why,
                      sc_time now)
{
    struct sc_note note = {.what = SC_NOTE_DENIED, .service = *id};
    if (!sc_service_table_serves(g->services, id) || show_grant(g, id, now))
        return;
    why = reason(g, id, why, now);
    if (!sc_denials_put(&g->denials, id, why))
        return;
    count(g, id, false);
    note.denial = (uint8_t)why;
    sc_notices_note(&g->node->notices, &note);
    offer_by(g, now + SC_OFFER_AGAIN);
}

/* One change after what is known; otherwise a REFRESH tells. */
static void on_registered(struct sc_registrar *g, const struct sc_control *c, sc_time now)
{
    bool ours = c->transaction == transaction(g, SC_MSG_REGISTER, c->serial) ||
                c->transaction == transaction(g, SC_MSG_UNREGISTER, c->serial);
    if (!ours)
        return;
    take_grant(g, c, now);
    for (size_t i = 0; i < c->service_count; i++)
        on_denied(g, &c->service[i], (enum sc_denial)c->denial[i], now);
    if (c->serial == g->known_serial + 1)
        known(g, c->serial);
}

void sc_registrar_on_answer(struct sc_registrar *g, const struct sc_control *c, sc_time now)
{
    g->answered_at = now;
    g->unanswered = 0;
    if (c->message == SC_MSG_JOINED)
        on_joined(g, c, now);
    else if (c->message == SC_MSG_REFRESHED)
        on_refreshed(g, c, now);
    else if (c->message == SC_MSG_REGISTERED)
        on_registered(g, c, now);
    tell_reachable(g, now);
}

void sc_registrar_change(struct sc_registrar *g, const struct sc_service_id *id, bool added,
                         sc_time now)
{
    if (stays_here(id))
        return;
    bool was_denied = sc_denials_take(&g->denials, id);
    if (!was_denied || added)
        count(g, id, added);
    if (!g->joined)
        return; /* joining registers everything */
    struct sc_control c = {.message = added ? SC_MSG_REGISTER : SC_MSG_UNREGISTER,
                           .service_count = 1,
                           .service = {*id}};
    send_registration(g, &c, now);
    doubt(g, now);
}

void sc_registrar_offer(struct sc_registrar *g, sc_time now)
{
    if (!g->joined || g->denials.count == 0)
        return;
    register_all(g, now);
    doubt(g, now);
}
