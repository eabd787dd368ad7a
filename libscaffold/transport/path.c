#include "transport/path.h"

#include "base/limits.h"

void sc_path_init(struct sc_path *p, const struct sc_congestion_ops *ops, struct sc_rng *rng,
                  size_t datagram_limit, sc_time now)
{
    *p = (struct sc_path){0};
    sc_rtt_init(&p->rtt);
    sc_pmtu_init(&p->pmtu, datagram_limit);
    sc_congestion_init(&p->congestion, ops, p->pmtu.size, rng);
    sc_pacer_init(&p->pacer, now);
}

/* --- what may leave --------------------------------------------------------------------------- */

uint64_t sc_path_window(const struct sc_path *p, uint64_t in_flight, uint64_t waiting)
{
    uint64_t cwnd = p->congestion.cwnd;
    if (in_flight == 0)
        return cwnd > p->pmtu.size ? cwnd : p->pmtu.size;
    uint64_t left = cwnd > in_flight ? cwnd - in_flight : 0;
    uint64_t least = waiting < p->pmtu.size ? waiting : p->pmtu.size;
    return left >= least ? left : 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t sc_path_allowance(const struct sc_path *p, uint64_t in_flight, uint64_t waiting, sc_time now)
{
    size_t size = p->pmtu.size;
    size_t n = least(SC_TRAIN_BYTES / size, SC_TRAIN_SEGMENTS);
    uint64_t window = sc_path_window(p, in_flight, waiting);
    uint64_t paced = sc_pacer_allowance(&p->pacer, now);
    if (window < n * size)
        n = window < size ? window > 0 : (size_t)(window / size); /* < size: it is all there is */
    if (paced < n * size)
        n = (size_t)((paced + size - 1) / size);
    return n;
}

sc_time sc_path_paced_at(const struct sc_path *p, uint64_t in_flight, uint64_t waiting)
{
    sc_time next = sc_pacer_next(&p->pacer);
    return next > 0 && sc_path_window(p, in_flight, waiting) > 0 ? next : SC_NEVER;
}

size_t sc_path_probe(const struct sc_path *p, sc_time now)
{
    /* Beside the window, not inside: a flow whose window is always full would never find room. */
    size_t size = sc_pmtu_probe(&p->pmtu, now);
    return size <= p->congestion.cwnd ? size : 0;
}

/* --- congestion ------------------------------------------------------------------------------- */

static void pace(struct sc_path *p, sc_time now)
{
    uint64_t rate = sc_congestion_pacing_rate(&p->congestion, &p->rtt);
    sc_pacer_set_rate(&p->pacer, rate, p->congestion.mss, now);
}

void sc_path_set_congestion(struct sc_path *p, const struct sc_congestion_ops *ops, sc_time now)
{
    if (p->congestion.ops == ops)
        return;
    sc_congestion_change(&p->congestion, ops);
    pace(p, now);
}

void sc_path_on_sent(struct sc_path *p, struct sc_sent *sent, uint64_t in_flight, sc_time now)
{
    if (in_flight == 0 && p->delivery.limited_until != 0) {
        sc_congestion_on_restart(&p->congestion, now);
        pace(p, now);
    }
    sc_delivery_on_sent(&p->delivery, &sent->mark, sent->size, in_flight, now);
    sc_pacer_on_sent(&p->pacer, sent->size, now);
}

void sc_path_on_dry(struct sc_path *p, uint64_t in_flight, sc_time now)
{
    if (sc_pacer_next(&p->pacer) <= now && sc_path_window(p, in_flight, p->pmtu.size) > 0)
        sc_delivery_on_dry(&p->delivery, in_flight);
}

void sc_path_on_answer(struct sc_path *p, sc_time rtt, sc_time now)
{
    if (p->rtt.sampled)
        return;
    sc_rtt_sample(&p->rtt, rtt, 0);
    pace(p, now);
}

static void judge(struct sc_path *p, const struct sc_recovery_news *news, sc_time now)
{
    if (news->undo)
        sc_congestion_on_spurious(&p->congestion);
    if (news->congestion)
        sc_congestion_on_event(&p->congestion, news->lost_sent, false, now);
    if (news->persistent)
        sc_congestion_on_persistent(&p->congestion);
}

/* Counters of 32 bits wrap within two hours at 10 Gbit/s. */
static bool is_below(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* RFC 9000 13.4.2: true when the peer reports new marks; a path that loses the marks, or a peer
 * that does not report them, ends their use. */
static bool new_marks(struct sc_path *p, const struct sc_recovery *r, const struct sc_ack *ack,
                      const struct sc_recovery_news *news)
{
    if (p->ecn.off || news->acked_ect == 0)
        return false;
    p->ecn.acked += news->acked_ect;
    if (ack->largest < r->largest_acked)
        return false; /* an old acknowledgement, overtaken */
    if (!ack->has_ecn || is_below(ack->ect0 + ack->ce, p->ecn.acked)) {
        p->ecn.off = true;
        return false;
    }
    bool more = is_below(p->ecn.ce, ack->ce);
    p->ecn.ce = ack->ce;
    return more;
}

static void grow(struct sc_path *p, const struct sc_recovery *r,
                 const struct sc_recovery_news *news, uint64_t in_flight, sc_time now)
{
    struct sc_acked a = {.bytes = news->acked_bytes,
                         .largest = news->largest,
                         .sent_at = news->largest_sent,
                         .next = r->next,
                         .in_flight = in_flight,
                         .left = r->in_flight,
                         .rtt_fresh = news->any_eliciting,
                         .rtt = &p->rtt};
    sc_delivery_take(&p->delivery, p->rtt.least, &a.sample);
    sc_congestion_on_acked(&p->congestion, &a, now);
}

void sc_path_on_ack(struct sc_path *p, const struct sc_recovery *r, const struct sc_ack *ack,
                    const struct sc_recovery_news *news, uint64_t in_flight, sc_time now)
{
    judge(p, news, now);
    if (new_marks(p, r, ack, news))
        sc_congestion_on_event(&p->congestion, news->largest_sent, true, now);
    if (news->any_eliciting)
        sc_pmtu_on_progress(&p->pmtu);
    if (news->acked_bytes > 0)
        grow(p, r, news, in_flight, now);
    pace(p, now);
}

void sc_path_on_lost(struct sc_path *p, const struct sc_recovery_news *news, sc_time now)
{
    judge(p, news, now);
    pace(p, now);
}

/* --- size of packets -------------------------------------------------------------------------- */

static void resized(struct sc_path *p)
{
    sc_congestion_set_mss(&p->congestion, p->pmtu.size);
}

void sc_path_on_packet_acked(struct sc_path *p, const struct sc_sent *sent, sc_time now)
{
    sc_delivery_on_acked(&p->delivery, &sent->mark, sent->size, sent->at, now);
    if (!(sent->flags & SC_SENT_MTU_PROBE))
        return;
    sc_pmtu_on_probe_acked(&p->pmtu, sent->size, now);
    resized(p);
}

void sc_path_on_packet_lost(struct sc_path *p, uint64_t number, const struct sc_sent *sent,
                            sc_time now)
{
    struct sc_delivery_loss loss = {.number = number};
    if (sent->flags & SC_SENT_MTU_PROBE) {
        sc_pmtu_on_probe_lost(&p->pmtu, sent->size, now);
        return;
    }
    sc_delivery_on_lost(&p->delivery, &sent->mark, sent->size, &loss);
    sc_congestion_on_lost(&p->congestion, &loss, now);
}

void sc_path_on_timeout(struct sc_path *p, unsigned timeouts, sc_time now)
{
    if (sc_pmtu_on_timeout(&p->pmtu, now))
        resized(p);
    if (timeouts >= 2 && p->ecn.acked == 0)
        p->ecn.off = true; /* perhaps the path drops marked packets */
}

void sc_path_on_probe_sent(struct sc_path *p, size_t size)
{
    sc_pmtu_on_probe_sent(&p->pmtu, size);
}

void sc_path_on_too_large(struct sc_path *p, size_t size, sc_time now)
{
    sc_pmtu_on_too_large(&p->pmtu, size, now);
    resized(p);
}
