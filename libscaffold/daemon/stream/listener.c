#include "daemon/stream/listener.h"

#include <errno.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "daemon/stream/diag.h"

/* The kernel walks over all sockets of the host before it answers: it is asked only when there may
 * be too many. */
bool sc_listener_is_full(struct sc_listener *l)
{
    if (l->queued + l->direct <= l->backlog)
        return false;
    size_t queue = sc_diag_queue(l->bound->inode);
    l->direct = queue > l->queued ? queue - l->queued : 0;
    return queue > l->backlog;
}

bool sc_listener_needs_user_plane(const struct sc_listener *l)
{
    enum sc_plane_wish wish = l->daemon->config.plane;
    return wish == SC_PLANE_USER || (wish == SC_PLANE_AUTO && l->loopback) || l->bound->aborts;
}

void sc_listener_update(struct sc_listener *l)
{
    if (l->instance)
        sc_instance_set_accepting(l->instance,
                                  sc_list_empty(&l->arrivals) || !sc_listener_is_full(l));
}

int sc_listener_serve(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    if (l->loopback)
        return 0;
    return sc_stack_serve(d->stack, &l->bound->service->id, l, &l->instance, d->loop.now);
}

static struct sc_listener *twin_of(const struct sc_listener *l)
{
    return l->twin.other ? sc_container(l->twin.other, struct sc_listener, twin) : NULL;
}

/* The instance goes, or passes to the twin. */
static void stop_serving(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    struct sc_listener *twin = twin_of(l);
    sc_untie(&l->twin);
    if (twin && !twin->instance && sc_listener_serve(twin) < 0)
        sc_journal(d, SC_JOURNAL_EXHAUSTED, SC_LOG_WARN,
                   "pid %d is not reached from other hosts any more", twin->pid);
    if (l->instance)
        sc_stack_unserve(d->stack, l->instance, d->loop.now);
    l->instance = NULL;
}

static void forget_queue(struct sc_listener *l)
{
    struct sc_list *first;
    while ((first = sc_list_first(&l->queue)) != NULL) {
        sc_container(first, struct sc_end, in_queue)->listener = NULL;
        sc_list_remove(first);
    }
}

void sc_listener_close(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    if (!l->bound)
        return; /* closed already; its memory lives until the end of the turn */
    sc_journal_listener(l, false);
    l->bound->listener = NULL;
    l->bound = NULL;
    while (!sc_list_empty(&l->arrivals)) {
        struct sc_arrival *a = sc_container(sc_list_first(&l->arrivals), struct sc_arrival, link);
        sc_listener_cancel(a);
        a->done(a, ECONNREFUSED);
    }
    sc_loop_alarm(&d->loop, &l->retry, SC_NEVER);
    stop_serving(l);
    if (l->binder.fd >= 0) {
        int fd = l->binder.fd;
        sc_loop_unwatch(&d->loop, &l->binder);
        close(fd);
    }
    forget_queue(l);
    sc_loop_dispose(&d->loop, l);
    sc_daemon_on_activity(d);
}

void sc_listener_cancel(struct sc_arrival *a)
{
    if (!sc_list_empty(&a->link)) {
        sc_list_remove(&a->link);
        a->listener->arrival_count--;
    }
}
