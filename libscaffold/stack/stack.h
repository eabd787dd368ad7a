/* Many flows and the tables together: the whole of a host, without I/O.
 *
 *   network      sc_stack_feed ... sc_stack_settle          datagrams in, one batch at a time
 *                sc_stack_drain                             trains out, until it says no
 *   time         sc_stack_deadline, sc_stack_tick
 *   application  sc_stack_connect, sc_stack_serve, sc_stack_lookup, the flow's own calls
 *   both ways    sc_stack_next_event                        what the owner must act upon
 *
 * Order of one turn of the owner's loop: tick if due; feed a batch; settle... events are best taken
 * between feed and settle, so that in-order bytes go from the datagram to the application without
 * a copy; then drain. Not thread-safe. Nothing here calls back. */
#ifndef SC_STACK_STACK_H
#define SC_STACK_STACK_H

#include "base/limits.h"
#include "crypto/entropy.h"
#include "naming/service_name.h"
#include "node/counters.h"
#include "node/event.h"
#include "node/self.h"
#include "node/trust.h"
#include "router/rights.h"
#include "stack/grants.h"
#include "transport/flow.h"
#include "transport/train.h"
#include "wire/control.h"
#include "wire/packet.h"

struct sc_stack;
struct sc_instance;

struct sc_stack_config {
    char host_name[SC_HOST_NAME_MAX + 1]; /* <name>.host.scaffold; unique in a network */
    struct sc_underlay router;            /* family 0: this stack is its own service router */
    uint32_t domain;                      /* router: the domain part of addresses it assigns */
    uint32_t pool_base;                   /* router: first address of the pool, host order */
    unsigned pool_bits;                   /* router: prefix length */
    uint64_t seed;                        /* jitter and choices */
    struct sc_entropy entropy;            /* keys */
    uint8_t secret[32];                   /* tokens and cookies; random per incarnation */
    uint8_t host_secret[16]; /* kept: with it a host is the same one after a restart; zeros: none */
    bool require_verified; /* not on a router: aliases that nobody here has vouched for are refused
                            */
    uint8_t network_seed[SC_NETWORK_SEED_LEN]; /* router: kept; its aliases' keys follow from it */
    bool rights_listed; /* router: hosts serve its aliases' names only as they are listed: */
    const struct sc_right *right; /* ...the caller's, as long as the stack lives */
    size_t right_count;
    uint64_t epoch; /* random per incarnation, not 0 */
    bool secure;    /* what hosts and routers say to each other is sealed; needs: */
    uint8_t key_seed[SC_KEY_SEED_LEN];          /* of the host key; kept */
    struct sc_trust trust;                      /* our router, and what it has invited us with */
    uint64_t wall;                              /* seconds since 1970, now */
    const struct sc_congestion_ops *congestion; /* NULL: CUBIC */
    size_t datagram_limit;                      /* largest UDP payload to try; 0: SC_DATAGRAM_MAX */
    size_t memory_max;                          /* 0: SC_MEMORY_MAX */
};

struct sc_stack *sc_stack_new(const struct sc_stack_config *config, sc_time now);
void sc_stack_free(struct sc_stack *s);

/* --- network ---------------------------------------------------------------------------------- */

/* One packet. `data` must stay valid and unchanged-by-others until sc_stack_settle; the stack may
 * write to it (hop limit, origin) when it forwards. ecn: the IP header's two bits. */
void sc_stack_feed(struct sc_stack *s, uint8_t *data, size_t len, const struct sc_underlay *from,
                   unsigned ecn, sc_time now);
/* The same of many that came together: all of `segment` bytes, not 0, but the last, which may be
 * shorter. Returns how many there were. */
size_t sc_stack_feed_train(struct sc_stack *s, uint8_t *data, size_t len, size_t segment,
                           const struct sc_underlay *from, unsigned ecn, sc_time now);
void sc_stack_settle(struct sc_stack *s, sc_time now);

