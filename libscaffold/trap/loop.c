#include "trap/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trap/arguments.h"
#include "trap/calls.h"
#include "trap/process/clock.h"
#include "trap/process/tracee.h"

/* Calls that are served at once. Serving one is a question to scaffoldd at most; what takes longer
 * waits without a thread. */
#define THREADS 8
/* How late the death of a waiting program, a signal for it or the end of its patience is noticed:
 * none of them is announced. */
#define LOOK_MS 50
#define EVENTS 64

/* As the kernel writes it: the call is made again unless the signal's handler says otherwise. */
#define ERESTARTSYS 512

static struct {
    int notify;
    int epfd;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct sc_trap_call *first; /* to be served */
    struct sc_trap_call **last;
    struct sc_trap_call *waiting;
    size_t calls; /* not answered yet: to be served, being served, waiting */
} loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .wanted = PTHREAD_COND_INITIALIZER};

/* --- serving ---------------------------------------------------------------------------------- */

static void push(struct sc_trap_call *c)
{
    pthread_mutex_lock(&loop.lock);
    c->next = NULL;
    *loop.last = c;
    loop.last = &c->next;
    pthread_cond_signal(&loop.wanted);
    pthread_mutex_unlock(&loop.lock);
}

static struct sc_trap_call *pop(void)
{
    pthread_mutex_lock(&loop.lock);
    while (!loop.first)
        pthread_cond_wait(&loop.wanted, &loop.lock);
    struct sc_trap_call *c = loop.first;
    loop.first = c->next;
    if (!loop.first)
        loop.last = &loop.first;
    pthread_mutex_unlock(&loop.lock);
    return c;
}

static void drop(struct sc_trap_call *c)
{
    sc_trap_give_back(c);
    free(c);
    pthread_mutex_lock(&loop.lock);
    loop.calls--;
    pthread_mutex_unlock(&loop.lock);
}

static void take(int notify)
{
    struct sc_trap_call *c = sc_trap_call_receive(notify);
    if (!c)
        return;
    pthread_mutex_lock(&loop.lock);
    loop.calls++;
    pthread_mutex_unlock(&loop.lock);
    push(c);
}

/* The lock is held until the event can come: whoever it comes to finds the call in the list. */
static void start_waiting(struct sc_trap_call *c)
{
    struct epoll_event e = {.events = c->events | EPOLLONESHOT, .data.u64 = c->id};
    pthread_mutex_lock(&loop.lock);
    c->next = loop.waiting;
    loop.waiting = c;
    bool watched = epoll_ctl(loop.epfd, EPOLL_CTL_ADD, c->fd, &e) == 0;
    if (!watched)
        loop.waiting = c->next;
    pthread_mutex_unlock(&loop.lock);
    if (watched)
        return;
    sc_trap_answer(loop.notify, c, 0, ENOBUFS);
    drop(c);
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        struct sc_trap_call *c = pop();
        if (sc_trap_serve(loop.notify, c) == SC_TRAP_WAIT)
            start_waiting(c);
        else
            drop(c);
    }
    return NULL;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void unlink_waiting(struct sc_trap_call **at)
{
    struct sc_trap_call *c = *at;
    *at = c->next;
    epoll_ctl(loop.epfd, EPOLL_CTL_DEL, c->fd, NULL);
}

static void resume(uint64_t id)
{
    pthread_mutex_lock(&loop.lock);
    struct sc_trap_call **at = &loop.waiting;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    struct sc_trap_call *c = *at;
    if (c)
        unlink_waiting(at);
    pthread_mutex_unlock(&loop.lock);
    if (c)
        push(c);
}

/* Calls whose thread is gone, is wanted by a signal, or has waited long enough. Those come out as a
 * list. */
