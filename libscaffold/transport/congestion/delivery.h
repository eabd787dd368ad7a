/* How fast a path delivers (draft-ietf-ccwg-bbr 4.1, before that draft-cheng-iccrg-delivery-rate-
 * estimation): what was delivered is counted, each packet that leaves takes the counts along, and
 * its acknowledgement compares. What was sent while the application, or the peer's window, had no
 * more to send says how fast that was, not the path: such samples are marked. */
#ifndef SC_TRANSPORT_CONGESTION_DELIVERY_H
#define SC_TRANSPORT_CONGESTION_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

/* What a packet takes along. Of counts the lower bits: it is asked how much came since. */
struct sc_delivery_mark {
    uint32_t delivered;
    uint32_t lost;
    uint32_t in_flight;        /* bytes, this packet's among them */
    uint32_t since_delivered;  /* microseconds from the latest delivery until it was sent */
    uint32_t since_first : 31; /* and from the first packet of what was delivered then */
    uint32_t limited : 1;      /* not the path held it up */
};

/* What the newest of the packets acknowledged shows. Bytes. */
struct sc_delivery_sample {
    uint64_t rate;      /* per second; 0: not to be told */
    uint64_t prior;     /* delivered until it was sent, in all */
    uint64_t delivered; /* since then */
    uint64_t lost;      /* since then */
    uint64_t in_flight; /* when it was sent, itself among them */
    bool limited;
};

/* A packet that was lost. */
struct sc_delivery_loss {
    uint64_t number;
    uint64_t size;
    uint64_t lost;      /* since it was sent, itself among them */
    uint64_t in_flight; /* as above */
    bool limited;
};

/* All zero: nothing was sent yet. */
struct sc_delivery {
    uint64_t delivered;
    uint64_t lost;
    sc_time delivered_at;
    sc_time first_sent; /* when the newest packet delivered was sent, or the first of a flight */
    uint64_t limited_until; /* limited while no more than this is delivered; 0: not limited */
    struct {                /* the newest packet acknowledged since the last sample */
        bool any;
        sc_time sent_at;
        struct sc_delivery_mark mark;
    } newest;
};

/* A packet leaves. in_flight: bytes before it. */
void sc_delivery_on_sent(struct sc_delivery *d, struct sc_delivery_mark *mark, size_t size,
                         uint64_t in_flight, sc_time now);

/* One was acknowledged, also after it had been taken for lost. */
void sc_delivery_on_acked(struct sc_delivery *d, const struct sc_delivery_mark *mark, size_t size,
                          sc_time sent_at, sc_time now);

/* One was lost; fills all but the number. */
void sc_delivery_on_lost(struct sc_delivery *d, const struct sc_delivery_mark *mark, size_t size,
                         struct sc_delivery_loss *out);

/* Nothing waits, and the path would let it go: what is sent from here on, until all that is in
 * flight is delivered, is limited. */
void sc_delivery_on_dry(struct sc_delivery *d, uint64_t in_flight);

/* What the packets acknowledged since the last call show. least: the path's least round trip; what
 * seems to have taken less time is no measurement. */
void sc_delivery_take(struct sc_delivery *d, sc_time least, struct sc_delivery_sample *out);

#endif
