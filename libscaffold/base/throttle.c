#include "base/throttle.h"

/* The bucket as one time (GCRA, ITU-T I.371): nothing to refill. */
bool sc_throttle_take(struct sc_throttle *t, sc_time now)
{
    if (t->even_at < now)
        t->even_at = now;
    if (t->even_at - now > (t->burst - 1) * t->interval) {
        t->left_out++;
        return false;
    }
    t->even_at += t->interval;
    return true;
}
