#include "transport/congestion/rtt.h"

#include "base/limits.h"

void sc_rtt_init(struct sc_rtt *r)
{
    /* RFC 9002 5.3. */
    *r = (struct sc_rtt){.smoothed = SC_RTT_INITIAL, .variation = SC_RTT_INITIAL / 2};
}

void sc_rtt_sample(struct sc_rtt *r, sc_time latest, sc_time ack_delay)
{
    if (latest == 0)
        latest = 1; /* below the clock's resolution */
    latest = sc_time_min(latest, SC_RTT_MAX);
    r->latest = latest;
    if (!r->sampled) {
        *r = (struct sc_rtt){.sampled = true,
                             .latest = latest,
                             .least = latest,
                             .smoothed = latest,
                             .variation = latest / 2};
        return;
    }
    r->least = sc_time_min(r->least, latest);
    /* RFC 9002 5.3: no delay beyond what the peer may take, none that undercuts the least. */
    ack_delay = sc_time_min(ack_delay, SC_ACK_DELAY);
    sc_time adjusted = latest >= r->least + ack_delay ? latest - ack_delay : latest;
    sc_time off = r->smoothed > adjusted ? r->smoothed - adjusted : adjusted - r->smoothed;
    r->variation = (3 * r->variation + off) / 4;
    r->smoothed = (7 * r->smoothed + adjusted) / 8;
    if (r->smoothed == 0)
        r->smoothed = 1;
}

sc_time sc_rtt_pto(const struct sc_rtt *r)
{
    /* RFC 9002 6.2.1. */
    return r->smoothed + sc_time_max(4 * r->variation, SC_RTT_GRANULARITY) + SC_ACK_DELAY;
}
