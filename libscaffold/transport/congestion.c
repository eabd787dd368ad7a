#include "transport/congestion.h"

#include <string.h>

static const struct sc_congestion_ops *const table[] = {&sc_cubic, &sc_newreno};

const struct sc_congestion_ops *sc_congestion_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}

static uint64_t least(const struct sc_congestion *c)
{
    return SC_CWND_LEAST * (uint64_t)c->mss;
}

void sc_congestion_init(struct sc_congestion *c, const struct sc_congestion_ops *ops, size_t mss)
{
    *c = (struct sc_congestion){.ops = ops ? ops : &sc_cubic,
                                .cwnd = SC_CWND_INITIAL * (uint64_t)mss,
                                .ssthresh = UINT64_MAX,
                                .mss = mss};
    c->ops->init(c);
}

void sc_congestion_set_mss(struct sc_congestion *c, size_t mss)
{
    c->mss = mss;
    if (c->cwnd < least(c))
        c->cwnd = least(c);
}

void sc_congestion_on_acked(struct sc_congestion *c, struct sc_acked *a, uint64_t in_flight,
                            sc_time sent_at, const struct sc_rtt *rtt, sc_time now)
{
    if (c->recovering && sent_at <= c->recovery_start)
        return; /* RFC 9002 7.3.2: no growth for packets sent before the reduction */
    c->recovering = false;
    /* RFC 9002 7.8, in the form of RFC 7661 and Linux: in slow start half a window is use enough.
     */
    a->limited = c->limited || (sc_congestion_slow_start(c) && 2 * in_flight >= c->cwnd);
    c->ops->on_acked(c, a, rtt, now);
}

bool sc_congestion_on_event(struct sc_congestion *c, sc_time sent_at, sc_time now)
{
    if (c->recovery_start != 0 && sent_at <= c->recovery_start)
        return false;
    c->recovering = true;
    c->recovery_start = now;
    c->ops->on_congestion(c, now);
    if (c->cwnd < least(c))
        c->cwnd = least(c);
    if (c->ssthresh < least(c))
        c->ssthresh = least(c);
    return true;
}

void sc_congestion_on_persistent(struct sc_congestion *c)
{
    c->ops->on_persistent(c);
    c->cwnd = least(c);
    c->recovering = false;
}

void sc_congestion_on_spurious(struct sc_congestion *c)
{
    c->ops->on_spurious(c);
    c->recovering = false;
}
