/* A train: packets of one flow (or one packet of anybody) for one destination, which leave in one
 * call. All segments but the last have `segment` bytes. */
#ifndef SC_TRANSPORT_TRAIN_H
#define SC_TRANSPORT_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/limits.h"
#include "wire/ids.h"

/* It owns `scratch`. What else the pieces point at is borrowed, from the flow's blocks or from
 * whoever made the packet, and stays valid until the next call into the stack. */
struct sc_train {
    struct sc_underlay to; /* filled in by the stack */
    uint64_t dst;          /* network address, 0 for packets routed by ServiceID */
    size_t segment;
    size_t len;
    bool ect;        /* mark ECT(0) */
    bool probe_mtu;  /* must not be fragmented, may be too large */
    bool expendable; /* by the stack: goes to where nobody has shown to be, may be dropped */
    size_t iov_count;
    struct iovec iov[SC_TRAIN_SEGMENTS * 4];
    size_t scratch_used;
    /* Headers and control packets. */
    uint8_t scratch[SC_TRAIN_SEGMENTS * 64 + 2 * SC_DATAGRAM_BASE];
};

/* An empty train for this network address. */
void sc_train_begin(struct sc_train *t, uint64_t dst);

/* Makes what was written to the scratch buffer a train of one packet. */
void sc_train_single(struct sc_train *t, size_t len);

#endif
