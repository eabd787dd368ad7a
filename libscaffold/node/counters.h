/* What a stack counts. */
#ifndef SC_NODE_COUNTERS_H
#define SC_NODE_COUNTERS_H

#include <stdint.h>

#include "node/rates.h"

/* Every drop has a counter; names for status. */
struct sc_stack_counters {
    uint64_t received, sent, forwarded;
    uint64_t dropped_malformed, dropped_version, dropped_unknown_flow, dropped_unknown_address,
        dropped_hops, dropped_half_open, dropped_memory, dropped_send, dropped_table_full,
        dropped_queue, /* answers, requests and forwarded packets: no room to wait for the link */
        dropped_datagrams,  /* more than wait for the link or for the owner */
        dropped_incomplete; /* datagrams of which a fragment is missing */
    uint64_t refused, retries, resets_sent, resets_received, peers_lost, leases_expired;
    uint64_t dropped_unsealed,  /* what is taken in channels only, and came outside of one */
        dropped_unopened;       /* of a channel that is not known, of nobody who has its keys, or
                                   once more */
    uint64_t dropped_unjoined,  /* names asked for by hosts that have not joined from there */
        dropped_share,          /* by hosts that have asked for too many */
        dropped_waiting,        /* while too many wait for the disk */
        dropped_grants,         /* that are malformed, not signed, or another host's */
        addresses_reused;       /* pool addresses that another name got */
    uint64_t limited[SC_RATES]; /* not done, since there were too many of this kind */
};

#endif
