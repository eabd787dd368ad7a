#include "stack/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/congestion.h"

static void init_tables(struct sc_stack *s)
{
    for (int i = 0; i < 2; i++)
        s->map_seed[i] = sc_rng_next(&s->rng);
    SC_MAP_INIT(&s->flows, struct sc_flow, by_id, id, s->map_seed);
    SC_MAP_INIT(&s->opens, struct sc_flow, by_open, open_key, s->map_seed);
    SC_MAP_INIT(&s->by_token, struct sc_entry, by_token, flow.peer_token, s->map_seed);
    SC_MAP_INIT(&s->peers, struct sc_peer, by_route, route, s->map_seed);
    SC_MAP_INIT(&s->probed, struct sc_peer, by_transaction, transaction, s->map_seed);
    SC_MAP_INIT(&s->incarnations, struct sc_incarnation, node, key, s->map_seed);
    sc_heap_init(&s->flow_timers);
    sc_heap_init(&s->dues);
    sc_list_init(&s->ready);
    sc_list_init(&s->changed);
    sc_list_init(&s->fed);
    sc_outbox_init(s);
    sc_rates_init(&s->rates, s->map_seed);
    sc_list_init(&s->requests);
    sc_list_init(&s->notices);
    sc_hosts_init(&s->hosts, s->config.domain, s->map_seed);
    sc_service_table_init(&s->services, s->map_seed);
    sc_pool_init(&s->pool, s->config.pool_base, s->is_router ? s->config.pool_bits : 0,
                 s->map_seed);
    sc_askers_init(&s->askers, s->map_seed);
    sc_list_init(&s->changes);
}

struct sc_stack *sc_stack_new(const struct sc_stack_config *config, sc_time now)
{
    struct sc_service_name n;
    struct sc_stack *s = calloc(1, sizeof *s);
    if (!s || sc_name_of_host(config->host_name, &n) < 0) {
        free(s);
        return NULL;
    }
    s->config = *config;
    strcpy(s->config.host_name, n.label); /* in lower case */
    sc_name_to_id(&n, &s->own);
    s->is_router = config->router.family == 0;
    sc_rng_seed(&s->rng, config->seed);
    sc_block_pool_init(&s->blocks, config->memory_max ? config->memory_max : SC_MEMORY_MAX);
    init_tables(s);
    s->env = (struct sc_flow_env){
        .rng = &s->rng,
        .blocks = &s->blocks,
        .congestion = config->congestion ? config->congestion : sc_congestion_find("cubic"),
        .epoch = config->epoch,
        .datagram_limit = config->datagram_limit ? config->datagram_limit : SC_DATAGRAM_MAX};
    if (s->is_router)
        sc_router_init(s, now);
    sc_assembly_init(s);
    sc_registrar_start(s, now);
    return s;
}

void sc_stack_free(struct sc_stack *s)
{
    if (!s)
        return;
    sc_flows_fini(s);
    sc_peers_fini(s);
    sc_lookups_fini(s);
    sc_changes_fini(s);
    sc_outbox_fini(s);
    sc_assembly_fini(s);
    sc_service_table_fini(&s->services);
    sc_hosts_fini(&s->hosts);
    sc_pool_fini(&s->pool);
    sc_askers_fini(&s->askers);
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->notices) free(sc_container(it, struct sc_notice, link));
    free(s->taken);
    sc_heap_fini(&s->dues);
    sc_block_pool_fini(&s->blocks);
    free(s);
}

bool sc_stack_is_own_host(const struct sc_stack *s, const struct sc_service_id *id)
{
    struct sc_service_id whole = sc_service_id_at(*id, 0, 0);
    return sc_service_id_equal(&whole, &s->own);
}

/* --- whom we do what for ---------------------------------------------------------------------- */

bool sc_stack_knows(const struct sc_stack *s, uint64_t address, const struct sc_underlay *from)
{
    if (!s->is_router && sc_underlay_equal(from, &s->config.router))
        return true;
    const struct sc_host *host = sc_hosts_find(&s->hosts, address);
    if (host && host->up && sc_underlay_equal(&host->underlay, from))
        return true;
    return sc_peers_find(s, address, from) != NULL;
}

enum sc_queue sc_stack_queue_for(bool known)
{
    return known ? SC_QUEUE_ANSWERS : SC_QUEUE_STRANGERS;
}

bool sc_stack_allows(struct sc_stack *s, enum sc_rate kind, const struct sc_underlay *from,
                     bool known, sc_time now)
{
    bool allowed = sc_rates_allow(&s->rates, kind, from, known, now);
    s->counters.limited[kind] += !allowed;
    return allowed;
}

/* --- datagrams in ----------------------------------------------------------------------------- */

static void forward(struct sc_stack *s, const struct sc_header *h, uint8_t *data, size_t len,
                    const struct sc_underlay *from)
{
    const struct sc_host *host = sc_hosts_find(&s->hosts, h->dst);
    if (!host || !host->up) {
        s->counters.dropped_unknown_address++;
    } else if (!sc_packet_hop(data, len)) {
        s->counters.dropped_hops++;
    } else {
        if (h->type == SC_PKT_DATAGRAM)
            sc_packet_set_origin(data, len, from);
        if (sc_outbox_join(s, SC_QUEUE_FORWARDS, &host->underlay, data, len))
            s->counters.forwarded++;
        else
            s->counters.dropped_queue++;
    }
}

