/* One path between two hosts, as a flow finds it: how long it takes, how fast it delivers, how much
 * may be on it, how evenly that is sent, how large a packet may be, and whether it hands on marks
 * (ECN). Facts go in, and each part is told what it has to know. A flow has one path. */
#ifndef SC_TRANSPORT_PATH_H
#define SC_TRANSPORT_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "transport/congestion/congestion.h"
#include "transport/congestion/delivery.h"
#include "transport/congestion/pacer.h"
#include "transport/congestion/rtt.h"
#include "transport/pmtu.h"
#include "transport/recovery.h"
#include "wire/frame.h"

struct sc_path {
    struct sc_rtt rtt;
    struct sc_delivery delivery;
    struct sc_congestion congestion;
    struct sc_pacer pacer;
    struct sc_pmtu pmtu;
    struct { /* explicit congestion notification (RFC 9000 13.4.2) */
        bool off;
        uint32_t acked; /* packets sent as ECT(0) that were acknowledged */
        uint32_t ce;    /* marks reported so far */
    } ecn;
};

/* ops NULL: CUBIC. `rng` is the caller's. datagram_limit 0: SC_DATAGRAM_MAX. */
void sc_path_init(struct sc_path *p, const struct sc_congestion_ops *ops, struct sc_rng *rng,
                  size_t datagram_limit, sc_time now);

/* By another congestion control from here on. */
void sc_path_set_congestion(struct sc_path *p, const struct sc_congestion_ops *ops, sc_time now);

/* --- what may leave --------------------------------------------------------------------------- */

/* Bytes that the window lets onto the path beside those in flight. A whole packet, or all that is
 * `waiting`, must fit. */
uint64_t sc_path_window(const struct sc_path *p, uint64_t in_flight, uint64_t waiting);

/* Full packets, of at most one train, that window and pacing let go now. */
size_t sc_path_allowance(const struct sc_path *p, uint64_t in_flight, uint64_t waiting,
                         sc_time now);

/* When pacing lets go what nothing else holds up; SC_NEVER: not its turn. */
sc_time sc_path_paced_at(const struct sc_path *p, uint64_t in_flight, uint64_t waiting);

/* The size to probe now, or 0. */
size_t sc_path_probe(const struct sc_path *p, sc_time now);

/* --- what happened ---------------------------------------------------------------------------- */

/* A packet that takes room in flight has left, beside in_flight bytes; it is marked. */
void sc_path_on_sent(struct sc_path *p, struct sc_sent *sent, uint64_t in_flight, sc_time now);

/* Nothing waits any more that may be sent; called before something else does. */
void sc_path_on_dry(struct sc_path *p, uint64_t in_flight, sc_time now);

/* A round trip that no acknowledgement measured: the first packet was answered. */
void sc_path_on_answer(struct sc_path *p, sc_time rtt, sc_time now);

/* The fate of one packet; sc_path_on_ack or sc_path_on_lost follows. */
void sc_path_on_packet_acked(struct sc_path *p, const struct sc_sent *sent, sc_time now);
void sc_path_on_packet_lost(struct sc_path *p, uint64_t number, const struct sc_sent *sent,
                            sc_time now);

/* An acknowledgement, and what it brought; `r` and the rtt have taken it in. in_flight: before. */
void sc_path_on_ack(struct sc_path *p, const struct sc_recovery *r, const struct sc_ack *ack,
                    const struct sc_recovery_news *news, uint64_t in_flight, sc_time now);

/* Packets were lost by the timer. */
void sc_path_on_lost(struct sc_path *p, const struct sc_recovery_news *news, sc_time now);

/* A probe timeout, one of that many in a row. */
void sc_path_on_timeout(struct sc_path *p, unsigned timeouts, sc_time now);

/* A probe of the path's MTU has left. */
void sc_path_on_probe_sent(struct sc_path *p, size_t size);

/* The host's own network refused this size. */
void sc_path_on_too_large(struct sc_path *p, size_t size, sc_time now);

#endif
