#include "stack/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/notes.h"
#include "stack/forward.h"
#include "stack/parts.h"
#include "transport/congestion/congestion.h"

/* --- life ------------------------------------------------------------------------------------- */

static void init_node(struct sc_stack *s, const struct sc_stack_config *c, sc_time now)
{
    struct sc_node *node = &s->node;
    node->router = c->router;
    memcpy(node->secrets.run, c->secret, sizeof node->secrets.run);
    memcpy(node->secrets.host, c->host_secret, sizeof node->secrets.host);
    node->env = (struct sc_flow_env){
        .rng = &node->rng,
        .blocks = &s->flows.blocks,
        .congestion = c->congestion ? c->congestion : sc_congestion_find("cubic"),
        .epoch = c->epoch,
        .datagram_limit = c->datagram_limit ? c->datagram_limit : SC_DATAGRAM_MAX};
    node->trust = c->trust;
    sc_stack_set_wall(s, c->wall, now);
    if (c->secure)
        sc_node_secure(node, c->key_seed, now);
}

/* A stack without a router's address is its own. */
static void take_role(struct sc_stack *s, const struct sc_stack_config *c, sc_time now)
{
    bool is_router = c->router.family == 0;
    sc_service_table_init(&s->services, s->node.map_seed);
    sc_pool_init(&s->pool, c->pool_base, is_router ? c->pool_bits : 0, s->node.map_seed);
    sc_channels_init(&s->channels, &s->node);
    sc_grants_init(&s->grants, &s->node, &s->pool);
    sc_router_init(&s->router, &s->node, &s->services, &s->pool, &s->channels, c->domain,
                   c->network_seed, now);
    s->router.rights.listed = c->rights_listed;
    s->router.rights.right = c->right;
    s->router.rights.right_count = c->right_count;
    sc_remote_init(&s->remote, &s->node, &s->services, &s->pool, &s->channels, &s->grants,
                   c->require_verified, now);
    s->routing = is_router ? &s->router.routing : &s->remote.routing;
    if (is_router)
        sc_router_start(&s->router, now);
    else
        sc_remote_start(&s->remote, now);
}

static void init_parts(struct sc_stack *s, const struct sc_stack_config *c)
{
    struct sc_node *node = &s->node;
    sc_peers_init(&s->peers, node, &s->router.hosts);
    sc_flows_init(&s->flows, node, &s->peers, c->memory_max ? c->memory_max : SC_MEMORY_MAX);
    s->resets = (struct sc_resets){node, &s->peers, &s->flows};
    s->opening = (struct sc_opening){node, s->routing, &s->peers, &s->flows, &s->resets};
    s->departures = (struct sc_departures){node, s->routing, &s->peers, &s->flows};
    s->batch = (struct sc_batch){.node = node, .departures = &s->departures};
    sc_connectionless_init(&s->connectionless, node, s->routing, &s->peers);
}

struct sc_stack *sc_stack_new(const struct sc_stack_config *config, sc_time now)
{
    struct sc_stack *s = calloc(1, sizeof *s);
    if (!s || sc_node_init(&s->node, config->host_name, config->seed, &config->entropy) < 0) {
        free(s);
        return NULL;
    }
    init_node(s, config, now);
    take_role(s, config, now);
    init_parts(s, config);
    return s;
}

uint64_t sc_stack_prove_socket(const struct sc_stack *s, const char *name)
{
    return sc_secrets_socket(&s->node.secrets, name);
}

void sc_stack_free(struct sc_stack *s)
{
    if (!s)
        return;
    sc_flows_fini(&s->flows);
    sc_peers_fini(&s->peers);
    sc_connectionless_fini(&s->connectionless);
    sc_remote_fini(&s->remote);
    sc_grants_fini(&s->grants);
    sc_service_table_fini(&s->services); /* instances are on lists of the router's hosts... */
    sc_pool_fini(&s->pool);              /* ...and names on accounts of its askers */
    sc_router_fini(&s->router);
    sc_channels_fini(&s->channels);
    sc_node_fini(&s->node);
    free(s);
}

/* --- datagrams in ----------------------------------------------------------------------------- */

