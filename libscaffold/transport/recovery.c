#include "transport/recovery.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"

#define ROOM_FIRST 16
/* Entries: a maximal window of the smallest datagrams four times over. */
#define ROOM_MAX 65536
#define ACKED_RANGES 64
/* RFC 9002 6.1: three packets, 9/8 of a round trip. */
#define PACKET_THRESHOLD 3
#define TIME_THRESHOLD 9
/* Reordering that we put up with: RFC 8985 6.2 lets the window grow to a round trip. */
#define PACKET_THRESHOLD_MAX 1024
#define TIME_THRESHOLD_MAX 16
/* RFC 8985 6.2: rounds of loss without reordering until the thresholds fall back. */
#define QUIET_ROUNDS 16
/* RFC 9002 7.6.1. */
#define PERSISTENT_PTOS 3
/* Backoff ends here: when a path comes back its flows go on within seconds, long before their
 * peer would be given up (SC_PEER_DEAD_AFTER). */
#define PTO_MAX (5 * SC_SECOND)

void sc_recovery_init(struct sc_recovery *r)
{
    *r = (struct sc_recovery){.loss_time = SC_NEVER,
                              .packet_threshold = PACKET_THRESHOLD,
                              .time_threshold = TIME_THRESHOLD};
    sc_ranges_init(&r->acked, ACKED_RANGES);
}

void sc_recovery_fini(struct sc_recovery *r)
{
    free(r->ring);
    r->ring = NULL;
    r->room = 0;
    sc_ranges_fini(&r->acked);
}

static struct sc_sent *entry(const struct sc_recovery *r, uint64_t number)
{
    return &r->ring[number & (r->room - 1)];
}

static bool outstanding(const struct sc_sent *p)
{
    return (p->flags & SC_SENT_ELICITING) && !(p->flags & (SC_SENT_DONE | SC_SENT_LOST));
}

/* --- the ring --------------------------------------------------------------------------------- */

static bool resize(struct sc_recovery *r, size_t room)
{
    struct sc_sent *ring = malloc(room * sizeof *ring);
    if (!ring)
        return false;
    for (uint64_t n = r->low; n < r->next; n++)
        ring[n & (room - 1)] = *entry(r, n);
    free(r->ring);
    r->ring = ring;
    r->room = room;
    return true;
}

bool sc_recovery_has_room(const struct sc_recovery *r, size_t count)
{
    return r->next - r->low + count <= ROOM_MAX;
}

bool sc_recovery_reserve(struct sc_recovery *r, size_t count)
{
    size_t need = (size_t)(r->next - r->low) + count;
    if (need <= r->room)
        return true;
    if (!sc_recovery_has_room(r, count))
        return false;
    size_t room = r->room ? r->room : ROOM_FIRST;
    while (room < need)
        room *= 2;
    return resize(r, room);
}

static void give_back(struct sc_recovery *r)
{
    size_t used = (size_t)(r->next - r->low);
    if (used == 0) {
        free(r->ring);
        r->ring = NULL;
        r->room = 0;
        sc_ranges_fini(&r->acked);
        sc_ranges_init(&r->acked, ACKED_RANGES);
    } else if (r->room > ROOM_FIRST && used < r->room / 8) {
        resize(r, r->room / 4);
    }
}

/* Lets go of entries that nobody will ask for: done, or lost so long ago that none will come. */
static void forget(struct sc_recovery *r, const struct sc_rtt *rtt, sc_time now)
{
    while (r->oldest < r->next && !outstanding(entry(r, r->oldest)))
        r->oldest++;
    sc_time keep = 3 * rtt->smoothed + SC_RTT_GRANULARITY;
    uint64_t low = r->low;
    while (r->low < r->oldest) {
        const struct sc_sent *p = entry(r, r->low);
        if ((p->flags & SC_SENT_LOST) && !(p->flags & SC_SENT_DONE) && p->at + keep > now)
            break;
        r->low++;
    }
    if (r->low == low)
        return;
    sc_ranges_remove(&r->acked, 0, r->low); /* cuts from below: cannot fail */
    give_back(r);
}

void sc_recovery_on_sent(struct sc_recovery *r, const struct sc_sent *p)
{
    bool eliciting = (p->flags & SC_SENT_ELICITING) != 0;
    if (!eliciting && r->low == r->next) {
        r->low = r->oldest = ++r->next;
        give_back(r);
        return;
    }
    assert(r->next - r->low < r->room);
    struct sc_sent *e = entry(r, r->next++);
    *e = *p;
    if (!eliciting) {
        e->flags |= SC_SENT_DONE;
        return;
    }
    r->in_flight += p->size;
    r->outstanding++;
    r->last_sent = p->at;
}