static void on_data(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r, size_t len,
                    const struct sc_underlay *from, unsigned ecn, sc_time now)
{
    struct sc_entry *e = sc_flows_find(s, h->flow);
    if (!e) {
        s->counters.dropped_unknown_flow++;
        sc_resets_send(s, h->flow, 0, len, from, now);
        return;
    }
    uint64_t acked = e->flow.recovery.largest_acked;
    sc_flow_on_data(&e->flow, h, r, ecn, now);
    if (e->peer)
        sc_peers_heard_from(s, e->peer, from, e->flow.recovery.largest_acked != acked, now);
    sc_flows_fed(s, e);
}

static void on_control(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                       const struct sc_underlay *from, sc_time now)
{
    struct sc_control c;
    sc_control_read(r, h, &c);
    if (r->bad) {
        s->counters.dropped_malformed++;
        return;
    }
    bool from_router = !s->is_router && sc_underlay_equal(from, &s->config.router);
    if (c.message == SC_MSG_PROBE)
        sc_peers_on_probe(s, &c, from, h->hop_limit < SC_HOP_LIMIT, now);
    else if (c.message == SC_MSG_ALIVE)
        sc_peers_on_alive(s, &c, from, now);
    else if (sc_control_is_request(c.message) && s->is_router)
        sc_router_on_request(s, &c, from, now);
    else if (from_router && c.message == SC_MSG_MAPPING)
        sc_lookups_on_mapping(s, &c);
    else if (from_router && !sc_control_is_request(c.message))
        sc_registrar_on_answer(s, &c, now);
}

void sc_stack_feed(struct sc_stack *s, uint8_t *data, size_t len, const struct sc_underlay *from,
                   unsigned ecn, sc_time now)
{
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    s->counters.received++;
    sc_header_read(&r, &h);
    if (r.bad || h.is_protected) { /* nothing that we agreed to is protected yet */
        s->counters.dropped_version += len >= SC_HEADER_LEN;
        s->counters.dropped_malformed += len < SC_HEADER_LEN;
        return;
    }
    if (h.dst != 0 && h.dst != s->env.address) {
        forward(s, &h, data, len, from);
        return;
    }
    switch (h.type) {
    case SC_PKT_DATA:
        on_data(s, &h, &r, len, from, ecn, now);
        break;
    case SC_PKT_OPEN:
        sc_opening_on_open(s, data, len, &r, from, now);
        break;
    case SC_PKT_ANSWER:
        sc_opening_on_answer(s, &h, &r, from, now);
        break;
    case SC_PKT_CONFIRM:
        sc_opening_on_confirm(s, &h, &r, len, from, now);
        break;
    case SC_PKT_REFUSE:
        sc_opening_on_refuse(s, &h, &r, now);
        break;
    case SC_PKT_RETRY:
        sc_opening_on_retry(s, &h, &r, now);
        break;
    case SC_PKT_RESET:
        sc_resets_on_reset(s, &r, from, now);
        break;
    case SC_PKT_CONTROL:
        on_control(s, &h, &r, from, now);
        break;
    case SC_PKT_DATAGRAM:
        sc_datagrams_on_packet(s, &h, data, len, &r, from, now);
        break;
    default:
        s->counters.dropped_malformed++;
    }
}

void sc_stack_settle(struct sc_stack *s, sc_time now)
{
    sc_flows_settle(s, now);
}

/* --- trains out ------------------------------------------------------------------------------- */

/* Every other turn is the flows'; a queue that is empty gives its own away. */
static bool drain_turn(struct sc_stack *s, unsigned turn, struct sc_train *t, sc_time now)
{
    if (turn % 2 == 0)
        return sc_flows_drain(s, t, now);
    return sc_outbox_drain(s, (enum sc_queue)(turn / 2), t);
}

bool sc_stack_drain(struct sc_stack *s, struct sc_train *t, sc_time now)
{
    t->expendable = false;
    for (unsigned n = 0; n < 2 * SC_QUEUES; n++) {
        unsigned turn = s->turn;
        s->turn = (turn + 1) % (2 * SC_QUEUES);
        if (!drain_turn(s, turn, t, now))
            continue;
        s->counters.sent += (t->len + t->segment - 1) / (t->segment ? t->segment : 1);
        return true;
    }
    return false;
}

bool sc_stack_pending(const struct sc_stack *s)
{
    return !sc_outbox_is_empty(s) || !sc_list_empty(&s->ready);
}

/* The flow that a train belongs to is named in its first packet: by the peer's id, which is not
 * ours to look up, so the peer's flows are asked who uses it. */
