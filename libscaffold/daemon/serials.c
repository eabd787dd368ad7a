#include "daemon/serials.h"

#include <stdlib.h>
#include <sys/random.h>

/* At start the kernel's generator is ready, or this waits for it; up to 256 bytes never come short
 * (getrandom(2)). */
static void draw(struct sc_serials *s)
{
    const size_t half = sizeof s->drawn / 2;
    char *at = (char *)s->drawn;
    if (getrandom(at, half, 0) != (ssize_t)half || getrandom(at + half, half, 0) != (ssize_t)half)
        abort(); /* no name would be safe */
    s->left = sizeof s->drawn / sizeof *s->drawn;
}

uint64_t sc_serial(struct sc_serials *s)
{
    uint64_t one;
    do {
        if (s->left == 0)
            draw(s);
        one = s->drawn[--s->left];
    } while (one == 0);
    return one;
}
