/* What the files of stack/ share. One noun per file:
 *
 *   stack.c      the turn: feed, settle, drain, tick, events
 *   flows.c      the table of flows, their life, their timers
 *   opening.c    OPEN, ANSWER, CONFIRM, REFUSE, RETRY; which instance
 *   peers.c      other hosts that we have flows with: where they are, whether they live
 *   incarnations.c  ...and where else, when they have moved
 *   router.c     the role of service router: answers to hosts' requests, leases
 *   registrar.c  a host's side of it: join, register, refresh
 *   lookups.c    names and pool addresses: from memory, or asked of the router
 *   changes.c    a router's new names until they are stored, and who waits for them
 *   outbox.c     packets that are no flow's
 *   rates.c      how much of each kind is done for others in a second
 *   datagrams.c  connectionless datagrams: out, on their way, in
 *   assembly.c   their fragments
 *   locators.c   where hosts were heard from
 *   resets.c     RESET: for flows that one side has forgotten
 *   secrets.c    tokens and cookies
 *   status.c     what is shown to people
 *   notes.c      what a router tells them of its hosts */
#ifndef SC_STACK_INTERNAL_H
#define SC_STACK_INTERNAL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/ranges.h"
#include "router/hosts.h"
#include "router/pool.h"
#include "router/service_table.h"
#include "stack/rates.h"
#include "stack/stack.h"
#include "transport/blocks.h"

/* What leaves takes turns, so that none of it can keep another waiting. */
enum sc_queue {
    SC_QUEUE_OWN,       /* requests of our own */
    SC_QUEUE_ANSWERS,   /* to hosts that we know: leases hang on them */
    SC_QUEUE_STRANGERS, /* answers to others, and to where one only says that it is */
    SC_QUEUE_FORWARDS,  /* packets of others, on their way */
    SC_QUEUE_DATAGRAMS, /* of our programs */
    SC_QUEUES,
};

/* One thing to be done at a time. */
struct sc_due {
    struct sc_timer timer; /* first: the heap's entry is the due itself */
    void (*fire)(struct sc_stack *s, struct sc_due *d, sc_time now);
};

/* Another host as it is reached one way: directly, or through a relay. Who claims the same address
 * from elsewhere is another peer, so that it can neither draw the first one's packets nor end its
 * flows. */
struct sc_peer {
    struct sc_map_node by_route;
    uint8_t route[8 + SC_UNDERLAY_LEN]; /* address and underlay, as a key */
    uint64_t address;
    struct sc_underlay underlay;
    uint64_t epoch; /* 0: not told yet */
    sc_time last_heard;
    unsigned unanswered; /* probes since then, all of one transaction */
    uint64_t transaction;
    struct sc_map_node
        by_transaction; /* the answer may come from elsewhere: see sc_peers_on_alive */
    struct sc_incarnation *incarnation; /* once its epoch is known */
    sc_time hinted_at;                  /* last probe that somebody's hint was the reason for */
    struct sc_list flows;
    size_t flow_count;
    struct sc_due due;
};

/* One run of another host's stack, whichever way it is reached, and where it was last proven to be.
 * Lives as long as a peer refers to it. */
struct sc_incarnation {
    struct sc_map_node node;
    uint64_t key[2]; /* network address and epoch: who knows it has talked to that host */
    size_t routes;   /* peers of this address and epoch */
    struct sc_underlay seen;
    struct sc_underlay asked; /* it says to be there: a PROBE is on its way... */
    uint64_t transaction;
    sc_time asked_at; /* ...since then; 0: none */
};

