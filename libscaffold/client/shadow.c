#include "client/shadow.h"

#include <stddef.h>

#include "client/cookies.h"

struct entry {
    uint64_t cookie;
    uint64_t mask;
    int value[SC_SHADOW_OPTIONS];
};

static struct entry entries[SC_COOKIES_MAX];
static const struct sc_cookie_table table = {entries, sizeof *entries};

static uint64_t touched[SC_DESCRIPTORS_MAX];

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

static struct entry *claim(uint64_t cookie)
{
    struct entry *e = sc_cookie_find(&table, cookie);
    if (e)
        return e;
    e = sc_cookie_choose(&table, cookie);
    STORE(e->mask, 0);
    STORE(e->cookie, cookie);
    return e;
}

void sc_shadow_set(uint64_t cookie, unsigned key, int value)
{
    if (cookie == 0)
        return;
    struct entry *e = claim(cookie);
    STORE(e->value[key], value);
    __atomic_fetch_or(&e->mask, 1ull << key, __ATOMIC_RELEASE);
}

bool sc_shadow_get(uint64_t cookie, unsigned key, int *value)
{
    const struct entry *e = sc_cookie_find(&table, cookie);
    if (!e || !(LOAD(e->mask) >> key & 1))
        return false;
    *value = LOAD(e->value[key]);
    return LOAD(e->cookie) == cookie; /* not evicted meanwhile */
}

uint64_t sc_shadow_mask(uint64_t cookie)
{
    const struct entry *e = sc_cookie_find(&table, cookie);
    return e ? LOAD(e->mask) : 0;
}

void sc_touched_note(int fd, unsigned key)
{
    if (fd >= 0 && fd < SC_DESCRIPTORS_MAX && !(LOAD(touched[fd]) >> key & 1))
        __atomic_fetch_or(&touched[fd], 1ull << key, __ATOMIC_RELEASE);
}

void sc_touched_forget(int fd)
{
    if (fd >= 0 && fd < SC_DESCRIPTORS_MAX && LOAD(touched[fd]))
        STORE(touched[fd], 0);
}

uint64_t sc_touched_mask(int fd)
{
    return fd >= 0 && fd < SC_DESCRIPTORS_MAX ? LOAD(touched[fd]) : 0;
}
