#include "daemon/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Events per epoll_wait: large enough to amortise the call, small enough to stay fair. */
#define BATCH 128

sc_time sc_clock_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (sc_time)ts.tv_sec * SC_SECOND + (sc_time)ts.tv_nsec / 1000;
}

int sc_loop_init(struct sc_loop *l)
{
    *l = (struct sc_loop){.epfd = epoll_create1(EPOLL_CLOEXEC), .now = sc_clock_now()};
    if (l->epfd < 0)
        return -errno;
    sc_heap_init(&l->alarms);
    return 0;
}

static void dispose_all(struct sc_loop *l)
{
    for (size_t i = 0; i < l->dispose_count; i++)
        free(l->dispose[i]);
    l->dispose_count = 0;
}

void sc_loop_fini(struct sc_loop *l)
{
    dispose_all(l);
    free(l->dispose);
    sc_heap_fini(&l->alarms);
    close(l->epfd);
}

int sc_loop_watch(struct sc_loop *l, struct sc_watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    return epoll_ctl(l->epfd, EPOLL_CTL_ADD, w->fd, &ev) < 0 ? -errno : 0;
}

void sc_loop_rewatch(struct sc_loop *l, struct sc_watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &ev);
}

void sc_loop_unwatch(struct sc_loop *l, struct sc_watch *w)
{
    if (w->fd >= 0)
        epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
    w->fd = -1;
}

void sc_loop_close(struct sc_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

void sc_alarm_init(struct sc_alarm *a, void (*fire)(struct sc_alarm *a))
{
    sc_timer_init(&a->timer);
    a->fire = fire;
}

void sc_loop_alarm(struct sc_loop *l, struct sc_alarm *a, sc_time at)
{
    if (l->firing && at <= l->now)
        at = l->now + 1; /* in the next turn: others are to be served in between */
    if (sc_heap_set(&l->alarms, &a->timer, at) < 0)
        abort(); /* no memory for an alarm: nothing that was promised could be kept */
}

void sc_loop_dispose(struct sc_loop *l, void *memory)
{
    if (l->dispose_count == l->dispose_room) {
        size_t room = l->dispose_room ? 2 * l->dispose_room : 64;
        void **grown = realloc(l->dispose, room * sizeof *grown);
        if (!grown)
            abort();
        l->dispose = grown;
        l->dispose_room = room;
    }
    l->dispose[l->dispose_count++] = memory;
}

/* Kernels before 5.11 and valgrind have no epoll_pwait2: whole milliseconds then, rounded up, so
 * that a deadline is never waited for in a busy loop. */
static int wait_coarsely(struct sc_loop *l, struct epoll_event *ev, const struct timespec *left)
{
    int64_t ms = -1;
    if (left)
        ms = (int64_t)left->tv_sec * 1000 + (left->tv_nsec + 999999) / 1000000;
    return epoll_wait(l->epfd, ev, BATCH, ms > INT_MAX ? INT_MAX : (int)ms);
}

static int wait_for(struct sc_loop *l, struct epoll_event *ev, const struct timespec *left)
{
    static bool coarse;
    if (!coarse) {
        int n = epoll_pwait2(l->epfd, ev, BATCH, left, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n;
        coarse = true;
    }
    return wait_coarsely(l, ev, left);
}

static int wait_events(struct sc_loop *l, struct epoll_event *ev, sc_time deadline, sc_time now)
{
    if (deadline == SC_NEVER)
        return wait_for(l, ev, NULL);
    sc_time left = deadline > now ? deadline - now : 0;
    struct timespec ts = {.tv_sec = (time_t)(left / SC_SECOND),
                          .tv_nsec = (long)(left % SC_SECOND) * 1000};
    return wait_for(l, ev, &ts);
}

static void fire_due(struct sc_loop *l)
{
    struct sc_timer *t;
    l->firing = true;
    while ((t = sc_heap_pop_due(&l->alarms, l->now)) != NULL) {
        struct sc_alarm *a = (struct sc_alarm *)(void *)t; /* timer is the first member */
        a->fire(a);
    }
    l->firing = false;
}

/* All that the owner did after the last batch belongs to its turn. */
static void note_turn(struct sc_loop *l, sc_time now)
{
    sc_time took = l->wakeups ? now - l->now : 0;
    if (took > l->longest_turn)
        l->longest_turn = took;
    l->long_turns += took > SC_LONG_TURN;
}

sc_time sc_loop_take_longest_turn(struct sc_loop *l)
{
    sc_time longest = l->longest_turn;
    l->longest_turn = 0;
    return longest;
}

void sc_loop_turn(struct sc_loop *l, sc_time deadline)
{
    struct epoll_event ev[BATCH];
    sc_time now = sc_clock_now();
    note_turn(l, now);
    int n = wait_events(l, ev, sc_time_min(deadline, sc_heap_next(&l->alarms)), now);
    l->now = sc_clock_now();
    l->wakeups++;
    for (int i = 0; i < n; i++) {
        struct sc_watch *w = ev[i].data.ptr;
        if (w->fd >= 0)
            w->ready(w, ev[i].events);
    }
    fire_due(l);
    dispose_all(l);
}
