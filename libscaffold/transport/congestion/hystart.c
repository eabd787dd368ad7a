#include "transport/congestion/hystart.h"

/* RFC 9406 4.3. */
#define RTT_THRESHOLD_MIN (4 * SC_MS)
#define RTT_THRESHOLD_MAX (16 * SC_MS)
#define RTT_DIVISOR 8
#define RTT_SAMPLES 8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS 5

void sc_hystart_init(struct sc_hystart *h)
{
    *h = (struct sc_hystart){.last_least = SC_NEVER, .least = SC_NEVER, .recent = SC_NEVER};
}

static sc_time threshold(sc_time least)
{
    sc_time t = least / RTT_DIVISOR;
    return sc_time_min(sc_time_max(t, RTT_THRESHOLD_MIN), RTT_THRESHOLD_MAX);
}

/* A round is over when the first packet sent after its begin is acknowledged. */
static void next_round(struct sc_hystart *h, const struct sc_acked *a, bool *leave)
{
    if (a->largest < h->round_end)
        return;
    h->round_end = a->next;
    h->last_least = h->least;
    h->least = SC_NEVER;
    if (h->baseline != 0 && ++h->css_rounds >= CSS_ROUNDS)
        *leave = true;
}

/* Compares the least of the latest eight samples with the last round's. RFC 9406 takes the least of
 * the running round so far, which a round that began before the queue hides until the next: by then
 * the window has doubled, and a queue of one bandwidth-delay product has overflowed. */
static void judge(struct sc_hystart *h)
{
    if (++h->samples < RTT_SAMPLES)
        return;
    sc_time least = h->recent;
    h->samples = 0;
    h->recent = SC_NEVER;
    if (h->baseline != 0) {
        if (least < h->baseline)
            h->baseline = 0; /* the growth was jitter: back to slow start */
    } else if (h->last_least != SC_NEVER && least >= h->last_least + threshold(h->last_least)) {
        h->baseline = least;
        h->css_rounds = 0;
    }
}

uint64_t sc_hystart_on_acked(struct sc_hystart *h, const struct sc_acked *a, bool *leave)
{
    next_round(h, a, leave);
    if (a->rtt_fresh) {
        h->least = sc_time_min(h->least, a->rtt->latest);
        h->recent = sc_time_min(h->recent, a->rtt->latest);
        judge(h);
    }
    return h->baseline != 0 ? a->bytes / CSS_GROWTH_DIVISOR : a->bytes;
}
