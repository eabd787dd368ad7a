#include "transport/congestion/delivery.h"

#define SINCE_FIRST_MAX (UINT32_MAX >> 1)

static uint32_t at_most(sc_time t, uint32_t most)
{
    return t < most ? (uint32_t)t : most;
}

void sc_delivery_on_sent(struct sc_delivery *d, struct sc_delivery_mark *mark, size_t size,
                         uint64_t in_flight, sc_time now)
{
    if (in_flight == 0)
        d->first_sent = d->delivered_at = now;
    *mark = (struct sc_delivery_mark){
        .delivered = (uint32_t)d->delivered,
        .lost = (uint32_t)d->lost,
        .in_flight = (uint32_t)(in_flight + size),
        .since_delivered = at_most(now - d->delivered_at, UINT32_MAX),
        .since_first = at_most(now - d->first_sent, SINCE_FIRST_MAX) & SINCE_FIRST_MAX,
        .limited = d->limited_until != 0,
    };
}

/* Of packets that left together the last one: it had the others in flight. */
static bool is_newer(const struct sc_delivery *d, const struct sc_delivery_mark *mark,
                     sc_time sent_at)
{
    if (!d->newest.any || sent_at != d->newest.sent_at)
        return !d->newest.any || sent_at > d->newest.sent_at;
    return mark->in_flight > d->newest.mark.in_flight;
}

void sc_delivery_on_acked(struct sc_delivery *d, const struct sc_delivery_mark *mark, size_t size,
                          sc_time sent_at, sc_time now)
{
    d->delivered += size;
    d->delivered_at = now;
    if (!is_newer(d, mark, sent_at))
        return;
    d->newest.any = true;
    d->newest.sent_at = sent_at;
    d->newest.mark = *mark;
    d->first_sent = sc_time_max(d->first_sent, sent_at);
}

void sc_delivery_on_lost(struct sc_delivery *d, const struct sc_delivery_mark *mark, size_t size,
                         struct sc_delivery_loss *out)
{
    d->lost += size;
    out->size = size;
    out->lost = (uint32_t)d->lost - mark->lost;
    out->in_flight = mark->in_flight;
    out->limited = mark->limited;
}

void sc_delivery_on_dry(struct sc_delivery *d, uint64_t in_flight)
{
    uint64_t until = d->delivered + in_flight;
    d->limited_until = until > 0 ? until : 1;
}

void sc_delivery_take(struct sc_delivery *d, sc_time least, struct sc_delivery_sample *out)
{
    const struct sc_delivery_mark *m = &d->newest.mark;
    *out = (struct sc_delivery_sample){0};
    if (d->delivered > d->limited_until)
        d->limited_until = 0;
    if (!d->newest.any)
        return;
    d->newest.any = false;
    out->delivered = (uint32_t)d->delivered - m->delivered;
    out->prior = d->delivered - out->delivered;
    out->lost = (uint32_t)d->lost - m->lost;
    out->in_flight = m->in_flight;
    out->limited = m->limited;
    /* Acknowledgements come in bursts, and packets may leave in bursts: the slower of both. */
    sc_time acked = d->delivered_at - d->newest.sent_at + m->since_delivered;
    sc_time interval = sc_time_max(acked, m->since_first);
    if (interval > 0 && interval >= least)
        out->rate = out->delivered * SC_SECOND / interval;
}
