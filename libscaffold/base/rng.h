/* Deterministic random numbers for choices that need no secrecy (simulation, jitter, selection):
 * xoshiro256** seeded through splitmix64 (Blackman and Vigna, 2018). Secrets come from the caller's
 * configuration instead. Not thread-safe. */
#ifndef SC_BASE_RNG_H
#define SC_BASE_RNG_H

#include <stdint.h>

struct sc_rng {
    uint64_t s[4];
};

void sc_rng_seed(struct sc_rng *r, uint64_t seed);
uint64_t sc_rng_next(struct sc_rng *r);

/* Uniform in [0, bound); bound > 0. */
uint64_t sc_rng_below(struct sc_rng *r, uint64_t bound);

/* Uniform in [0, 1). */
double sc_rng_unit(struct sc_rng *r);

#endif
