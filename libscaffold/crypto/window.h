/* Which numbers have been there, of the last SC_WINDOW of them: the algorithm of RFC 6479. Asked
 * before a packet is opened, told after: a forged one moves nothing. */
#ifndef SC_CRYPTO_WINDOW_H
#define SC_CRYPTO_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* More than what can overtake a packet on its way: at 10 Gbit/s, 10 ms of packets. */
#define SC_WINDOW 8192

/* Zeros: nothing has been there. */
struct sc_window {
    uint64_t next; /* larger than all that have */
    uint64_t seen[SC_WINDOW / 64 + 1];
};

/* False when it has been there, or is too old to tell. */
bool sc_window_fits(const struct sc_window *w, uint64_t number);

/* It has been there. It fits. */
void sc_window_take(struct sc_window *w, uint64_t number);

#endif
