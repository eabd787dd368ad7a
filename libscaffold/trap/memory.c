#include "trap/memory.h"

#include <pthread.h>
#include <stdint.h>

#include "client/options/shadow.h"
#include "client/process/cookies.h"
#include "client/process/marks.h"

struct entry {
    uint64_t cookie;
    struct sc_option_set touched;
    unsigned marks;
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
    sc_marks_replace(fd, e.marks);
    sc_touched_forget(fd);
    sc_option_set_each(key, &e.touched) sc_touched_note(fd, (unsigned)key);
}

void sc_trap_memory_keep(int fd)
{
    struct entry now = {.cookie = sc_cookie(fd), .touched = sc_touched(fd), .marks = sc_marks(fd)};
    sc_marks_forget(fd);
    sc_touched_forget(fd);
    pthread_mutex_lock(&lock);
    struct entry *e = now.cookie ? sc_cookie_find(&table, now.cookie) : NULL;
    if (!e && now.cookie && (sc_option_set_next(&now.touched, 0) >= 0 || now.marks))
        e = sc_cookie_choose(&table, now.cookie);
    if (e)
        *e = now;
    pthread_mutex_unlock(&lock);
}
