/* Spreads what may be sent over time (RFC 9002 7.7): a token bucket. */
#ifndef SC_TRANSPORT_CONGESTION_PACER_H
#define SC_TRANSPORT_CONGESTION_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct sc_pacer {
    uint64_t rate;  /* bytes per second; 0: unlimited */
    int64_t tokens; /* bytes; below zero after a train that was larger */
    int64_t depth;
    int64_t step; /* once empty, this much must gather before the next train */
    sc_time updated;
    sc_time blocked_until; /* 0: not blocked */
};

void sc_pacer_init(struct sc_pacer *p, sc_time now);

/* Another rate, in bytes per second, of packets of `mss` bytes; 0: as before. */
void sc_pacer_set_rate(struct sc_pacer *p, uint64_t rate, size_t mss, sc_time now);

/* Bytes that may leave now; 0: not before sc_pacer_next. */
uint64_t sc_pacer_allowance(const struct sc_pacer *p, sc_time now);
void sc_pacer_on_sent(struct sc_pacer *p, size_t bytes, sc_time now);

/* When the next train may leave; 0: at once. */
static inline sc_time sc_pacer_next(const struct sc_pacer *p)
{
    return p->blocked_until;
}

#endif