static struct sc_trap_call *take_overdue(void)
{
    struct sc_trap_call *out = NULL;
    int64_t now = sc_clock_ms();
    pthread_mutex_lock(&loop.lock);
    for (struct sc_trap_call **at = &loop.waiting; *at;) {
        struct sc_trap_call *c = *at;
        c->expired = c->deadline && now >= c->deadline;
        if (!c->expired && sc_trap_call_is_valid(loop.notify, c) &&
            !sc_tracee_is_signalled(c->tid)) {
            at = &c->next;
            continue;
        }
        unlink_waiting(at);
        c->next = out;
        out = c;
    }
    pthread_mutex_unlock(&loop.lock);
    return out;
}

/* The program is gone, and its own descriptors with it; or its handler wants to run. With several
 * threads another may have taken the signal meanwhile, and the call must not be made again. */
static void interrupt(struct sc_trap_call *c)
{
    sc_trap_answer(loop.notify, c, 0, sc_tracee_is_alone(c->tid) ? ERESTARTSYS : EINTR);
    drop(c);
}

static void look_after_waiting(void)
{
    for (struct sc_trap_call *c = take_overdue(), *next; c; c = next) {
        next = c->next;
        if (c->expired)
            push(c);
        else
            interrupt(c);
    }
}

/* Or may be in a moment: a thread that serves a call wakes nobody when it has to wait. */
static bool may_anybody_wait(void)
{
    pthread_mutex_lock(&loop.lock);
    bool any = loop.calls > 0;
    pthread_mutex_unlock(&loop.lock);
    return any;
}

/* --- the tree --------------------------------------------------------------------------------- */

struct tree {
    pid_t program;
    int status;
    bool ended; /* the last process */
};

/* Whoever is orphaned becomes our child: when there is none, nobody can call any more. */
static void reap(struct tree *t)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == t->program)
            t->status = status;
    if (pid < 0 && errno == ECHILD)
        t->ended = true;
}

/* A terminal's signals reach the whole group without us; those that were sent to us are meant for
 * the program. */
static void on_signals(int signals, struct tree *t)
{
    struct signalfd_siginfo s;
    while (read(signals, &s, sizeof s) == sizeof s) {
        if (s.ssi_signo == SIGCHLD)
            reap(t);
        else if (s.ssi_code <= 0) /* SI_USER and its like */
            kill(t->program, (int)s.ssi_signo);
    }
}

/* --- the rounds ------------------------------------------------------------------------------- */

/* Told apart from the ids of calls, which the kernel counts up from a random number. */
static const char notify_mark, signals_mark;

static int watch(int fd, const char *mark)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uintptr_t)mark};
    return epoll_ctl(loop.epfd, EPOLL_CTL_ADD, fd, &e);
}

static int begin(int notify, int signals)
{
    loop.notify = notify;
    loop.last = &loop.first;
    loop.epfd = epoll_create1(EPOLL_CLOEXEC);
    if (loop.epfd < 0 || watch(notify, &notify_mark) < 0 || watch(signals, &signals_mark) < 0)
        return -1;
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        int err = pthread_create(&thread, NULL, serve, NULL);
        if (err) {
            errno = err;
            return -1;
        }
    }
    return 0;
}

static void on_event(const struct epoll_event *e, int notify, int signals, struct tree *t)
{
    if (e->data.u64 == (uintptr_t)&signals_mark) {
        on_signals(signals, t);
    } else if (e->data.u64 != (uintptr_t)&notify_mark) {
        resume(e->data.u64);
    } else if (e->events & EPOLLIN) {
        take(notify);
    } else { /* nobody is left under the filter; the end of the children is on its way */
        epoll_ctl(loop.epfd, EPOLL_CTL_DEL, notify, NULL);
    }
}

int sc_trap_loop_run(int notify, int signals, pid_t program)
{
    struct tree t = {.program = program};
    struct epoll_event events[EVENTS];
    if (begin(notify, signals) < 0)
        return -1;
    int64_t next_look = 0;
    while (!t.ended) {
        int n = epoll_wait(loop.epfd, events, EVENTS, may_anybody_wait() ? LOOK_MS : -1);
        for (int i = 0; i < n; i++)
            on_event(&events[i], notify, signals, &t);
        if (sc_clock_ms() < next_look)
            continue;
        look_after_waiting();
        next_look = sc_clock_ms() + LOOK_MS;
    }
    return t.status;
}
