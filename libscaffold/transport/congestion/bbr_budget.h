/* What BBR may send: how fast, and how much at most at a time (draft-ietf-ccwg-bbr 5.6), made of
 * what it believes of the path and the gains of what it is doing. Bytes, and bytes per second. */
#ifndef SC_TRANSPORT_CONGESTION_BBR_BUDGET_H
#define SC_TRANSPORT_CONGESTION_BBR_BUDGET_H

#include "transport/congestion/congestion.h"

/* One of the four states that follow each other once the path was full. */
static inline bool sc_bbr_is_in_cycle(const struct sc_bbr *b)
{
    return b->state >= SC_BBR_DOWN && b->state <= SC_BBR_UP;
}

/* What the path holds at this rate; the initial window before a round trip was measured. */
uint64_t sc_bbr_budget_pipe(const struct sc_congestion *c, uint64_t rate);

/* The same with room for what leaves, or is acknowledged, at once. */
uint64_t sc_bbr_budget_full(const struct sc_congestion *c, uint64_t rate);

/* What there would be in flight without a queue. */
uint64_t sc_bbr_budget_target(const struct sc_congestion *c);

/* What may be in flight in the long run, less what is left to others; UINT64_MAX: not known. */
uint64_t sc_bbr_budget_with_headroom(const struct sc_congestion *c);

/* So little that it makes no queue. */
uint64_t sc_bbr_budget_of_probe_rtt(const struct sc_congestion *c);

/* A rate for as long as nothing was delivered: the window, as Startup would send it. */
uint64_t sc_bbr_budget_first_rate(const struct sc_congestion *c, const struct sc_rtt *rtt);

/* What the least window brings in a round trip: where most is lost, rates that follow what is
 * delivered would come down to nothing. */
uint64_t sc_bbr_budget_least_rate(const struct sc_congestion *c, const struct sc_rtt *rtt);

/* Rate and window of the state, when so many bytes were acknowledged. */
void sc_bbr_budget_set(struct sc_congestion *c, uint64_t acked);

/* The rate alone, with another gain. */
void sc_bbr_budget_set_rate(struct sc_bbr *b, double gain);

#endif
