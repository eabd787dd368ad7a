#include "daemon/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"

/* A message, and what stands in front of it. */
#define LINE (SC_LOG_MESSAGE + 64)

/* --- files ------------------------------------------------------------------------------------ */

/* O_NONBLOCK: a FIFO must not keep scaffoldd waiting before it is found to be none of ours. */
static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    struct stat st;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}

void sc_log_file_reopen(struct sc_log_file *f)
{
    int fd = *f->path ? open_file(f->path) : -1;
    if (fd < 0)
        return;
    close(f->fd);
    f->fd = fd;
}

/* The file becomes FILE.1, in place of the one before. Where it cannot be renamed it starts anew:
 * the bound holds in any case. */
static void rotate(struct sc_log_file *f)
{
    char old[sizeof f->path + 2];
    snprintf(old, sizeof old, "%s.1", f->path);
    if (rename(f->path, old) < 0 && ftruncate(f->fd, 0) < 0)
        return;
    sc_log_file_reopen(f);
}

/* The kernel is asked each time: others may write to it, shorten it or take it away. */
static void keep_bound(struct sc_log_file *f, size_t len)
{
    struct stat st;
    if (!*f->path || fstat(f->fd, &st) < 0)
        return;
    if (st.st_nlink == 0)
        sc_log_file_reopen(f);
    else if ((size_t)st.st_size + len > f->most)
        rotate(f);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* RFC 3339, UTC, with milliseconds. */
static size_t put_time(char *out, size_t size)
{
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return n + (size_t)snprintf(out + n, size - n, ".%03dZ ", (int)(ts.tv_nsec / 1000000));
}

static size_t put_line(const struct sc_log_file *f, char out[LINE], enum sc_log_level level,
                       const char *message)
{
    static const int syslog_levels[] = {3, 4, 6, 7}; /* RFC 5424 6.2.1 */
    size_t n = f->is_journal ? (size_t)snprintf(out, LINE, "<%d>", syslog_levels[level])
                             : put_time(out, LINE);
    return n + (size_t)snprintf(out + n, LINE - n, "%s: %s\n", sc_log_level_name(level), message);
}

/* True when a write will not wait. A pipe that nobody reads and a terminal that was stopped would
 * stop scaffoldd, too. */
static bool has_room(const struct sc_log_file *f)
{
    struct pollfd p = {.fd = f->fd, .events = POLLOUT};
    return *f->path || (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT));
}

static bool write_all(struct sc_log_file *f, const char *line, size_t len)
{
    ssize_t n;
    errno = EAGAIN;
    if (!has_room(f))
        return false;
    do
        n = write(f->fd, line, len);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && (size_t)n < len) {
        f->torn = true;
        errno = ENOSPC;
    }
    return n == (ssize_t)len;
}

static bool write_line(struct sc_log_file *f, enum sc_log_level level, const char *message)
{
    char line[1 + LINE] = "\n";
    size_t len = put_line(f, line + 1, level, message);
    keep_bound(f, 1 + len);
    bool torn = f->torn;
    f->torn = false;
    bool done = torn ? write_all(f, line, 1 + len) : write_all(f, line + 1, len);
    f->torn |= torn && !done;
    return done;
}

static bool say_lost(struct sc_log_file *f)
{
    char text[128];
    snprintf(text, sizeof text,
             "%" PRIu64 " lines are missing here, which could not be written: %s", f->lost,
             strerror(f->lost_for));
    if (!write_line(f, SC_LOG_WARN, text))
        return false;
    f->lost = 0;
    return true;
}

static void write_message(struct sc_log_sink *sink, enum sc_log_level level, const char *message)
{
    struct sc_log_file *f = sc_container(sink, struct sc_log_file, sink);
    if ((f->lost == 0 || say_lost(f)) && write_line(f, level, message))
        return;
    if (f->lost++ == 0)
        f->lost_for = errno;
}

/* --- life ------------------------------------------------------------------------------------- */

/* systemd.exec(5): JOURNAL_STREAM has device and inode of the journal's socket. */
static bool stderr_is_journal(void)
{
    const char *text = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat st;
    return text && sscanf(text, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

int sc_log_file_open(struct sc_log_file *f, const char *path, char *why, size_t size)
{
    *f = (struct sc_log_file){.sink.write = write_message, .most = SC_LOG_FILE_BYTES};
    snprintf(f->path, sizeof f->path, "%s", path);
    f->fd = *path ? open_file(path) : STDERR_FILENO;
    f->is_journal = !*path && stderr_is_journal();
    if (f->fd < 0) {
        *f->path = 0;
        snprintf(why, size, "%s", f->fd == -EINVAL ? "this is no regular file" : strerror(-f->fd));
        return -1;
    }
    sc_log_set_sink(&f->sink);
    return 0;
}

void sc_log_file_close(struct sc_log_file *f)
{
    sc_log_set_sink(NULL);
    if (*f->path && f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

bool sc_log_file_is_stderr(const struct sc_log_file *f)
{
    struct stat own, other;
    return fstat(f->fd, &own) == 0 && fstat(STDERR_FILENO, &other) == 0 &&
           own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}
