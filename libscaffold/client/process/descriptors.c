#include "client/process/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "client/explain/log.h"
#include "client/options/shadow.h"
#include "client/process/control.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/real.h"

static uint16_t marks[SC_DESCRIPTORS_MAX];
static bool duplicated;
static bool signals;

static bool in_table(int fd)
{
    return fd >= 0 && fd < SC_DESCRIPTORS_MAX;
}

void sc_mark_set(int fd, unsigned which)
{
    if (in_table(fd))
        __atomic_fetch_or(&marks[fd], (uint16_t)which, __ATOMIC_RELAXED);
}

void sc_mark_clear(int fd, unsigned which)
{
    if (in_table(fd))
        __atomic_fetch_and(&marks[fd], (uint16_t)~which, __ATOMIC_RELAXED);
}

unsigned sc_marks(int fd)
{
    return in_table(fd) ? __atomic_load_n(&marks[fd], __ATOMIC_RELAXED) : 0;
}

bool sc_mark_is_set(int fd, unsigned which)
{
    return sc_marks(fd) & which;
}

void sc_marks_replace(int fd, unsigned which)
{
    if (in_table(fd))
        __atomic_store_n(&marks[fd], (uint16_t)which, __ATOMIC_RELAXED);
}

void sc_marks_forget(int fd)
{
    if (sc_marks(fd))
        sc_marks_replace(fd, 0);
}

/* --- whose table this is ------------------------------------------------------------------------
 */

static pid_t owner; /* 0: who asks first */

/* A process without a service's socket does not ask who it is before it has one. */
__attribute__((constructor(104))) void sc_descriptors_take_over(void)
{
    owner = sc_any_service_socket() || sc_log_on() ? sc_kernel_getpid() : 0;
}

void sc_descriptors_note_owner(void)
{
    if (owner == 0)
        owner = sc_kernel_getpid();
}

/* Between vfork and exec a child has its own descriptors and its parent's memory: what it closes
 * is still open where the table belongs to. */
bool sc_is_vfork_child(void)
{
    sc_descriptors_note_owner();
    return sc_kernel_getpid() != owner;
}

/* Who has no service does not know whether this is such a child, whose parent may have been passed
 * one under this number: that is looked at, whoever it is of, with the first service. */
void sc_marks_begin(int fd, bool ip)
{
    bool kept = sc_any_service_socket() ? sc_is_vfork_child() : sc_marks(fd) & SC_MARK_PASSED;
    if (!kept)
        sc_marks_replace(fd, ip && sc_real_sees_all() ? SC_MARK_PLAIN : 0u);
}

/* --- listing ------------------------------------------------------------------------------------
 */

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

/* --- making duplicates ---------------------------------------------------------------------------
 */

/* These numbers stand for nothing any more. Between vfork and exec their marks are still the
 * parent's, which is a question to the kernel, and not asked where no socket of ours is among them:
 * then only what is believed without a look goes, and costs a parent no more than time. */
static void forget_range(unsigned first, unsigned last)
{
    unsigned all = 0;
    for (unsigned fd = first; fd <= last && fd < SC_DESCRIPTORS_MAX; fd++)
        all |= sc_marks((int)fd);
    bool ours = all & ~(unsigned)SC_MARKS_OF_OTHERS;
    if (all == 0 || (ours && sc_is_vfork_child()))
        return;
    for (unsigned fd = first; fd <= last && fd < SC_DESCRIPTORS_MAX; fd++)
        if (sc_marks((int)fd))
            sc_mark_clear((int)fd, ours ? ~0u : SC_MARK_PLAIN);
}

static void forget_number(int fd)
{
    if (in_table(fd))
        forget_range((unsigned)fd, (unsigned)fd);
}

