/* Who gets what, as the parts of a stack ask it: a table of operations that the service router
 * implements from its tables (router.c), and any other host by asking its router (stack/remote.c).
 * Whoever calls these does not know which of the two this host is. */
#ifndef SC_ROUTER_ROUTING_H
#define SC_ROUTER_ROUTING_H

#include "node/node.h"
#include "node/self.h"
#include "router/hosts.h"
#include "router/pool.h"
#include "router/service_table.h"
#include "channel/channels.h"

/* Whose it is to find out. */
enum sc_scope {
    SC_SCOPE_ARRIVED, /* it has come to this host: our own instances, and a router's hosts */
    SC_SCOPE_OWN,     /* our programs send it: instances of others, since ours are joined */
};

enum sc_traffic {
    SC_TRAFFIC_FLOW,
    SC_TRAFFIC_DATAGRAM,
};

struct sc_query {
    struct sc_service_id service;
    uint64_t hash;           /* equal hashes are answered equally, as long as the tables stay */
    const uint64_t *exclude; /* network addresses of hosts that failed already */
    size_t exclude_count;
    enum sc_scope scope;
    enum sc_traffic traffic;
};

enum sc_binding_to {
    SC_BINDING_NOBODY,
    SC_BINDING_LOCAL,  /* this host */
    SC_BINDING_HOST,   /* another one */
    SC_BINDING_ROUTER, /* our router decides */
    SC_BINDING_HOLD,   /* nobody can say yet: come again */
    SC_BINDING_DROP,   /* nobody is told */
};

enum sc_binding_reason {
    SC_REASON_FOUND,
    SC_REASON_UNSERVED,  /* no instance in the network, but for those excluded */
    SC_REASON_NOT_HERE,  /* no instance on this host; our router may know another */
    SC_REASON_NO_ROUTE,  /* our router does not answer */
    SC_REASON_TOO_EARLY, /* our router's first answer may be on its way */
};

/* The answer, valid until the tables change. */
struct sc_binding {
    enum sc_binding_to to;
    enum sc_binding_reason reason;
    const char *rule;              /* that decided; never NULL */
    struct sc_instance *instance;  /* NULL where a host is meant by its own name */
    const struct sc_host *host;    /* HOST */
    const struct sc_underlay *way; /* HOST and ROUTER: where its packets go first... */
    const struct sc_link *link;    /* ...and in whose channel */
};

/* Whoever sent a packet. */
struct sc_caller {
    struct sc_underlay at;      /* in a channel: where it has shown that it is */
    struct sc_channel *channel; /* NULL: it came as it is */
    bool known;                 /* we have to do with whoever is there */
};

struct sc_routing;

struct sc_routing_ops {
    const char *name;
    struct sc_binding (*choose)(struct sc_routing *r, const struct sc_query *q, sc_time now);
    /* It was served, or bound to: its name keeps its address for good. */
    void (*use)(struct sc_routing *r, const struct sc_service_id *service);
    /* The first instance of an id was added on this host, or the last one removed. */
    void (*change)(struct sc_routing *r, const struct sc_service_id *id, bool added, sc_time now);
    /* SC_EVENT_MAPPED with this ticket follows. Returns 0 or -ENOBUFS. */
    int (*lookup)(struct sc_routing *r, const struct sc_control *question, void *ticket,
                  sc_time now);
    /* A CONTROL message other than PROBE and ALIVE. known: we have to do with whoever sent it. */
    void (*hear)(struct sc_routing *r, const struct sc_control *c, const struct sc_caller *caller,
                 sc_time now);
    /* A packet came in this channel, sealed as agreed. */
    void (*heard_in)(struct sc_routing *r, struct sc_channel *s, sc_time now);
    /* The router knows all that is served here. */
    bool (*is_registered)(const struct sc_routing *r);
    /* Fills in what only the role knows; the rest is set. */
    void (*describe)(const struct sc_routing *r, struct sc_stack_self *out);
    sc_time (*deadline)(const struct sc_routing *r);
    void (*tick)(struct sc_routing *r, sc_time now);
};

/* What both roles have. First in what implements the operations. */
struct sc_routing {
    const struct sc_routing_ops *ops;
    struct sc_node *node;
    struct sc_service_table *services; /* a router's: of all hosts; else of this one */
    struct sc_pool *pool;              /* a router's own; else what was heard of it */
    struct sc_channels *channels;
};

/* False for flows to a datagram service: its instances take none, and their owners could not tell
 * them from their own. */
bool sc_routing_may_be_served(const struct sc_query *q);

/* The instance of the table that the query gets; NULL: none is left for it. */
struct sc_instance *sc_routing_choose(const struct sc_routing *r, const struct sc_query *q,
                                      bool local_only);

#endif
