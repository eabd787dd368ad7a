#include "transport/ack.h"

#include "base/limits.h"

/* A range is reported in at least this many frames, over at least this time and four round trips,
 * before it is forgotten: only the loss of all of them would have the peer send bytes twice. */
#define REPORTS 8
#define REPORT_TIME (50 * SC_MS)

void sc_ack_init(struct sc_ack_state *a)
{
    *a = (struct sc_ack_state){.deadline = SC_NEVER};
    sc_ranges_init(&a->received, SC_ACK_RANGES);
}

void sc_ack_fini(struct sc_ack_state *a)
{
    sc_ranges_fini(&a->received);
}

bool sc_ack_is_duplicate(const struct sc_ack_state *a, uint64_t number)
{
    return number < a->floor ||
           (number <= a->largest && sc_ranges_contain(&a->received, number, number + 1));
}

static void forget_below(struct sc_ack_state *a, uint64_t floor)
{
    a->floor = floor;
    sc_ranges_remove(&a->received, 0, floor); /* cuts from below: cannot fail */
}

/* Adds a number; the oldest range goes when there are too many. */
static void remember(struct sc_ack_state *a, uint64_t number)
{
    if (sc_ranges_add(&a->received, number, number + 1) == 0)
        return;
    if (a->received.count > 0)
        forget_below(a, a->received.range[0].to);
    if (number >= a->floor)
        sc_ranges_add(&a->received, number, number + 1); /* else it is lost: sent again */
}

static void count_ecn(struct sc_ack_state *a, unsigned ecn)
{
    switch (ecn & 3) {
    case 1:
        a->ect1++;
        break;
    case 2:
        a->ect0++;
        break;
    case 3:
        a->ce++;
        a->prompt = true;
        break;
    default:
        break;
    }
}

void sc_ack_on_packet(struct sc_ack_state *a, uint64_t number, bool eliciting, unsigned ecn,
                      sc_time now)
{
    bool first = a->received.count == 0 && a->floor == 0;
    bool in_order = first ? number == 0 : number == a->largest + 1;
    remember(a, number);
    if (first || number > a->largest) {
        a->largest = number;
        a->largest_at = now;
    }
    count_ecn(a, ecn);
    if (!eliciting)
        return;
    a->pending++;
    if (!in_order)
        a->prompt = true; /* RFC 9000 13.2.1 */
    if (a->deadline == SC_NEVER)
        a->deadline = now + SC_ACK_DELAY;
}

void sc_ack_settle(struct sc_ack_state *a)
{
    if (a->pending - a->patient >= 2 || (a->pending > 0 && a->prompt))
        a->due = true;
    if (a->pending > 0)
        a->prompt = false;
}

void sc_ack_on_timer(struct sc_ack_state *a, sc_time now)
{
    if (a->pending > 0 && now >= a->deadline)
        a->due = true;
}

/* Every so often what was below the last mark is forgotten, and the mark set anew. */
static void age(struct sc_ack_state *a, sc_time rtt, sc_time now)
{
    a->mark_acks++;
    if (a->received.count < 2 || a->mark_acks < REPORTS ||
        now - a->mark_at < sc_time_max(REPORT_TIME, 4 * rtt))
        return;
    if (a->mark > a->floor)
        forget_below(a, a->mark);
    a->mark = a->received.range[a->received.count - 1].from;
    a->mark_at = now;
    a->mark_acks = 0;
}

static bool has_ecn(const struct sc_ack_state *a)
{
    return (a->ect0 | a->ect1 | a->ce) != 0;
}

size_t sc_ack_len(const struct sc_ack_state *a)
{
    size_t n = a->received.count < SC_ACK_FRAME_RANGES ? a->received.count : SC_ACK_FRAME_RANGES;
    return n ? sc_ack_room(n, has_ecn(a)) : 0;
}

bool sc_ack_fill(struct sc_ack_state *a, struct sc_ack *frame, sc_time rtt, sc_time now)
{
    if (a->received.count == 0) { /* nothing to say: nothing may stay due for ever */
        a->due = false;
        return false;
    }
    age(a, rtt, now);
    sc_time delay = now > a->largest_at ? now - a->largest_at : 0;
    sc_ack_from_ranges(frame, &a->received, delay < UINT32_MAX ? (uint32_t)delay : UINT32_MAX);
    frame->has_ecn = has_ecn(a);
    frame->ect0 = a->ect0;
    frame->ect1 = a->ect1;
    frame->ce = a->ce;
    a->pending = a->patient = 0;
    a->due = false;
    a->prompt = false;
    a->deadline = SC_NEVER;
    return true;
}
