#include "transport/congestion/bbr_model.h"

#include "transport/congestion/congestion.h"

/* 2.4: what is left of a bound when something was lost. */
#define BETA 0.7
/* 5.3.1.2: a path is full when it does not deliver a quarter more for three rounds. */
#define FULL_GROWTH 1.25
#define FULL_ROUNDS 3
/* 2.13.1: a round trip that nothing has come near for so long is no more believed... */
#define LEAST_RTT_KEPT (10 * SC_SECOND)
/* ...and is measured anew by then. */
#define RECENT_RTT_KEPT (5 * SC_SECOND)
/* 2.11 keeps ten rounds, each by itself: here it is two halves of five. */
#define EXTRA_ROUNDS 5

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void sc_bbr_model_init(struct sc_bbr_model *m)
{
    *m = (struct sc_bbr_model){.rate_short = UINT64_MAX,
                               .inflight_short = UINT64_MAX,
                               .least_rtt = SC_NEVER,
                               .recent_rtt = SC_NEVER};
}

/* --- rounds ----------------------------------------------------------------------------------- */

void sc_bbr_model_start_round(struct sc_bbr_model *m)
{
    m->round_end = m->delivered;
}

static void count_round(struct sc_bbr_model *m, const struct sc_delivery_sample *s)
{
    m->round_start = s->prior >= m->round_end;
    if (!m->round_start)
        return;
    sc_bbr_model_start_round(m);
    m->rounds++;
}

/* --- how fast --------------------------------------------------------------------------------- */

uint64_t sc_bbr_model_most(const struct sc_bbr_model *m)
{
    return most(m->rate, m->rate_before);
}

uint64_t sc_bbr_model_rate(const struct sc_bbr_model *m)
{
    return least(sc_bbr_model_most(m), m->rate_short);
}

static void note_rate(struct sc_bbr_model *m, const struct sc_delivery_sample *s)
{
    if (s->rate >= sc_bbr_model_most(m) || !s->limited)
        m->rate = most(m->rate, s->rate);
}

void sc_bbr_model_next_cycle(struct sc_bbr_model *m)
{
    if (m->rate == 0)
        return; /* nothing was measured: what is known is still the best */
    m->rate_before = m->rate;
    m->rate = 0;
}

void sc_bbr_model_look_anew(struct sc_bbr_model *m, uint64_t rate)
{
    m->plateau = rate;
    m->plateau_rounds = 0;
    m->full = false;
}

static void look_whether_full(struct sc_bbr_model *m, const struct sc_delivery_sample *s)
{
    if (m->full || s->limited)
        return;
    if ((double)s->rate >= (double)m->plateau * FULL_GROWTH) {
        sc_bbr_model_look_anew(m, s->rate);
    } else if (m->round_start && ++m->plateau_rounds >= FULL_ROUNDS) {
        m->full = m->was_full = true;
    }
}

/* --- losses ----------------------------------------------------------------------------------- */

void sc_bbr_model_remember(struct sc_bbr_model *m)
{
    m->prior.rate_short = m->rate_short;
    m->prior.inflight_short = m->inflight_short;
}

void sc_bbr_model_on_lost(struct sc_bbr_model *m)
{
    if (m->loss_in_round)
        return;
    m->loss_in_round = true;
    m->loss_round_end = m->delivered;
}

void sc_bbr_model_on_marked(struct sc_bbr_model *m)
{
    m->marked_in_round = true;
}

void sc_bbr_model_on_spurious(struct sc_bbr_model *m)
{
    m->loss_in_round = false;
    m->rate_short = most(m->rate_short, m->prior.rate_short);
    m->inflight_short = most(m->inflight_short, m->prior.inflight_short);
}

void sc_bbr_model_forget_losses(struct sc_bbr_model *m)
{
    m->rate_short = m->inflight_short = UINT64_MAX;
}

void sc_bbr_model_forget_round(struct sc_bbr_model *m)
{
    m->loss_in_round = m->marked_in_round = false;
    m->rate_latest = m->inflight_latest = 0;
}