static void on_data(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r, size_t len,
                    const struct sc_underlay *from, unsigned ecn, sc_time now)
{
    struct sc_entry *e = sc_flows_find(&s->flows, h->flow);
    if (!e) {
        s->node.counters.dropped_unknown_flow++;
        sc_resets_send(&s->resets, h->flow, 0, len, from, now);
        return;
    }
    uint64_t acked = e->flow.recovery.largest_acked;
    sc_flow_on_data(&e->flow, h, r, ecn, now);
    if (e->peer)
        sc_peers_heard_from(&s->peers, e->peer, from, e->flow.recovery.largest_acked != acked, now);
    sc_flows_fed(&s->flows, e);
}

/* Whether it may come this way: what hosts and routers say to each other is taken in channels only,
 * and nothing else is. `message` is CONTROL's. */
static bool is_as_agreed(struct sc_stack *s, uint8_t type, uint8_t message,
                         const struct sc_channel *channel)
{
    bool sealed = type == SC_PKT_OPEN || type == SC_PKT_REFUSE ||
                  (type == SC_PKT_CONTROL && !sc_control_is_plain(message));
    bool agreed = !s->node.secure || sealed == (channel != NULL);
    s->node.counters.dropped_unsealed += !agreed;
    return agreed;
}

/* What it says of itself is anybody's to say, and is not repeated. */
static void note_plain(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now)
{
    bool wants_to_join = c->message == SC_MSG_JOIN && s->node.router.family == 0;
    if (wants_to_join && sc_node_allows(&s->node, SC_RATE_REQUEST, from, false, now))
        sc_notes_host(&s->node.notices, SC_NOTE_PLAIN, "", from);
}

static void on_control(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                       const struct sc_caller *caller, sc_time now)
{
    const struct sc_underlay *from = &caller->at;
    struct sc_caller who = *caller;
    struct sc_control c;
    sc_control_read(r, h, &c);
    if (r->bad) {
        s->node.counters.dropped_malformed++;
        return;
    }
    if (!is_as_agreed(s, SC_PKT_CONTROL, c.message, caller->channel)) {
        if (!caller->channel)
            note_plain(s, &c, from, now);
        return;
    }
    who.known |= sc_peers_knows(&s->peers, c.src, from);
    if (c.message == SC_MSG_PROBE)
        sc_peers_on_probe(&s->peers, &c, from, h->hop_limit < SC_HOP_LIMIT, now);
    else if (c.message == SC_MSG_ALIVE)
        sc_peers_on_alive(&s->peers, &c, from, now);
    else
        s->routing->ops->hear(s->routing, &c, &who, now);
}

static void on_open(struct sc_stack *s, uint8_t *data, size_t len, struct sc_reader *r,
                    const struct sc_caller *caller, sc_time now)
{
    if (caller->channel && !caller->known)
        s->node.counters.dropped_unjoined++;
    else if (is_as_agreed(s, SC_PKT_OPEN, 0, caller->channel))
        sc_opening_on_open(&s->opening, data, len, r, caller, now);
}

static void on_refuse(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                      const struct sc_caller *caller, sc_time now)
{
    if (is_as_agreed(s, SC_PKT_REFUSE, 0, caller->channel))
        sc_opening_on_refuse(&s->opening, h, r, now);
}

/* A packet for this host, or for whoever is to be found. */
static void dispatch(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                     uint8_t *data, size_t len, const struct sc_caller *caller, unsigned ecn,
                     sc_time now)
{
    const struct sc_underlay *from = &caller->at;
    switch (h->type) {
    case SC_PKT_DATA:
        on_data(s, h, r, len, from, ecn, now);
        break;
    case SC_PKT_OPEN:
        on_open(s, data, len, r, caller, now);
        break;
    case SC_PKT_ANSWER:
        sc_opening_on_answer(&s->opening, h, r, from, now);
        break;
    case SC_PKT_CONFIRM:
        sc_opening_on_confirm(&s->opening, h, r, len, from, now);
        break;
    case SC_PKT_REFUSE:
        on_refuse(s, h, r, caller, now);
        break;
    case SC_PKT_RETRY:
        sc_opening_on_retry(&s->opening, h, r, now);
        break;
    case SC_PKT_RESET:
        sc_resets_on_reset(&s->resets, r, from, now);
        break;
    case SC_PKT_CONTROL:
        on_control(s, h, r, caller, now);
        break;
    case SC_PKT_DATAGRAM:
        sc_connectionless_on_packet(&s->connectionless, h, data, len, r, from, now);
        break;
    default:
        s->node.counters.dropped_malformed++;
    }
}

/* What a packet in a channel may be. */
static bool may_be_inside(const struct sc_header *h)
{
    return h->type == SC_PKT_OPEN || h->type == SC_PKT_REFUSE || h->type == SC_PKT_CONTROL;
}

