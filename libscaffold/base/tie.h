/* Two objects that know each other until one of them goes. Each has a struct sc_tie; whoever goes
 * first cuts it, and both know at once. So neither can keep a pointer to what is gone. Zeros are an
 * untied one. Not thread-safe. */
#ifndef SC_BASE_TIE_H
#define SC_BASE_TIE_H

#include <assert.h>
#include <stddef.h>

struct sc_tie {
    struct sc_tie *other; /* NULL: untied */
};

/* Ties two that are untied. */
static inline void sc_tie(struct sc_tie *a, struct sc_tie *b)
{
    assert(!a->other && !b->other && a != b);
    a->other = b;
    b->other = a;
}

/* Unties both. Returns who was at the other end, or NULL. */
static inline struct sc_tie *sc_untie(struct sc_tie *a)
{
    struct sc_tie *b = a->other;
    if (b)
        b->other = NULL;
    a->other = NULL;
    return b;
}

#endif
