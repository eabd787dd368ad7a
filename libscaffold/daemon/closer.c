#include "daemon/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/list.h"
#include "daemon/pair.h"

/* Threads that are there at a time. They go at once, unless what they let go takes the kernel long:
 * then nothing more is let go until one has ended. */
#define THREADS_MAX 64
#define STACK_SIZE (128 * 1024)

/* Until a thread is tried again. */
#define SOON (1 * SC_MS)
#define LATER (100 * SC_MS)

/* What a thread tells. */
enum { HAS_TABLE = 1, HAS_NONE = 2 };

/* --- the thread ------------------------------------------------------------------------------- */

/* A table of its own, with nothing beyond the slots. Before Linux 5.9 with everything; it does not
 * last. */
static bool part_from_table(const struct sc_closer *c)
{
    unsigned beyond = (unsigned)c->slots[SC_CLOSER_SLOTS - 1] + 1;
    if (syscall(SYS_close_range, beyond, ~0u, CLOSE_RANGE_UNSHARE) == 0)
        return true;
    return errno == ENOSYS && unshare(CLONE_FILES) == 0;
}

static void *run(void *arg)
{
    struct sc_closer *c = arg;
    uint64_t word = part_from_table(c) ? HAS_TABLE : HAS_NONE;
    while (write(c->copied.fd, &word, sizeof word) < 0 && errno == EINTR)
        ;
    while (sem_wait(&c->go) < 0 && errno == EINTR)
        ;
    return NULL; /* and its table goes with it */
}

static int start_thread(struct sc_closer *c)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&thread, &attr, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err;
}

/* Counted by the kernel, which has those that are ending, too; 0 where /proc is not there. */
static size_t threads(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) == 0 && st.st_nlink > 2 ? st.st_nlink - 2 : 0;
}

/* --- the loop's side -------------------------------------------------------------------------- */

/* Under its slot it has a number still, so that its own can be given back. */
static void fill_slots(struct sc_closer *c)
{
    while (c->filled < SC_CLOSER_SLOTS && c->waiting_count > 0) {
        int fd = c->waiting[--c->waiting_count];
        dup3(fd, c->slots[c->filled++], O_CLOEXEC);
        close(fd);
    }
}

static void empty_slots(struct sc_closer *c)
{
    while (c->filled > 0)
        dup3(c->blank, c->slots[--c->filled], O_CLOEXEC);
}

/* The thread before has taken its leave. */
static bool is_free(struct sc_closer *c)
{
    int left = 0;
    return !c->running && sem_getvalue(&c->go, &left) == 0 && left == 0;
}

static void put_off(struct sc_closer *c, sc_time span)
{
    sc_loop_alarm(c->loop, &c->again, c->loop->now + span);
}

static void begin(struct sc_closer *c)
{
    if (c->running || c->filled + c->waiting_count == 0)
        return;
    if (!is_free(c)) {
        put_off(c, SOON);
        return;
    }
    fill_slots(c);
    if (threads() <= THREADS_MAX && start_thread(c) == 0) {
        c->running = c->loop->copied = true;
        return;
    }
    c->delays++;
    put_off(c, LATER);
}

static void on_again(struct sc_alarm *a)
{
    begin(sc_container(a, struct sc_closer, again));
}

static void on_copied(struct sc_watch *w, uint32_t events)
{
    (void)events;
    struct sc_closer *c = sc_container(w, struct sc_closer, copied);
    uint64_t word = 0;
    if (read(w->fd, &word, sizeof word) < 0)
        return;
    c->running = c->loop->copied = false;
    if (word == HAS_TABLE)
        empty_slots(c);
    else
        c->delays++;
    sem_post(&c->go);
    put_off(c, word == HAS_TABLE ? 0 : LATER);
}

void sc_closer_take(struct sc_loop *l, struct sc_watch *w)
{
    struct sc_closer *c = l->closer;
    int fd = w->fd;
    if (c->waiting_count == c->waiting_room) {
        size_t room = c->waiting_room ? 2 * c->waiting_room : SC_CLOSER_SLOTS;
        int *grown = realloc(c->waiting, room * sizeof *grown);
        if (!grown)
            abort();
        c->waiting = grown;
        c->waiting_room = room;
    }
    sc_loop_unwatch(l, w);
    c->waiting[c->waiting_count++] = fd;
    c->taken++;
    if (!c->running && c->again.timer.at == SC_NEVER)
        put_off(c, 0);
}

void sc_closer_close(struct sc_loop *l, int fd)
{
    struct sc_watch w = {.fd = fd};
    if (sc_rights_are_kept_out(l))
        close(fd);
    else
        sc_closer_take(l, &w);
}

/* --- life ------------------------------------------------------------------------------------- */

static bool kernel_keeps_rights_out(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool keeps = fd >= 0 && sc_pair_refuse_rights(fd);
    if (fd >= 0)
        close(fd);
    return keeps;
}

static int keep_numbers(struct sc_closer *c)
{
    c->blank = eventfd(0, EFD_CLOEXEC);
    for (size_t i = 0; i < SC_CLOSER_SLOTS; i++)
        c->slots[i] = fcntl(c->blank, F_DUPFD_CLOEXEC, 0);
    return c->slots[SC_CLOSER_SLOTS - 1] < 0 ? -errno : 0;
}

int sc_closer_init(struct sc_closer *c, struct sc_loop *l)
{
    if (kernel_keeps_rights_out())
        return 0;
    *c = (struct sc_closer){
        .loop = l, .copied = {.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_copied}};
    sc_alarm_init(&c->again, on_again);
    sem_init(&c->go, 0, 0);
    int err = c->copied.fd < 0 ? -errno : keep_numbers(c);
    if (err == 0)
        err = sc_loop_watch(l, &c->copied, EPOLLIN);
    l->closer = c;
    return err;
}

void sc_closer_fini(struct sc_closer *c)
{
    if (!c->loop)
        return;
    sc_loop_alarm(c->loop, &c->again, SC_NEVER);
    free(c->waiting);
    c->loop->closer = NULL;
}
