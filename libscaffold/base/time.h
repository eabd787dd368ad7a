/* Time as a value. Nothing below daemon/ reads a clock: `now` is an argument and the answer to
 * "when do you want to be called next" is a deadline. */
#ifndef SC_BASE_TIME_H
#define SC_BASE_TIME_H

#include <stdint.h>

/* Microseconds since an arbitrary origin that is fixed for the life of a process or simulation. */
typedef uint64_t sc_time;

#define SC_NEVER ((sc_time)UINT64_MAX)
#define SC_MS ((sc_time)1000)
#define SC_SECOND ((sc_time)1000000)

static inline sc_time sc_time_min(sc_time a, sc_time b)
{
    return a < b ? a : b;
}

static inline sc_time sc_time_max(sc_time a, sc_time b)
{
    return a > b ? a : b;
}

#endif
