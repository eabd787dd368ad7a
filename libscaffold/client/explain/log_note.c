#include "client/explain/log_note.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "client/process/cookies.h"
#include "client/process/log_file.h"

static unsigned forks;

static void count_fork(void)
{
    __atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
}

__attribute__((constructor(104))) static void watch_forks(void)
{
    if (sc_log_on())
        pthread_atfork(NULL, count_fork, count_fork);
}

bool sc_log_may_be_shared(const struct sc_log_note *n)
{
    return n->forks != __atomic_load_n(&forks, __ATOMIC_RELAXED);
}

#define NOTES 4096 /* open sockets of one process; a power of two */
#define NEIGHBOURS 8

static struct sc_log_note notes[NOTES];

static struct sc_log_note *slot(uint64_t cookie, unsigned n)
{
    uint64_t hash = (cookie * 0x9e3779b97f4a7c15u) >> 32;
    return &notes[(hash + n) & (NOTES - 1)];
}

struct sc_log_note *sc_log_find_note(uint64_t cookie)
{
    for (unsigned n = 0; n < NEIGHBOURS; n++)
        if (__atomic_load_n(&slot(cookie, n)->cookie, __ATOMIC_ACQUIRE) == cookie)
            return slot(cookie, n);
    return NULL;
}

/* The oldest of the neighbourhood, which has the lowest cookie, gives way. */
static struct sc_log_note *make_note(uint64_t cookie)
{
    struct sc_log_note *oldest = slot(cookie, 0);
    for (unsigned n = 1; n < NEIGHBOURS; n++)
        if (slot(cookie, n)->cookie < oldest->cookie)
            oldest = slot(cookie, n);
    __atomic_store_n(&oldest->cookie, 0, __ATOMIC_RELEASE);
    *oldest = (struct sc_log_note){.forks = __atomic_load_n(&forks, __ATOMIC_RELAXED)};
    __atomic_store_n(&oldest->cookie, cookie, __ATOMIC_RELEASE);
    return oldest;
}

struct sc_log_note *sc_log_take_note(uint64_t cookie)
{
    struct sc_log_note *known = sc_log_find_note(cookie);
    return known ? known : make_note(cookie);
}

void sc_log_failed(int fd, int error)
{
    int kept = errno;
    struct sc_log_note *n = sc_log_find_note(sc_cookie(fd));
    if (n) {
        n->error = error;
        n->failed_call = "connect";
    }
    errno = kept;
}

void sc_log_unreset(int fd)
{
    int kept = errno;
    struct sc_log_note *n = sc_log_find_note(sc_cookie(fd));
    if (n)
        n->unreset = true;
    errno = kept;
}
