/* What fuzz_stack plays with: a service router "r" and two hosts "a" and "b", each a whole stack
 * with an owner that keeps to stack.h, and strangers without a stack.
 *
 *   stack_world.c   stacks, the packets between them, time, and what must always hold
 *   stack_owner.c   what the owner of a stack does
 *   stack_forge.c   what strangers send
 *   stack_mutate.c  libFuzzer's mutations, of whole records
 *
 * All of it follows from the input. */
#ifndef TESTS_FUZZ_STACK_WORLD_H
#define TESTS_FUZZ_STACK_WORLD_H

#include "base/rng.h"
#include "fuzz.h"
#include "stack/parts.h"
#include "stack/stack.h"

#define NODES 3 /* 0 is the router */
#define STRANGERS 3
#define PLACES (NODES + STRANGERS)
#define EVERYWHERE (PLACES + NODES) /* where the hosts may move to, too */
/* The stranger whose address is abused: what is sent in its name is never made of what a stack told
 * somebody else, so it proves nothing, and must not draw more bytes than it has. */
#define VICTIM (PLACES - 1)

#define FLOWS 24    /* that an owner holds at most; more are refused */
#define INSTANCES 8 /* the same */
#define STREAMS 256 /* connects in all */
#define QUEUE 4096  /* packets on their way; more are lost */
#define HISTORY 32  /* the last packets seen */
#define KEPT 64     /* mappings that the router's owner keeps */
#define SERVICES 6

struct world;

/* A flow as its owner has it. */
struct held {
    struct sc_flow *flow; /* NULL: a free place */
    bool arrived;         /* not accepted yet */
    bool open;            /* bytes may be written */
    bool blind;           /* reads no more */
    bool client;
    uint16_t port; /* of the client; names the stream */
    uint64_t read;
};

struct node {
    struct world *world;
    struct sc_stack *stack;
    size_t place; /* who it is... */
    size_t at;    /* ...and where */
    uint64_t epoch;
    struct sc_rng rng;  /* its entropy */
    bool hold_arrivals; /* accepted when the input says so, not at once */
    bool hold_ended;    /* the same of releasing */
    bool leaving;       /* takes nothing new */
    bool late;          /* takes events after settling instead of before */
    size_t crowd;       /* half-open flows that are only counted */
    int send_error;     /* 1: the next train is too large for the host's own link, 2: lost there */
    struct held held[FLOWS];
    struct sc_instance *instance[INSTANCES];
    size_t lookups;                /* not answered yet */
    struct sc_datagram datagram;   /* the last one, without its data */
    struct packet *fed;            /* since the last settling */
    size_t from_victim, to_victim; /* bytes */
};

struct packet {
    struct packet *next;
    struct sc_underlay from, to;
    unsigned ecn;
    size_t len;
    uint8_t data[]; /* ends where the allocation does, so that a sanitizer sees a read beyond */
};

/* What a client and its server have written: [0] the client. */
struct stream {
    uint64_t written[2];
    bool fin[2];
};

struct world {
    sc_time now;
    struct sc_rng rng;
    bool hostile; /* packets are changed and forged: what flows carry may be anything */
    unsigned options;
    size_t mtu; /* larger packets vanish; 0: none are */
    unsigned ecn;
    unsigned loss; /* of 1,024 packets */
    struct node node[NODES];
    struct packet *first, **last;
    size_t queued;
    struct packet *history[HISTORY];
    size_t seen;
    struct sc_mapping kept[KEPT];
    size_t kept_count;
    struct stream stream[STREAMS];
    uint16_t ports; /* given so far */
    struct sc_train train;
};

/* --- stack_world.c ---------------------------------------------------------------------------- */

/* Options: which of the rarer configurations. */
enum {
    NEWRENO = 1,
    LITTLE_MEMORY = 2,
    SMALL_POOL = 4,
    SMALL_DATAGRAMS = 8,
    KEPT_SECRETS = 16,
    BBR = 32,
};

/* All hosts have joined when it returns. */
void world_begin(struct world *w, uint64_t seed, bool hostile, unsigned options);

/* Everybody lets go of everything and time passes: nothing may be left. Frees all. */
void world_end(struct world *w);

struct sc_underlay place(size_t index);
void node_start(struct node *n);
void node_stop(struct node *n);
void node_crowd(struct node *n, size_t crowd);

struct packet *make_packet(size_t from, size_t to, const void *data, size_t len);
/* Packet number `index` (modulo those there are) of the queue, taken out of it; NULL: none. */
struct packet *take_packet(struct world *w, size_t index);
void put_packet(struct world *w, struct packet *p);

/* To whom it is addressed, who then owns it until it settles. */
void deliver(struct world *w, struct packet *p);
void feed(struct node *n, struct packet *p);
void settle(struct node *n);

/* Everything that moves without time passing; so many packets are fed before a stack settles. */
void pump(struct world *w, size_t batch);
/* The same while time passes. */
void run(struct world *w, sc_time time, size_t batch);
/* Time passes, and nothing else: the machine was asleep. */
void sleep_over(struct world *w, sc_time time);
/* Trains out of this stack, onto the queue. */
void drain(struct node *n);

/* --- stack_owner.c ---------------------------------------------------------------------------- */

extern const char *const service_name[SERVICES];
struct sc_service_id service_id(size_t index);

void take_events(struct node *n);
void owner_connect(struct node *n, size_t service, sc_time timeout);
void owner_accept(struct node *n, size_t index);
void owner_write(struct node *n, size_t index, size_t len);
void owner_read(struct node *n, size_t index, size_t len);
void owner_finish(struct node *n, size_t index);
void owner_urgent(struct node *n, size_t index);
void owner_discard(struct node *n, size_t index);
void owner_abort(struct node *n, size_t index);
void owner_release(struct node *n, size_t index);
void owner_user_timeout(struct node *n, size_t index, sc_time timeout);
void owner_serve(struct node *n, size_t service);
void owner_unserve(struct node *n, size_t index);
void owner_accepting(struct node *n, size_t index, bool accepting);
void owner_lookup(struct node *n, unsigned by, size_t what);
void owner_datagram(struct node *n, unsigned how, size_t service, size_t len);
void owner_refuse_datagram(struct node *n);
void owner_look_at_status(struct node *n);
void owner_let_go(struct node *n);

/* --- stack_forge.c ---------------------------------------------------------------------------- */

/* Feeds a stack a packet of a type (0: of any, known or not) from a place; `choice` says which. */
void forge(struct world *w, size_t from, struct node *to, unsigned type, uint32_t choice);

#endif