/* The next train to send; false when there is none now. */
bool sc_stack_drain(struct sc_stack *s, struct sc_train *t, sc_time now);

/* True when sc_stack_drain has something to do now. */
bool sc_stack_pending(const struct sc_stack *s);

/* This segment of the train just drained, counted from 0, could not be sent: EMSGSIZE (too_large)
 * is path-MTU discovery's; anything else is counted, and recovery's business. */
void sc_stack_on_send_error(struct sc_stack *s, const struct sc_train *t, size_t segment,
                            bool too_large, sc_time now);

/* The underlay sends packets one by one from now on: none is padded for a train's sake. */
void sc_stack_on_unsegmented(struct sc_stack *s);

/* The underlay reported that nobody listens there (ICMP): a peer at it is probed at once. A hint
 * only: anyone can send such a report. */
void sc_stack_on_unreachable(struct sc_stack *s, const struct sc_underlay *underlay, sc_time now);

/* Earliest time at which sc_stack_tick or sc_stack_drain has something to do; SC_NEVER: none. */
sc_time sc_stack_deadline(const struct sc_stack *s);
void sc_stack_tick(struct sc_stack *s, sc_time now);

/* The hash of its host key, by which others know it. */
void sc_stack_key_hash(struct sc_stack *s, uint8_t out[SC_KEY_HASH_LEN]);

/* What the wall clock says now, in seconds since 1970: said again whenever it may have been set. */
void sc_stack_set_wall(struct sc_stack *s, uint64_t seconds, sc_time now);

/* Router: lets in so many hosts that show this secret, until then, in seconds since 1970;
 * SC_EVENT_INVITED follows. The same secret again replaces it. False: there are SC_INVITATIONS_MAX
 * that are good. */
bool sc_stack_invite(struct sc_stack *s, const uint8_t secret[SC_INVITATION_LEN], uint32_t uses,
                     uint64_t until, sc_time now);

/* Router: puts back a persisted invitation. False: there are too many. */
bool sc_stack_restore_invitation(struct sc_stack *s, const struct sc_invitation *one);

/* Router: the host of this name is let go, and its key does not let it in any more. Returns 0,
 * -ENOENT (none has joined by this name) or -EAGAIN. */
int sc_stack_forget_host(struct sc_stack *s, const char *name);

/* --- datagrams -------------------------------------------------------------------------------- */

/* Sends; fragments what is too large for the path. `choice` decides among instances when it is
 * bound late: the same number meets the same one while the set stays as it is. Copies the data.
 * Returns 0, -EMSGSIZE, -ENETUNREACH (no router), -ENOBUFS. */
int sc_stack_send_datagram(struct sc_stack *s, const struct sc_datagram *d, uint64_t choice,
                           sc_time now);

/* A datagram that was received leads nowhere: its sender hears of it (SC_EVENT_UNDELIVERED),
 * rate-limited. */
void sc_stack_refuse_datagram(struct sc_stack *s, const struct sc_datagram *d, sc_time now);

/* --- events ----------------------------------------------------------------------------------- */

/* False when nothing is left. A flow reported with SC_FLOW_ENDED is freed by the stack only after
 * sc_stack_release(flow). */
bool sc_stack_next_event(struct sc_stack *s, struct sc_event *e);

/* --- application ------------------------------------------------------------------------------ */

/* Opens a flow to some instance of a service, late-bound. SC_FLOW_ESTABLISHED or SC_FLOW_ENDED
 * follows. Instances on this host are the owner's to join without packets, before it comes here.
 * Returns 0, -ENOBUFS (too many flows), -ENOMEM. */
int sc_stack_connect(struct sc_stack *s, const struct sc_service_id *service, uint16_t own_port,
                     sc_time timeout, void *app, struct sc_flow **flow, sc_time now);

/* The program takes this arrived flow; events for it begin. */
void sc_stack_accept(struct sc_stack *s, struct sc_flow *f, void *app);

