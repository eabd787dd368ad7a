#include "transport/congestion/window.h"

bool sc_window_may_grow(struct sc_congestion *c, const struct sc_acked *a)
{
    if (c->recovering && a->sent_at <= c->recovery_start)
        return false;
    c->recovering = false;
    return true;
}

/* In the form of RFC 7661 and Linux: in slow start half a window is use enough. */
bool sc_window_was_full(const struct sc_congestion *c, const struct sc_acked *a)
{
    return c->limited || (sc_congestion_slow_start(c) && 2 * a->in_flight >= c->cwnd);
}

uint64_t sc_window_pacing_rate(const struct sc_congestion *c, const struct sc_rtt *rtt)
{
    if (!rtt->sampled)
        return 0;
    /* 2 in slow start, where the window doubles per round trip; else a little above the window's
     * own rate, so that pacing never is what limits (RFC 9002 7.7). */
    uint64_t gain = sc_congestion_slow_start(c) ? 8 : 5;
    return c->cwnd * gain / 4 * SC_SECOND / rtt->smoothed + 1;
}