void sc_stack_on_send_error(struct sc_stack *s, const struct sc_train *t, bool too_large,
                            sc_time now)
{
    s->counters.dropped_send++;
    struct sc_peer *p = t->dst ? sc_peers_find(s, t->dst, &t->to) : NULL;
    if (!too_large || !p || t->iov_count == 0)
        return;
    struct sc_reader r = sc_reader(t->iov[0].iov_base, t->iov[0].iov_len);
    struct sc_header h;
    sc_header_read(&r, &h);
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &p->flows)
    {
        struct sc_entry *e = sc_entry_of(sc_container(it, struct sc_flow, siblings));
        if (e->flow.peer_id != h.flow)
            continue;
        sc_flow_on_too_large(&e->flow, t->segment, now);
        sc_flows_touch(s, e, now);
        return;
    }
}

/* --- time ------------------------------------------------------------------------------------- */

void sc_stack_arm(struct sc_stack *s, struct sc_due *d, sc_time at)
{
    if (sc_heap_set(&s->dues, &d->timer, at) < 0)
        s->counters.dropped_memory++;
}

sc_time sc_stack_deadline(const struct sc_stack *s)
{
    if (!sc_list_empty(&s->changed) || !sc_list_empty(&s->notices))
        return 0; /* the owner has not taken its events yet */
    return sc_time_min(sc_heap_next(&s->flow_timers),
                       sc_time_min(sc_heap_next(&s->dues), sc_heap_next(&s->hosts.leases)));
}

void sc_stack_tick(struct sc_stack *s, sc_time now)
{
    struct sc_timer *t;
    sc_flows_tick(s, now);
    while ((t = sc_heap_pop_due(&s->dues, now)) != NULL) {
        struct sc_due *d = sc_container(t, struct sc_due, timer);
        d->fire(s, d, now);
    }
    sc_router_tick(s, now);
}

/* --- events ----------------------------------------------------------------------------------- */

struct sc_notice *sc_stack_notice_new(struct sc_stack *s, const struct sc_event *e, size_t len)
{
    struct sc_notice *n = malloc(sizeof *n + len);
    if (!n) {
        s->counters.dropped_memory++;
        return NULL;
    }
    *n = (struct sc_notice){.event = *e, .len = len};
    return n;
}

void sc_stack_post(struct sc_stack *s, struct sc_notice *n)
{
    if (s->notice_bytes + n->len > SC_DATAGRAMS_WAITING_MAX) {
        s->counters.dropped_datagrams++;
        free(n);
        return;
    }
    s->notice_bytes += n->len;
    sc_list_append(&s->notices, &n->link);
}

void sc_stack_notify(struct sc_stack *s, const struct sc_event *e)
{
    struct sc_notice *n = sc_stack_notice_new(s, e, 0);
    if (n)
        sc_stack_post(s, n);
}

static bool next_notice(struct sc_stack *s, struct sc_event *out)
{
    free(s->taken);
    s->taken = NULL;
    struct sc_list *first = sc_list_first(&s->notices);
    if (!first)
        return false;
    struct sc_notice *n = sc_container(first, struct sc_notice, link);
    sc_list_remove(first);
    s->notice_bytes -= n->len;
    s->notes_waiting -= n->event.type == SC_EVENT_NOTE;
    s->taken = n;
    *out = n->event;
    return true;
}

/* A confirmed flow is offered to the owner of its instance; without one it ends. */
static bool offer(struct sc_entry *e, struct sc_event *out)
{
    if (e->flow.state != SC_FLOW_OPEN || e->arrived || !e->instance)
        return false;
    e->arrived = e->owned = true;
    *out = (struct sc_event){.type = SC_EVENT_ARRIVED, .flow = &e->flow, .instance = e->instance};
    return true;
}

bool sc_stack_next_event(struct sc_stack *s, struct sc_event *out)
{
    struct sc_list *first;
    if (next_notice(s, out))
        return true;
    while ((first = sc_list_first(&s->changed)) != NULL) {
        struct sc_entry *e = sc_entry_of(sc_container(first, struct sc_flow, changed));
        sc_list_remove(first);
        if (e->accepted && e->owned) {
            *out =
                (struct sc_event){.type = SC_EVENT_FLOW, .flow = &e->flow, .bits = e->flow.events};
            e->flow.events = 0;
            return true;
        }
        if (offer(e, out))
            return true;
        if (e->arrived && (e->flow.events & SC_FLOW_ENDED)) { /* it died in the owner's queue */
            *out =
                (struct sc_event){.type = SC_EVENT_FLOW, .flow = &e->flow, .bits = SC_FLOW_ENDED};
            return true;
        }
    }
    return false;
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
    sc_changes_use(s, service);
    if (i->service->count == 1)
        sc_registrar_changed(s, service, true, now);
    return 0;
}

void sc_stack_unserve(struct sc_stack *s, struct sc_instance *i, sc_time now)
{
    struct sc_service_id id = i->service->id;
    bool last = i->service->count == 1;
    sc_flows_forget_instance(s, i, now);
    sc_service_table_remove(&s->services, i);
    if (last)
        sc_registrar_changed(s, &id, false, now);
}

void *sc_instance_app(const struct sc_instance *i)
{
    return i->app;
}

void sc_instance_set_accepting(struct sc_instance *i, bool accepting)
{
    i->accepting = accepting;
}
