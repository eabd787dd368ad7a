/* A train: packets for one destination, which leave in one call: of flows, or of anybody else.
 * Flows add packets, one flow after the other, as long as the train takes them; they are finished,
 * all of them, when the train is closed: only then is it known what each is in company with, and
 * how long it is.
 *
 *   sc_train_begin { sc_train_takes { sc_train_add, frames, sc_train_written, sc_train_extend } }
 *   sc_train_close
 *
 * A kernel cuts a train into segments of one length; only the last may be shorter. So packets of
 * flows that are about as long as each other are padded to one length. */
#ifndef SC_TRANSPORT_TRAIN_H
#define SC_TRANSPORT_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/time.h"
#include "transport/recovery.h"
#include "wire/ids.h"
#include "wire/packet.h"

struct sc_flow;

/* Of each packet: what is written of it, up to three pieces of borrowed bytes, padding. */
#define SC_TRAIN_PIECES (SC_TRAIN_SEGMENTS * 5)

/* One packet, from being added until the train is closed. */
struct sc_packet {
    struct sc_flow *flow;
    enum sc_packet_type type;
    uint64_t number;     /* what opens a flow has none: 0 */
    struct sc_sent sent; /* what it carries; `size` grows with it */
    struct iovec *rest;  /* where its padding would be; NULL: within a flow's run, which is full */
};

/* What a flow would send next: up to `count` packets, of which all but the last are full. */
struct sc_run {
    size_t count;
    size_t size;  /* of its first packet, at most */
    size_t limit; /* no packet may be padded to more: its path's size, and its window */
    bool ect;
    bool alone; /* it shares a train with nobody */
};

/* All segments but the last have `segment` bytes. A train owns `scratch`, and would own a buffer
 * that packets are sealed into: stream bytes are borrowed from the flow's blocks, which may have to
 * send them again. What is borrowed stays valid until the next call into the stack. */
struct sc_train {
    struct sc_underlay to; /* filled in by the stack */
    uint64_t dst;          /* network address, 0 for packets routed by ServiceID */
    size_t segment;
    size_t len;
    bool ect;        /* mark ECT(0) */
    bool probe_mtu;  /* must not be fragmented, may be too large */
    bool expendable; /* by the stack: goes to where nobody has shown to be, may be dropped */
    bool crowded;    /* others wait to go along: whoever ends short of them keeps them out */
    bool alone;      /* takes no other flow's packets */
    size_t limit;    /* what each of its flows may be padded to */
    size_t longest, shortest;
    size_t packet_count; /* of flows; what anybody else sends is not counted */
    struct sc_packet packet[SC_TRAIN_SEGMENTS];
    size_t iov_count;
    struct iovec iov[SC_TRAIN_PIECES];
    size_t scratch_used;
    /* Headers and control packets: of many flows' packets, and of the run that is added last. */
    uint8_t scratch[SC_TRAIN_SEGMENTS * 96 + 2 * SC_DATAGRAM_BASE];
};

/* An empty train for this network address. */
void sc_train_begin(struct sc_train *t, uint64_t dst);

/* Packets of this length that one has room for. */
size_t sc_train_packets(size_t size);

/* Whether this run of another flow can go along: marked alike, about as long as the others, and no
 * longer than each of their paths can take. An empty train takes any. */
bool sc_train_takes(const struct sc_train *t, const struct sc_run *run);

/* It takes nobody any more. */
bool sc_train_is_full(const struct sc_train *t);

/* A run that it takes begins; returns how many packets there is room for, at most `run->count`. */
size_t sc_train_begin_run(struct sc_train *t, const struct sc_run *run);

/* The flow's next packet, with a writer for what is not borrowed: at least its head. The packets of
 * a flow follow each other. */
struct sc_packet *sc_train_add(struct sc_train *t, struct sc_flow *f, enum sc_packet_type type,
                               struct sc_writer *w);

/* That much was written of the packet added last. */
void sc_train_written(struct sc_train *t, const struct sc_writer *w);

/* The packet added last gets padding, up to this size. */
void sc_train_pad(struct sc_train *t, size_t size);

/* `pieces` elements of iov, from iov_count on, were set to `len` borrowed bytes in all: they belong
 * to the packet added last. */
void sc_train_extend(struct sc_train *t, size_t pieces, size_t len);

/* Nothing more is added. Each packet is padded, and told to its flow as sent. */
void sc_train_close(struct sc_train *t, sc_time now);

#endif
