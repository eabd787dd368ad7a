/* Packets sent and not yet acknowledged, and when to take them for lost (RFC 9002 6). Facts go in
 * (sent, acknowledged, timer), verdicts come out through a small table of functions. */
#ifndef SC_TRANSPORT_RECOVERY_H
#define SC_TRANSPORT_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ranges.h"
#include "base/time.h"
#include "transport/congestion/delivery.h"
#include "transport/congestion/rtt.h"
#include "wire/frame.h"

/* What a packet carried that must reach the peer: what to do again when it is lost. */
#define SC_SENT_STREAM 0x0001u
#define SC_SENT_FIN 0x0002u
#define SC_SENT_WINDOW 0x0004u
#define SC_SENT_URGENT 0x0008u
#define SC_SENT_CONFIRM 0x0010u
#define SC_SENT_PING 0x0020u
#define SC_SENT_MTU_PROBE 0x0040u /* its loss is no sign of congestion */
#define SC_SENT_ECT 0x0080u
#define SC_SENT_ELICITING 0x007fu /* any of the above: tracked, and in flight */
/* State. */
#define SC_SENT_DONE 0x1000u /* acknowledged, or nothing to track */
#define SC_SENT_LOST 0x2000u /* declared lost; kept a while, to notice a mistake */

struct sc_sent {
    sc_time at;
    uint64_t offset : 48; /* first stream byte */
    uint64_t flags : 16;
    uint16_t len;  /* stream bytes */
    uint16_t size; /* of the datagram */
    struct sc_delivery_mark mark;
};

struct sc_recovery {
    struct sc_sent *ring; /* entry n in slot n % room; NULL while empty */
    size_t room;          /* a power of two, or 0 */
    uint64_t low;         /* entries [low, next) exist */
    uint64_t oldest;      /* no entry below is outstanding */
    uint64_t next;
    uint64_t in_flight;     /* bytes */
    size_t outstanding;     /* packets in flight */
    uint64_t largest_acked; /* valid once any_acked */
    bool any_acked;
    struct sc_ranges acked; /* numbers known to be acknowledged: spares looking at them again */
    sc_time last_sent;      /* of a packet in flight */
    sc_time loss_time;      /* SC_NEVER: none */
    unsigned timeouts;      /* PTOs in a row */
    /* Reordering, as seen by losses that were none (RFC 8985 6.2): */
    uint32_t packet_threshold;
    uint32_t time_threshold; /* eighths of a round trip */
    unsigned rounds_quiet;   /* rounds of loss without a mistake */
    uint32_t round_lost;     /* packets lost in this round ... */
    uint32_t round_spurious; /* ... that arrived after all */
    uint64_t round_first;    /* lowest number that was lost in this round */
    uint64_t round_end;      /* the loss of this number, or a higher one, begins the next */
};

struct sc_recovery_ops {
    /* Each is called with the owner's pointer. `spurious`: it had been declared lost. */
    void (*acked)(void *owner, const struct sc_sent *p, bool spurious);
    void (*lost)(void *owner, uint64_t number, const struct sc_sent *p);
};

/* What an acknowledgement brought. */
struct sc_recovery_news {
    uint64_t acked_bytes; /* that were in flight */
    uint64_t largest;     /* highest number newly acknowledged; valid if any */
    sc_time largest_sent; /* when it was sent */
    bool any;
    bool any_eliciting; /* some newly acknowledged packet had asked for it */
    uint32_t acked_ect; /* newly acknowledged packets sent with ECT */
    bool congestion;    /* packets were lost, other than MTU probes */
    sc_time lost_sent;  /* when the latest of them was sent */
    uint32_t lost_packets;
    bool persistent; /* RFC 9002 7.6 */
    bool undo;       /* every loss of the last round was a mistake */
};

void sc_recovery_init(struct sc_recovery *r);
void sc_recovery_fini(struct sc_recovery *r);

/* False: too many packets are on the way; none may be sent before some are acknowledged or lost. */
bool sc_recovery_has_room(const struct sc_recovery *r, size_t count);

/* Room for `count` further packets. False: none, or no memory. */
bool sc_recovery_reserve(struct sc_recovery *r, size_t count);

/* Records packet `next`, which sc_recovery_reserve made room for. Entries without SC_SENT_ELICITING
 * only use up the number. */
void sc_recovery_on_sent(struct sc_recovery *r, const struct sc_sent *p);

/* An acknowledgement. Returns 0, or -EPROTO when it covers numbers never sent. The rtt is sampled
 * before losses are judged. */
int sc_recovery_on_ack(struct sc_recovery *r, const struct sc_ack *ack, struct sc_rtt *rtt,
                       const struct sc_recovery_ops *ops, void *owner,
                       struct sc_recovery_news *news, sc_time now);

/* The timer. True when it was for a probe: send something (timeouts are counted). */
bool sc_recovery_on_timer(struct sc_recovery *r, const struct sc_rtt *rtt,
                          const struct sc_recovery_ops *ops, void *owner,
                          struct sc_recovery_news *news, sc_time now);

/* SC_NEVER while nothing is outstanding. */
sc_time sc_recovery_deadline(const struct sc_recovery *r, const struct sc_rtt *rtt);

/* The oldest packet outstanding, or NULL. */
const struct sc_sent *sc_recovery_oldest(const struct sc_recovery *r);

/* Forgets everything, without verdicts. Numbers go on. */
void sc_recovery_abandon(struct sc_recovery *r);

#endif
