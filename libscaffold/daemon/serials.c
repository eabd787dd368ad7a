#include "daemon/serials.h"

#include "daemon/entropy.h"

uint64_t sc_serial(struct sc_serials *s)
{
    uint64_t one;
    do {
        if (s->left == 0) {
            sc_random(s->drawn, sizeof s->drawn);
            s->left = sizeof s->drawn / sizeof *s->drawn;
        }
        one = s->drawn[--s->left];
    } while (one == 0);
    return one;
}
