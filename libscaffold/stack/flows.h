/* The table of flows: their life, their timers, what their owners are told of them. Not
 * thread-safe. */
#ifndef SC_STACK_FLOWS_H
#define SC_STACK_FLOWS_H

#include "node/node.h"
#include "stack/entry.h"
#include "stack/peers.h"

struct sc_flows {
    struct sc_node *node;
    struct sc_peers *peers;
    struct sc_block_pool blocks; /* of which their streams are made */
    struct sc_map by_id;
    struct sc_map by_open;  /* server flows by (client, its flow id, open id) */
    struct sc_map by_token; /* by what a RESET names them by */
    struct sc_heap timers;
    struct sc_list ready;   /* to send */
    struct sc_list changed; /* with events */
    struct sc_list fed;     /* in this batch */
    size_t half_open;
};

/* memory_max: bytes of all blocks. */
void sc_flows_init(struct sc_flows *all, struct sc_node *node, struct sc_peers *peers,
                   size_t memory_max);
void sc_flows_fini(struct sc_flows *all);

/* --- life ------------------------------------------------------------------------------------- */

/* See sc_stack_connect, sc_stack_accept, sc_stack_release. */
int sc_flows_connect(struct sc_flows *all, const struct sc_service_id *service, uint16_t own_port,
                     sc_time timeout, void *app, struct sc_flow **flow, sc_time now);
void sc_flows_accept(struct sc_flows *all, struct sc_entry *e, void *app);
void sc_flows_release(struct sc_flows *all, struct sc_entry *e, sc_time now);

/* A half-open flow for an OPEN; NULL when there is no room. */
struct sc_entry *sc_flows_answer(struct sc_flows *all, const struct sc_open *p, sc_time now);

/* Server: `i` is whom it was answered for; NULL: nobody any more. */
void sc_flows_answered_for(struct sc_entry *e, struct sc_instance *i);
void sc_flows_forget_instance(struct sc_flows *all, struct sc_instance *i, sc_time now);

/* Ends the flows of peers that have failed. */
void sc_flows_fail(struct sc_flows *all, sc_time now);

/* --- finding ---------------------------------------------------------------------------------- */

struct sc_entry *sc_flows_find(const struct sc_flows *all, uint32_t id);
struct sc_entry *sc_flows_find_open(const struct sc_flows *all, const struct sc_open *p);
struct sc_entry *sc_flows_find_token(const struct sc_flows *all, const uint8_t token[SC_TOKEN_LEN]);

/* --- what has happened to one ----------------------------------------------------------------- */

/* Its state may be another: it may want to send, be over, have events or another deadline. Frees it
 * when it is over and nobody holds it. */
void sc_flows_touch(struct sc_flows *all, struct sc_entry *e, sc_time now);

/* A packet came for it: touched when the batch is settled; its events are told before. */
void sc_flows_fed(struct sc_flows *all, struct sc_entry *e);
void sc_flows_settle(struct sc_flows *all, sc_time now);

/* Its timer is set anew. */
void sc_flows_arm(struct sc_flows *all, struct sc_entry *e, sc_time now);

/* --- what is next ----------------------------------------------------------------------------- */

struct sc_entry *sc_flows_take_ready(struct sc_flows *all);            /* NULL: none */
struct sc_entry *sc_flows_take_due(struct sc_flows *all, sc_time now); /* NULL: none */
sc_time sc_flows_deadline(const struct sc_flows *all);
bool sc_flows_next_event(struct sc_flows *all, struct sc_event *out);

#endif