/* After any call on a flow (write, consume, fin, abort): puts it on the ready list and re-arms its
 * timer. */
void sc_stack_touch(struct sc_stack *s, struct sc_flow *f, sc_time now);

/* The owner drops its reference: a flow still OPEN goes on to deliver what was written (it must
 * have had its FIN or an abort); freed when over. */
void sc_stack_release(struct sc_stack *s, struct sc_flow *f, sc_time now);

/* Offers an instance of a service on this host; registered with the router as a lease. Several for
 * one id are allowed (SO_REUSEPORT). Returns 0, -ENOBUFS, -ENOMEM. */
int sc_stack_serve(struct sc_stack *s, const struct sc_service_id *service, void *app,
                   struct sc_instance **instance, sc_time now);
/* True when the service router knows every instance of this host. */
bool sc_stack_registered(const struct sc_stack *s);
void sc_stack_unserve(struct sc_stack *s, struct sc_instance *i, sc_time now);
void *sc_instance_app(const struct sc_instance *i);

/* Whether OPENs are taken; false while the program's queue is full: they draw SC_REFUSE_INSTANCE.
 */
void sc_instance_set_accepting(struct sc_instance *i, bool accepting);

/* Looks up a mapping by name, pool address or service id; SC_EVENT_MAPPED with `ticket` follows,
 * perhaps at once. Returns 0 or -ENOBUFS. */
int sc_stack_lookup(struct sc_stack *s, enum sc_lookup_by by, const char *name, uint32_t pool,
                    const struct sc_service_id *service, void *ticket, sc_time now);

/* Answers from memory only. False when it is not known here; of an address, also when what is known
 * is stale. */
bool sc_stack_mapping_of_pool(struct sc_stack *s, uint32_t pool, struct sc_mapping *out);
bool sc_stack_mapping_of_name(const struct sc_stack *s, const char *name, struct sc_mapping *out);
bool sc_stack_mapping_of_service(const struct sc_stack *s, const struct sc_service_id *service,
                                 struct sc_mapping *out);

/* Router: puts back whose an alias is, before the mappings. Returns 0, -EEXIST, -EINVAL (no alias)
 * or -ENOMEM. */
int sc_stack_restore_alias(struct sc_stack *s, const char *alias, const uint8_t key[SC_KEY_LEN]);

/* Puts back a persisted pin, before the first tick and the aliases: on a router, the operator's
 * word of whose an alias is. False: it is none, or there are too many. */
bool sc_stack_restore_pin(struct sc_stack *s, const struct sc_pin *pin);

/* Somebody on this host says which key an alias stands for, on a router for all its hosts;
 * SC_EVENT_PIN follows. Returns 0, -EINVAL (no alias), -EKEYREJECTED (it is known by another key,
 * which is not to be replaced), -EINPROGRESS (a router's names have the old key until it is started
 * again) or -ENOMEM. */
int sc_stack_vouch(struct sc_stack *s, const char *alias, const uint8_t key[SC_KEY_LEN],
                   bool replace, sc_time now);

/* What this host knows the alias by; NULL: it does not. */
const struct sc_pin *sc_stack_pin(const struct sc_stack *s, const char *alias);

/* All of them, as sc_stack_scan_hosts. */
void sc_stack_scan_pins(const struct sc_stack *s, size_t *cursor,
                        void (*each)(void *arg, const struct sc_pin *p), void *arg);

/* Router: puts back a persisted mapping, before the first tick; which service it is follows from
 * the name. Returns 0, -EEXIST, -EINVAL (no name, or outside the pool). */
int sc_stack_restore_mapping(struct sc_stack *s, const struct sc_mapping *m);

/* Puts back a kept grant, before the first tick: one of this host, or one that another has shown
 * this router. False: it is none, or there are too many. */
bool sc_stack_restore_grant(struct sc_stack *s, struct sc_field grant);

/* Somebody here has got it for this host; SC_EVENT_GRANT follows. Returns as sc_grants_take. */
int sc_stack_install_grant(struct sc_stack *s, struct sc_field grant, sc_time now);