static uint64_t reduced(uint64_t bound, uint64_t first, uint64_t delivered)
{
    uint64_t from = bound == UINT64_MAX ? first : bound;
    return most(delivered, (uint64_t)(BETA * (double)from));
}

/* What is delivered while some is lost is what the path can take; bounds come down to it by steps.
 */
static void bound_by_losses(struct sc_bbr_model *m, uint64_t cwnd)
{
    m->rate_short = reduced(m->rate_short, sc_bbr_model_most(m), m->rate_latest);
    m->inflight_short = reduced(m->inflight_short, cwnd, m->inflight_latest);
}

/* 5.5.10.3 bounds by any loss: at one in a hundred, which is random on some paths, the rate then
 * shrinks in every round. What is borne while probing is borne here. */
static bool is_lossy(const struct sc_bbr_model *m, const struct sc_delivery_sample *s)
{
    return m->loss_in_round && sc_bbr_model_is_too_much(s->lost, s->in_flight);
}

static void count_loss_round(struct sc_bbr_model *m, const struct sc_delivery_sample *s)
{
    m->rate_latest = most(m->rate_latest, s->rate);
    m->inflight_latest = most(m->inflight_latest, s->delivered);
    m->loss_round_start = s->prior >= m->loss_round_end;
    if (m->loss_round_start)
        m->loss_round_end = m->delivered;
}

/* --- acknowledgements that come together ------------------------------------------------------ */

uint64_t sc_bbr_model_extra(const struct sc_bbr_model *m)
{
    return most(m->extra.most, m->extra.most_before);
}

static void turn_extra(struct sc_bbr_model *m)
{
    if (m->rounds - m->extra.turned < (m->was_full ? EXTRA_ROUNDS : 1))
        return;
    m->extra.turned = m->rounds;
    m->extra.most_before = m->extra.most;
    m->extra.most = 0;
}

static void note_extra(struct sc_bbr_model *m, uint64_t bytes, uint64_t cwnd, sc_time now)
{
    sc_time passed = sc_time_min(now - m->extra.since, SC_SECOND);
    uint64_t expected = sc_bbr_model_rate(m) * passed / SC_SECOND;
    turn_extra(m);
    if (m->extra.acked <= expected) {
        m->extra.acked = expected = 0;
        m->extra.since = now;
    }
    m->extra.acked += bytes;
    m->extra.most = most(m->extra.most, least(m->extra.acked - expected, cwnd));
}

/* --- all together ----------------------------------------------------------------------------- */

void sc_bbr_model_on_acked(struct sc_bbr_model *m, const struct sc_acked *a,
                           const struct sc_delivery_sample *s, bool probing, uint64_t cwnd,
                           sc_time now)
{
    m->delivered = s->prior + s->delivered;
    count_loss_round(m, s);
    count_round(m, s);
    note_rate(m, s);
    if (m->loss_round_start) {
        if (!probing && (m->marked_in_round || is_lossy(m, s)))
            bound_by_losses(m, cwnd);
        m->loss_in_round = m->marked_in_round = false;
    }
    note_extra(m, a->bytes, cwnd, now);
    look_whether_full(m, s);
}

void sc_bbr_model_on_done(struct sc_bbr_model *m, const struct sc_delivery_sample *s)
{
    if (!m->loss_round_start)
        return;
    m->rate_latest = s->rate;
    m->inflight_latest = s->delivered;
}

bool sc_bbr_model_on_rtt(struct sc_bbr_model *m, const struct sc_acked *a, sc_time now)
{
    bool is_old = m->recent_rtt != SC_NEVER && now > m->recent_rtt_at + RECENT_RTT_KEPT;
    if (a->rtt_fresh && (a->rtt->latest < m->recent_rtt || is_old)) {
        m->recent_rtt = a->rtt->latest;
        m->recent_rtt_at = now;
    }
    if (m->recent_rtt < m->least_rtt || now > m->least_rtt_at + LEAST_RTT_KEPT) {
        m->least_rtt = m->recent_rtt;
        m->least_rtt_at = m->recent_rtt_at;
    }
    return is_old;
}