/* A flow and what the stack keeps beside it. */
struct sc_entry {
    struct sc_flow flow;         /* first: a pointer to it is a pointer to the entry */
    struct sc_map_node by_token; /* key: flow.peer_token, once it is known */
    struct sc_peer *peer;
    struct sc_instance *instance; /* server: whom it was answered for; NULL when that is gone */
    struct sc_underlay relay;     /* server: whence the OPEN came; client: a relay that works */
    struct sc_list of_instance;   /* link in its list */
    struct sc_list fed;           /* link in the list of flows of this batch */
    bool unproven;                /* server: nobody vouches for where its OPEN says that it is */
    bool half_open;               /* server: counted in the stack's number of them */
    bool arrived;                 /* server: reported, not yet accepted */
    bool owned;                   /* the owner has a reference */
    bool accepted;                /* events go to the owner */
};

/* One packet, or a train of some of one size (the last may be smaller). */
struct sc_packet_out {
    struct sc_list link;
    struct sc_underlay to;
    size_t len;
    size_t segment; /* 0: one packet */
    size_t room;
    uint8_t data[];
};

struct sc_outbox {
    struct sc_list waiting;
    size_t count, bytes;
};

struct sc_request {
    struct sc_list link;
    struct sc_control message;
    void *ticket;
    sc_time interval;
    sc_time deadline;
    struct sc_due due;
};

/* Something that the owner was asked to store (SC_EVENT_STORE). */
struct sc_change {
    struct sc_list link; /* oldest first */
    uint64_t token;
    struct sc_pool_entry *entry;
    struct sc_pool_entry *old; /* whose address it gets; NULL: nobody's */
    bool use;                  /* the entry is stored, but not yet that it is used */
    struct sc_list waiting;    /* sc_parked.link */
};

/* A question that a change must be stored for. */
struct sc_parked {
    struct sc_list link;
    struct sc_control message; /* LOOKUP or JOIN; the router's own name */
    struct sc_underlay from;   /* family 0: our own LOOKUP, with this ticket */
    void *ticket;
    struct sc_due due;
};

/* An event that is no flow's, with the data of its datagram. */
struct sc_notice {
    struct sc_list link;
    struct sc_event event;
    size_t len;
    uint8_t data[];
};

/* A datagram that has not all arrived: the notice that it will be, and what it has. */
struct sc_assembly {
    struct sc_list link; /* oldest first */
    struct sc_notice *notice;
    uint64_t src;
    uint64_t id;
    struct sc_ranges has;
    sc_time until;
};

/* Where a host was heard from. */
struct sc_locator {
    uint64_t address;
    struct sc_underlay underlay;
};

struct sc_datagrams {
    uint32_t sent; /* how many: the lower half of the next one's id */
    struct sc_list assemblies;
    size_t assembly_count;
    struct sc_due due;                      /* of the oldest assembly */
    struct sc_locator locator[SC_LOCATORS]; /* by address; a newcomer takes the place */
};

struct sc_registrar {
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
    uint32_t joins;        /* answered so far */
    uint32_t serial;       /* of the last change or REGISTER */
    uint32_t known_serial; /* the router knows everything up to here */
    uint32_t registered;   /* different ids, as the router counts them */
    uint64_t digest;
};

struct sc_stack {
    struct sc_stack_config config;
    struct sc_flow_env env;
    struct sc_rng rng;
    struct sc_block_pool blocks;
    uint64_t map_seed[2];
    bool is_router;
    struct sc_service_id own; /* of <our name>.host.scaffold */

    struct sc_map flows;
    struct sc_map opens;    /* server flows by (client, its flow id, open id) */
    struct sc_map by_token; /* flows by what a RESET names them by */
    struct sc_heap flow_timers;
    struct sc_heap dues;
    struct sc_list ready;
    struct sc_list changed;
    struct sc_list fed;
    size_t half_open;

    struct sc_map peers;
    struct sc_map probed; /* peers by transaction */
    struct sc_map incarnations;
    struct sc_hosts hosts;
    struct sc_service_table services;
    struct sc_pool pool;
    struct sc_askers askers;
    struct sc_list changes;
    size_t change_count;
    size_t parked, parked_remote;
    uint64_t tokens;      /* the last one given */
    uint32_t reuses;      /* router: changes when an address gets another name; never 0 */
    struct sc_due naming; /* router: its own name */
    struct sc_registrar registrar;

