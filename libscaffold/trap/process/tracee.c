#include "trap/process/tracee.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "trap/process/text.h"

/* Newer than the oldest headers that build this (Linux 6.9). */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* --- memory ----------------------------------------------------------------------------------- */

bool sc_tracee_read(pid_t tid, uint64_t address, void *to, size_t len)
{
    struct iovec mine = {to, len}, theirs = {(void *)(uintptr_t)address, len};
    return len == 0 || process_vm_readv(tid, &mine, 1, &theirs, 1, 0) == (ssize_t)len;
}

bool sc_tracee_write(pid_t tid, uint64_t address, const void *from, size_t len)
{
    struct iovec mine = {(void *)(uintptr_t)from, len}, theirs = {(void *)(uintptr_t)address, len};
    return len == 0 || process_vm_writev(tid, &mine, 1, &theirs, 1, 0) == (ssize_t)len;
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* A value of /proc/TID/status, in this base; 0 when it is absent. */
static uint64_t status_value(pid_t tid, const char *key, int base)
{
    char path[32], text[4096], *at;
    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    if (!sc_text_read(path, text, sizeof text) || !(at = strstr(text, key)))
        return 0;
    return strtoull(at + strlen(key), NULL, base);
}

/* Threads may have descriptors of their own; before Linux 6.9 only the leader can be asked. */
static int open_pidfd(pid_t tid)
{
    long fd = syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
    if (fd < 0 && errno == EINVAL)
        fd = syscall(SYS_pidfd_open, (pid_t)status_value(tid, "\nTgid:", 10), 0);
    return (int)fd;
}

int sc_tracee_fd(pid_t tid, int fd)
{
    int pidfd = open_pidfd(tid);
    if (pidfd < 0)
        return -1;
    int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    int kept = errno;
    close(pidfd);
    errno = kept;
    return copy;
}

bool sc_tracee_has(pid_t tid, int fd)
{
    char path[48], link[8];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)tid, fd);
    return readlink(path, link, sizeof link) >= 0;
}

size_t sc_tracee_count(pid_t tid)
{
    char path[48];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)tid);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        count += *e->d_name != '.';
    if (dir)
        closedir(dir);
    return count;
}

bool sc_tracee_is_cloexec(pid_t tid, int fd)
{
    char path[48], text[256], *at;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)tid, fd);
    if (!sc_text_read(path, text, sizeof text) || !(at = strstr(text, "flags:")))
        return false;
    return strtoul(at + strlen("flags:"), NULL, 8) & O_CLOEXEC;
}

size_t sc_tracee_numbers(pid_t tid, int fd, uint64_t inode, int *out, size_t room)
{
    char path[48], wanted[40], link[40];
    size_t count = 0;
    out[count++] = fd;
    snprintf(wanted, sizeof wanted, "socket:[%" PRIu64 "]", inode);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)tid);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && count < room && (e = readdir(dir)) != NULL;) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof link - 1);
        if (n < 0 || atoi(e->d_name) == fd)
            continue;
        link[n] = 0;
        if (strcmp(link, wanted) == 0)
            out[count++] = atoi(e->d_name);
    }
    if (dir)
        closedir(dir);
    return count;
}

/* --- signals ---------------------------------------------------------------------------------- */

bool sc_tracee_is_signalled(pid_t tid)
{
    uint64_t pending = status_value(tid, "\nSigPnd:", 16) | status_value(tid, "\nShdPnd:", 16);
    return pending & ~status_value(tid, "\nSigBlk:", 16) & ~status_value(tid, "\nSigIgn:", 16);
}

bool sc_tracee_is_alone(pid_t tid)
{
    return status_value(tid, "\nThreads:", 10) == 1;
}
