/* A rate: so many at once, then one at a time. What is refused is counted. Pure. */
#ifndef SC_BASE_THROTTLE_H
#define SC_BASE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct sc_throttle {
    unsigned burst;    /* at once, after a pause */
    sc_time interval;  /* then one in so long */
    sc_time even_at;   /* all that was taken would have been due by then, at the even rate */
    uint64_t left_out; /* refused since the owner last set it to 0 */
};

/* True when one more is within the rate. */
bool sc_throttle_take(struct sc_throttle *t, sc_time now);

#endif