    struct sc_outbox outbox[SC_QUEUES];
    unsigned turn;                   /* whose it is to be drained */
    struct sc_packet_out *in_flight; /* the one that the last drained train points at */
    struct sc_list requests;
    size_t request_count;
    struct sc_list notices;
    struct sc_notice *taken; /* the last one: its data lives until the next */
    size_t notice_bytes;     /* of datagrams that wait there */
    size_t notes_waiting;    /* of SC_EVENT_NOTE, there */
    uint32_t notes_left_out; /* for want of room, since the last that found some */
    struct sc_datagrams datagrams;
    struct sc_stack_counters counters;
    struct sc_rates rates;
};

static inline struct sc_entry *sc_entry_of(struct sc_flow *f)
{
    return (struct sc_entry *)(void *)f;
}

/* flows.c */
struct sc_entry *sc_flows_new(struct sc_stack *s); /* with an id that is free; NULL: table full */
int sc_flows_insert(struct sc_stack *s, struct sc_entry *e);
struct sc_entry *sc_flows_find(const struct sc_stack *s, uint32_t id);
void sc_flows_touch(struct sc_stack *s, struct sc_entry *e, sc_time now);
void sc_flows_note(struct sc_stack *s, struct sc_entry *e);
void sc_flows_fed(struct sc_stack *s, struct sc_entry *e);
void sc_flows_settle(struct sc_stack *s, sc_time now);
bool sc_flows_drain(struct sc_stack *s, struct sc_train *t, sc_time now);
void sc_flows_tick(struct sc_stack *s, sc_time now);
/* Server: `i` is whom it was answered for; NULL: nobody any more. */
void sc_flows_answered_for(struct sc_entry *e, struct sc_instance *i);
void sc_flows_forget_instance(struct sc_stack *s, struct sc_instance *i, sc_time now);
void sc_flows_fini(struct sc_stack *s);

/* opening.c */
void sc_opening_on_open(struct sc_stack *s, uint8_t *data, size_t len, struct sc_reader *r,
                        const struct sc_underlay *from, sc_time now);
void sc_opening_on_answer(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                          const struct sc_underlay *from, sc_time now);
void sc_opening_on_confirm(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                           size_t len, const struct sc_underlay *from, sc_time now);
void sc_opening_on_refuse(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                          sc_time now);
void sc_opening_on_retry(struct sc_stack *s, const struct sc_header *h, struct sc_reader *r,
                         sc_time now);
/* Where an OPEN of our own goes. False when it leads nowhere: the flow was told. */
bool sc_opening_route(struct sc_stack *s, struct sc_entry *e, struct sc_train *t, sc_time now);
/* Its timer came: by the relay from now on? */
void sc_opening_consider_relay(struct sc_stack *s, struct sc_entry *e, sc_time now);

/* peers.c */
struct sc_peer *sc_peers_find(const struct sc_stack *s, uint64_t address,
                              const struct sc_underlay *underlay);
/* The flow's packets go to `address` this way from now on. False when there is no room. */
bool sc_peers_adopt(struct sc_stack *s, struct sc_entry *e, uint64_t address,
                    const struct sc_underlay *underlay, sc_time now);
void sc_peers_drop(struct sc_stack *s, struct sc_entry *e);
/* Somebody says that this peer may be gone: asks it. */
void sc_peers_hint(struct sc_stack *s, struct sc_peer *p, sc_time now);
void sc_peers_heard(struct sc_stack *s, struct sc_peer *p, uint64_t epoch, sc_time now);
void sc_peers_on_probe(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, bool relayed, sc_time now);
void sc_peers_on_alive(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now);
/* A packet of one of its flows came from `from`. What was sent to a peer that has moved is lost, so
 * only what comes from where it is sent to is a sign of life; or what proves that it arrived. */
void sc_peers_heard_from(struct sc_stack *s, struct sc_peer *p, const struct sc_underlay *from,
                         bool proven, sc_time now);
