/* BBR, version 3 (draft-ietf-ccwg-bbr; numbers of its sections stand beside what follows them). It
 * sends as fast as the path has been seen to deliver, and keeps about as much in flight as that
 * rate fills in a round trip without a queue. From time to time it asks for more, and for the round
 * trip.
 *
 *   STARTUP --full--> DRAIN --drained--> DOWN --drained--> CRUISE --time--> REFILL --round--> UP
 *                                         ^                                                   |
 *                                         +------------------- full, or too much -------------+
 *   any --no short round trip for 5 s--> PROBE_RTT --200 ms--> CRUISE, or STARTUP when never full
 *   DOWN --time--> REFILL              DRAIN, ... --losses were none--> STARTUP or UP, as before
 *
 * Where more than SC_BBR_LOSS_MOST of what was in flight got lost, that was too much. For the time
 * being, outside of STARTUP, REFILL and UP, such a round brings rate and window down to what was
 * delivered in it (bbr_model.c). In the long run it bounds what may be in flight. */
#include <assert.h>

#include "transport/congestion/bbr_budget.h"

/* 2.4: in Startup losses are too many only when so many ranges of packets were lost in a round. */
#define STARTUP_RANGES 6
#define BETA 0.7
/* 5.3.4.3. */
#define PROBE_RTT_TIME (200 * SC_MS)
/* 5.3.3.5: probes for more are two to three seconds apart, or this many rounds, or as many as Reno
 * would take to grow back. */
#define PROBE_WAIT (2 * SC_SECOND)
#define PROBE_WAIT_VARIES (1 * SC_SECOND)
#define PROBE_ROUNDS_MAX 63
/* ...where a pipe holds next to nothing, so many. */
#define PROBE_ROUNDS_LEAST 4
/* Doublings of what inflight.most grows by in a round. */
#define GROWTH_ROUNDS_MAX 30

#define BIT(state) (1u << (state))

/* The states that may come before. */
static const unsigned comes_after[] = {
    [SC_BBR_STARTUP] = BIT(SC_BBR_DRAIN) | BIT(SC_BBR_PROBE_RTT),
    [SC_BBR_DRAIN] = BIT(SC_BBR_STARTUP),
    [SC_BBR_DOWN] = BIT(SC_BBR_DRAIN) | BIT(SC_BBR_UP) | BIT(SC_BBR_PROBE_RTT),
    [SC_BBR_CRUISE] = BIT(SC_BBR_DOWN),
    [SC_BBR_REFILL] = BIT(SC_BBR_DOWN) | BIT(SC_BBR_CRUISE),
    [SC_BBR_UP] = BIT(SC_BBR_REFILL) | BIT(SC_BBR_DOWN) | BIT(SC_BBR_CRUISE),
    [SC_BBR_PROBE_RTT] = ~BIT(SC_BBR_PROBE_RTT),
};

