/* A flow and what the stack keeps beside it. */
#ifndef SC_STACK_ENTRY_H
#define SC_STACK_ENTRY_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "router/service_table.h"
#include "transport/flow.h"

struct sc_peer;

/* What repetitions of an OPEN have in common. */
struct sc_open_key {
    uint64_t address; /* of the client... */
    uint64_t open_id;
    uint32_t flow; /* ...and its flow id */
    uint32_t zero;
};

struct sc_entry {
    struct sc_flow flow;         /* first: a pointer to it is a pointer to the entry */
    struct sc_map_node by_id;    /* key: flow.id */
    struct sc_map_node by_open;  /* server; key: open_key */
    struct sc_open_key open_key; /* of its OPEN */
    struct sc_map_node by_token; /* key: flow.peer_token, once it is known */
    struct sc_timer timer;       /* its next deadline */
    struct sc_list ready;        /* link in the list of flows that want to send */
    struct sc_list changed;      /* link in the list of flows with events */
    struct sc_list siblings;     /* link in its peer's list */
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

static inline struct sc_entry *sc_entry_of(struct sc_flow *f)
{
    return (struct sc_entry *)(void *)f;
}

#endif
