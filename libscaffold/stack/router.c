#include "stack/internal.h"

/* Instances and hosts whose leases end in one tick; the next one follows at once. When a router
 * slept, all of them are over when it wakes up. */
#define EXPIRED_PER_TICK 512

uint64_t sc_router_digest(const struct sc_service_id *id)
{
    static const uint64_t seed[2] = {0, 0}; /* both sides must agree */
    return sc_hash(seed, id->bytes, sizeof id->bytes);
}

void sc_router_init(struct sc_stack *s)
{
    struct sc_service_name n;
    s->env.address = sc_network_address(s->config.domain, 1);
    if (sc_name_of_host(s->config.host_name, &n) < 0)
        return;
    const struct sc_pool_entry *e = sc_lookups_map(s, &n);
    s->env.pool = e ? e->pool : 0;
}

const struct sc_host *sc_router_host_of(const struct sc_stack *s, const struct sc_service_id *id)
{
    struct sc_service_name n, own;
    const struct sc_pool_entry *e = s->is_router ? sc_pool_find_service(&s->pool, id) : NULL;
    if (!e || sc_name_read(e->name, &n, NULL) < 0 || sc_name_of_host(n.label, &own) < 0 ||
        strcmp(n.provider, own.provider) != 0)
        return NULL;
    const struct sc_host *h = sc_hosts_find_name(&s->hosts, n.label);
    return h && h->up ? h : NULL;
}

/* --- leases ----------------------------------------------------------------------------------- */

static void remove_instance(struct sc_stack *s, struct sc_host *h, struct sc_instance *i)
{
    h->registered--;
    h->digest ^= sc_router_digest(&i->key.service);
    sc_service_table_remove(&s->services, i);
}

/* At most so many; returns how many there were. */
static size_t remove_some(struct sc_stack *s, struct sc_host *h, size_t most)
{
    size_t removed = 0;
    struct sc_list *first;
    for (; removed < most && (first = sc_list_first(&h->instances)) != NULL; removed++)
        remove_instance(s, h, sc_container(first, struct sc_instance, in_host));
    return removed;
}

static void remove_instances(struct sc_stack *s, struct sc_host *h)
{
    remove_some(s, h, SC_INSTANCES_MAX);
}

static void renew(struct sc_stack *s, struct sc_host *h, const struct sc_underlay *from,
                  sc_time now)
{
    if (h->up && !sc_underlay_equal(&h->underlay, from))
        sc_notes_host(s, SC_NOTE_MOVED, h->name, from);
    sc_hosts_set_up(&s->hosts, h, true);
    h->underlay = *from;
    if (sc_heap_set(&s->hosts.leases, &h->lease, now + SC_LEASE_TIME) < 0)
        s->counters.dropped_memory++;
}

/* Its lease is over. It is down when its last instance is gone, or up again if it is heard of
 * before. Returns how much work that was. */
static size_t expire(struct sc_stack *s, struct sc_host *h, size_t most, sc_time now)
{
    size_t removed = remove_some(s, h, most);
    if (!sc_list_empty(&h->instances) && sc_heap_set(&s->hosts.leases, &h->lease, now) == 0)
        return removed;
    remove_instances(s, h); /* none are left, but for want of memory */
    sc_hosts_set_up(&s->hosts, h, false);
    s->counters.leases_expired++;
    sc_notes_host(s, SC_NOTE_EXPIRED, h->name, &h->underlay);
    return removed + 1;
}

void sc_router_tick(struct sc_stack *s, sc_time now)
{
    struct sc_timer *t;
    for (size_t work = 0;
         work < EXPIRED_PER_TICK && (t = sc_heap_pop_due(&s->hosts.leases, now)) != NULL;)
        work += expire(s, sc_container(t, struct sc_host, lease), EXPIRED_PER_TICK - work, now);
}

static void reply(struct sc_stack *s, const struct sc_underlay *to, const struct sc_control *q,
                  struct sc_control *a)
{
    a->transaction = q->transaction;
    a->src = s->env.address;
    sc_outbox_control(s, to, 0, a);
}

/* Another host of this name is alive. One that was restarted comes from where it was, or with the
 * same secret, or waits until its old lease is over. Whom it followed does not come back meanwhile:
 * otherwise two of one name, copies of one machine perhaps, would take turns in throwing each other
 * out. */
static bool is_taken(const struct sc_stack *s, const char *name, const struct sc_control *c,
                     const struct sc_underlay *from)
{
    const struct sc_host *h = sc_hosts_find_name(&s->hosts, name);
    if (strcmp(name, s->config.host_name) == 0)
        return true;
    if (!h || !h->up || h->epoch == c->epoch)
        return false;
    if (h->followed == c->epoch)
        return true;
    return !sc_underlay_equal(&h->underlay, from) && !sc_secrets_host_equal(c->token, h->token);
}

/* When to come again: the other host is gone then, or has renewed it. */
static uint32_t rest_of_lease(const struct sc_stack *s, const char *name, sc_time now)
{
    const struct sc_host *h = sc_hosts_find_name(&s->hosts, name);
    sc_time until = h && h->up ? h->lease.at : now + SC_LEASE_TIME;
    return until > now ? (uint32_t)((until - now) / SC_MS + 1) : 1;
}

/* Another run of the host than before: it serves nothing until it says so. */
static void start_anew(struct sc_stack *s, struct sc_host *h, uint64_t epoch)
{
    if (h->epoch == epoch)
        return;
    remove_instances(s, h);
    h->followed = h->epoch;
    h->epoch = epoch;
}