void sc_peers_fini(struct sc_stack *s);

/* incarnations.c */

/* The peer's epoch is known, or another one than before; the peer goes. */
void sc_incarnations_join(struct sc_stack *s, struct sc_peer *p);
void sc_incarnations_leave(struct sc_stack *s, struct sc_peer *p);
/* A host says where it is. Believed once it has answered there. */
void sc_incarnations_on_probe(struct sc_stack *s, const struct sc_control *c,
                              const struct sc_underlay *from, sc_time now);
void sc_incarnations_on_alive(struct sc_stack *s, const struct sc_control *c,
                              const struct sc_underlay *from);

/* router.c */
void sc_router_init(struct sc_stack *s, sc_time now);
/* A JOIN that was parked, or the router's own name; as sc_lookups_resume. */
void sc_router_resume(struct sc_stack *s, const struct sc_parked *p, int error, sc_time now);
void sc_router_on_request(struct sc_stack *s, const struct sc_control *c,
                          const struct sc_underlay *from, sc_time now);
void sc_router_tick(struct sc_stack *s, sc_time now);
uint64_t sc_router_digest(const struct sc_service_id *id);
/* The host, other than ourselves, that this is the id of, whatever the port; NULL: none that is up,
 * or we are no router. */
const struct sc_host *sc_router_host_of(const struct sc_stack *s, const struct sc_service_id *id);

/* registrar.c */
void sc_registrar_start(struct sc_stack *s, sc_time now);
void sc_registrar_on_answer(struct sc_stack *s, const struct sc_control *c, sc_time now);
/* The first instance of an id was added, or the last one removed. */
void sc_registrar_changed(struct sc_stack *s, const struct sc_service_id *id, bool added,
                          sc_time now);
bool sc_registrar_reachable(const struct sc_stack *s, sc_time now);
/* The host has only just started: the router's first answer may be on its way. */
bool sc_registrar_is_new(const struct sc_stack *s, sc_time now);
sc_time sc_registrar_new_until(const struct sc_stack *s);

/* lookups.c */
void sc_lookups_on_mapping(struct sc_stack *s, const struct sc_control *c);
/* Router: another host's LOOKUP. */
void sc_lookups_answer(struct sc_stack *s, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now);
/* The same, for one that was parked; `error`: what it waited for could not be stored. */
void sc_lookups_resume(struct sc_stack *s, const struct sc_parked *p, int error, sc_time now);
void sc_lookups_fini(struct sc_stack *s);

/* changes.c */

/* A router's mapping of a name, made when there is none. Where its `change` is set, it is not
 * stored, or about to give up its address: park the question with it. NULL and an errno: ENOMEM
 * (pool exhausted), EDQUOT (the asker's share is), EAGAIN (too much at once). */
struct sc_pool_entry *sc_changes_map(struct sc_stack *s, const struct sc_service_name *name,
                                     const struct sc_underlay *from, sc_time now, int *error);
/* Answers it when the change is stored, or could not be. False: too many wait. */
bool sc_changes_park(struct sc_stack *s, struct sc_change *c, const struct sc_parked *question,
                     sc_time now);
/* Its service is served, or reached: it keeps its address for good. */
void sc_changes_use(struct sc_stack *s, const struct sc_service_id *service);
void sc_changes_fini(struct sc_stack *s);
/* Why something could not be stored, as the wire says it, and back. */
uint8_t sc_changes_trouble(int error);
int sc_changes_error(uint8_t trouble);

/* notes.c */
void sc_notes_host(struct sc_stack *s, enum sc_note_what what, const char *name,
                   const struct sc_underlay *at);
void sc_notes_service(struct sc_stack *s, enum sc_note_what what, const struct sc_host *h,
                      const struct sc_service_id *id);

/* resets.c */

/* A packet of `len` bytes for a flow that is not known here: its sender may be told, never with
 * more bytes than it sent, and never in answer to a reset. dst: its network address when the RESET
 * has to pass a relay, else 0. */
