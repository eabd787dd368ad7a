#include "transport/congestion/pacer.h"

#include "base/limits.h"

/* A burst of this many packets, or of this much time at the present rate, needs no pacing: queues
 * on a path hold more (RFC 9002 7.7 names the initial window). */
#define BURST_PACKETS 10
#define BURST_TIME (1 * SC_MS)
#define BURST_MAX (256 * 1024)
/* Trains are cut so that this much time passes between two of them: few enough wake-ups. */
#define STEP_TIME (SC_MS / 4)
/* Bytes per second: far above any link, and small enough to multiply by microseconds. */
#define RATE_MAX UINT64_C(100000000000)

void sc_pacer_init(struct sc_pacer *p, sc_time now)
{
    *p = (struct sc_pacer){.updated = now};
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int64_t bytes_in(uint64_t rate, sc_time t)
{
    /* A second's worth is more than any bucket holds, and keeps the product in range. */
    return (int64_t)(rate * sc_time_min(t, SC_SECOND) / SC_SECOND);
}

static int64_t tokens_at(const struct sc_pacer *p, sc_time now)
{
    int64_t t = p->tokens + bytes_in(p->rate, now - p->updated);
    return t > p->depth ? p->depth : t;
}

void sc_pacer_set_rate(struct sc_pacer *p, uint64_t rate, size_t mss, sc_time now)
{
    if (rate == 0)
        return;
    bool first = p->rate == 0;
    int64_t tokens = tokens_at(p, now), size = (int64_t)mss;
    p->rate = rate < RATE_MAX ? rate : RATE_MAX;
    p->depth = clamp(bytes_in(p->rate, BURST_TIME), BURST_PACKETS * size, BURST_MAX);
    p->step = clamp(bytes_in(p->rate, STEP_TIME), 2 * size, SC_TRAIN_BYTES);
    p->tokens = first || tokens > p->depth ? p->depth : tokens;
    p->updated = now;
}

uint64_t sc_pacer_allowance(const struct sc_pacer *p, sc_time now)
{
    if (p->rate == 0)
        return UINT64_MAX;
    if (now < p->blocked_until)
        return 0;
    int64_t tokens = tokens_at(p, now);
    /* Being unblocked is a promise, even where rounding left the bucket a byte short. */
    return tokens > 0 ? (uint64_t)tokens : 1;
}

void sc_pacer_on_sent(struct sc_pacer *p, size_t bytes, sc_time now)
{
    if (p->rate == 0)
        return;
    p->tokens = tokens_at(p, now) - (int64_t)bytes;
    p->updated = now;
    p->blocked_until = 0;
    if (p->tokens > 0)
        return;
    uint64_t missing = (uint64_t)(p->step - p->tokens);
    p->blocked_until = now + missing * SC_SECOND / p->rate + 1;
}
