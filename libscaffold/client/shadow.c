#include "client/shadow.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "client/real.h"

#define ENTRIES                                                                                    \
    4096 /* service sockets of one process with options of their own; a power of two               \
          */
#define NEIGHBOURS 8

struct entry {
    uint64_t cookie;
    uint64_t mask;
    int value[SC_SHADOW_OPTIONS];
};

static struct entry entries[ENTRIES];

static uint64_t touched[SC_DESCRIPTORS_MAX];

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

uint64_t sc_cookie(int fd)
{
    uint64_t cookie = 0;
    socklen_t len = sizeof cookie;
    int kept = errno;
    if (sc_real.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
        cookie = 0;
    errno = kept;
    return cookie;
}

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

/* A free entry of the neighbourhood, or the one with the lowest cookie: the oldest socket. */
static struct entry *choose(uint64_t cookie)
{
    struct entry *oldest = slot(cookie, 0);
    for (unsigned n = 0; n < NEIGHBOURS; n++) {
        struct entry *e = slot(cookie, n);
        if (LOAD(e->cookie) < LOAD(oldest->cookie))
            oldest = e;
    }
    return oldest;
}

static struct entry *claim(uint64_t cookie)
{
    struct entry *e = find(cookie);
    if (e)
        return e;
    e = choose(cookie);
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
    const struct entry *e = find(cookie);
    if (!e || !(LOAD(e->mask) >> key & 1))
        return false;
    *value = LOAD(e->value[key]);
    return LOAD(e->cookie) == cookie; /* not evicted meanwhile */
}

uint64_t sc_shadow_mask(uint64_t cookie)
{
    const struct entry *e = find(cookie);
    return e ? LOAD(e->mask) : 0;
}

void sc_touched_note(int fd, unsigned key)
{
    if (fd >= 0 && fd < SC_DESCRIPTORS_MAX)
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
