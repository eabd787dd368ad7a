/* Comparing secrets: how long it takes does not say where they differ. */
#ifndef SC_BASE_SECRET_H
#define SC_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool sc_secret_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    unsigned differ = 0;
    for (size_t i = 0; i < len; i++)
        differ |= (unsigned)(a[i] ^ b[i]);
    return differ == 0;
}

#endif
