/* CUBIC (RFC 9438), with HyStart++ (RFC 9406) in slow start. Windows in bytes, times in seconds. */
#include "transport/congestion/hystart.h"
#include "transport/congestion/window.h"

/* RFC 9438 4.6, 5.1: beta_cubic and C (packets per cubed second). */
#define BETA 0.7
#define C 0.4
/* RFC 9438 4.3: alpha that gives the average window of Reno. */
#define ALPHA (3.0 * (1.0 - BETA) / (1.0 + BETA))

/* Cube root by Newton's method: without libm, which nothing else here needs. */
static double cube_root(double x)
{
    if (x <= 0)
        return 0;
    double y = x > 1 ? x / 3 + 1 : 1;
    for (int i = 0; i < 100; i++) {
        double better = (2 * y + x / (y * y)) / 3;
        if (better >= y)
            break; /* from above it only falls, until it has arrived */
        y = better;
    }
    return y;
}

static void init(struct sc_congestion *c)
{
    c->cubic = (struct sc_cubic){0};
    sc_hystart_init(&c->cubic.hystart);
}

static void slow_start(struct sc_congestion *c, const struct sc_acked *a)
{
    bool leave = false;
    uint64_t growth = sc_hystart_on_acked(&c->cubic.hystart, a, &leave);
    if (sc_window_was_full(c, a))
        c->cwnd += growth;
    if (leave || c->cwnd > c->ssthresh)
        c->ssthresh = c->cwnd;
}

/* RFC 9438 4.2: K is when the curve is back at w_max. */
static void begin_epoch(struct sc_congestion *c, sc_time now)
{
    struct sc_cubic *q = &c->cubic;
    q->epoch = now;
    q->w_epoch = (double)c->cwnd;
    q->w_est = (double)c->cwnd;
    if (q->w_max < q->w_epoch)
        q->w_max = q->w_epoch; /* 4.8: after slow start without a loss */
    q->k = cube_root((q->w_max - q->w_epoch) / (double)c->mss / C);
}

/* Where the curve wants the window one round trip from now; RFC 9438 4.2 bounds it. */
static double target(const struct sc_congestion *c, const struct sc_rtt *rtt, sc_time now)
{
    const struct sc_cubic *q = &c->cubic;
    double t = (double)(now - q->epoch + rtt->smoothed) / 1e6 - q->k;
    double w = C * t * t * t * (double)c->mss + q->w_max;
    double cwnd = (double)c->cwnd;
    if (w < cwnd)
        return cwnd;
    return w > 1.5 * cwnd ? 1.5 * cwnd : w;
}

/* RFC 9438 4.3: what Reno would have. */
static void grow_reno(struct sc_congestion *c, uint64_t bytes)
{
    struct sc_cubic *q = &c->cubic;
    double alpha = q->w_est >= (double)q->prior.cwnd ? 1.0 : ALPHA;
    q->w_est += alpha * (double)bytes / (double)c->cwnd * (double)c->mss;
}

static void avoidance(struct sc_congestion *c, const struct sc_acked *a, sc_time now)
{
    struct sc_cubic *q = &c->cubic;
    bool full = sc_window_was_full(c, a);
    if (q->epoch == 0)
        begin_epoch(c, now);
    else if (!full)
        q->epoch += now - q->last_acked; /* RFC 9438 5.8: time unused does not count */
    if (!full)
        return;
    grow_reno(c, a->bytes);
    double cwnd = (double)c->cwnd;
    cwnd += (target(c, a->rtt, now) - cwnd) / cwnd * (double)a->bytes;
    if (cwnd < q->w_est)
        cwnd = q->w_est;
    c->cwnd = (uint64_t)(cwnd + 0.5);
}

static void on_acked(struct sc_congestion *c, const struct sc_acked *a, sc_time now)
{
    if (!sc_window_may_grow(c, a))
        return;
    if (sc_congestion_slow_start(c))
        slow_start(c, a);
    else
        avoidance(c, a, now);
    c->cubic.last_acked = now;
}

static void on_congestion(struct sc_congestion *c, bool marked, sc_time now)
{
    (void)marked;
    (void)now;
    struct sc_cubic *q = &c->cubic;
    q->prior.cwnd = c->cwnd;
    q->prior.ssthresh = c->ssthresh;
    q->prior.w_max = q->w_max;
    double cwnd = (double)c->cwnd;
    /* RFC 9438 4.7: fast convergence gives up bandwidth to newcomers. */
    q->w_max = cwnd < q->w_max ? cwnd * (1.0 + BETA) / 2.0 : cwnd;
    c->ssthresh = c->cwnd = (uint64_t)(cwnd * BETA);
    q->epoch = 0;
}

static void on_persistent(struct sc_congestion *c)
{
    c->cubic.epoch = 0;
    sc_hystart_init(&c->cubic.hystart);
}

/* RFC 9438 4.9.1: as if nothing had happened. */
static void on_spurious(struct sc_congestion *c)
{
    struct sc_cubic *q = &c->cubic;
    if (q->prior.cwnd <= c->cwnd)
        return;
    c->cwnd = q->prior.cwnd;
    c->ssthresh = q->prior.ssthresh;
    q->w_max = q->prior.w_max;
    q->epoch = 0;
}

const struct sc_congestion_ops sc_cubic = {
    .name = "cubic",
    .init = init,
    .on_acked = on_acked,
    .on_congestion = on_congestion,
    .on_persistent = on_persistent,
    .on_spurious = on_spurious,
    .pacing_rate = sc_window_pacing_rate,
};
