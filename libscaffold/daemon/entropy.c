#include "daemon/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* A signal cuts short what is longer than 256 bytes (getrandom(2)). */
void sc_random(void *out, size_t len)
{
    for (uint8_t *at = out; len > 0;) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* no key, and no name, would be safe */
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

static void fill(void *context, uint8_t *out, size_t len)
{
    (void)context;
    sc_random(out, len);
}

const struct sc_entropy sc_entropy_kernel = {.fill = fill};