static void leave_flight(struct sc_recovery *r, const struct sc_sent *p)
{
    r->in_flight -= p->size;
    r->outstanding--;
}

/* --- reordering ------------------------------------------------------------------------------- */

static sc_time round_trip(const struct sc_rtt *rtt)
{
    return rtt->sampled ? sc_time_max(rtt->latest, rtt->smoothed) : rtt->smoothed;
}

static sc_time loss_delay(const struct sc_recovery *r, const struct sc_rtt *rtt)
{
    return sc_time_max(round_trip(rtt) * r->time_threshold / 8, SC_RTT_GRANULARITY);
}

/* A packet that was declared lost has arrived: be as patient as would have been right. */
static void learn_patience(struct sc_recovery *r, uint64_t number, const struct sc_sent *p,
                           const struct sc_rtt *rtt, sc_time now)
{
    uint64_t distance = r->largest_acked > number ? r->largest_acked - number + 1 : 1;
    if (distance > r->packet_threshold)
        r->packet_threshold =
            distance < PACKET_THRESHOLD_MAX ? (uint32_t)distance : PACKET_THRESHOLD_MAX;
    uint64_t eighths = (now - p->at) * 8 / round_trip(rtt) + 1;
    if (eighths > r->time_threshold)
        r->time_threshold = eighths < TIME_THRESHOLD_MAX ? (uint32_t)eighths : TIME_THRESHOLD_MAX;
}

static void begin_round(struct sc_recovery *r, uint64_t number)
{
    r->rounds_quiet = r->round_spurious > 0 ? 0 : r->rounds_quiet + 1;
    if (r->rounds_quiet >= QUIET_ROUNDS) {
        r->packet_threshold = PACKET_THRESHOLD;
        r->time_threshold = TIME_THRESHOLD;
    }
    r->round_first = number;
    r->round_end = r->next;
    r->round_lost = r->round_spurious = 0;
}

static bool in_round(const struct sc_recovery *r, uint64_t number)
{
    return number >= r->round_first && number < r->round_end;
}

/* --- acknowledgement -------------------------------------------------------------------------- */

/* What the steps of one acknowledgement share. */
struct turn {
    const struct sc_recovery_ops *ops;
    void *owner;
    const struct sc_rtt *rtt;
    struct sc_recovery_news *news;
    sc_time now;
};

static void on_spurious(struct sc_recovery *r, uint64_t number, const struct sc_sent *p,
                        const struct turn *t)
{
    if (p->flags & SC_SENT_MTU_PROBE)
        return;
    learn_patience(r, number, p, t->rtt, t->now);
    if (in_round(r, number) && ++r->round_spurious == r->round_lost)
        t->news->undo = true;
}

static void acknowledge(struct sc_recovery *r, uint64_t number, const struct turn *t)
{
    struct sc_sent *p = entry(r, number);
    struct sc_recovery_news *news = t->news;
    if (!news->any || number > news->largest) {
        news->any = true;
        news->largest = number;
        news->largest_sent = p->at;
    }
    if (p->flags & SC_SENT_DONE)
        return;
    if (p->flags & SC_SENT_ECT)
        news->acked_ect++;
    bool spurious = (p->flags & SC_SENT_LOST) != 0;
    if (spurious) {
        on_spurious(r, number, p, t);
    } else {
        leave_flight(r, p);
        news->acked_bytes += p->size;
    }
    news->any_eliciting = true;
    p->flags |= SC_SENT_DONE;
    t->ops->acked(t->owner, p, spurious);
}

/* Looks at the numbers of [from, to) that were not known to be acknowledged. */
static void acknowledge_range(struct sc_recovery *r, uint64_t from, uint64_t to,
                              const struct turn *t)
{
    uint64_t at = from;
    for (size_t i = 0; at < to && i < r->acked.count; i++) {
        struct sc_range known = r->acked.range[i];
        for (; at < known.from && at < to; at++)
            acknowledge(r, at, t);
        if (at < known.to)
            at = known.to;
    }
    for (; at < to; at++)
        acknowledge(r, at, t);
    if (from < to && sc_ranges_add(&r->acked, from, to)) {
        sc_ranges_drop_lowest(&r->acked); /* it will be looked at again, that is all */
        sc_ranges_add(&r->acked, from, to);
    }
}

/* --- loss ------------------------------------------------------------------------------------- */

