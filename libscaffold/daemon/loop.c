#include "daemon/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"

/* Events per epoll_wait: large enough to amortise the call, small enough to stay fair. */
#define BATCH 128

/* Until when a timer is left that is set too early: more than what flows wait for. */
#define SOON (100 * SC_MS)

sc_time sc_clock_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (sc_time)ts.tv_sec * SC_SECOND + (sc_time)ts.tv_nsec / 1000;
}

static struct timespec timespec_of(sc_time t)
{
    return (struct timespec){.tv_sec = (time_t)(t / SC_SECOND),
                             .tv_nsec = (long)(t % SC_SECOND) * 1000};
}

static void on_timer(struct sc_watch *w, uint32_t events)
{
    (void)events;
    sc_container(w, struct sc_loop, timer)->timer_at = SC_NEVER;
}

int sc_loop_init(struct sc_loop *l)
{
    *l = (struct sc_loop){.epfd = epoll_create1(EPOLL_CLOEXEC),
                          .timer = {timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), on_timer},
                          .timer_at = SC_NEVER,
                          .now = sc_clock_now()};
    if (l->epfd < 0 || l->timer.fd < 0)
        return -errno;
    sc_heap_init(&l->alarms);
    return sc_loop_watch(l, &l->timer, EPOLLIN | EPOLLET);
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
    close(l->timer.fd);
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

void sc_loop_close(struct sc_loop *l, struct sc_watch *w)
{
    int fd = w->fd;
    if (l->copied)
        sc_loop_unwatch(l, w);
    if (fd >= 0)
        close(fd);
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

/* Deadlines mostly move away with every packet: the timer stays as it is then, and a turn in which
 * nothing is due sets it for whatever comes next. One that is not soon might be what wakes an idle
 * process: it moves along. */
static void set_timer(struct sc_loop *l, sc_time at, sc_time now)
{
    struct itimerspec once = {.it_value = timespec_of(at)};
    bool is_soon = l->timer_at < now + SOON;
    if (at == l->timer_at || (at > l->timer_at && is_soon))
        return;
    timerfd_settime(l->timer.fd, TFD_TIMER_ABSTIME, &once, NULL);
    l->timer_at = at;
}

static int wait_events(struct sc_loop *l, struct epoll_event *ev, sc_time deadline, sc_time now)
{
    if (deadline <= now)
        return epoll_wait(l->epfd, ev, BATCH, 0);
    set_timer(l, deadline, now);
    return epoll_wait(l->epfd, ev, BATCH, -1);
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
