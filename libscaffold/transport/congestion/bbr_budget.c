#include "transport/congestion/bbr_budget.h"

#include "base/limits.h"

/* 2.4: room that is left to others while cruising. */
#define HEADROOM 0.15
/* The share of the rate at which it is paced, so that queues drain. */
#define PACING_MARGIN 0.99
/* Packets that keep acknowledgements coming. */
#define CWND_LEAST 4
/* What leaves at once is a millisecond's worth; three of these must fit beside each other. */
#define QUANTUM_TIME (1 * SC_MS)
#define QUANTA 3

static const struct {
    double pacing, window;
} gains[] = {
    [SC_BBR_STARTUP] = {2.77, 2.0},  [SC_BBR_DRAIN] = {0.5, 2.0},  [SC_BBR_DOWN] = {0.9, 2.0},
    [SC_BBR_CRUISE] = {1.0, 2.0},    [SC_BBR_REFILL] = {1.0, 2.0}, [SC_BBR_UP] = {1.25, 2.25},
    [SC_BBR_PROBE_RTT] = {1.0, 0.5},
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t times(double gain, uint64_t bytes)
{
    return (uint64_t)(gain * (double)bytes);
}

static uint64_t cwnd_least(const struct sc_congestion *c)
{
    return CWND_LEAST * (uint64_t)c->mss;
}

static uint64_t believed(const struct sc_congestion *c)
{
    return sc_bbr_budget_pipe(c, sc_bbr_model_rate(&c->bbr.model));
}

uint64_t sc_bbr_budget_pipe(const struct sc_congestion *c, uint64_t rate)
{
    sc_time rtt = c->bbr.model.least_rtt;
    if (rtt == SC_NEVER)
        return SC_CWND_INITIAL * (uint64_t)c->mss;
    return times((double)rtt / (double)SC_SECOND, rate);
}

/* 5.6.4.1. */
static uint64_t quantized(const struct sc_congestion *c, uint64_t bytes)
{
    uint64_t quantum = c->bbr.pacing_rate * QUANTUM_TIME / SC_SECOND;
    quantum = most(least(quantum, SC_TRAIN_BYTES), 2 * (uint64_t)c->mss);
    bytes = most(most(bytes, QUANTA * quantum), cwnd_least(c));
    return c->bbr.state == SC_BBR_UP ? bytes + 2 * c->mss : bytes;
}

uint64_t sc_bbr_budget_full(const struct sc_congestion *c, uint64_t rate)
{
    return quantized(c, sc_bbr_budget_pipe(c, rate));
}

uint64_t sc_bbr_budget_target(const struct sc_congestion *c)
{
    return least(believed(c), c->cwnd);
}

uint64_t sc_bbr_budget_with_headroom(const struct sc_congestion *c)
{
    uint64_t bound = c->bbr.inflight.most;
    if (bound == UINT64_MAX)
        return bound;
    uint64_t room = most(times(HEADROOM, bound), c->mss);
    return most(bound > room ? bound - room : 0, cwnd_least(c));
}

uint64_t sc_bbr_budget_of_probe_rtt(const struct sc_congestion *c)
{
    return most(times(gains[SC_BBR_PROBE_RTT].window, believed(c)), cwnd_least(c));
}

/* --- rate ------------------------------------------------------------------------------------- */

uint64_t sc_bbr_budget_first_rate(const struct sc_congestion *c, const struct sc_rtt *rtt)
{
    return times(gains[SC_BBR_STARTUP].pacing, c->cwnd) * SC_SECOND / rtt->smoothed + 1;
}

uint64_t sc_bbr_budget_least_rate(const struct sc_congestion *c, const struct sc_rtt *rtt)
{
    return cwnd_least(c) * SC_SECOND / rtt->smoothed;
}

void sc_bbr_budget_set_rate(struct sc_bbr *b, double gain)
{
    uint64_t rate = times(gain * PACING_MARGIN, sc_bbr_model_rate(&b->model));
    if (rate > 0 && (b->model.was_full || rate > b->pacing_rate))
        b->pacing_rate = rate;
}

/* --- window ----------------------------------------------------------------------------------- */

static uint64_t bound(const struct sc_congestion *c)
{
    const struct sc_bbr *b = &c->bbr;
    uint64_t in_long_run = UINT64_MAX;
    if (b->state == SC_BBR_CRUISE || b->state == SC_BBR_PROBE_RTT)
        in_long_run = sc_bbr_budget_with_headroom(c);
    else if (sc_bbr_is_in_cycle(b))
        in_long_run = b->inflight.most;
    return most(least(in_long_run, b->model.inflight_short), cwnd_least(c));
}

static void set_window(struct sc_congestion *c, uint64_t acked)
{
    struct sc_bbr *b = &c->bbr;
    uint64_t pipe = times(gains[b->state].window, believed(c));
    uint64_t wanted = quantized(c, pipe + sc_bbr_model_extra(&b->model));
    if (b->model.was_full)
        c->cwnd = least(c->cwnd + acked, wanted);
    else if (c->cwnd < wanted || b->model.delivered < SC_CWND_INITIAL * c->mss)
        c->cwnd += acked;
    c->cwnd = most(c->cwnd, cwnd_least(c));
    if (b->state == SC_BBR_PROBE_RTT)
        c->cwnd = least(c->cwnd, sc_bbr_budget_of_probe_rtt(c));
    c->cwnd = least(c->cwnd, bound(c));
}

void sc_bbr_budget_set(struct sc_congestion *c, uint64_t acked)
{
    sc_bbr_budget_set_rate(&c->bbr, gains[c->bbr.state].pacing);
    set_window(c, acked);
}