/* For another host, which would not take it outside of a channel either. */
static void pass_on(struct sc_stack *s, const struct sc_header *h, uint8_t *data, size_t len,
                    const struct sc_underlay *from)
{
    uint8_t message = len > SC_HEADER_LEN ? data[SC_HEADER_LEN] : 0;
    if (is_as_agreed(s, h->type, message, NULL))
        sc_forward(&s->node, sc_hosts_find(&s->router.hosts, h->dst), data, len,
                   h->type == SC_PKT_DATAGRAM ? from : NULL, &s->node.counters.dropped_queue);
}

/* For us, or from one of our hosts to another. */
static void on_sealed(struct sc_stack *s, uint8_t *data, size_t len, unsigned ecn, sc_time now)
{
    struct sc_caller caller = {0};
    uint8_t *packet = sc_channels_open(&s->channels, data, len, &len, &caller.channel);
    if (!packet)
        return;
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    s->routing->ops->heard_in(s->routing, caller.channel, now);
    caller.at = caller.channel->at;
    caller.known = caller.channel->link != NULL;
    if (r.bad || !may_be_inside(&h))
        s->node.counters.dropped_malformed++;
    else if (h.dst == 0 || h.dst == s->node.env.address)
        dispatch(s, &h, &r, packet, len, &caller, ecn, now);
    else if (h.type == SC_PKT_REFUSE && caller.known)
        sc_forward_sealed(&s->channels, sc_hosts_find(&s->router.hosts, h.dst), packet, len, NULL);
    else
        s->node.counters.dropped_unknown_address++;
}

void sc_stack_feed(struct sc_stack *s, uint8_t *data, size_t len, const struct sc_underlay *from,
                   unsigned ecn, sc_time now)
{
    struct sc_stack_counters *c = &s->node.counters;
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    c->received++;
    sc_header_read(&r, &h);
    if (r.bad) {
        c->dropped_version += len >= SC_HEADER_LEN;
        c->dropped_malformed += len < SC_HEADER_LEN;
    } else if (h.is_protected) {
        on_sealed(s, data, len, ecn, now);
        sc_flows_fail(&s->flows, now);
    } else if (h.dst != 0 && h.dst != s->node.env.address) {
        pass_on(s, &h, data, len, from);
    } else {
        struct sc_caller caller = {.at = *from};
        dispatch(s, &h, &r, data, len, &caller, ecn, now);
        sc_flows_fail(&s->flows, now);
    }
}

size_t sc_stack_feed_train(struct sc_stack *s, uint8_t *data, size_t len, size_t segment,
                           const struct sc_underlay *from, unsigned ecn, sc_time now)
{
    size_t packets = 0;
    for (size_t at = 0; at < len; at += segment, packets++)
        sc_stack_feed(s, data + at, len - at < segment ? len - at : segment, from, ecn, now);
    return packets;
}

void sc_stack_key_hash(struct sc_stack *s, uint8_t out[SC_KEY_HASH_LEN])
{
    sc_key_hash(&s->node.crypto, s->node.credentials.host.public, out);
}

void sc_stack_set_wall(struct sc_stack *s, uint64_t seconds, sc_time now)
{
    s->node.wall = (int64_t)seconds - (int64_t)(now / SC_SECOND);
}

bool sc_stack_invite(struct sc_stack *s, const uint8_t secret[SC_INVITATION_LEN], uint32_t uses,
                     uint64_t until, sc_time now)
{
    struct sc_event e = {.type = SC_EVENT_INVITED, .invitation = {.uses = uses, .until = until}};
    sc_invitation_hash(&s->node.crypto, secret, e.invitation.hash);
    bool invited =
        sc_invitations_put(&s->router.invitations, &e.invitation, sc_node_wall(&s->node, now));
    if (invited)
        sc_notices_tell(&s->node.notices, &e);
    return invited;
}

bool sc_stack_restore_invitation(struct sc_stack *s, const struct sc_invitation *one)
{
    return sc_invitations_put(&s->router.invitations, one, 0);
}

int sc_stack_forget_host(struct sc_stack *s, const char *name)
{
    return sc_router_forget_host(&s->router, name);
}

void sc_stack_settle(struct sc_stack *s, sc_time now)
{
    sc_flows_settle(&s->flows, now);
}

/* --- trains out ------------------------------------------------------------------------------- */

