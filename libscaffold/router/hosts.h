/* A router's network table: which hosts there are, where they are reachable now, and until when
 * their leases run. Bounded by SC_HOSTS_MAX. Not thread-safe. */
#ifndef SC_ROUTER_HOSTS_H
#define SC_ROUTER_HOSTS_H

#include "base/heap.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "channel/channels.h"
#include "wire/ids.h"

struct sc_host {
    struct sc_map_node by_address, by_name;
    uint64_t address;
    char name[SC_HOST_NAME_MAX + 1]; /* zeros behind it: it is a key */
    uint32_t pool;
    struct sc_underlay underlay;
    uint64_t epoch;
    uint64_t followed; /* epoch of the run before, which does not come back; 0: none */
    uint8_t token[16]; /* of its last JOIN: what a next run proves itself by; zeros: nothing */
    uint8_t key[SC_KEY_LEN];  /* its host key; zeros: without security */
    struct sc_link link;      /* its channels with us */
    bool up;                  /* set by sc_hosts_set_up */
    struct sc_list down;      /* in the table's list while not */
    struct sc_timer lease;    /* in the table's heap while up */
    struct sc_list instances; /* sc_instance.in_host */
    uint32_t registered;
    uint64_t digest; /* xor of the hashes of the registered ids */
};

struct sc_hosts {
    struct sc_channels *channels;
    struct sc_map by_address, by_name; /* sc_map_scan walks them in pieces */
    struct sc_list down;               /* longest first */
    struct sc_heap leases;
    uint32_t domain;
    uint32_t next; /* host part to assign next */
};

void sc_hosts_init(struct sc_hosts *h, struct sc_channels *channels, uint32_t domain,
                   const uint64_t seed[2]);
void sc_hosts_fini(struct sc_hosts *h);

struct sc_host *sc_hosts_find(const struct sc_hosts *h, uint64_t address);
struct sc_host *sc_hosts_find_name(const struct sc_hosts *h, const char *name);

/* True when it is up, and there. */
bool sc_hosts_is_at(const struct sc_hosts *h, uint64_t address, const struct sc_underlay *where);

/* True for the channel of this very host, or one that is nobody's yet, of who has its key. Without
 * security anybody is. */
bool sc_host_is_in(const struct sc_host *host, const struct sc_channel *s);

/* True when this address is ours to give, and nobody has it. */
bool sc_hosts_is_free(const struct sc_hosts *h, uint64_t address);

/* A host that joins: the entry of its name, or a new one that is down yet, at `wanted` where that
 * is free. A full table forgets who has been down for longest. NULL when all are up, or memory is
 * short. */
struct sc_host *sc_hosts_join(struct sc_hosts *h, const char *name, uint64_t wanted);

void sc_hosts_set_up(struct sc_hosts *h, struct sc_host *host, bool up);

#endif
