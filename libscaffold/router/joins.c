#include "router/joins.h"

#include <errno.h>
#include <string.h>

#include "router/notes.h"
#include "router/reply.h"
#include "router/trouble.h"

/* Another host of this name is alive. One that was restarted comes from where it was, or with the
 * same secret, or waits until its old lease is over. Whom it followed does not come back meanwhile:
 * otherwise two of one name, copies of one machine perhaps, would take turns in throwing each other
 * out. */
static bool is_taken(const struct sc_joins *j, const char *name, const struct sc_parked *q,
                     const struct sc_channel *s)
{
    const struct sc_control *c = &q->message;
    const struct sc_host *h = sc_hosts_find_name(j->hosts, name);
    if (strcmp(name, j->node->host_name) == 0)
        return true;
    if (!h || !h->up || h->epoch == c->epoch)
        return false;
    if (h->followed == c->epoch)
        return true;
    return s ? !sc_host_is_in(h, s)
             : !sc_underlay_equal(&h->underlay, &q->from) &&
                   !sc_secrets_host_equal(c->token, h->token);
}

/* A channel has one host: who wants to be another one makes another. */
static bool is_anothers(const struct sc_joins *j, const char *name, const struct sc_channel *s)
{
    const struct sc_host *h = sc_hosts_find_name(j->hosts, name);
    return s && s->link && (!h || s->link != &h->link);
}

/* When to come again: the other host is gone then, or has renewed it. */
static uint32_t rest_of_lease(const struct sc_joins *j, const char *name, sc_time now)
{
    const struct sc_host *h = sc_hosts_find_name(j->hosts, name);
    sc_time until = h && h->up ? h->lease.at : now + SC_LEASE_TIME;
    return until > now ? (uint32_t)((until - now) / SC_MS + 1) : 1;
}

/* Another run of the host than before: it serves nothing until it says so. */
static void start_anew(struct sc_joins *j, struct sc_host *h, uint64_t epoch)
{
    if (h->epoch == epoch)
        return;
    sc_leases_remove_all(j->leases, h);
    h->followed = h->epoch;
    h->epoch = epoch;
}

/* The address that a host had, for the sake of its flows. A new one's follows from its pool
 * address, which is persisted: so a router that was restarted does not give it to somebody else
 * before the host comes back. */
static uint64_t wanted_address(const struct sc_joins *j, const struct sc_control *c,
                               const struct sc_pool_entry *e)
{
    if (sc_hosts_is_free(j->hosts, c->src))
        return c->src;
    return e ? sc_network_address(j->hosts->domain, e->pool - j->pool->base) : 0;
}

static struct sc_control joined(const struct sc_joins *j)
{
    return (struct sc_control){.message = SC_MSG_JOINED,
                               .lease_ms = (uint32_t)(SC_LEASE_TIME / SC_MS),
                               .epoch = j->node->env.epoch,
                               .names = SC_NAMES_SHARE(sc_pool_room(j->pool))};
}

/* The host is here, at this pool address. */
static void let_in(struct sc_joins *j, const struct sc_parked *q, const char *name,
                   const struct sc_pool_entry *e, sc_time now)
{
    const struct sc_control *c = &q->message;
    struct sc_host *h = sc_hosts_join(j->hosts, name, wanted_address(j, c, e));
    if (!h) {
        j->node->counters.dropped_table_full++;
        sc_notes_host(&j->node->notices, SC_NOTE_NO_ROOM_FOR_HOST, name, &q->from);
        return;
    }
    /* After that: what makes room may end a channel, even this one. */
    struct sc_channel *s = sc_channels_find(j->hosts->channels, q->channel);
    if (j->node->secure && !s)
        return;
    bool is_news = !h->up || h->epoch != c->epoch;
    uint8_t grant[SC_GRANT_MAX];
    start_anew(j, h, c->epoch);
    memcpy(h->token, c->token, sizeof h->token);
    if (s) {
        memcpy(h->key, s->peer, sizeof h->key);
        sc_channels_adopt(j->hosts->channels, s, &h->link, now);
    }
    sc_leases_give_address(j->leases, h, e ? e->pool : 0);
    sc_leases_renew(j->leases, h, &q->from, now);
    if (is_news)
        sc_notes_host(&j->node->notices, SC_NOTE_JOINED, h->name, &q->from);
    struct sc_control a = joined(j);
    a.pool = h->pool;
    a.address = h->address;
    if (e)
        memcpy(a.key, e->key, sizeof a.key);
    if (e && is_news) /* its own name */
        a.grant = (struct sc_field){grant, sc_rights_grant(j->rights, h, &e->service, now, grant)};
    sc_reply(j->node, j->hosts, q, &a);
}