/* `to` stands for the same socket as `fd` now. */
static int note_duplicate(int fd, int to)
{
    if (to < 0 || to == fd)
        return to;
    __atomic_store_n(&duplicated, true, __ATOMIC_RELAXED);
    sc_touched_duplicate(fd, to);
    unsigned kept = sc_marks(fd) & SC_MARKS_OF_DATAGRAM;
    forget_number(to);
    if (kept && !sc_is_vfork_child())
        sc_marks_replace(to, kept);
    if (sc_mark_is_set(fd, SC_MARK_PASSED))
        sc_mark_set(to, SC_MARK_PASSED);
    return to;
}

int sc_dup(int fd)
{
    return note_duplicate(fd, sc_next.dup(fd));
}

/* What duplicating does to the descriptor that is replaced. */
static void log_overwritten(int fd, int to)
{
    if (fd != to && sc_real.fcntl(fd, F_GETFD, NULL) >= 0)
        sc_log_closing(to);
}

int sc_dup2(int fd, int to)
{
    if (sc_log_on())
        log_overwritten(fd, to);
    return note_duplicate(fd, sc_next.dup2(fd, to));
}

int sc_dup3(int fd, int to, int flags)
{
    if (sc_log_on())
        log_overwritten(fd, to);
    return note_duplicate(fd, sc_next.dup3(fd, to, flags));
}

bool sc_any_signals(void)
{
    return __atomic_load_n(&signals, __ATOMIC_RELAXED) || !sc_real_sees_all();
}

void sc_note_signals(void)
{
    __atomic_store_n(&signals, true, __ATOMIC_RELAXED);
}

int sc_fcntl(int fd, int cmd, void *arg)
{
    int result = sc_next.fcntl(fd, cmd, arg);
    if (cmd == F_SETOWN || cmd == F_SETOWN_EX)
        sc_note_signals();
    return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC ? note_duplicate(fd, result) : result;
}

/* Numbers that were closed behind our back are another's now. */
int sc_socketpair(int domain, int type, int protocol, int pair[2])
{
    int result = sc_next.socketpair(domain, type, protocol, pair);
    if (result == 0) {
        sc_marks_forget(pair[0]);
        sc_marks_forget(pair[1]);
    }
    return result;
}

/* Another process's socket may be a service's. */
int sc_pidfd_getfd(int pidfd, int target, unsigned flags)
{
    int fd = sc_next.pidfd_getfd(pidfd, target, flags);
    if (fd >= 0)
        sc_note_passed(fd);
    return fd;
}

/* --- closing
 * -------------------------------------------------------------------------------------- */

/* A listener of ours: scaffoldd hears of it at once instead of at its next look. A hint; whether
 * the socket lives on in other holders is for scaffoldd to find out. */
static int close_listener(int fd)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_UNLISTEN);
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    struct sc_name own;
    bool known = sc_real.getsockname(fd, (struct sockaddr *)&sun, &len) == 0 &&
                 sc_name_parse(&sun, len, &own);
    int result = sc_next.close(fd);
    int kept = errno;
    int control = known ? sc_control_open(true) : -1;
    if (control >= 0) {
        sc_name_text(&sun, len, q.listen.own);
        sc_control_send(control, &q, -1);
        sc_control_close(control);
    }
    errno = kept;
    return result;
}

int sc_close(int fd)
{
    if (sc_log_on())
        sc_log_closing(fd);
    bool listening = sc_mark_is_set(fd, SC_MARK_LISTENING) && !sc_is_vfork_child();
    forget_number(fd);
    return listening ? close_listener(fd) : sc_next.close(fd);
}

int sc_close_range(unsigned first, unsigned last, int flags)
{
    bool closes = !(flags & (int)CLOSE_RANGE_CLOEXEC);
    if (sc_log_on() && closes)
        sc_log_closing_range(first, last);
    int result = sc_next.close_range(first, last, flags);
    if (result == 0 && closes)
        forget_range(first, last);
    return result;
}

void sc_closefrom(int first)
{
    if (sc_log_on())
        sc_log_closing_range(first < 0 ? 0 : (unsigned)first, ~0u);
    sc_next.closefrom(first);
    forget_range(first < 0 ? 0 : (unsigned)first, ~0u);
}
