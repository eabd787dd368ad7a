#include "router/leases.h"

#include "router/notes.h"

/* Instances and hosts whose leases end in one tick; the next one follows at once. When a router
 * slept, all of them are over when it wakes up. */
#define EXPIRED_PER_TICK 512

/* --- instances -------------------------------------------------------------------------------- */

static void remove_instance(struct sc_leases *l, struct sc_host *h, struct sc_instance *i)
{
    h->registered--;
    h->digest ^= sc_service_table_digest(&i->key.service);
    sc_service_table_remove(l->services, i);
}

/* At most so many; returns how many there were. */
static size_t remove_some(struct sc_leases *l, struct sc_host *h, size_t most)
{
    size_t removed = 0;
    struct sc_list *first;
    for (; removed < most && (first = sc_list_first(&h->instances)) != NULL; removed++)
        remove_instance(l, h, sc_container(first, struct sc_instance, in_host));
    return removed;
}

void sc_leases_remove_all(struct sc_leases *l, struct sc_host *h)
{
    remove_some(l, h, SC_INSTANCES_MAX);
}

bool sc_leases_has(const struct sc_leases *l, const struct sc_host *h,
                   const struct sc_service_id *id)
{
    return sc_service_table_find(l->services, id, h->address) != NULL;
}

bool sc_leases_add(struct sc_leases *l, struct sc_host *h, const struct sc_service_id *id)
{
    struct sc_instance *i = sc_service_table_add(l->services, id, h->address, NULL);
    if (!i) {
        l->node->counters.dropped_table_full++;
        sc_notes_service(&l->node->notices, SC_NOTE_NO_ROOM_FOR_SERVICE, h, id);
        return false;
    }
    sc_notes_service(&l->node->notices, SC_NOTE_REGISTERED, h, id);
    sc_list_append(&h->instances, &i->in_host);
    h->registered++;
    h->digest ^= sc_service_table_digest(id);
    return true;
}

void sc_leases_remove(struct sc_leases *l, struct sc_host *h, const struct sc_service_id *id)
{
    struct sc_instance *i = sc_service_table_find(l->services, id, h->address);
    if (!i)
        return;
    sc_notes_service(&l->node->notices, SC_NOTE_UNREGISTERED, h, id);
    remove_instance(l, h, i);
}

/* --- leases ----------------------------------------------------------------------------------- */

static void hold_address(struct sc_leases *l, const struct sc_host *h, bool held)
{
    struct sc_pool_entry *e = sc_pool_find(l->pool, h->pool);
    if (e)
        sc_pool_hold(l->pool, e, held);
}

void sc_leases_give_address(struct sc_leases *l, struct sc_host *h, uint32_t pool)
{
    hold_address(l, h, false);
    h->pool = pool;
    hold_address(l, h, true);
}

void sc_leases_renew(struct sc_leases *l, struct sc_host *h, const struct sc_underlay *from,
                     sc_time now)
{
    if (h->up && !sc_underlay_equal(&h->underlay, from))
        sc_notes_host(&l->node->notices, SC_NOTE_MOVED, h->name, from);
    sc_hosts_set_up(l->hosts, h, true);
    h->underlay = *from;
    if (sc_heap_set(&l->hosts->leases, &h->lease, now + SC_LEASE_TIME) < 0)
        l->node->counters.dropped_memory++;
}

static void put_down(struct sc_leases *l, struct sc_host *h)
{
    sc_hosts_set_up(l->hosts, h, false);
    hold_address(l, h, false);
    l->node->counters.leases_expired++;
    sc_notes_host(&l->node->notices, SC_NOTE_EXPIRED, h->name, &h->underlay);
}

void sc_leases_end(struct sc_leases *l, struct sc_host *h)
{
    sc_leases_remove_all(l, h);
    sc_heap_set(&l->hosts->leases, &h->lease, SC_NEVER);
    put_down(l, h);
}

/* Its lease is over. It is down when its last instance is gone, or up again if it is heard of
 * before. Returns how much work that was. */
static size_t expire(struct sc_leases *l, struct sc_host *h, size_t most, sc_time now)
{
    size_t removed = remove_some(l, h, most);
    if (!sc_list_empty(&h->instances) && sc_heap_set(&l->hosts->leases, &h->lease, now) == 0)
        return removed;
    sc_leases_remove_all(l, h); /* none are left, but for want of memory */
    put_down(l, h);
    return removed + 1;
}

sc_time sc_leases_deadline(const struct sc_leases *l)
{
    return sc_heap_next(&l->hosts->leases);
}

void sc_leases_tick(struct sc_leases *l, sc_time now)
{
    struct sc_timer *t;
    for (size_t work = 0;
         work < EXPIRED_PER_TICK && (t = sc_heap_pop_due(&l->hosts->leases, now)) != NULL;)
        work += expire(l, sc_container(t, struct sc_host, lease), EXPIRED_PER_TICK - work, now);
}
