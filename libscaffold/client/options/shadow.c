#include "client/options/shadow.h"

#include <stddef.h>

#include "client/process/cookies.h"
#include "client/process/marks.h"

struct entry {
    uint64_t cookie;
    struct sc_option_set keys;
    int value[SC_SHADOW_OPTIONS];
};

static struct entry entries[SC_COOKIES_MAX];
static const struct sc_cookie_table table = {entries, sizeof *entries};

static struct sc_option_set touched[SC_DESCRIPTORS_MAX];

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

static struct entry *claim(uint64_t cookie)
{
    struct entry *e = sc_cookie_find(&table, cookie);
    if (e)
        return e;
    e = sc_cookie_choose(&table, cookie);
    for (unsigned i = 0; i < SC_OPTION_WORDS; i++)
        STORE(e->keys.word[i], 0);
    STORE(e->cookie, cookie);
    return e;
}

static void add(struct sc_option_set *s, unsigned key)
{
    __atomic_fetch_or(&s->word[key / 64], 1ull << key % 64, __ATOMIC_RELEASE);
}

static struct sc_option_set load(const struct sc_option_set *s)
{
    struct sc_option_set copy;
    for (unsigned i = 0; i < SC_OPTION_WORDS; i++)
        copy.word[i] = LOAD(s->word[i]);
    return copy;
}

int sc_option_set_next(const struct sc_option_set *s, unsigned from)
{
    for (; from < 64 * SC_OPTION_WORDS; from = (from / 64 + 1) * 64) {
        uint64_t left = s->word[from / 64] >> from % 64;
        if (left)
            return (int)from + __builtin_ctzll(left);
    }
    return -1;
}

/* --- of services, by cookie ------------------------------------------------------------------- */

void sc_shadow_set(uint64_t cookie, unsigned key, int value)
{
    if (cookie == 0)
        return;
    struct entry *e = claim(cookie);
    STORE(e->value[key], value);
    add(&e->keys, key);
}

bool sc_shadow_get(uint64_t cookie, unsigned key, int *value)
{
    const struct entry *e = sc_cookie_find(&table, cookie);
    if (!e || !(LOAD(e->keys.word[key / 64]) >> key % 64 & 1))
        return false;
    *value = LOAD(e->value[key]);
    return LOAD(e->cookie) == cookie; /* not evicted meanwhile */
}

struct sc_option_set sc_shadow_set_of(uint64_t cookie)
{
    const struct entry *e = sc_cookie_find(&table, cookie);
    return e ? load(&e->keys) : (struct sc_option_set){0};
}

/* --- of plain sockets, by number -------------------------------------------------------------- */

static bool in_table(int fd)
{
    return fd >= 0 && fd < SC_DESCRIPTORS_MAX;
}

static bool is_touched(int fd, unsigned key)
{
    return LOAD(touched[fd].word[key / 64]) >> key % 64 & 1;
}

/* Stores only where something changes: most pages of the table are never written. */
static void set_all(int fd, const struct sc_option_set *s)
{
    for (unsigned i = 0; i < SC_OPTION_WORDS; i++)
        if (LOAD(touched[fd].word[i]) != s->word[i])
            STORE(touched[fd].word[i], s->word[i]);
}

void sc_touched_begin(int fd)
{
    struct sc_option_set seen = {0};
    sc_option_set_add(&seen, SC_OPTION_SEEN);
    if (in_table(fd))
        set_all(fd, &seen);
}

void sc_touched_forget(int fd)
{
    if (in_table(fd))
        set_all(fd, &(struct sc_option_set){0});
}

void sc_touched_duplicate(int fd, int to)
{
    if (!in_table(fd) || !in_table(to))
        return;
    sc_touched_undo(fd, SC_OPTION_SEEN);
    sc_touched_undo(to, SC_OPTION_SEEN);
    struct sc_option_set s = load(&touched[fd]);
    sc_option_set_each(key, &s) sc_touched_note(to, (unsigned)key);
}

void sc_touched_note(int fd, unsigned key)
{
    if (in_table(fd) && !is_touched(fd, key))
        add(&touched[fd], key);
}

void sc_touched_undo(int fd, unsigned key)
{
    if (in_table(fd) && is_touched(fd, key))
        __atomic_fetch_and(&touched[fd].word[key / 64], ~(1ull << key % 64), __ATOMIC_RELEASE);
}

struct sc_option_set sc_touched(int fd)
{
    return in_table(fd) ? load(&touched[fd]) : (struct sc_option_set){0};
}