static void declare_lost(struct sc_recovery *r, uint64_t number, const struct turn *t)
{
    struct sc_sent *p = entry(r, number);
    leave_flight(r, p);
    p->flags |= SC_SENT_LOST;
    if (!(p->flags & SC_SENT_MTU_PROBE)) {
        if (number >= r->round_end)
            begin_round(r, number);
        r->round_lost++;
        t->news->congestion = true;
        t->news->lost_sent = p->at;
        t->news->lost_packets++;
    }
    t->ops->lost(t->owner, number, p);
}

/* RFC 9002 6.1. Packets are in the order of sending: the first that is not lost ends the search. */
static void detect(struct sc_recovery *r, const struct turn *t)
{
    sc_time delay = loss_delay(r, t->rtt);
    sc_time run_start = SC_NEVER; /* of losses without an acknowledgement between them */
    r->loss_time = SC_NEVER;
    for (uint64_t n = r->oldest; n < r->largest_acked; n++) {
        const struct sc_sent *p = entry(r, n);
        if (!outstanding(p)) {
            if ((p->flags & SC_SENT_DONE) && (p->flags & SC_SENT_ELICITING))
                run_start = SC_NEVER;
            continue;
        }
        if (n + r->packet_threshold > r->largest_acked && p->at + delay > t->now) {
            r->loss_time = p->at + delay;
            break;
        }
        declare_lost(r, n, t);
        run_start = sc_time_min(run_start, p->at);
        if (t->rtt->sampled && p->at - run_start > PERSISTENT_PTOS * sc_rtt_pto(t->rtt))
            t->news->persistent = true;
    }
}

int sc_recovery_on_ack(struct sc_recovery *r, const struct sc_ack *ack, struct sc_rtt *rtt,
                       const struct sc_recovery_ops *ops, void *owner,
                       struct sc_recovery_news *news, sc_time now)
{
    *news = (struct sc_recovery_news){0};
    if (ack->largest >= r->next)
        return -EPROTO;
    struct turn t = {.ops = ops, .owner = owner, .rtt = rtt, .news = news, .now = now};
    if (!r->any_acked || ack->largest > r->largest_acked)
        r->largest_acked = ack->largest;
    r->any_acked = true;
    for (size_t i = 0; i < ack->count && ack->range[i].to > r->low; i++) {
        uint64_t from = ack->range[i].from > r->low ? ack->range[i].from : r->low;
        acknowledge_range(r, from, ack->range[i].to, &t);
    }
    /* RFC 9002 5.1. */
    if (news->any_eliciting && news->largest == ack->largest)
        sc_rtt_sample(rtt, now - news->largest_sent, ack->delay_us);
    if (news->any_eliciting)
        r->timeouts = 0;
    detect(r, &t);
    forget(r, rtt, now);
    return 0;
}

/* --- timers ----------------------------------------------------------------------------------- */

sc_time sc_recovery_deadline(const struct sc_recovery *r, const struct sc_rtt *rtt)
{
    if (r->loss_time != SC_NEVER)
        return r->loss_time;
    if (r->outstanding == 0)
        return SC_NEVER;
    sc_time pto = sc_rtt_pto(rtt);
    for (unsigned i = 0; i < r->timeouts && pto < PTO_MAX; i++)
        pto *= 2;
    return r->last_sent + sc_time_min(pto, sc_time_max(PTO_MAX, sc_rtt_pto(rtt)));
}

bool sc_recovery_on_timer(struct sc_recovery *r, const struct sc_rtt *rtt,
                          const struct sc_recovery_ops *ops, void *owner,
                          struct sc_recovery_news *news, sc_time now)
{
    *news = (struct sc_recovery_news){0};
    if (now < sc_recovery_deadline(r, rtt))
        return false;
    if (r->loss_time == SC_NEVER) {
        r->timeouts++;
        r->last_sent = now; /* the next one counts from here, even if nothing can be sent */
        return true;
    }
    struct turn t = {.ops = ops, .owner = owner, .rtt = rtt, .news = news, .now = now};
    detect(r, &t);
    forget(r, rtt, now);
    return false;
}

const struct sc_sent *sc_recovery_oldest(const struct sc_recovery *r)
{
    for (uint64_t n = r->oldest; n < r->next; n++)
        if (outstanding(entry(r, n)))
            return entry(r, n);
    return NULL;
}

void sc_recovery_abandon(struct sc_recovery *r)
{
    r->low = r->oldest = r->next;
    r->in_flight = 0;
    r->outstanding = 0;
    r->loss_time = SC_NEVER;
    r->timeouts = 0;
    give_back(r);
}
