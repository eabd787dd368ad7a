/* Round-trip time (RFC 9002 5). */
#ifndef SC_TRANSPORT_CONGESTION_RTT_H
#define SC_TRANSPORT_CONGESTION_RTT_H

#include <stdbool.h>

#include "base/time.h"

/* Before the first sample (RFC 9002 6.2.2). */
#define SC_RTT_INITIAL (333 * SC_MS)
/* Timer granularity (RFC 9002 6.1.2). */
#define SC_RTT_GRANULARITY (1 * SC_MS)

/* No path takes longer: a sample beyond this is a machine that was asleep in between, and is taken
 * for no more, or probes and the end of a flow would wait for minutes. As the longest interval of
 * probes. */
#define SC_RTT_MAX (5 * SC_SECOND)

struct sc_rtt {
    bool sampled;
    sc_time latest;
    sc_time least; /* min_rtt */
    sc_time smoothed;
    sc_time variation;
};

void sc_rtt_init(struct sc_rtt *r);

/* ack_delay: what the peer says that it waited. */
void sc_rtt_sample(struct sc_rtt *r, sc_time latest, sc_time ack_delay);

/* Probe timeout without backoff, the peer's acknowledgement delay included. */
sc_time sc_rtt_pto(const struct sc_rtt *r);

#endif
