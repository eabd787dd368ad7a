/* NewReno as RFC 9002 7.3 has it. */
#include "transport/congestion/window.h"

static void init(struct sc_congestion *c)
{
    c->newreno = (struct sc_newreno){0};
}

static void on_acked(struct sc_congestion *c, const struct sc_acked *a, sc_time now)
{
    (void)now;
    if (!sc_window_may_grow(c, a) || !sc_window_was_full(c, a))
        return;
    if (sc_congestion_slow_start(c)) {
        c->cwnd += a->bytes;
        return;
    }
    /* One packet per window acknowledged. */
    c->newreno.credit += a->bytes;
    while (c->newreno.credit >= c->cwnd) {
        c->newreno.credit -= c->cwnd;
        c->cwnd += c->mss;
    }
}

static void on_congestion(struct sc_congestion *c, bool marked, sc_time now)
{
    (void)marked;
    (void)now;
    c->newreno.prior.cwnd = c->cwnd;
    c->newreno.prior.ssthresh = c->ssthresh;
    c->newreno.credit = 0;
    c->ssthresh = c->cwnd = c->cwnd / 2;
}

static void on_persistent(struct sc_congestion *c)
{
    c->newreno.credit = 0;
}

static void on_spurious(struct sc_congestion *c)
{
    if (c->newreno.prior.cwnd <= c->cwnd)
        return;
    c->cwnd = c->newreno.prior.cwnd;
    c->ssthresh = c->newreno.prior.ssthresh;
}

const struct sc_congestion_ops sc_newreno = {
    .name = "reno",
    .init = init,
    .on_acked = on_acked,
    .on_congestion = on_congestion,
    .on_persistent = on_persistent,
    .on_spurious = on_spurious,
    .pacing_rate = sc_window_pacing_rate,
};
