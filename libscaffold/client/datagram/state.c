#include "client/datagram/state.h"

#include <stddef.h>
#include <string.h>

#include "client/process/cookies.h"

#define WORDS ((sizeof(struct sc_datagram_state) + 7) / 8)

/* A reader takes what it read for true if `version` was even and the same before and after. */
struct entry {
    uint64_t cookie;
    uint64_t version;
    uint64_t word[WORDS];
};

static struct entry entries[SC_COOKIES_MAX];
static const struct sc_cookie_table table = {entries, sizeof *entries};

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

bool sc_datagram_state_get(uint64_t cookie, struct sc_datagram_state *s)
{
    const struct entry *e = sc_cookie_find(&table, cookie);
    uint64_t word[WORDS];
    memset(s, 0, sizeof *s);
    if (!e)
        return false;
    uint64_t version = LOAD(e->version);
    for (size_t i = 0; i < WORDS; i++)
        word[i] = LOAD(e->word[i]);
    /* A writer at work, perhaps the very call that a signal handler of ours interrupted: unknown.
     */
    if (version & 1 || LOAD(e->version) != version || LOAD(e->cookie) != cookie)
        return false;
    memcpy(s, word, sizeof *s);
    return true;
}

void sc_datagram_state_set(uint64_t cookie, const struct sc_datagram_state *s)
{
    uint64_t word[WORDS] = {0};
    if (cookie == 0)
        return;
    struct entry *e = sc_cookie_find(&table, cookie);
    if (!e)
        e = sc_cookie_choose(&table, cookie);
    memcpy(word, s, sizeof *s);
    uint64_t version = LOAD(e->version) | 1;
    STORE(e->version, version);
    STORE(e->cookie, cookie);
    for (size_t i = 0; i < WORDS; i++)
        STORE(e->word[i], word[i]);
    STORE(e->version, version + 1);
}
