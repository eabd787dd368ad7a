#include "stack/internal.h"

#include <errno.h>

/* Instances and hosts whose leases end in one tick; the next one follows at once. When a router
 * slept, all of them are over when it wakes up. */
#define EXPIRED_PER_TICK 512

uint64_t sc_router_digest(const struct sc_service_id *id)
{
    static const uint64_t seed[2] = {0, 0}; /* both sides must agree */
    return sc_hash(seed, id->bytes, sizeof id->bytes);
}

/* Stands for a question of the router itself: no message has this number. */
#define OWN_NAME 0

/* --- the router's own name -------------------------------------------------------------------- */

static void has_name(struct sc_stack *s, struct sc_pool_entry *e)
{
    sc_pool_hold(&s->pool, e, true);
    s->env.pool = e->pool;
}

/* After what was kept has been restored; again and again while it cannot be stored. */
static void take_name(struct sc_stack *s, struct sc_due *d, sc_time now)
{
    struct sc_parked ourselves = {.message = {.message = OWN_NAME}};
    struct sc_service_name n;
    int error;
    if (sc_name_of_host(s->config.host_name, &n) < 0)
        return;
    struct sc_pool_entry *e = sc_changes_map(s, &n, &ourselves.from, now, &error);
    if (e && !e->change)
        has_name(s, e);
    else if (!e || !sc_changes_park(s, e->change, &ourselves, now))
        sc_stack_arm(s, d, now + SC_OWN_NAME_RETRY);
}

void sc_router_init(struct sc_stack *s, sc_time now)
{
    s->env.address = sc_network_address(s->config.domain, 1);
    s->naming.fire = take_name;
    sc_timer_init(&s->naming.timer);
    while (s->reuses == 0) /* another one than before it was restarted */
        s->reuses = (uint32_t)sc_rng_next(&s->rng);
    sc_stack_arm(s, &s->naming, now);
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

/* The address of a host that is here is given to nobody else. */
static void hold_address(struct sc_stack *s, const struct sc_host *h, bool held)
{
    struct sc_pool_entry *e = sc_pool_find(&s->pool, h->pool);
    if (e)
        sc_pool_hold(&s->pool, e, held);
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
    hold_address(s, h, false);
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
    bool known = sc_stack_knows(s, q->src, to);
    a->transaction = q->transaction;
    a->src = s->env.address;
    sc_outbox_control(s, sc_stack_queue_for(known), to, 0, a);
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

static struct sc_control joined(const struct sc_stack *s)
{
    return (struct sc_control){.message = SC_MSG_JOINED,
                               .lease_ms = (uint32_t)(SC_LEASE_TIME / SC_MS),
                               .epoch = s->env.epoch,
                               .names = SC_NAMES_SHARE(sc_pool_room(&s->pool))};
}

/* The host is here, at this pool address. */
static void let_in(struct sc_stack *s, const struct sc_parked *q, const char *name,
                   const struct sc_pool_entry *e, sc_time now)
{
    const struct sc_control *c = &q->message;
    struct sc_host *h = sc_hosts_join(&s->hosts, name, wanted_address(s, c, e));
    if (!h) {
        s->counters.dropped_table_full++;
        sc_notes_host(s, SC_NOTE_NO_ROOM_FOR_HOST, name, &q->from);
        return;
    }
    bool is_news = !h->up || h->epoch != c->epoch;
    start_anew(s, h, c->epoch);
    memcpy(h->token, c->token, sizeof h->token);
    hold_address(s, h, false);
    h->pool = e ? e->pool : 0;
    hold_address(s, h, true);
    renew(s, h, &q->from, now);
    if (is_news)
        sc_notes_host(s, SC_NOTE_JOINED, h->name, &q->from);
    struct sc_control a = joined(s);
    a.pool = h->pool;
    a.address = h->address;
    reply(s, &q->from, c, &a);
}

/* Its name is not known, and cannot be made known. Without an address left it gets in all the same:
 * it can use services. */
static void refuse(struct sc_stack *s, const struct sc_parked *q, const char *name, int error,
                   sc_time now)
{
    struct sc_control a = joined(s);
    s->counters.dropped_share += error == EDQUOT;
    s->counters.dropped_waiting += error == EAGAIN;
    if (error == ENOMEM) {
        let_in(s, q, name, NULL, now);
    } else if (error != EAGAIN) { /* it asks again by itself */
        a.trouble = sc_changes_trouble(error);
        reply(s, &q->from, &q->message, &a);
    }
}

/* A new name is stored for good, so it has a rate. */
static bool may_map(struct sc_stack *s, const struct sc_service_name *n, const struct sc_parked *q,
                    sc_time now)
{
    struct sc_service_id id;
    sc_name_to_id(n, &id);
    bool known = sc_stack_knows(s, q->message.src, &q->from);
    return sc_pool_find_service(&s->pool, &id) ||
           sc_stack_allows(s, SC_RATE_NAME, &q->from, known, now);
}

static void join(struct sc_stack *s, const struct sc_parked *q, sc_time now)
{
    struct sc_service_name n;
    int error = 0;
    if (sc_name_of_host(q->message.name, &n) < 0) {
        s->counters.dropped_malformed++;
        return;
    }
    if (is_taken(s, n.label, &q->message, &q->from)) {
        struct sc_control a = joined(s);
        a.lease_ms = rest_of_lease(s, n.label, now);
        sc_notes_host(s, SC_NOTE_NAME_TAKEN, n.label, &q->from);
        reply(s, &q->from, &q->message, &a);
        return;
    }
    if (!may_map(s, &n, q, now))
        return; /* it asks again */
    struct sc_pool_entry *e = sc_changes_map(s, &n, &q->from, now, &error);
    if (!e)
        refuse(s, q, n.label, error, now);
    else if (e->change)
        sc_changes_park(s, e->change, q, now);
    else
        let_in(s, q, n.label, e, now);
}

static void on_join(struct sc_stack *s, const struct sc_control *c, const struct sc_underlay *from,
                    sc_time now)
{
    struct sc_parked q = {.message = *c, .from = *from};
    join(s, &q, now);
}

void sc_router_resume(struct sc_stack *s, const struct sc_parked *p, int error, sc_time now)
{
    if (p->message.message == OWN_NAME)
        sc_stack_arm(s, &s->naming, error ? now + SC_OWN_NAME_RETRY : now);
    else if (error)
        refuse(s, p, p->message.name, error, now);
    else
        join(s, p, now);
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
    sc_changes_use(s, id);
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
    struct sc_control a = {
        .message = SC_MSG_REFRESHED, .state = SC_REFRESH_JOIN, .reuses = s->reuses};
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
    bool known = sc_stack_knows(s, c->src, from);
    if (!sc_stack_allows(s, SC_RATE_REQUEST, from, known, now))
        return;
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
        sc_lookups_answer(s, c, from, now);
        break;
    case SC_MSG_WHERE:
        on_where(s, c, from);
        break;
    default:
        break;
    }
}
