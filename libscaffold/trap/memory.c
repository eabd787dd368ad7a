#include "trap/memory.h"

#include <pthread.h>
#include <stdint.h>

#include "client/supervise.h"

struct entry {
    uint64_t cookie;
    struct sc_supervised known;
};

static struct entry entries[SC_COOKIES_MAX];
static const struct sc_cookie_table table = {entries, sizeof *entries};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct entry look_up(uint64_t cookie)
{
    pthread_mutex_lock(&lock);
    const struct entry *e = cookie ? sc_cookie_find(&table, cookie) : NULL;
    struct entry found = e ? *e : (struct entry){0};
    pthread_mutex_unlock(&lock);
    return found;
}

void sc_trap_memory_recall(int fd)
{
    struct entry e = look_up(sc_cookie(fd));
    sc_supervise_lend(fd, &e.known);
}

void sc_trap_memory_keep(int fd)
{
    struct entry now = {.cookie = sc_cookie(fd), .known = sc_supervise_take(fd)};
    pthread_mutex_lock(&lock);
    struct entry *e = now.cookie ? sc_cookie_find(&table, now.cookie) : NULL;
    if (!e && now.cookie && !sc_supervised_is_empty(&now.known))
        e = sc_cookie_choose(&table, now.cookie);
    if (e)
        *e = now;
    pthread_mutex_unlock(&lock);
}
