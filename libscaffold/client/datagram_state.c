#include "client/datagram_state.h"

#include <stddef.h>
#include <string.h>

/* Datagram sockets of one process that are connected; a power of two. */
#define ENTRIES 4096
#define NEIGHBOURS 8
#define WORDS ((sizeof(struct sc_datagram_state) + 7) / 8)

/* A reader takes what it read for true if `version` was even and the same before and after. */
struct entry {
    uint64_t cookie;
    uint64_t version;
    uint64_t word[WORDS];
};

static struct entry entries[ENTRIES];

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

static struct entry *slot(uint64_t cookie, unsigned n)
{
    uint64_t hash = (cookie * 0x9e3779b97f4a7c15u) >> 32;
    return &entries[(hash + n) & (ENTRIES - 1)];
}

static struct entry *find(uint64_t cookie)
{
    for (unsigned n = 0; cookie && n < NEIGHBOURS; n++)
        if (LOAD(slot(cookie, n)->cookie) == cookie)
            return slot(cookie, n);
    return NULL;
}

/* A free entry of the neighbourhood, or that of the oldest socket. */
static struct entry *choose(uint64_t cookie)
{
    struct entry *oldest = slot(cookie, 0);
    for (unsigned n = 1; n < NEIGHBOURS; n++)
        if (LOAD(slot(cookie, n)->cookie) < LOAD(oldest->cookie))
            oldest = slot(cookie, n);
    return oldest;
}

bool sc_datagram_state_get(uint64_t cookie, struct sc_datagram_state *s)
{
    const struct entry *e = find(cookie);
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
    struct entry *e = find(cookie);
    if (!e)
        e = choose(cookie);
    memcpy(word, s, sizeof *s);
    uint64_t version = LOAD(e->version) | 1;
    STORE(e->version, version);
    STORE(e->cookie, cookie);
    for (size_t i = 0; i < WORDS; i++)
        STORE(e->word[i], word[i]);
    STORE(e->version, version + 1);
}
