#include "crypto/window.h"

#define WORDS (sizeof((struct sc_window *)0)->seen / sizeof(uint64_t))

static uint64_t *word_of(struct sc_window *w, uint64_t number)
{
    return &w->seen[number / 64 % WORDS];
}

static uint64_t bit_of(uint64_t number)
{
    return (uint64_t)1 << number % 64;
}

bool sc_window_fits(const struct sc_window *w, uint64_t number)
{
    if (number >= w->next)
        return number != UINT64_MAX; /* nobody's: `next` could not say it */
    if (w->next - number > SC_WINDOW)
        return false;
    return (w->seen[number / 64 % WORDS] & bit_of(number)) == 0;
}

/* One word more than the window is long: the one that is cleared next has nothing of it left. */
void sc_window_take(struct sc_window *w, uint64_t number)
{
    uint64_t last = w->next ? (w->next - 1) / 64 : 0, word = number / 64;
    for (uint64_t i = last + 1; i <= word && i <= last + WORDS; i++)
        w->seen[i % WORDS] = 0;
    if (number >= w->next)
        w->next = number + 1;
    *word_of(w, number) |= bit_of(number);
}
