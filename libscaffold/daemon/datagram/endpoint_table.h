/* Who has which address: the ports that are unique on this host, the groups of endpoints that share
 * an address, and the hosts that own the addresses of others' reply endpoints. */
#ifndef SC_DAEMON_DATAGRAM_ENDPOINT_TABLE_H
#define SC_DAEMON_DATAGRAM_ENDPOINT_TABLE_H

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "daemon/loop.h"
#include "local/address.h"
#include "wire/ids.h"

struct sc_daemon;
struct sc_endpoint;
struct sc_instance;

/* A peer may come back to the port of a socket that is closed for this long... */
#define SC_PORT_KEPT_FOR (600 * SC_SECOND)
/* ...as long as no more of them do: enough for 10 minutes of 13 sockets per second, and most of the
 * ephemeral range stays free. */
#define SC_PORTS_KEPT_MAX 8192
/* Reply endpoints of other hosts that are remembered, as long and as many. */
#define SC_REPLIERS_MAX 8192

/* A port of this host. Without an endpoint it is kept, since peers may still mean the old one. */
struct sc_host_port {
    struct sc_map_node node;
    struct sc_list link; /* kept ones, oldest first */
    uint16_t number;
    struct sc_endpoint *endpoint;
    sc_time until;
};

/* The endpoints of one service id with port, or of one loopback port. */
struct sc_endpoint_group {
    struct sc_map_node node;
    struct sc_service_id service;
    struct sc_list members;       /* in the order in which they were bound */
    struct sc_instance *instance; /* in the stack; NULL for loopback and reply endpoints */
};

struct sc_endpoint_table {
    struct sc_map by_serial; /* all endpoints */
    struct sc_map ports;
    struct sc_list kept;
    size_t kept_count;
    struct sc_map groups;
    struct sc_map repliers;
    struct sc_list replier_ages;
    uint16_t next_port;
    uint64_t seed[2];
};

void sc_endpoint_table_init(struct sc_endpoint_table *t, uint64_t seed);
void sc_endpoint_table_fini(struct sc_endpoint_table *t);

/* A port that no endpoint has: `wanted`, or, when that is 0, any whose group of `service` (if it is
 * not NULL) is empty, too. NULL: taken, or none is left. */
struct sc_host_port *sc_host_port_take(struct sc_daemon *d, uint16_t wanted,
                                       const struct sc_service_id *service);
/* `keep`: peers on other hosts know it. */
void sc_host_port_give(struct sc_daemon *d, struct sc_host_port *p, bool keep);
/* Whether datagrams to this address of the host reach a loopback endpoint. */
bool sc_endpoint_reaches(const struct sc_endpoint *e, const struct sc_address *to);

struct sc_endpoint *sc_host_port_find(const struct sc_daemon *d, uint16_t number);

/* The group of `service` (with port and protocol), or NULL. */
struct sc_endpoint_group *sc_endpoint_group_find(const struct sc_daemon *d,
                                                 const struct sc_service_id *service);
/* Puts `e` in its group, which is made when it is new. Returns 0, ENOMEM, or EADDRINUSE: `other` is
 * in the way. */
int sc_endpoint_group_join(struct sc_endpoint *e, const struct sc_service_id *service,
                           struct sc_endpoint **other);
void sc_endpoint_group_leave(struct sc_endpoint *e);

/* Registers the group with the stack, or takes it back, as its members want it. Returns 0 or a
 * positive errno. */
int sc_endpoint_group_serve(struct sc_daemon *d, struct sc_endpoint_group *g);

/* This very address belongs to a socket on that host. */
void sc_replier_learn(struct sc_daemon *d, const struct sc_service_id *service, uint64_t host);
/* The host, or 0 when the address is a service's. */
uint64_t sc_replier_host(struct sc_daemon *d, const struct sc_service_id *service);

#endif