static void change_state(struct sc_bbr *b, enum sc_bbr_state state)
{
    assert(comes_after[state] & BIT(b->state));
    b->state = state;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* --- the cycle of probing for bandwidth ------------------------------------------------------- */

static bool asks_for_more(const struct sc_bbr *b)
{
    return b->state == SC_BBR_STARTUP || b->state == SC_BBR_REFILL || b->state == SC_BBR_UP;
}

static void start_round(struct sc_bbr *b)
{
    sc_bbr_model_start_round(&b->model);
}

static void start_down(struct sc_congestion *c, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    change_state(b, SC_BBR_DOWN);
    sc_bbr_model_forget_round(&b->model);
    b->inflight.each = UINT64_MAX;
    b->probe.rounds = (unsigned)sc_rng_below(c->rng, 2);
    b->probe.wait = PROBE_WAIT + sc_rng_below(c->rng, PROBE_WAIT_VARIES);
    b->probe.down_at = now;
    b->samples = SC_BBR_SAMPLES_STOPPING;
    start_round(b);
}

static void start_refill(struct sc_bbr *b)
{
    change_state(b, SC_BBR_REFILL);
    sc_bbr_model_forget_losses(&b->model);
    b->inflight.rounds = 0;
    b->inflight.acked = 0;
    b->samples = SC_BBR_SAMPLES_OTHER;
    start_round(b);
}

/* 5.3.3.4: one packet in the first round, then twice as many in each. */
static void grow_faster(struct sc_congestion *c)
{
    struct sc_bbr *b = &c->bbr;
    uint64_t growth = (uint64_t)c->mss << b->inflight.rounds;
    if (b->inflight.rounds < GROWTH_ROUNDS_MAX)
        b->inflight.rounds++;
    b->inflight.each = most(c->cwnd / growth, 1);
}

static void start_up(struct sc_congestion *c, uint64_t rate)
{
    struct sc_bbr *b = &c->bbr;
    change_state(b, SC_BBR_UP);
    b->samples = SC_BBR_SAMPLES_STARTING;
    b->inflight.judging = true;
    start_round(b);
    sc_bbr_model_look_anew(&b->model, rate);
    grow_faster(c);
}

/* 5.3.3.5.2: as often as Reno would need to grow by a pipe, where that is often. */
static bool is_time_to_probe(const struct sc_congestion *c, sc_time now)
{
    const struct sc_bbr *b = &c->bbr;
    uint64_t rounds = most(sc_bbr_budget_target(c) / c->mss, PROBE_ROUNDS_LEAST);
    return now > b->probe.down_at + b->probe.wait ||
           b->probe.rounds >= least(rounds, PROBE_ROUNDS_MAX);
}

static bool is_time_to_cruise(const struct sc_congestion *c, const struct sc_acked *a)
{
    return a->left <= sc_bbr_budget_with_headroom(c) &&
           a->left <= sc_bbr_budget_full(c, sc_bbr_model_most(&c->bbr.model));
}

/* What is delivered is bounded by what may be in flight, which grows: that says nothing yet. */
static bool is_bounded_by_window(const struct sc_congestion *c)
{
    const struct sc_bbr *b = &c->bbr;
    return (b->window_full || b->window_was_full) && c->cwnd >= b->inflight.most;
}

static bool is_time_to_go_down(struct sc_congestion *c, const struct sc_delivery_sample *s)
{
    struct sc_bbr *b = &c->bbr;
    if (!is_bounded_by_window(c))
        return b->model.full;
    sc_bbr_model_look_anew(&b->model, s->rate);
    return false;
}

static void turn_cycle(struct sc_congestion *c, const struct sc_acked *a,
                       const struct sc_delivery_sample *s, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    if (b->state == SC_BBR_DOWN || b->state == SC_BBR_CRUISE) {
        if (is_time_to_probe(c, now))
            start_refill(b);
        else if (b->state == SC_BBR_DOWN && is_time_to_cruise(c, a))
            change_state(b, SC_BBR_CRUISE);
    } else if (b->state == SC_BBR_REFILL && b->model.round_start) {
        start_up(c, s->rate);
    } else if (b->state == SC_BBR_UP && is_time_to_go_down(c, s)) {
        start_down(c, now);
    }
}

/* --- how much at most, in the long run (5.5.10.2) --------------------------------------------- */

static void on_too_much(struct sc_congestion *c, uint64_t in_flight, bool limited, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    b->inflight.judging = false; /* once for each probe */
    if (!limited)
        b->inflight.most = most(in_flight, (uint64_t)(BETA * (double)sc_bbr_budget_target(c)));
    if (b->state == SC_BBR_UP)
        start_down(c, now);
}

/* How much was in flight when losses became too many, within the packet that made them so. */
static uint64_t in_flight_when_too_much(const struct sc_delivery_loss *l)
{
    double before = (double)l->in_flight - (double)l->size;
    double lost = (double)l->lost - (double)l->size;
    double rest = (SC_BBR_LOSS_MOST * before - lost) / (1 - SC_BBR_LOSS_MOST);
    double in_flight = before + (rest > 0 ? rest : 0);
    return in_flight > 0 ? (uint64_t)in_flight : 0;
}

static void grow_bound(struct sc_congestion *c, const struct sc_acked *a)
{
    struct sc_bbr *b = &c->bbr;
    if (!is_bounded_by_window(c))
        return;
    b->inflight.acked += a->bytes;
    if (b->inflight.acked >= b->inflight.each) {
        uint64_t growth = b->inflight.acked / b->inflight.each;
        b->inflight.acked -= growth * b->inflight.each;
        b->inflight.most += growth;
    }
    if (b->model.round_start)
        grow_faster(c);
}

/* What acknowledgements speak of, a round later than it is done. */
static void advance_samples(struct sc_bbr *b, const struct sc_delivery_sample *s)
{
    if (!b->model.round_start)
        return;
    if (b->samples == SC_BBR_SAMPLES_STARTING) {
        b->samples = SC_BBR_SAMPLES_PROBE;
    } else if (b->samples == SC_BBR_SAMPLES_STOPPING) {
        b->samples = SC_BBR_SAMPLES_OTHER;
        b->inflight.judging = false;
        if (sc_bbr_is_in_cycle(b) && !s->limited)
            sc_bbr_model_next_cycle(&b->model);
    }
}

static void adapt_bound(struct sc_congestion *c, const struct sc_acked *a,
                        const struct sc_delivery_sample *s, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    advance_samples(b, s);
    if (sc_bbr_model_is_too_much(s->lost, s->in_flight)) {
        if (b->inflight.judging)
            on_too_much(c, s->in_flight, s->limited, now);
        return;
    }
    if (b->inflight.most == UINT64_MAX)
        return;
    b->inflight.most = most(b->inflight.most, s->in_flight);
    if (b->state == SC_BBR_UP)
        grow_bound(c, a);
}

/* --- Startup and Drain ------------------------------------------------------------------------ */

/* 5.3.1.3: the queue overflows although what is delivered still grows. Of a flow that is held up by
 * something else, losses are no sign of that. */
static void look_for_high_loss(struct sc_congestion *c, const struct sc_delivery_sample *s)
{
    struct sc_bbr *b = &c->bbr;
    if (!b->model.loss_round_start)
        return;
    uint64_t sent = b->model.delivered - b->lost.delivered + b->lost.bytes;
    if (!s->limited && b->lost.ranges >= STARTUP_RANGES &&
        sc_bbr_model_is_too_much(b->lost.bytes, sent)) {
        b->model.was_full = true;
        uint64_t pipe = sc_bbr_budget_pipe(c, sc_bbr_model_most(&b->model));
        b->inflight.most = most(pipe, b->model.inflight_latest);
    }
    b->lost.ranges = 0;
    b->lost.bytes = 0;
    b->lost.delivered = b->model.delivered;
}

static void leave_startup(struct sc_congestion *c, const struct sc_acked *a,
                          const struct sc_delivery_sample *s, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    if (b->state == SC_BBR_STARTUP) {
        look_for_high_loss(c, s);
        if (b->model.was_full)
            change_state(b, SC_BBR_DRAIN);
    }
    if (b->state == SC_BBR_DRAIN && a->left <= sc_bbr_budget_full(c, sc_bbr_model_rate(&b->model)))
        start_down(c, now);
}

/* --- probing for the round trip (5.3.4) ------------------------------------------------------- */

static void enter_probe_rtt(struct sc_congestion *c)
{
    struct sc_bbr *b = &c->bbr;
    b->probe_rtt.cwnd = c->cwnd;
    b->probe_rtt.until = 0;
    change_state(b, SC_BBR_PROBE_RTT);
    b->samples = SC_BBR_SAMPLES_STOPPING;
    start_round(b);
}

static void leave_probe_rtt(struct sc_congestion *c, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    b->model.recent_rtt_at = now;
    c->cwnd = most(c->cwnd, b->probe_rtt.cwnd);
    sc_bbr_model_forget_losses(&b->model);
    if (!b->model.was_full) {
        change_state(b, SC_BBR_STARTUP);
        return;
    }
    start_down(c, now);
    change_state(b, SC_BBR_CRUISE);
}

static bool is_probe_rtt_over(const struct sc_bbr *b, sc_time now)
{
    return b->probe_rtt.until != 0 && now > b->probe_rtt.until;
}

/* 200 ms and a round with little in flight: then every queue of ours is gone. */
static void probe_rtt(struct sc_congestion *c, const struct sc_acked *a, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    b->limited_until = b->model.delivered + a->left; /* that little says nothing of the rate */
    if (b->probe_rtt.until == 0) {
        if (a->left > sc_bbr_budget_of_probe_rtt(c))
            return;
        b->probe_rtt.until = now + PROBE_RTT_TIME;
        b->probe_rtt.round_done = false;
        start_round(b);
        return;
    }
    b->probe_rtt.round_done |= b->model.round_start;
    if (b->probe_rtt.round_done && is_probe_rtt_over(b, now))
        leave_probe_rtt(c, now);
}

static void look_at_rtt(struct sc_congestion *c, const struct sc_acked *a, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    bool is_old = sc_bbr_model_on_rtt(&b->model, a, now);
    if (b->state != SC_BBR_PROBE_RTT && is_old && !b->restarting)
        enter_probe_rtt(c);
    if (b->state == SC_BBR_PROBE_RTT)
        probe_rtt(c, a, now);
    b->restarting = false;
}

/* --- what happens ----------------------------------------------------------------------------- */

static void init(struct sc_congestion *c)
{
    c->bbr = (struct sc_bbr){.inflight = {.most = UINT64_MAX, .each = UINT64_MAX}};
    sc_bbr_model_init(&c->bbr.model);
}

static void note_window(struct sc_congestion *c, const struct sc_acked *a)
{
    struct sc_bbr *b = &c->bbr;
    if (b->model.round_start) {
        b->window_was_full = b->window_full;
        b->window_full = false;
        b->probe.rounds++;
    }
    b->window_full |= a->in_flight + c->mss > c->cwnd;
}

static void on_acked(struct sc_congestion *c, const struct sc_acked *a, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    struct sc_delivery_sample s = a->sample;
    if (b->pacing_rate == 0)
        b->pacing_rate = sc_bbr_budget_first_rate(c, a->rtt);
    b->next = a->next;
    s.limited |= s.prior < b->limited_until;
    sc_bbr_model_on_acked(&b->model, a, &s, asks_for_more(b), c->cwnd, now);
    note_window(c, a);
    leave_startup(c, a, &s, now);
    if (b->model.was_full)
        adapt_bound(c, a, &s, now);
    turn_cycle(c, a, &s, now);
    look_at_rtt(c, a, now);
    sc_bbr_model_on_done(&b->model, &s);
    sc_bbr_budget_set(c, a->bytes);
}

/* A round of losses begins with one of what was sent since the last round began. */
static void remember(struct sc_bbr *b, uint64_t number)
{
    if (number < b->prior.end)
        return;
    b->prior.end = b->next;
    b->prior.state = b->state;
    b->prior.most = b->inflight.most;
    sc_bbr_model_remember(&b->model);
}

static void on_lost(struct sc_congestion *c, const struct sc_delivery_loss *l, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    remember(b, l->number);
    sc_bbr_model_on_lost(&b->model);
    b->lost.ranges += l->number != b->lost.next;
    b->lost.next = l->number + 1;
    b->lost.bytes += l->size;
    if (b->inflight.judging && sc_bbr_model_is_too_much(l->lost, l->in_flight))
        on_too_much(c, in_flight_when_too_much(l), l->limited, now);
}

/* Losses are judged by how many they are. A mark is a queue that is too long already: what fills
 * the pipe is enough. */
static void on_congestion(struct sc_congestion *c, bool marked, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    if (!marked)
        return;
    sc_bbr_model_on_lost(&b->model);
    sc_bbr_model_on_marked(&b->model);
    if (b->inflight.judging)
        on_too_much(c, sc_bbr_budget_pipe(c, sc_bbr_model_most(&b->model)), false, now);
}

static void on_persistent(struct sc_congestion *c)
{
    (void)c; /* the window grows back by what is acknowledged */
}

static void on_spurious(struct sc_congestion *c)
{
    struct sc_bbr *b = &c->bbr;
    sc_bbr_model_on_spurious(&b->model);
    b->inflight.most = most(b->inflight.most, b->prior.most);
    if (b->prior.state == SC_BBR_STARTUP && b->state == SC_BBR_DRAIN) {
        b->model.was_full = false;
        sc_bbr_model_look_anew(&b->model, 0);
        change_state(b, SC_BBR_STARTUP);
    } else if (b->prior.state == SC_BBR_UP &&
               (b->state == SC_BBR_DOWN || b->state == SC_BBR_CRUISE)) {
        start_up(c, b->model.rate_latest);
    }
}

/* 5.4.1: the path has had time to drain, so that it is sent at its rate at once. */
static void on_restart(struct sc_congestion *c, sc_time now)
{
    struct sc_bbr *b = &c->bbr;
    b->restarting = true;
    b->model.extra.since = now;
    b->model.extra.acked = 0;
    if (sc_bbr_is_in_cycle(b))
        sc_bbr_budget_set_rate(b, 1);
    else if (b->state == SC_BBR_PROBE_RTT && is_probe_rtt_over(b, now))
        leave_probe_rtt(c, now);
}

static uint64_t pacing_rate(const struct sc_congestion *c, const struct sc_rtt *rtt)
{
    if (!rtt->sampled)
        return 0;
    if (c->bbr.pacing_rate == 0)
        return sc_bbr_budget_first_rate(c, rtt);
    return most(c->bbr.pacing_rate, sc_bbr_budget_least_rate(c, rtt));
}

const struct sc_congestion_ops sc_bbr = {
    .name = "bbr",
    .init = init,
    .on_acked = on_acked,
    .on_congestion = on_congestion,
    .on_persistent = on_persistent,
    .on_spurious = on_spurious,
    .on_lost = on_lost,
    .on_restart = on_restart,
    .pacing_rate = pacing_rate,
};
