/* How much of each kind a host does for others in a second. Everybody has a bucket of tokens of
 * each kind: one underlay has it where we know who is behind it, else one address (for IPv6 one
 * /64), whatever its ports. So a flooder uses up its own; a flood in many names uses up what all
 * strangers have together, and takes nothing from those we know. Pure: knows nothing of packets. */
#ifndef SC_NODE_RATES_H
#define SC_NODE_RATES_H

#include <stdbool.h>

#include "base/time.h"
#include "wire/ids.h"

enum sc_rate {
    SC_RATE_OPEN,         /* an OPEN is answered, or passed on */
    SC_RATE_CROWD,        /* a flow is half-open although there are too many of those */
    SC_RATE_REQUEST,      /* a router answers a CONTROL request */
    SC_RATE_NAME,         /* a router takes a name that it has never heard */
    SC_RATE_GREET,        /* a router answers a handshake */
    SC_RATE_GREET_PROVEN, /* ...of who has shown that he gets packets */
    SC_RATE_COOKIE,       /* ...or says how to show that */
    SC_RATE_GRANT,        /* a router checks a grant, or signs one */
    SC_RATE_DENIAL,       /* ...says which services it does not register */
    SC_RATE_PROBE,        /* PROBE draws ALIVE */
    SC_RATE_RESET,        /* RESET is sent, or a datagram back that led nowhere */
    SC_RATES,
};

/* Buckets of known hosts, and of strangers. Several may share one, by a hash that nobody outside
 * can know: with all of SC_HOSTS_MAX, one flooder slows three others down. */
#define SC_RATES_KNOWN 4096
#define SC_RATES_STRANGE 1024

/* A bucket is the time at which it will be full again; long ago: it is (the generic cell rate
 * algorithm, ITU-T I.371). So zeros are full buckets. */
struct sc_rates {
    uint64_t seed[2];
    sc_time known[SC_RATES][SC_RATES_KNOWN];
    sc_time strange[SC_RATES][SC_RATES_STRANGE];
    sc_time all_known[SC_RATES], all_strange[SC_RATES];
};

/* `r` is zeros. */
void sc_rates_init(struct sc_rates *r, const uint64_t seed[2]);

/* Takes a token of each bucket that this counts against; false, and none is taken, when one is
 * empty. */
bool sc_rates_allow(struct sc_rates *r, enum sc_rate kind, const struct sc_underlay *from,
                    bool known, sc_time now);

#endif
