/* Which instances serve which ServiceID: the local ones with their owner, those of other hosts by
 * network address. An id with port and protocol 0 stands for all ports of its service; the longest
 * prefix wins. Bounded by SC_INSTANCES_MAX. Not thread-safe. */
#ifndef SC_ROUTER_SERVICE_TABLE_H
#define SC_ROUTER_SERVICE_TABLE_H

#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "wire/ids.h"

struct sc_service {
    struct sc_map_node node;
    struct sc_service_id id;
    struct sc_instance **instance; /* those of this host first */
    size_t local;                  /* how many these are */
    size_t count, room;
    struct sc_list by_port; /* in the table's, while it has local ones */
};

/* Local ones are told apart by a number, since one service may have several; remote ones have 0. */
struct sc_instance_key {
    struct sc_service_id service;
    uint64_t host;
    uint64_t number;
};

struct sc_instance {
    struct sc_map_node node;
    struct sc_instance_key key;
    struct sc_list in_host; /* siblings of the same host; the host's owner keeps the list */
    struct sc_list flows;   /* the stack's: those that were answered for it */
    struct sc_service *service;
    size_t at;     /* in the service's array */
    uint64_t host; /* network address; 0: this host */
    void *app;     /* local ones: the owner's */
    bool accepting;
};

#define SC_SERVICE_PORTS 256

struct sc_service_table {
    struct sc_map services;
    struct sc_map by_key; /* every instance; sc_map_scan walks them in pieces */
    size_t instances;
    uint64_t numbers;                         /* last one given */
    struct sc_list by_port[SC_SERVICE_PORTS]; /* services with local instances, by port modulo */
};

void sc_service_table_init(struct sc_service_table *t, const uint64_t seed[2]);
void sc_service_table_fini(struct sc_service_table *t); /* frees every instance */

/* A new instance, accepting; NULL when the table is full or memory short. */
struct sc_instance *sc_service_table_add(struct sc_service_table *t, const struct sc_service_id *id,
                                         uint64_t host, void *app);
void sc_service_table_remove(struct sc_service_table *t, struct sc_instance *i);

/* The instance of another host for exactly this id, or NULL. */
struct sc_instance *sc_service_table_find(const struct sc_service_table *t,
                                          const struct sc_service_id *id, uint64_t host);

/* True when there is an instance, of whatever host, for exactly this id. */
bool sc_service_table_serves(const struct sc_service_table *t, const struct sc_service_id *id);

/* Which instances a choice may take. */
struct sc_choice {
    uint64_t hash;           /* equal hashes choose equally, as long as the table stays */
    const uint64_t *exclude; /* hosts that failed already */
    size_t exclude_count;
    uint64_t own; /* own network address, which local instances are excluded by */
    bool local_only;
    bool remote_only;
};

/* An accepting instance of the longest prefix that has one, or NULL. */
struct sc_instance *sc_service_table_choose(const struct sc_service_table *t,
                                            const struct sc_service_id *id,
                                            const struct sc_choice *c);

/* An accepting local instance with this port and protocol, of whichever service; NULL: none. */
struct sc_instance *sc_service_table_local(const struct sc_service_table *t, uint16_t port,
                                           uint8_t proto);

/* What a host and its router compare by xor of it: both must get the same. */
uint64_t sc_service_table_digest(const struct sc_service_id *id);

/* Services in no order: pass NULL first. */
struct sc_service *sc_service_table_next(const struct sc_service_table *t,
                                         const struct sc_service *s);

#endif
