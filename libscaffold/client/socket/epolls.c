#include "client/socket/epolls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client/process/descriptors.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/real.h"

#define SLOTS 2 /* epoll sets that hold one socket at a time; two already is rare */

/* One registration in two words, each written at once. `where` is epfd + 1 and the events; 0: none.
 */
struct slot {
    uint64_t where;
    uint64_t data;
};

static struct slot slots[SC_DESCRIPTORS_MAX][SLOTS];

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static uint64_t where_of(int epfd, uint32_t events)
{
    return (uint64_t)(uint32_t)(epfd + 1) << 32 | events;
}

static int epfd_of(uint64_t where)
{
    return (int)(where >> 32) - 1;
}

/* The slot of this set, else a free one, else NULL. */
static struct slot *choose(int epfd, int fd)
{
    struct slot *empty = NULL;
    for (int i = 0; i < SLOTS; i++) {
        uint64_t where = load(&slots[fd][i].where);
        if (where && epfd_of(where) == epfd)
            return &slots[fd][i];
        if (!where)
            empty = &slots[fd][i];
    }
    return empty;
}

static void record(int epfd, int fd, const struct epoll_event *event)
{
    struct slot *s = choose(epfd, fd);
    if (!s) {
        sc_mark_set(fd, SC_MARK_EPOLLS);
        return;
    }
    store(&s->data, event->data.u64);
    store(&s->where, where_of(epfd, event->events));
}

static void forget(int epfd, int fd)
{
    for (int i = 0; i < SLOTS; i++)
        if (epfd_of(load(&slots[fd][i].where)) == epfd)
            store(&slots[fd][i].where, 0);
}

int sc_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    int r = sc_next.epoll_ctl(epfd, op, fd, event);
    if (r < 0 || fd < 0 || fd >= SC_DESCRIPTORS_MAX)
        return r;
    if (op == EPOLL_CTL_DEL)
        forget(epfd, fd);
    else
        record(epfd, fd, event);
    return r;
}

/* --- sets that the table does not know -------------------------------------------------------- */

static const char *read_field(const char *line, const char *end, const char *key, int base,
                              uint64_t *out)
{
    const char *at = memmem(line, (size_t)(end - line), key, strlen(key));
    if (!at)
        return NULL;
    at += strlen(key);
    while (at < end && *at == ' ')
        at++;
    for (*out = 0; at<end && * at> ' '; at++) {
        int digit = *at <= '9' ? *at - '0' : *at - 'a' + 10;
        *out = *out * (unsigned)base + (unsigned)digit;
    }
    return at;
}

/* A line of /proc/self/fdinfo of an epoll set: "tfd: 5 events: 19 data: 5 pos:0 ..." */
static void read_line(const char *line, const char *end, int epfd, struct sc_registrations *r)
{
    uint64_t tfd, events, data;
    if (!read_field(line, end, "tfd:", 10, &tfd) || tfd != (uint64_t)r->fd ||
        !read_field(line, end, "events:", 16, &events) ||
        !read_field(line, end, "data:", 16, &data))
        return;
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].epfd == epfd)
            return;
    if (r->count < SC_REGISTRATIONS_MAX)
        r->list[r->count++] = (struct sc_registration){epfd, (uint32_t)events, data};
}

/* "/proc/self/" kind number */
static void proc_path(char path[40], const char *kind, int fd)
{
    char digits[12];
    size_t n = 0, at = strlen(kind);
    memcpy(path, kind, at);
    do {
        digits[n++] = (char)('0' + fd % 10);
        fd /= 10;
    } while (fd);
    while (n)
        path[at++] = digits[--n];
    path[at] = 0;
}

static bool is_set(int fd)
{
    static const char expected[] = "anon_inode:[eventpoll]";
    char path[40], link[sizeof expected];
    proc_path(path, "/proc/self/fd/", fd);
    return sc_kernel(SYS_readlinkat, AT_FDCWD, path, link, sizeof link) == (long)strlen(expected) &&
           memcmp(link, expected, strlen(expected)) == 0;
}

static void read_set(void *arg, int epfd)
{
    char text[4096], path[40];
    size_t have = 0;
    if (!is_set(epfd))
        return;
    proc_path(path, "/proc/self/fdinfo/", epfd);
    int info = sc_kernel_open(path, O_RDONLY | O_CLOEXEC);
    if (info < 0)
        return;
    for (;;) {
        ssize_t n = sc_real.read(info, text + have, sizeof text - have);
        if (n <= 0)
            break;
        have += (size_t)n;
        char *line = text, *end;
        while ((end = memchr(line, '\n', have - (size_t)(line - text))) != NULL) {
            read_line(line, end, epfd, arg);
            line = end + 1;
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
    }
    sc_real.close(info);
}

/* --- taking out and putting in ---------------------------------------------------------------- */

static void collect(int fd, struct sc_registrations *r)
{
    *r = (struct sc_registrations){.fd = fd};
    if (fd >= SC_DESCRIPTORS_MAX || sc_mark_is_set(fd, SC_MARK_EPOLLS) || !sc_real_sees_all()) {
        sc_descriptors_each(read_set, r);
        return;
    }
    for (int i = 0; i < SLOTS; i++) {
        uint64_t where = load(&slots[fd][i].where);
        if (where)
            r->list[r->count++] =
                (struct sc_registration){epfd_of(where), (uint32_t)where, load(&slots[fd][i].data)};
    }
}

void sc_registrations_take(int fd, struct sc_registrations *r)
{
    int kept = errno;
    size_t valid = 0;
    collect(fd, r);
    for (size_t i = 0; i < r->count; i++) {
        /* The kernel knows whether the record is still true. */
        if (sc_real.epoll_ctl(r->list[i].epfd, EPOLL_CTL_DEL, fd, NULL) == 0)
            r->list[valid++] = r->list[i];
        else if (fd < SC_DESCRIPTORS_MAX)
            forget(r->list[i].epfd, fd);
    }
    r->count = valid;
    errno = kept;
}

void sc_registrations_put(const struct sc_registrations *r)
{
    int kept = errno;
    for (size_t i = 0; i < r->count; i++) {
        struct epoll_event event = {.events = r->list[i].events, .data.u64 = r->list[i].data};
        sc_real.epoll_ctl(r->list[i].epfd, EPOLL_CTL_ADD, r->fd, &event);
    }
    errno = kept;
}
