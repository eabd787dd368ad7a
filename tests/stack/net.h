/* Stacks in one process, joined by a perfect wire without delay: what leaves one is in the other
 * before anything else happens. A test may look at each packet on its way, and drop it. Loss, delay
 * and all that comes of them are tests/sim's. */
#ifndef TESTS_STACK_NET_H
#define TESTS_STACK_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naming/service_id.h"
#include "stack/stack.h"

#define NET_NODES 5
#define NET_FLOWS 16
#define NET_KEPT 64
#define NET_DATAGRAMS 64
/* Host part of the first pool address that the tests' routers give. */
#define NET_POOL 0xc6120000u
/* The time of day when a test begins, in seconds since 1970. */
#define NET_WALL 1800000000u

struct net;

/* What a host's owner has seen. */
struct net_node {
    struct net *net;
    struct sc_stack *stack; /* NULL: what is sent there is only seen */
    struct sc_underlay at;
    struct sc_rng rng; /* its entropy */
    struct sc_flow *arrived[NET_FLOWS];
    size_t arrived_count;
    struct sc_instance *arrived_at; /* the instance of the last one */
    struct sc_pin pin;              /* the last one, of so many: */
    unsigned pinned;
    struct sc_kept_grant grant; /* the same */
    unsigned granted;
    struct sc_invitation invitation; /* the last one */
    unsigned mapped, joined, registered, allocated;
    int disk_error;  /* what its disk says... */
    bool disk_waits; /* ...or it says nothing, and this is what it was asked last */
    uint64_t token;
    struct sc_mapping mapping; /* the last answer */
    size_t packets_in, bytes_in;
    struct sc_datagram datagram[NET_DATAGRAMS]; /* their data is freed by net_stop and net_fini */
    size_t datagram_count;
    struct sc_datagram undelivered; /* the last one */
    unsigned undelivered_count;
    unsigned noted[SC_NOTE_GRANT_TIME + 1];
    unsigned notes_left_out;
    struct sc_note note; /* the last one */
};

struct net_packet {
    struct net_packet *next;
    struct sc_underlay from, to;
    size_t len;
    uint8_t data[];
};

struct net {
    sc_time now;
    struct net_node node[NET_NODES];
    struct net_packet *first, **last;
    struct sc_train train;
    size_t seen[16];     /* packets by type... */
    size_t messages[32]; /* ...and CONTROL by message */
    /* True drops the packet. It may be changed. */
    bool (*filter)(struct net *n, struct net_packet *p);
    struct sc_mapping kept[NET_KEPT]; /* what routers asked to have kept */
    size_t kept_count;
    int from, to; /* for filters: nodes of interest */
    unsigned what;
    bool secure;     /* hosts that are started have keys: those of their names */
    bool other_keys; /* ...or others */
    bool uninvited;  /* ...and nothing to show to a router that does not know them */
    bool strict;     /* hosts that are started believe nobody's key that they have not been told */
    struct sc_right right[4]; /* what routers that are started let hosts serve... */
    size_t right_count;       /* ...0: everything */
    uint8_t network;          /* bytes of the seed of routers that are started; 0: service_id */
    uint8_t host_secret;      /* bytes of it, of the next hosts that are started; 0: none */
    uint8_t packet[SC_DATAGRAM_MAX]; /* for filters: one of interest */
    size_t packet_len;
};

/* Where node `index` is. */
struct sc_underlay net_underlay(size_t index);

/* Nodes without stacks, at a time that is not 0. */
void net_init(struct net *n);

/* Starts the stack of node `i`, called `name`; router: the node's index, or -1. */
struct net_node *net_start(struct net *n, int i, const char *name, int router, uint64_t epoch);

/* Frees what the node was given. */
void net_forget_datagrams(struct net_node *node);

/* The node's stack is gone, without a word, and all that its owner has seen. */
void net_stop(struct net_node *node);

/* Stops all of them; what is under way is gone, too. */
void net_fini(struct net *n);

/* Gives a router back what was kept. */
void net_restore(struct net_node *node);

/* --- packets ---------------------------------------------------------------------------------- */

/* Puts a packet on the wire; the next net_pump delivers it. The bytes are copied. */
void net_send(struct net *n, const struct sc_underlay *from, const struct sc_underlay *to,
              const void *data, size_t len);

/* Of a packet, its type; of a CONTROL packet, its message, 0 for others. */
uint8_t net_type(const struct net_packet *p);
uint8_t net_message(const struct net_packet *p);

/* Whether this is the address of node `node`. */
bool net_is(const struct net *n, const struct sc_underlay *u, int node);

/* What the stack has to say goes to the node's fields, and to a flow's `bits`. */
void net_take_events(struct net_node *node);

/* Everything that moves without time passing. */
void net_pump(struct net *n);

/* net_pump, for so long: deadlines are kept. */
void net_run(struct net *n, sc_time time);

/* --- the owner -------------------------------------------------------------------------------- */

/* Offers an instance, which has to succeed. */
struct sc_instance *net_serve(struct net_node *node, const char *name);

/* `bits` collects the flow's events. */
struct sc_flow *net_connect(struct net_node *node, const char *name, unsigned *bits);

/* Asks for a name; the answer, which may be late, is in node->mapping. */
void net_lookup(struct net_node *node, const char *name);

/* Writes this, for which there has to be room. */
void net_write(struct net_node *node, struct sc_flow *f, const char *text);

/* True when exactly this can be read now; it is consumed. */
bool net_reads(struct net_node *node, struct sc_flow *f, const char *text);

/* Lets go of a flow as a program's exit does: aborted unless it had ended. */
void net_drop(struct net_node *node, struct sc_flow *f);

/* Bytes pass in both directions. */
void net_check_talk(struct net_node *a, struct sc_flow *f, struct net_node *b, struct sc_flow *g);

/* Network address of a node. */
uint64_t net_address(const struct net_node *node);

/* Instances that the stack knows of. */
size_t net_instances(const struct net_node *node);

/* A router and two hosts (nodes 0, 1 and 2: "r", "a" and "b"), joined. */
void net_three(struct net *n);

#endif
