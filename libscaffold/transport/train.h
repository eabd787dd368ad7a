/* A train: packets of one flow (or one packet of anybody) for one destination, which leave in one
 * call. A flow adds packets; they are finished, all of them, when the train is closed: only then is
 * it known what each is in company with, and how long it is.
 *
 *   sc_train_begin { sc_train_add, frames, sc_train_written, sc_train_extend } sc_train_close */
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

/* One packet, from being added until the train is closed. */
struct sc_packet {
    struct sc_flow *flow;
    enum sc_packet_type type;
    uint64_t number;     /* what opens a flow has none: 0 */
    struct sc_sent sent; /* what it carries; `size` grows with it */
};

/* All segments but the last have `segment` bytes. A train owns `scratch`, and would own a buffer
 * that packets are sealed into: stream bytes are borrowed from the flow's blocks, which may have to
 * send them again. What is borrowed stays valid until the next call into the stack. */
struct sc_train {
    struct sc_underlay to; /* filled in by the stack */
    uint64_t dst;          /* network address, 0 for packets routed by ServiceID */
    size_t segment;
    size_t len;
    bool ect;            /* mark ECT(0) */
    bool probe_mtu;      /* must not be fragmented, may be too large */
    bool expendable;     /* by the stack: goes to where nobody has shown to be, may be dropped */
    size_t packet_count; /* of flows; what anybody else sends is not counted */
    struct sc_packet packet[SC_TRAIN_SEGMENTS];
    size_t iov_count;
    struct iovec iov[SC_TRAIN_SEGMENTS * 4];
    size_t scratch_used;
    /* Headers and control packets. */
    uint8_t scratch[SC_TRAIN_SEGMENTS * 64 + 2 * SC_DATAGRAM_BASE];
};

/* An empty train for this network address. */
void sc_train_begin(struct sc_train *t, uint64_t dst);

/* The flow's next packet, with a writer for what is not borrowed: at least its head. The packets of
 * a flow follow each other. */
struct sc_packet *sc_train_add(struct sc_train *t, struct sc_flow *f, enum sc_packet_type type,
                               struct sc_writer *w);

/* That much was written of the packet added last. */
void sc_train_written(struct sc_train *t, const struct sc_writer *w);

/* `pieces` elements of iov, from iov_count on, were set to `len` borrowed bytes in all: they belong
 * to the packet added last. */
void sc_train_extend(struct sc_train *t, size_t pieces, size_t len);

/* Nothing more is added. Each packet is told to its flow as sent, and must not be looked at again.
 */
void sc_train_close(struct sc_train *t, sc_time now);

#endif
