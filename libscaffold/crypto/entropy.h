/* Where random bytes come from that nobody may guess. It is given to whoever needs some, so that
 * all of a simulation follows from its seed; scaffoldd's own is daemon/entropy.h. */
#ifndef SC_CRYPTO_ENTROPY_H
#define SC_CRYPTO_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

struct sc_entropy {
    /* Fills all of `out`. There is no failure: whoever has no random bytes ends the process, since
     * keys of anything else would be worse than none. */
    void (*fill)(void *context, uint8_t *out, size_t len);
    void *context;
};

static inline void sc_entropy_fill(const struct sc_entropy *e, uint8_t *out, size_t len)
{
    e->fill(e->context, out, len);
}

#endif