/* Its name is not known, and cannot be made known. Without an address left it gets in all the same:
 * it can use services. */
static void refuse(struct sc_joins *j, const struct sc_parked *q, const char *name, int error,
                   sc_time now)
{
    struct sc_control a = joined(j);
    j->node->counters.dropped_share += error == EDQUOT;
    j->node->counters.dropped_waiting += error == EAGAIN;
    if (error == ENOMEM) {
        let_in(j, q, name, NULL, now);
    } else if (error != EAGAIN) { /* else it asks again by itself */
        a.trouble = sc_trouble_of(error);
        sc_reply(j->node, j->hosts, q, &a);
    }
}

static const struct sc_pool_entry *find(const struct sc_joins *j, const struct sc_service_name *n)
{
    char text[SC_NAME_MAX + 1];
    return sc_service_name_write(n, text, sizeof text) < 0 ? NULL
                                                           : sc_pool_find_name(j->pool, text);
}

/* A new name is stored for good, so it has a rate. */
static bool may_map(struct sc_joins *j, const struct sc_service_name *n, const struct sc_parked *q,
                    sc_time now)
{
    return find(j, n) ||
           sc_node_allows(j->node, SC_RATE_NAME, &q->from, sc_reply_known(j->hosts, q), now);
}

static struct sc_invitation *invitation_of(struct sc_joins *j, const struct sc_channel *s,
                                           sc_time now)
{
    return sc_invitations_find(j->invitations, s->invitation, sc_node_wall(j->node, now));
}

/* Who has joined by a name has it for good; nobody's is for whoever was invited. 0, or why this
 * host does not get it, a positive errno. */
static int objection(struct sc_joins *j, const struct sc_service_name *n,
                     const struct sc_channel *s, sc_time now)
{
    const struct sc_pool_entry *e = find(j, n);
    if (e && e->owned)
        return memcmp(e->owner, s->peer, sizeof e->owner) == 0 ? 0 : EKEYREJECTED;
    return invitation_of(j, s, now) ? 0 : EACCES;
}

/* The name is this host's from now on, once that is stored. */
static bool enrol(struct sc_joins *j, struct sc_pool_entry *e, const struct sc_channel *s,
                  sc_time now)
{
    struct sc_invitation *by = invitation_of(j, s, now);
    bool begun = by && sc_changes_own(j->changes, e, s->peer, by->hash);
    if (begun)
        by->uses--;
    return begun;
}

void sc_joins_on_join(struct sc_joins *j, const struct sc_parked *q, sc_time now)
{
    const struct sc_channel *s = sc_channels_find(j->hosts->channels, q->channel);
    struct sc_service_name n;
    int error = 0;
    if (j->node->secure && !s)
        return; /* it was over before its name was stored: it comes again */
    if (sc_service_name_of_host(q->message.name, &n) < 0) {
        j->node->counters.dropped_malformed++;
        return;
    }
    if (is_anothers(j, n.label, s)) {
        j->node->counters.dropped_unjoined++;
        return;
    }
    error = s ? objection(j, &n, s, now) : 0;
    if (error) {
        sc_notes_host(&j->node->notices, error == EACCES ? SC_NOTE_NOT_INVITED : SC_NOTE_OTHER_KEY,
                      n.label, &q->from);
        refuse(j, q, n.label, error, now);
        return;
    }
    if (is_taken(j, n.label, q, s)) {
        struct sc_control a = joined(j);
        a.lease_ms = rest_of_lease(j, n.label, now);
        sc_notes_host(&j->node->notices, SC_NOTE_NAME_TAKEN, n.label, &q->from);
        sc_reply(j->node, j->hosts, q, &a);
        return;
    }
    if (!may_map(j, &n, q, now))
        return;
    struct sc_pool_entry *e = sc_changes_map(j->changes, &n, &q->from, now, &error);
    if (!e)
        refuse(j, q, n.label, error, now);
    else if (s && !e->owned && !e->change && !enrol(j, e, s, now))
        refuse(j, q, n.label, EAGAIN, now);
    else if (e->change)
        sc_changes_park(j->changes, e->change, q, now);
    else
        let_in(j, q, n.label, e, now);
}

void sc_joins_resume(struct sc_joins *j, const struct sc_parked *q, int error, sc_time now)
{
    if (error)
        refuse(j, q, q->message.name, error, now);
    else
        sc_joins_on_join(j, q, now);
}
