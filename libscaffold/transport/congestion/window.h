/* What controls have in common whose window grows with acknowledgements, and shrinks once for each
 * round of losses. */
#ifndef SC_TRANSPORT_CONGESTION_WINDOW_H
#define SC_TRANSPORT_CONGESTION_WINDOW_H

#include "transport/congestion/congestion.h"

/* False for packets sent before the last reduction (RFC 9002 7.3.2), which do not count. */
bool sc_window_may_grow(struct sc_congestion *c, const struct sc_acked *a);

/* The window, not the application, bounded what was in flight (RFC 9002 7.8). */
bool sc_window_was_full(const struct sc_congestion *c, const struct sc_acked *a);

/* A little above a window per round trip; 0 before there is one. */
uint64_t sc_window_pacing_rate(const struct sc_congestion *c, const struct sc_rtt *rtt);

#endif
