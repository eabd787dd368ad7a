#include "trap/epolls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "trap/process/tracee.h"

/* --- the thread ------------------------------------------------------------------------------- */

/* One order at a time: swaps are rare beside everything else. */
static struct {
    pthread_mutex_t callers; /* held by whoever has an order */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct sc_trap_registrations *order; /* NULL: none, or carried out */
    int op;
    bool complete;
} mover = {.callers = PTHREAD_MUTEX_INITIALIZER,
           .lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER};

/* The set as a descriptor other than `fd`, which the socket is to have. */
static int copy_set(pid_t tid, int epfd, int fd)
{
    int copy = sc_tracee_fd(tid, epfd);
    if (copy != fd)
        return copy;
    int other = fcntl(copy, F_DUPFD, fd + 1);
    close(copy);
    return other;
}

static bool move(const struct sc_trap_registrations *r, size_t i, int op)
{
    struct epoll_event event = {.events = r->list[i].events, .data.u64 = r->list[i].data};
    int set = copy_set(r->tid, r->list[i].epfd, r->fd);
    bool ok = set >= 0 && epoll_ctl(set, op, r->fd, &event) == 0;
    if (set >= 0)
        close(set);
    return ok;
}

static bool carry_out(const struct sc_trap_registrations *r, int op)
{
    bool complete = true;
    int copy = sc_tracee_fd(r->tid, r->fd);
    if (copy < 0 || dup2(copy, r->fd) < 0)
        complete = false;
    for (size_t i = 0; i < r->count && complete; i++)
        complete = move(r, i, op);
    if (copy >= 0 && copy != r->fd)
        close(copy);
    close(r->fd);
    return complete;
}

static void *run(void *unused)
{
    (void)unused;
    unshare(CLONE_FILES);
    close_range(0, ~0u, 0); /* from here on the numbers are the programs' */
    pthread_mutex_lock(&mover.lock);
    for (;;) {
        while (!mover.order)
            pthread_cond_wait(&mover.changed, &mover.lock);
        mover.complete = carry_out(mover.order, mover.op);
        mover.order = NULL;
        pthread_cond_broadcast(&mover.changed);
    }
    return NULL;
}

int sc_trap_epolls_start(void)
{
    pthread_t thread;
    return -pthread_create(&thread, NULL, run, NULL);
}

static bool order(struct sc_trap_registrations *r, int op)
{
    if (r->count == 0)
        return true;
    pthread_mutex_lock(&mover.callers);
    pthread_mutex_lock(&mover.lock);
    mover.order = r;
    mover.op = op;
    pthread_cond_broadcast(&mover.changed);
    while (mover.order)
        pthread_cond_wait(&mover.changed, &mover.lock);
    bool complete = mover.complete;
    pthread_mutex_unlock(&mover.lock);
    pthread_mutex_unlock(&mover.callers);
    return complete;
}

/* --- finding them ----------------------------------------------------------------------------- */

/* A line of /proc/TID/fdinfo of an epoll set: "tfd: 5 events: 19 data: 5 pos:0 ino:8f sdev:9" */
static void read_line(const char *line, uint64_t inode, int epfd, struct sc_trap_registrations *r)
{
    int tfd;
    uint32_t events;
    uint64_t data, ino;
    if (sscanf(line, "tfd: %d events: %" SCNx32 " data: %" SCNx64 " pos:%*s ino:%" SCNx64, &tfd,
               &events, &data, &ino) != 4 ||
        tfd != r->fd || ino != inode || r->count == SC_TRAP_REGISTRATIONS_MAX)
        return;
    r->list[r->count].epfd = epfd;
    r->list[r->count].events = events;
    r->list[r->count++].data = data;
}

static void read_set(int epfd, uint64_t inode, struct sc_trap_registrations *r)
{
    char path[48], line[256];
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)r->tid, epfd);
    FILE *info = fopen(path, "re");
    while (info && fgets(line, sizeof line, info))
        read_line(line, inode, epfd, r);
    if (info)
        fclose(info);
}

static void find(uint64_t inode, struct sc_trap_registrations *r)
{
    static const char set[] = "anon_inode:[eventpoll]";
    char path[32], link[sizeof set];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)r->tid);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (readlinkat(dirfd(dir), e->d_name, link, sizeof link) == (ssize_t)strlen(set) &&
            memcmp(link, set, strlen(set)) == 0)
            read_set(atoi(e->d_name), inode, r);
    if (dir)
        closedir(dir);
}

/* --- taking and putting ----------------------------------------------------------------------- */

bool sc_trap_epolls_take(pid_t tid, int fd, uint64_t inode, struct sc_trap_registrations *r)
{
    *r = (struct sc_trap_registrations){.tid = tid, .fd = fd};
    find(inode, r);
    return order(r, EPOLL_CTL_DEL);
}

bool sc_trap_epolls_put(struct sc_trap_registrations *r)
{
    return order(r, EPOLL_CTL_ADD);
}
