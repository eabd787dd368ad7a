/* Entropy that is none: the same bytes for the same seed. */
#ifndef TESTS_CRYPTO_DRAWN_H
#define TESTS_CRYPTO_DRAWN_H

#include "base/rng.h"
#include "crypto/entropy.h"

static inline void drawn_fill(void *rng, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)sc_rng_next(rng);
}

/* `rng` is the caller's, seeded, and lasts as long as what is given the result. */
static inline struct sc_entropy drawn_from(struct sc_rng *rng)
{
    return (struct sc_entropy){.fill = drawn_fill, .context = rng};
}

#endif