/* The address that a host had, for the sake of its flows. A new one's follows from its pool
 * address, which is persisted: so a router that was restarted does not give it to somebody else
 * before the host comes back. */
static uint64_t wanted_address(const struct sc_stack *s, const struct sc_control *c,
                               const struct sc_pool_entry *e)
{
    if (sc_hosts_is_free(&s->hosts, c->src))
        return c->src;
    return e ? sc_network_address(s->config.domain, e->pool - s->pool.base) : 0;
}

static void on_join(struct sc_stack *s, const struct sc_control *c, const struct sc_underlay *from,
                    sc_time now)
{
    struct sc_service_name n;
    if (sc_name_of_host(c->name, &n) < 0) {
        s->counters.dropped_malformed++;
        return;
    }
    struct sc_control a = {.message = SC_MSG_JOINED,
                           .lease_ms = (uint32_t)(SC_LEASE_TIME / SC_MS),
                           .epoch = s->env.epoch};
    if (is_taken(s, n.label, c, from)) {
        a.lease_ms = rest_of_lease(s, n.label, now);
        sc_notes_host(s, SC_NOTE_NAME_TAKEN, n.label, from);
        reply(s, from, c, &a);
        return;
    }
    const struct sc_pool_entry *e = sc_lookups_map(s, &n);
    struct sc_host *h = sc_hosts_join(&s->hosts, n.label, wanted_address(s, c, e));
    if (!h) {
        s->counters.dropped_table_full++;
        sc_notes_host(s, SC_NOTE_NO_ROOM_FOR_HOST, n.label, from);
        return;
    }
    bool is_news = !h->up || h->epoch != c->epoch;
    start_anew(s, h, c->epoch);
    memcpy(h->token, c->token, sizeof h->token);
    a.pool = h->pool = e ? e->pool : 0;
    a.address = h->address;
    renew(s, h, from, now);
    if (is_news)
        sc_notes_host(s, SC_NOTE_JOINED, h->name, from);
    reply(s, from, c, &a);
}

static void register_one(struct sc_stack *s, struct sc_host *h, const struct sc_service_id *id)
{
    struct sc_instance *i = sc_service_table_find(&s->services, id, h->address);
    if (i)
        return;
    i = sc_service_table_add(&s->services, id, h->address, NULL);
    if (!i) {
        s->counters.dropped_table_full++;
        sc_notes_service(s, SC_NOTE_NO_ROOM_FOR_SERVICE, h, id);
        return;
    }
    sc_notes_service(s, SC_NOTE_REGISTERED, h, id);
    sc_list_append(&h->instances, &i->in_host);
    h->registered++;
    h->digest ^= sc_router_digest(id);
}

static void unregister_one(struct sc_stack *s, struct sc_host *h, const struct sc_service_id *id)
{
    struct sc_instance *i = sc_service_table_find(&s->services, id, h->address);
    if (!i)
        return;
    sc_notes_service(s, SC_NOTE_UNREGISTERED, h, id);
    remove_instance(s, h, i);
}

/* The host that a request speaks for; NULL when it has to join first. */
static struct sc_host *speaker(struct sc_stack *s, const struct sc_control *c)
{
    struct sc_host *h = sc_hosts_find(&s->hosts, c->src);
    return h && h->epoch == c->epoch && h->up ? h : NULL;
}

static void on_register(struct sc_stack *s, const struct sc_control *c,
                        const struct sc_underlay *from, sc_time now)
{
    struct sc_host *h = speaker(s, c);
    if (!h)
        return; /* its next REFRESH tells it to join */
    if (c->replaces)
        remove_instances(s, h);
    for (size_t i = 0; i < c->service_count; i++) {
        if (c->message == SC_MSG_REGISTER)
            register_one(s, h, &c->service[i]);
        else
            unregister_one(s, h, &c->service[i]);
    }
    renew(s, h, from, now);
    struct sc_control a = {.message = SC_MSG_REGISTERED, .serial = c->serial};
    reply(s, from, c, &a);
}

static void on_refresh(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now)
{
    struct sc_host *h = speaker(s, c);
    struct sc_control a = {.message = SC_MSG_REFRESHED, .state = SC_REFRESH_JOIN};
    if (h) {
        bool same = h->registered == c->registered && h->digest == c->digest;
        a.state = same ? SC_REFRESH_FINE : SC_REFRESH_REGISTER;
        renew(s, h, from, now);
    }
    reply(s, from, c, &a);
}

static void on_where(struct sc_stack *s, const struct sc_control *c, const struct sc_underlay *from)
{
    const struct sc_host *h = sc_hosts_find(&s->hosts, c->address);
    struct sc_control a = {.message = SC_MSG_THERE, .address = c->address};
    if (h && h->up)
        a.underlay = h->underlay;
    reply(s, from, c, &a);
}

void sc_router_on_request(struct sc_stack *s, const struct sc_control *c,
                          const struct sc_underlay *from, sc_time now)
{
    switch (c->message) {
    case SC_MSG_JOIN:
        on_join(s, c, from, now);
        break;
    case SC_MSG_REGISTER:
    case SC_MSG_UNREGISTER:
        on_register(s, c, from, now);
        break;
    case SC_MSG_REFRESH:
        on_refresh(s, c, from, now);
        break;
    case SC_MSG_LOOKUP:
        sc_lookups_answer(s, c, from);
        break;
    case SC_MSG_WHERE:
        on_where(s, c, from);
        break;
    default:
        break;
    }
}
