/* A host's word to its router: JOIN until it has an address, then REFRESH every SC_LEASE_REFRESH.
 * What changes is said at once, once; the digest in the next REFRESH finds out whether it arrived.
 * Until the router has said that it is fine, REFRESH comes early, at doubling intervals. What it
 * does not register it is shown a grant for, once, where there is one; then it does not count, and
 * is offered again now and then. Not thread-safe. */
#ifndef SC_STACK_REGISTRAR_H
#define SC_STACK_REGISTRAR_H

#include "node/node.h"
#include "router/pool.h"
#include "router/service_table.h"
#include "stack/denials.h"
#include "stack/grants.h"
#include "channel/approach.h"

struct sc_registrar {
    struct sc_node *node;
    const struct sc_service_table *services; /* to be registered */
    struct sc_pool *pool;                    /* hears of reuses */
    struct sc_channels *channels;
    struct sc_grants *grants;
    struct sc_denials denials;
    struct sc_due offering; /* what it has denied, again; and grants that it is time to renew */
    struct sc_link link;    /* to the router */
    struct sc_approach approach;
    struct sc_due due;
    bool joined;
    bool name_taken; /* the router knows another host of our name */
    uint32_t names;  /* how many new ones it lets this host ask for; 0: not told */
    int refused;     /* it cannot store our name: why, an errno; 0: it can */
    bool reachable;  /* as the owner was told */
    sc_time started;
    sc_time answered_at; /* last word of the router */
    sc_time interval;    /* of JOIN */
    sc_time refresh_interval;
    sc_time patience;      /* how long the first REFRESH waits for an answer */
    sc_time asked_at;      /* the first of those that are unanswered */
    unsigned unanswered;   /* REFRESHes in this channel */
    uint32_t joins;        /* answered so far */
    uint32_t serial;       /* of the last change or REGISTER */
    uint32_t known_serial; /* the router knows everything up to here */
    uint32_t registered;   /* different ids, as the router counts them: without denied ones */
    uint64_t digest;
};

void sc_registrar_init(struct sc_registrar *g, struct sc_node *node,
                       const struct sc_service_table *services, struct sc_pool *pool,
                       struct sc_channels *channels, struct sc_grants *grants, sc_time now);
void sc_registrar_fini(struct sc_registrar *g);

/* The first JOIN is due. */
void sc_registrar_start(struct sc_registrar *g, sc_time now);

/* AGAIN and GREETED. */
void sc_registrar_on_again(struct sc_registrar *g, const struct sc_control *c);
void sc_registrar_on_greeted(struct sc_registrar *g, const struct sc_control *c, sc_time now);

/* Something came in a channel with the router. */
void sc_registrar_heard(struct sc_registrar *g, struct sc_channel *s, sc_time now);

/* JOINED, REFRESHED, REGISTERED. */
void sc_registrar_on_answer(struct sc_registrar *g, const struct sc_control *c, sc_time now);

/* The first instance of an id was added, or the last one removed. */
void sc_registrar_change(struct sc_registrar *g, const struct sc_service_id *id, bool added,
                         sc_time now);

/* There are other grants than before: all is offered again. */
void sc_registrar_offer(struct sc_registrar *g, sc_time now);

bool sc_registrar_is_registered(const struct sc_registrar *g);
bool sc_registrar_reachable(const struct sc_registrar *g, sc_time now);
/* The host has only just started: the router's first answer may be on its way. */
bool sc_registrar_is_new(const struct sc_registrar *g, sc_time now);
sc_time sc_registrar_new_until(const struct sc_registrar *g);

#endif
