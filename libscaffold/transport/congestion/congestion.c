#include "transport/congestion/congestion.h"

#include <string.h>

/* Linux says reno. */
static const struct {
    const char *name;
    const struct sc_congestion_ops *ops;
} table[] = {
    {"cubic", &sc_cubic}, {"reno", &sc_newreno}, {"newreno", &sc_newreno}, {"bbr", &sc_bbr}};

const struct sc_congestion_ops *sc_congestion_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].ops;
    return NULL;
}

static uint64_t least(const struct sc_congestion *c)
{
    return SC_CWND_LEAST * (uint64_t)c->mss;
}

void sc_congestion_init(struct sc_congestion *c, const struct sc_congestion_ops *ops, size_t mss,
                        struct sc_rng *rng)
{
    *c = (struct sc_congestion){.ops = ops ? ops : &sc_cubic,
                                .cwnd = SC_CWND_INITIAL * (uint64_t)mss,
                                .ssthresh = UINT64_MAX,
                                .mss = mss,
                                .rng = rng};
    c->ops->init(c);
}

void sc_congestion_change(struct sc_congestion *c, const struct sc_congestion_ops *ops)
{
    c->ops = ops;
    c->recovering = false;
    c->ops->init(c);
}

void sc_congestion_set_mss(struct sc_congestion *c, size_t mss)
{
    c->mss = mss;
    if (c->cwnd < least(c))
        c->cwnd = least(c);
}

void sc_congestion_on_acked(struct sc_congestion *c, const struct sc_acked *a, sc_time now)
{
    c->ops->on_acked(c, a, now);
}

void sc_congestion_on_lost(struct sc_congestion *c, const struct sc_delivery_loss *loss,
                           sc_time now)
{
    if (c->ops->on_lost)
        c->ops->on_lost(c, loss, now);
}

void sc_congestion_on_restart(struct sc_congestion *c, sc_time now)
{
    if (c->ops->on_restart)
        c->ops->on_restart(c, now);
}

bool sc_congestion_on_event(struct sc_congestion *c, sc_time sent_at, bool marked, sc_time now)
{
    if (c->recovery_start != 0 && sent_at <= c->recovery_start)
        return false;
    c->recovering = true;
    c->recovery_start = now;
    c->ops->on_congestion(c, marked, now);
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

uint64_t sc_congestion_pacing_rate(const struct sc_congestion *c, const struct sc_rtt *rtt)
{
    return c->ops->pacing_rate(c, rtt);
}
