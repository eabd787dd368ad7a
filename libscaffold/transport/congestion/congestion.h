/* How much may be in flight, and how fast it is sent. Controls are const tables of functions, each
 * with its state in the union; what all have in common (one event per round of losses, the window's
 * floor) is here. Loss-based ones share window.h; what the others go by is measured by delivery.h.
 *
 *   cubic     RFC 9438
 *   newreno   RFC 9002 7.3
 *   bbr       draft-ietf-ccwg-bbr, on its model of the path (bbr_model.h) */
#ifndef SC_TRANSPORT_CONGESTION_CONGESTION_H
#define SC_TRANSPORT_CONGESTION_CONGESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "transport/congestion/bbr_model.h"
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

/* What BBR is doing; see bbr.c. */
enum sc_bbr_state {
    SC_BBR_STARTUP,
    SC_BBR_DRAIN,
    SC_BBR_DOWN,
    SC_BBR_CRUISE,
    SC_BBR_REFILL,
    SC_BBR_UP,
    SC_BBR_PROBE_RTT,
};

/* Since the last probe for more: what acknowledgements speak of. */
enum sc_bbr_samples {
    SC_BBR_SAMPLES_OTHER,    /* nothing of the probe */
    SC_BBR_SAMPLES_STARTING, /* the probe has begun, what is acknowledged was sent before */
    SC_BBR_SAMPLES_PROBE,    /* the probe */
    SC_BBR_SAMPLES_STOPPING, /* the probe is over, what is acknowledged was sent within */
};

struct sc_bbr {
    enum sc_bbr_state state;
    enum sc_bbr_samples samples;
    struct sc_bbr_model model;
    uint64_t pacing_rate;   /* bytes per second; 0: not set yet */
    uint64_t limited_until; /* samples of packets sent before this was delivered tell nothing */
    bool restarting;        /* from idleness: no round trip need be probed for */
    bool window_full;       /* the window bounded what was in flight, in this round... */
    bool window_was_full;   /* ...and in the last */
    struct {                /* how much may be in flight at most, by what was lost */
        uint64_t most;      /* UINT64_MAX: not known */
        bool judging;       /* what is acknowledged may have been too much */
        unsigned rounds;    /* of growth */
        uint64_t acked;     /* bytes acknowledged and not yet turned into growth... */
        uint64_t each;      /* ...of which so many make one byte */
    } inflight;
    struct { /* losses of a round, in Startup */
        unsigned ranges;
        uint64_t next; /* the number after the last one lost */
        uint64_t bytes;
        uint64_t delivered; /* when it began */
    } lost;
    struct { /* probing for bandwidth */
        sc_time down_at;
        sc_time wait;
        unsigned rounds; /* since the last probe */
    } probe;
    struct {           /* PROBE_RTT */
        sc_time until; /* 0: there is still too much in flight */
        bool round_done;
        uint64_t cwnd; /* before */
    } probe_rtt;
    uint64_t next;    /* packet number at the latest acknowledgement */
    struct {          /* as before the last round of losses, for undoing them */
        uint64_t end; /* the number from which on a loss begins the next round */
        enum sc_bbr_state state;
        uint64_t most;
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
        struct sc_bbr bbr;
    };
};

extern const struct sc_congestion_ops sc_cubic;
extern const struct sc_congestion_ops sc_newreno;
extern const struct sc_congestion_ops sc_bbr;

/* "cubic", "reno" (or "newreno") or "bbr"; NULL when unknown. */
const struct sc_congestion_ops *sc_congestion_find(const char *name);

/* ops NULL: CUBIC. `rng` is the caller's. */
void sc_congestion_init(struct sc_congestion *c, const struct sc_congestion_ops *ops, size_t mss,
                        struct sc_rng *rng);

/* By another control from here on, which begins with the window as it is. */
void sc_congestion_change(struct sc_congestion *c, const struct sc_congestion_ops *ops);

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
