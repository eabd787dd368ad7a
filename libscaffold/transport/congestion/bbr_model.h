/* What BBR believes of a path (draft-ietf-ccwg-bbr 5.5): how fast it delivers, how long it takes
 * with no queue on it, what it has delivered under the latest losses, and how unevenly its
 * acknowledgements come. Facts go in; what to do about them is bbr.c's. Rates are bytes per second.
 *
 * A round is the time in which all is delivered that was in flight when it began. A round of losses
 * begins with the first loss after the last one was over. */
#ifndef SC_TRANSPORT_CONGESTION_BBR_MODEL_H
#define SC_TRANSPORT_CONGESTION_BBR_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct sc_acked;
struct sc_delivery_sample;

struct sc_bbr_model {
    uint64_t delivered; /* when the latest acknowledgement came */

    uint64_t round_end; /* over when what was sent after this was delivered is acknowledged */
    uint64_t rounds;
    bool round_start; /* the latest acknowledgement began one */

    uint64_t loss_round_end;
    bool loss_round_start;
    bool loss_in_round;
    bool marked_in_round; /* by the path (ECN) */

    /* Of this cycle of probing for bandwidth, and of the last one: the most of both is believed. */
    uint64_t rate, rate_before;
    /* What recent losses allow for the time being; UINT64_MAX: there were none. */
    uint64_t rate_short, inflight_short;
    uint64_t rate_latest, inflight_latest; /* of this round of losses */
    struct {                               /* as remembered */
        uint64_t rate_short, inflight_short;
    } prior;

    /* Whether the path is full: it does not deliver faster, whatever is sent. */
    uint64_t plateau;
    unsigned plateau_rounds;
    bool full;     /* since the last sc_bbr_model_look_anew */
    bool was_full; /* ever */

    sc_time least_rtt, least_rtt_at; /* SC_NEVER: none was measured */
    sc_time recent_rtt, recent_rtt_at;

    struct { /* acknowledged beyond the rate that is believed, since `since` */
        sc_time since;
        uint64_t acked;
        uint64_t most, most_before; /* of these EXTRA_ROUNDS rounds, and of those before them */
        uint64_t turned;            /* in that round */
    } extra;
};

void sc_bbr_model_init(struct sc_bbr_model *m);

/* An acknowledgement; `s` is its sample as the caller wants it to be understood. probing: losses
 * are what was asked for, and do not bound anything here. */
void sc_bbr_model_on_acked(struct sc_bbr_model *m, const struct sc_acked *a,
                           const struct sc_delivery_sample *s, bool probing, uint64_t cwnd,
                           sc_time now);

/* To be called when all else was done about it. */
void sc_bbr_model_on_done(struct sc_bbr_model *m, const struct sc_delivery_sample *s);

/* Its round trip. True: none as short as the recent least has come for long, so that it takes an
 * empty queue to measure it. */
bool sc_bbr_model_on_rtt(struct sc_bbr_model *m, const struct sc_acked *a, sc_time now);

/* Losses beyond this share of what was in flight: that was too much (2.4). */
#define SC_BBR_LOSS_MOST 0.02

static inline bool sc_bbr_model_is_too_much(uint64_t lost, uint64_t in_flight)
{
    return (double)lost > SC_BBR_LOSS_MOST * (double)in_flight;
}

/* What losses have allowed so far is remembered, for sc_bbr_model_on_spurious. */
void sc_bbr_model_remember(struct sc_bbr_model *m);

/* Something was lost. */
void sc_bbr_model_on_lost(struct sc_bbr_model *m);

/* A queue on the path is long: as with losses that are too many, in this round of them. */
void sc_bbr_model_on_marked(struct sc_bbr_model *m);

/* The losses since sc_bbr_model_remember were mere reordering. */
void sc_bbr_model_on_spurious(struct sc_bbr_model *m);

/* A round begins here. */
void sc_bbr_model_start_round(struct sc_bbr_model *m);

/* Another cycle: what was delivered in the one before the last is forgotten. */
void sc_bbr_model_next_cycle(struct sc_bbr_model *m);

/* What losses have allowed is forgotten... */
void sc_bbr_model_forget_losses(struct sc_bbr_model *m);

/* ...and what is delivered in this round of them. */
void sc_bbr_model_forget_round(struct sc_bbr_model *m);

/* The path is asked again whether it is full, beginning with this rate. */
void sc_bbr_model_look_anew(struct sc_bbr_model *m, uint64_t rate);

/* The most that the path delivers, and what it delivers under the latest losses. */
uint64_t sc_bbr_model_most(const struct sc_bbr_model *m);
uint64_t sc_bbr_model_rate(const struct sc_bbr_model *m);

/* Bytes that acknowledgements which come all at once may need beside what the path holds. */
uint64_t sc_bbr_model_extra(const struct sc_bbr_model *m);

#endif
