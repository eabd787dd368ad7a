#include "client/process/cookies.h"

#include <errno.h>
#include <sys/socket.h>

#include "client/process/real.h"

#define NEIGHBOURS 8

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

static uint64_t *slot(const struct sc_cookie_table *t, uint64_t cookie, unsigned n)
{
    uint64_t hash = (cookie * 0x9e3779b97f4a7c15u) >> 32;
    size_t index = (hash + n) & (SC_COOKIES_MAX - 1);
    return (uint64_t *)(void *)((char *)t->entries + index * t->size);
}

static uint64_t cookie_of(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

void *sc_cookie_find(const struct sc_cookie_table *t, uint64_t cookie)
{
    for (unsigned n = 0; cookie && n < NEIGHBOURS; n++)
        if (cookie_of(slot(t, cookie, n)) == cookie)
            return slot(t, cookie, n);
    return NULL;
}

void *sc_cookie_choose(const struct sc_cookie_table *t, uint64_t cookie)
{
    uint64_t *oldest = slot(t, cookie, 0);
    for (unsigned n = 1; n < NEIGHBOURS; n++)
        if (cookie_of(slot(t, cookie, n)) < cookie_of(oldest))
            oldest = slot(t, cookie, n);
    return oldest;
}
