/* What a host knows of itself and its router, for people. */
#ifndef SC_NODE_SELF_H
#define SC_NODE_SELF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct sc_stack_self {
    uint64_t address;
    uint32_t pool; /* own host's pool address; 0 until joined */
    bool is_router;
    bool joined;     /* router reachable: its last answer is younger than a lease */
    bool name_taken; /* not joined, since the router has another host of this name */
    int refused;     /* not joined, since the router cannot store this name: why, an errno; or 0 */
    uint32_t names;  /* that this host may ask for without their being served; 0: not known */
    sc_time new_until; /* the router's first answer may be on its way until then; 0: it has come */
};

#endif