bool sc_stack_drain(struct sc_stack *s, struct sc_train *t, sc_time now)
{
    return sc_batch_drain(&s->batch, t, now);
}

bool sc_stack_pending(const struct sc_stack *s)
{
    return sc_batch_pending(&s->batch);
}

void sc_stack_on_send_error(struct sc_stack *s, const struct sc_train *t, size_t segment,
                            bool too_large, sc_time now)
{
    s->node.counters.dropped_send++;
    if (too_large)
        sc_departures_too_large(&s->departures, t, segment, now);
}

void sc_stack_on_unsegmented(struct sc_stack *s)
{
    s->batch.one_by_one = true;
}

void sc_stack_on_unreachable(struct sc_stack *s, const struct sc_underlay *underlay, sc_time now)
{
    sc_peers_hint_at(&s->peers, underlay, now);
}

/* --- time ------------------------------------------------------------------------------------- */

sc_time sc_stack_deadline(const struct sc_stack *s)
{
    if (!sc_list_empty(&s->flows.changed) || !sc_list_empty(&s->node.notices.waiting))
        return 0; /* the owner has not taken its events yet */
    return sc_time_min(
        sc_flows_deadline(&s->flows),
        sc_time_min(sc_dues_deadline(&s->node.dues), s->routing->ops->deadline(s->routing)));
}

void sc_stack_tick(struct sc_stack *s, sc_time now)
{
    sc_departures_tick(&s->departures, now);
    for (struct sc_due *d; (d = sc_dues_take(&s->node.dues, now)) != NULL;) {
        d->fire(d->part, d, now);
        sc_flows_fail(&s->flows, now);
    }
    s->routing->ops->tick(s->routing, now);
}

/* --- the owner -------------------------------------------------------------------------------- */

bool sc_stack_next_event(struct sc_stack *s, struct sc_event *out)
{
    return sc_notices_take(&s->node.notices, out) || sc_flows_next_event(&s->flows, out);
}

int sc_stack_connect(struct sc_stack *s, const struct sc_service_id *service, uint16_t own_port,
                     sc_time timeout, void *app, struct sc_flow **flow, sc_time now)
{
    return sc_flows_connect(&s->flows, service, own_port, timeout, app, flow, now);
}

void sc_stack_accept(struct sc_stack *s, struct sc_flow *f, void *app)
{
    sc_flows_accept(&s->flows, sc_entry_of(f), app);
}

void sc_stack_touch(struct sc_stack *s, struct sc_flow *f, sc_time now)
{
    sc_flows_touch(&s->flows, sc_entry_of(f), now);
}

void sc_stack_release(struct sc_stack *s, struct sc_flow *f, sc_time now)
{
    sc_flows_release(&s->flows, sc_entry_of(f), now);
}

int sc_stack_send_datagram(struct sc_stack *s, const struct sc_datagram *d, uint64_t choice,
                           sc_time now)
{
    return sc_connectionless_send(&s->connectionless, d, choice, now);
}

void sc_stack_refuse_datagram(struct sc_stack *s, const struct sc_datagram *d, sc_time now)
{
    sc_connectionless_refuse(&s->connectionless, d, now);
}

/* --- serving ---------------------------------------------------------------------------------- */

int sc_stack_serve(struct sc_stack *s, const struct sc_service_id *service, void *app,
                   struct sc_instance **instance, sc_time now)
{
    if (s->services.instances >= SC_INSTANCES_MAX)
        return -ENOBUFS;
    struct sc_instance *i = sc_service_table_add(&s->services, service, 0, app);
    if (!i)
        return -ENOMEM;
    *instance = i;
    s->routing->ops->use(s->routing, service);
    if (i->service->count == 1)
        s->routing->ops->change(s->routing, service, true, now);
    return 0;
}

void sc_stack_unserve(struct sc_stack *s, struct sc_instance *i, sc_time now)
{
    struct sc_service_id id = i->service->id;
    bool last = i->service->count == 1;
    sc_flows_forget_instance(&s->flows, i, now);
    sc_service_table_remove(&s->services, i);
    if (last)
        s->routing->ops->change(s->routing, &id, false, now);
}

void *sc_instance_app(const struct sc_instance *i)
{
    return i->app;
}

void sc_instance_set_accepting(struct sc_instance *i, bool accepting)
{
    i->accepting = accepting;
}

bool sc_stack_registered(const struct sc_stack *s)
{
    return s->routing->ops->is_registered(s->routing);
}
