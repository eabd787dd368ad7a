/* Which IPv4 address stands for which service, and what that is called: found by each of the three,
 * bounded by SC_MAPPINGS_MAX. A router allocates; a host remembers what it was told. Not
 * thread-safe.
 *
 * A name that was only asked for is unused until it is served, or reached. When a router has no
 * address left, the unused name that was not asked for the longest loses its own to another. That
 * takes effect when the owner settles it, which is after it was stored. */
#ifndef SC_ROUTER_POOL_H
#define SC_ROUTER_POOL_H

#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "crypto/key.h"
#include "node/event.h"
#include "router/askers.h"
#include "naming/service_name.h"

struct sc_pool {
    struct sc_map by_pool;
    struct sc_map by_service;
    struct sc_map by_name;
    struct sc_list unused; /* sc_pool_entry.idle, the one not asked for the longest first */
    uint32_t base;         /* host order */
    unsigned bits;         /* 0: any address, for hosts, which are told */
    uint32_t next;         /* offset to try first */
    uint32_t reuses;       /* another number when an address got another name; a host's: as it
                              heard its router say last */
};

struct sc_pool_entry {
    struct sc_map_node by_pool, by_service, by_name;
    struct sc_list idle;
    struct sc_asked asked; /* on whose account it stands */
    uint32_t pool;
    struct sc_service_id service; /* port and protocol 0 */
    uint8_t key[SC_KEY_LEN];      /* its provider's; zeros where the name certifies itself */
    char name[SC_NAME_MAX + 1];   /* without port, zeros behind it; of one entry only */
    enum sc_vouched vouched;
    bool used;   /* served or reached once: keeps its address for good */
    bool held;   /* keeps it for the time being */
    bool reused; /* the address stood for another name before */
    bool owned;  /* the name of a host that has joined, and has this key: */
    uint8_t owner[SC_KEY_LEN];
    void *change;        /* the owner's, while it is not stored; nobody may be told of it before */
    uint32_t generation; /* a host's: of the router's word that it was heard in */
};

void sc_pool_init(struct sc_pool *p, uint32_t base, unsigned bits, const uint64_t seed[2]);
void sc_pool_fini(struct sc_pool *p);

/* How many addresses of such a pool can be given. */
uint32_t sc_pool_size(uint32_t base, unsigned bits);

/* How many of this one's are: no more than SC_MAPPINGS_MAX. */
uint32_t sc_pool_room(const struct sc_pool *p);
bool sc_pool_is_full(const struct sc_pool *p);

struct sc_pool_entry *sc_pool_find(const struct sc_pool *p, uint32_t pool);

/* False for what a host heard before its router gave an address to another name: the address may be
 * another's by now. */
bool sc_pool_is_fresh(const struct sc_pool *p, const struct sc_pool_entry *e);

/* By service id; port and protocol are ignored. */
struct sc_pool_entry *sc_pool_find_service(const struct sc_pool *p, const struct sc_service_id *id);

/* By name, as sc_service_name_write has it, without port. */
struct sc_pool_entry *sc_pool_find_name(const struct sc_pool *p, const char *name);

/* Puts a mapping in. Returns 0, -EEXIST (address, service or name is mapped otherwise), -EINVAL
 * (outside the pool), -ENOSPC or -ENOMEM. The same mapping again is 0. */
int sc_pool_put(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id, const char *name);

/* The same, but what contradicts it is forgotten first: a host believes its router's newest word.
 * Where there is no room, what was not asked for the longest is forgotten. Returns 0 or -ENOMEM. */
int sc_pool_learn(struct sc_pool *p, uint32_t pool, const struct sc_service_id *id,
                  const char *name);

/* A fresh address for a service that has none; NULL when the pool is exhausted or memory short.
 * Addresses ending in .0 and .255 are left out: some programs take them for networks. */
struct sc_pool_entry *sc_pool_allocate(struct sc_pool *p, const struct sc_service_id *id,
                                       const char *name);

/* The unused name that was not asked for the longest, of those without a change under way; NULL:
 * there is none. */
struct sc_pool_entry *sc_pool_oldest(struct sc_pool *p);

/* An entry for the address of `old`, which keeps it until sc_pool_settle; found by its service.
 * NULL when memory is short. */
struct sc_pool_entry *sc_pool_replace(struct sc_pool *p, struct sc_pool_entry *old,
                                      const struct sc_service_id *id, const char *name);

/* The entry gets the address; `old` is freed, and `reuses` is another number, never 0. */
void sc_pool_settle(struct sc_pool *p, struct sc_pool_entry *e, struct sc_pool_entry *old);

/* Frees an entry that was not to be; what it was to replace is as before. */
void sc_pool_drop(struct sc_pool *p, struct sc_pool_entry *e);

/* A host's: the alias has this key, and who vouches for it; what was heard of another one is
 * forgotten. */
void sc_pool_vouch(struct sc_pool *p, const char *alias, const uint8_t key[SC_KEY_LEN],
                   enum sc_vouched by);

/* It was asked for. */
void sc_pool_touch(struct sc_pool *p, struct sc_pool_entry *e);

/* It was served or reached, and keeps its address for good. */
void sc_pool_use(struct sc_pool *p, struct sc_pool_entry *e, bool used);

/* It is a host's that has joined, and keeps its address as long as that is so. */
void sc_pool_own(struct sc_pool *p, struct sc_pool_entry *e, bool owned);

/* It keeps its address for the time being. */
void sc_pool_hold(struct sc_pool *p, struct sc_pool_entry *e, bool held);

#endif
