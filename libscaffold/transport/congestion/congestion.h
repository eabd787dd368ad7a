/* How much may be in flight, and how fast it is sent. Controls are const tables of functions, each
 * with its state in the union; what all have in common (one event per round of losses, the window's
 * floor) is here. Loss-based ones share window.h; what the others go by is measured by delivery.h.
 *
 *   cubic     RFC 9438
 *   newreno   RFC 9002 7.3 */
#ifndef SC_TRANSPORT_CONGESTION_CONGESTION_H
#define SC_TRANSPORT_CONGESTION_CONGESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "transport/congestion/delivery.h"
#include "transport/congestion/rtt.h"

/* RFC 9002 7.2: initial and least window, in packets. */
#define SC_CWND_INITIAL 10
#define SC_CWND_LEAST 2

struct sc_congestion;

/* One acknowledgement frame's worth of news. */
struct sc_acked {
    uint64_t bytes;     /* newly acknowledged, of packets that were in flight */
    uint64_t largest;   /* highest packet number newly acknowledged */
    sc_time sent_at;    /* when that was sent */
    uint64_t next;      /* number of the next packet to be sent */
    uint64_t in_flight; /* before this acknowledgement */
    uint64_t left;      /* in flight after it, and after what it showed to be lost */
    bool rtt_fresh;     /* rtt->latest was measured by this acknowledgement */
    const struct sc_rtt *rtt;
    struct sc_delivery_sample sample;
};

struct sc_congestion_ops {
    const char *name;
    void (*init)(struct sc_congestion *c);
    void (*on_acked)(struct sc_congestion *c, const struct sc_acked *a, sc_time now);
    /* Once per round of losses, or of marks by the path (ECN). */
    void (*on_congestion)(struct sc_congestion *c, bool marked, sc_time now);
    void (*on_persistent)(struct sc_congestion *c); /* RFC 9002 7.6; cwnd is set by the caller */
    void (*on_spurious)(struct sc_congestion *c);   /* the last reduction was a mistake */
    /* Each packet lost; NULL: how many they are does not matter. */
    void (*on_lost)(struct sc_congestion *c, const struct sc_delivery_loss *loss, sc_time now);
    /* A packet leaves after nothing was in flight, for want of anything to send; NULL: as any. */
    void (*on_restart)(struct sc_congestion *c, sc_time now);
    /* Bytes per second; 0: there is no round trip yet to spread anything over. */
    uint64_t (*pacing_rate)(const struct sc_congestion *c, const struct sc_rtt *rtt);
};

/* HyStart++ (RFC 9406). */
struct sc_hystart {
    uint64_t round_end; /* the round ends when this number is acknowledged */
    sc_time last_least; /* of the last round */
    sc_time least;      /* of this round */
    sc_time recent;     /* of the latest `samples` */
    sc_time baseline;   /* while in conservative slow start, else 0 */
    unsigned samples;
    unsigned css_rounds;
};

struct sc_cubic {
    double w_max;   /* bytes */
    double w_epoch; /* cwnd when the epoch began */
    double w_est;
    double k;      /* seconds */
    sc_time epoch; /* 0: none */
    sc_time last_acked;
    struct sc_hystart hystart;
    struct { /* as before the last reduction, for undoing it */
        uint64_t cwnd, ssthresh;
        double w_max;
    } prior;
};

struct sc_newreno {
    uint64_t credit; /* acknowledged bytes not yet turned into growth */
    struct {
        uint64_t cwnd, ssthresh;
    } prior;
};

struct sc_congestion {
    const struct sc_congestion_ops *ops;
    uint64_t cwnd;
    uint64_t ssthresh; /* UINT64_MAX: not known */
    size_t mss;        /* datagram size */
    bool limited;      /* the window was what stopped the last train */
    bool recovering;   /* a reduction happened; packets sent until then belong to it */
    sc_time recovery_start;
    struct sc_rng *rng; /* for flows not to do the same at the same time */
    union {
        struct sc_cubic cubic;
        struct sc_newreno newreno;
    };
};

extern const struct sc_congestion_ops sc_cubic;
extern const struct sc_congestion_ops sc_newreno;

/* "cubic", "reno" (or "newreno"); NULL when unknown. */
const struct sc_congestion_ops *sc_congestion_find(const char *name);

/* ops NULL: CUBIC. `rng` is the caller's. */
void sc_congestion_init(struct sc_congestion *c, const struct sc_congestion_ops *ops, size_t mss,
                        struct sc_rng *rng);

void sc_congestion_set_mss(struct sc_congestion *c, size_t mss);

void sc_congestion_on_acked(struct sc_congestion *c, const struct sc_acked *a, sc_time now);

/* A packet that is no probe of the path's MTU was lost. */
void sc_congestion_on_lost(struct sc_congestion *c, const struct sc_delivery_loss *loss,
                           sc_time now);

/* A packet leaves after nothing was in flight, for want of anything to send. */
void sc_congestion_on_restart(struct sc_congestion *c, sc_time now);

/* Loss, or a CE mark, of a packet sent at `sent_at`. True when this began a new round. */
bool sc_congestion_on_event(struct sc_congestion *c, sc_time sent_at, bool marked, sc_time now);
void sc_congestion_on_persistent(struct sc_congestion *c);

/* Every loss of the last round has turned out to be mere reordering. */
void sc_congestion_on_spurious(struct sc_congestion *c);

/* Bytes per second; 0: unlimited, since there is no round trip to spread anything over. */
uint64_t sc_congestion_pacing_rate(const struct sc_congestion *c, const struct sc_rtt *rtt);

static inline bool sc_congestion_slow_start(const struct sc_congestion *c)
{
    return c->cwnd < c->ssthresh;
}

#endif