void sc_resets_send(struct sc_stack *s, uint32_t flow, uint64_t dst, size_t len,
                    const struct sc_underlay *from, sc_time now);
void sc_resets_on_reset(struct sc_stack *s, struct sc_reader *r, const struct sc_underlay *from,
                        sc_time now);

/* outbox.c */
void sc_outbox_init(struct sc_stack *s);
void sc_outbox_fini(struct sc_stack *s);
bool sc_outbox_is_empty(const struct sc_stack *s);
void sc_outbox_put(struct sc_stack *s, enum sc_queue q, const struct sc_underlay *to,
                   const uint8_t *data, size_t len);
/* dst: network address when the packet may have to be forwarded, else 0. */
void sc_outbox_control(struct sc_stack *s, enum sc_queue q, const struct sc_underlay *to,
                       uint64_t dst, const struct sc_control *c);
/* One of many packets; those of one size to one place leave as a train. False: no room. */
bool sc_outbox_join(struct sc_stack *s, enum sc_queue q, const struct sc_underlay *to,
                    const uint8_t *data, size_t len);
bool sc_outbox_drain(struct sc_stack *s, enum sc_queue q, struct sc_train *t);

/* secrets.c */
/* What this host proves by that it is the one that had its name; zeros when it keeps no secret. */
void sc_secrets_host(const struct sc_stack *s, uint8_t token[SC_HOST_TOKEN_LEN]);
/* The same, and not none. */
bool sc_secrets_host_equal(const uint8_t *a, const uint8_t *b);
void sc_secrets_token(const struct sc_stack *s, uint32_t flow, uint8_t token[SC_TOKEN_LEN]);
size_t sc_secrets_cookie(const struct sc_stack *s, const struct sc_underlay *from, uint64_t open_id,
                         sc_time now, uint8_t cookie[32]);
bool sc_secrets_cookie_valid(const struct sc_stack *s, const struct sc_underlay *from,
                             uint64_t open_id, const struct sc_field *cookie, sc_time now);

/* datagrams.c */
void sc_datagrams_on_packet(struct sc_stack *s, const struct sc_header *h, uint8_t *data,
                            size_t len, struct sc_reader *r, const struct sc_underlay *from,
                            sc_time now);

/* assembly.c */
void sc_assembly_init(struct sc_stack *s);
void sc_assembly_fini(struct sc_stack *s);
/* Takes a fragment in; reports the datagram when it is complete. `g` is the datagram without its
 * data. */
void sc_assembly_add(struct sc_stack *s, const struct sc_datagram *g, const struct sc_fragment *p,
                     sc_time now);

/* locators.c */
void sc_locators_learn(struct sc_stack *s, uint64_t address, const struct sc_underlay *underlay);
/* NULL when nothing was heard from it. */
const struct sc_underlay *sc_locators_find(const struct sc_stack *s, uint64_t address);

/* stack.c */
/* Whether this network address at this underlay is somebody's that we have to do with: our router,
 * a host that has joined, a host that we share flows with. */
bool sc_stack_knows(const struct sc_stack *s, uint64_t address, const struct sc_underlay *from);
/* Where an answer to it waits. */
enum sc_queue sc_stack_queue_for(bool known);
/* True when this may be done for it now: see rates.h. Counted when not. */
bool sc_stack_allows(struct sc_stack *s, enum sc_rate kind, const struct sc_underlay *from,
                     bool known, sc_time now);
/* True for the id of this very host, whatever the port. */
bool sc_stack_is_own_host(const struct sc_stack *s, const struct sc_service_id *id);
struct sc_notice *sc_stack_notice_new(struct sc_stack *s, const struct sc_event *e, size_t len);
void sc_stack_post(struct sc_stack *s, struct sc_notice *n);
void sc_stack_arm(struct sc_stack *s, struct sc_due *d, sc_time at);
void sc_stack_notify(struct sc_stack *s, const struct sc_event *e);

#endif
