#include "client/process/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/process/kernel.h"
#include "client/process/real.h"

static bool duplicated;
static bool signals;

/* "12", or -1 for "." and "..". */
static int number_of(const char *name)
{
    int value = 0;
    if (*name < '0' || *name > '9')
        return -1;
    for (; *name >= '0' && *name <= '9'; name++)
        value = value * 10 + (*name - '0');
    return value;
}

int sc_descriptors_each(void (*each)(void *arg, int fd), void *arg)
{
    _Alignas(struct dirent64) char room[4096];
    int dir = sc_kernel_open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -1;
    for (;;) {
        ssize_t n = sc_kernel(SYS_getdents64, dir, room, sizeof room);
        if (n <= 0)
            break;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(room + at);
            int fd = number_of(entry->d_name);
            if (fd >= 0 && fd != dir)
                each(arg, fd);
            at += entry->d_reclen;
        }
    }
    sc_real.close(dir);
    return 0;
}

struct search {
    int fd;
    struct stat socket;
    int *out;
    size_t count;
    size_t room;
};

static void compare(void *arg, int fd)
{
    struct search *s = arg;
    struct stat st;
    if (fd != s->fd && s->count < s->room && sc_kernel_fstat(fd, &st) == 0 &&
        st.st_ino == s->socket.st_ino && st.st_dev == s->socket.st_dev)
        s->out[s->count++] = fd;
}

size_t sc_duplicates(int fd, int *out, size_t room)
{
    struct search s = {.fd = fd, .out = out, .room = room};
    int kept = errno;
    bool any = __atomic_load_n(&duplicated, __ATOMIC_RELAXED) || !sc_real_sees_all();
    if (any && sc_kernel_fstat(fd, &s.socket) == 0)
        sc_descriptors_each(compare, &s);
    errno = kept;
    return s.count;
}

void sc_note_duplicate(void)
{
    __atomic_store_n(&duplicated, true, __ATOMIC_RELAXED);
}

bool sc_any_signals(void)
{
    return __atomic_load_n(&signals, __ATOMIC_RELAXED) || !sc_real_sees_all();
}

void sc_note_signals(void)
{
    __atomic_store_n(&signals, true, __ATOMIC_RELAXED);
}
