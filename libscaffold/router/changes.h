/* A router's new names until they are stored, and who waits for them. Nobody is told of a name
 * before; the owner stores what SC_EVENT_STORE asks for. At most SC_CHANGES_MAX are under way. Not
 * thread-safe. */
#ifndef SC_ROUTER_CHANGES_H
#define SC_ROUTER_CHANGES_H

#include "naming/service_name.h"
#include "node/node.h"
#include "router/aliases.h"
#include "router/askers.h"
#include "router/pool.h"

/* Something that the owner was asked to store. */
enum sc_change_kind {
    SC_CHANGE_NAME,  /* the entry is new */
    SC_CHANGE_USE,   /* it is stored, but not yet that it is used */
    SC_CHANGE_OWNER, /* ...or which host's name it is, */
    SC_CHANGE_LOSS,  /* ...or that it is no host's any more, which nobody waits for */
};

struct sc_change {
    struct sc_list link; /* oldest first */
    uint64_t token;
    struct sc_pool_entry *entry;
    struct sc_pool_entry *old; /* whose address it gets; NULL: nobody's */
    enum sc_change_kind kind;
    uint8_t invitation[SC_HASH_LEN]; /* that the owner was let in by; zeros: none */
    struct sc_list waiting;          /* sc_parked.link */
};

/* A question, perhaps one that a change must be stored for. */
struct sc_parked {
    struct sc_list link;
    struct sc_control message; /* LOOKUP or JOIN; the router's own name */
    struct sc_underlay from;   /* family 0: our own LOOKUP, with this ticket */
    bool known;                /* we had to do with whoever asked when it asked */
    uint32_t channel;          /* in which it came, and which may be over; 0: none */
    void *ticket;
    struct sc_due due;
};

struct sc_changes {
    struct sc_node *node;
    struct sc_pool *pool;
    struct sc_aliases *aliases;
    struct sc_askers askers;
    void (*on_late)(void *owner, struct sc_due *d, sc_time now); /* the due's; see take_late */
    void *owner;
    struct sc_list all;
    size_t count;
    size_t parked, parked_remote;
    uint64_t tokens; /* the last one given */
    sc_time started;
};

/* on_late: fired when a parked question has waited for too long; says sc_changes_take_late. */
void sc_changes_init(struct sc_changes *c, struct sc_node *node, struct sc_pool *pool,
                     struct sc_aliases *aliases,
                     void (*on_late)(void *owner, struct sc_due *d, sc_time now), void *owner,
                     sc_time now);
void sc_changes_fini(struct sc_changes *c);

/* A router's mapping of a name, made when there is none. Where its `change` is set, it is not
 * stored, or about to give up its address: park the question with it. NULL and an errno: ENOMEM
 * (pool exhausted), EDQUOT (the asker's share is), EAGAIN (too much at once). */
struct sc_pool_entry *sc_changes_map(struct sc_changes *c, const struct sc_service_name *name,
                                     const struct sc_underlay *from, sc_time now, int *error);

/* The host's name is whose who has this key, for good, and was let in by this invitation: as
 * sc_changes_map, `e->change` is set while that is not stored. False: too much at once. */
bool sc_changes_own(struct sc_changes *c, struct sc_pool_entry *e, const uint8_t key[SC_KEY_LEN],
                    const uint8_t invitation[SC_HASH_LEN]);

/* ...or nobody's again. */
bool sc_changes_disown(struct sc_changes *c, struct sc_pool_entry *e);

/* Its service is served, or reached: it keeps its address for good. */
void sc_changes_use(struct sc_changes *c, const struct sc_service_id *service);

/* It waits until the change is stored, or could not be. False: too many wait. */
bool sc_changes_park(struct sc_changes *c, struct sc_change *change,
                     const struct sc_parked *question, sc_time now);

/* The disk has answered (`error`: a positive errno): what the change says holds now, or is taken
 * back. NULL: there is no such change. Those who waited are the caller's to take, and then the
 * change to free. */
struct sc_change *sc_changes_settle(struct sc_changes *c, uint64_t token, int error);

/* The next that waited for it, to be freed by the caller; NULL: none is left. */
struct sc_parked *sc_changes_take(struct sc_changes *c, struct sc_change *change);

/* The question whose due has fired; to be freed by the caller. */
struct sc_parked *sc_changes_take_late(struct sc_changes *c, struct sc_due *d);

#endif
