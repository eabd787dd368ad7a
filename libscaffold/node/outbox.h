/* Packets that are no flow's, until they leave: in queues that take turns, so that none of them can
 * keep another waiting. Each is bounded; what finds no room is counted. Not thread-safe. */
#ifndef SC_NODE_OUTBOX_H
#define SC_NODE_OUTBOX_H

#include "base/list.h"
#include "node/counters.h"
#include "transport/train.h"
#include "wire/control.h"

enum sc_queue {
    SC_QUEUE_OWN,       /* requests of our own */
    SC_QUEUE_ANSWERS,   /* to hosts that we know: leases hang on them */
    SC_QUEUE_STRANGERS, /* answers to others, and to where one only says that it is */
    SC_QUEUE_FORWARDS,  /* packets of others, on their way */
    SC_QUEUE_DATAGRAMS, /* of our programs */
    SC_QUEUES,
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

struct sc_outbox_queue {
    struct sc_list packets; /* sc_packet_out.link */
    size_t count, bytes;
};

struct sc_outbox {
    struct sc_outbox_queue queue[SC_QUEUES];
    struct sc_list leaving; /* those that the last drained train points at */
    struct sc_stack_counters *counters;
};

void sc_outbox_init(struct sc_outbox *o, struct sc_stack_counters *counters);
void sc_outbox_fini(struct sc_outbox *o);
bool sc_outbox_is_empty(const struct sc_outbox *o);

/* Where an answer waits for somebody whom we know, or do not. */
enum sc_queue sc_outbox_queue_for(bool known);

void sc_outbox_put(struct sc_outbox *o, enum sc_queue q, const struct sc_underlay *to,
                   const uint8_t *data, size_t len);
/* dst: network address when the packet may have to be forwarded, else 0. */
void sc_outbox_control(struct sc_outbox *o, enum sc_queue q, const struct sc_underlay *to,
                       uint64_t dst, const struct sc_control *c);
/* One of many packets; those of one size to one place leave as a train. False: no room. */
bool sc_outbox_join(struct sc_outbox *o, enum sc_queue q, const struct sc_underlay *to,
                    const uint8_t *data, size_t len);
/* The first of a queue, and those behind it that go to the same place and are as long. The train
 * points into them, and is valid until the next one is drained. */
bool sc_outbox_drain(struct sc_outbox *o, enum sc_queue q, struct sc_train *t);

#endif