/* This host has the key of a provider, whose names it serves, and grants. As sc_grants_hold. */
int sc_stack_hold_provider(struct sc_stack *s, const uint8_t seed[SC_KEY_SEED_LEN], sc_time now);

/* Grants what `g` says, but for the provider, whose key this host has, and the serial. Returns its
 * length; 0: it does not have the key. */
size_t sc_stack_grant(struct sc_stack *s, const uint8_t provider[SC_PROVIDER_LEN],
                      struct sc_grant *g, uint8_t out[SC_GRANT_MAX]);

/* Grants that this host has: pass NULL first. */
const struct sc_held *sc_stack_next_grant(const struct sc_stack *s, const struct sc_held *h);

/* Keys of providers that this host has, by number; NULL: that was the last one. */
const uint8_t *sc_stack_provider(const struct sc_stack *s, size_t i);

/* Whether this host has a grant for this that is good now. */
bool sc_stack_may_serve(const struct sc_stack *s, const struct sc_service_id *id, sc_time now);

/* Why the router does not register this service; SC_DENIAL_NONE: it does, or has not answered. */
enum sc_denial sc_stack_denial(const struct sc_stack *s, const struct sc_service_id *id);

/* Router: what SC_EVENT_STORE asked for is stored, or could not be (`error`: a positive errno).
 * Until then nobody is told of it, and those who ask wait. At most SC_CHANGES_MAX are under way. */
void sc_stack_stored(struct sc_stack *s, uint64_t token, int error, sc_time now);

/* What whoever holds the socket of this name proves that by; the same after a restart. */
uint64_t sc_stack_prove_socket(const struct sc_stack *s, const char *name);

/* --- status ----------------------------------------------------------------------------------- */

void sc_stack_get_self(const struct sc_stack *s, struct sc_stack_self *out);

/* The service of this host's own name; zeros until a router has named it. */
const struct sc_service_id *sc_stack_own_id(const struct sc_stack *s);

struct sc_host_status {
    char name[SC_HOST_NAME_MAX + 1];
    uint64_t address;
    uint32_t pool;
    struct sc_underlay underlay;
    bool up;
    bool has_key;            /* with security */
    uint8_t key[SC_KEY_LEN]; /* its host key */
    sc_time lease_left;      /* 0 for ourselves */
};

struct sc_service_status {
    struct sc_service_id service;
    uint64_t host; /* network address of the instance's host */
    const char *host_name;
    sc_time lease_left; /* 0 for local ones */
    void *app;          /* local instances: the owner's; NULL for remote ones */
};

/* This host itself. */
void sc_stack_own_status(const struct sc_stack *s, struct sc_host_status *out);

/* Name of a host by network address, where this stack knows it (a router does); or NULL. */
const char *sc_stack_host_name(const struct sc_stack *s, uint64_t address);

/* Other hosts, and instances, in pieces between which the tables may change: tells `each`, before
 * it returns, of the few entries that share a hash. *cursor is 0 before the first piece, and 0
 * again after the last one (sc_map_scan). `each` must not call the stack back. */
void sc_stack_scan_hosts(const struct sc_stack *s, size_t *cursor,
                         void (*each)(void *arg, const struct sc_host_status *h), void *arg,
                         sc_time now);
void sc_stack_scan_services(const struct sc_stack *s, size_t *cursor,
                            void (*each)(void *arg, const struct sc_service_status *i), void *arg,
                            sc_time now);

/* How many there are: of hosts without this one. */
size_t sc_stack_host_count(const struct sc_stack *s);
size_t sc_stack_instance_count(const struct sc_stack *s);

const struct sc_stack_counters *sc_stack_counters(const struct sc_stack *s);
size_t sc_stack_flow_count(const struct sc_stack *s);
size_t sc_stack_memory(const struct sc_stack *s); /* bytes of stream buffers in use */

#endif
