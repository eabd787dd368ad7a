/* What was received, and when to say so (RFC 9000 13.2). */
#ifndef SC_TRANSPORT_ACK_H
#define SC_TRANSPORT_ACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ranges.h"
#include "base/time.h"
#include "wire/frame.h"

struct sc_ack_state {
    struct sc_ranges received; /* packet numbers from `floor` on */
    uint64_t floor;            /* numbers below are not taken any more */
    uint64_t largest;          /* highest number received; valid while received.count > 0 */
    sc_time largest_at;
    uint32_t ect0, ect1, ce;
    unsigned pending; /* packets not yet acknowledged that want it */
    unsigned patient; /* of them, those that can wait for something to travel with */
    bool prompt;      /* something in this batch cannot wait */
    bool due;         /* acknowledge now */
    sc_time deadline; /* acknowledge then; SC_NEVER: nothing waits */
    uint64_t mark;    /* ranges below become the floor next: they were reported often enough */
    sc_time mark_at;
    unsigned mark_acks;
};

void sc_ack_init(struct sc_ack_state *a);
void sc_ack_fini(struct sc_ack_state *a);

/* True when a packet with this number was received before, or is too old to tell. Numbers are never
 * used twice, so a duplicate is the network's doing and draws no acknowledgement. */
bool sc_ack_is_duplicate(const struct sc_ack_state *a, uint64_t number);

/* A packet that was processed. `eliciting`: it wants an acknowledgement. ecn: the IP header's two
 * bits. */
void sc_ack_on_packet(struct sc_ack_state *a, uint64_t number, bool eliciting, unsigned ecn,
                      sc_time now);

/* The packet just taken cannot wait for company. */
static inline void sc_ack_promptly(struct sc_ack_state *a)
{
    a->prompt = true;
}

/* The packet just taken is no company for another: it alone, and one more, can wait. */
static inline void sc_ack_patiently(struct sc_ack_state *a)
{
    a->patient++;
}

/* End of a batch: two packets or more, a hole, congestion: now; else after SC_ACK_DELAY. */
void sc_ack_settle(struct sc_ack_state *a);

void sc_ack_on_timer(struct sc_ack_state *a, sc_time now);

/* Bytes that the frame to send now would have, at most. */
size_t sc_ack_len(const struct sc_ack_state *a);

/* Fills the frame to send now; everything received so far counts as reported. False when there is
 * nothing to report. rtt paces forgetting old ranges. */
bool sc_ack_fill(struct sc_ack_state *a, struct sc_ack *frame, sc_time rtt, sc_time now);

#endif
