#include "daemon/stream/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/journal.h"
#include "daemon/meaning.h"
#include "daemon/stream/diag.h"
#include "daemon/stream/folder.h"
#include "daemon/stream/registry.h"
#include "naming/name.h"

/* A full queue is asked again after 1 ms, doubling to 100 ms: the kernel announces no room. */
#define RETRY_FIRST (1 * SC_MS)
#define RETRY_LAST (100 * SC_MS)
/* Flows that wait for one listener beyond its backlog; more are refused. As many as the backlog may
 * have at most (somaxconn). */
#define ARRIVALS_MAX 4096

static struct sc_listener *twin_of(const struct sc_listener *l)
{
    return l->twin.other ? sc_container(l->twin.other, struct sc_listener, twin) : NULL;
}

/* Linux's rule: a queue of backlog + 1 (the listener's own socket has the largest backlog).
 * Acceptors without the shim leave no mark; then the kernel knows the length. */
static bool is_full(const struct sc_listener *l)
{
    return l->queued > l->backlog && sc_diag_queue(l->bound->inode) > l->backlog;
}

void sc_listener_update(struct sc_listener *l)
{
    if (l->instance)
        sc_instance_set_accepting(l->instance, sc_list_empty(&l->arrivals) || !is_full(l));
}

static void on_binder_exit(struct sc_watch *w, uint32_t events)
{
    (void)events;
    struct sc_listener *l = sc_container(w, struct sc_listener, binder);
    int fd = w->fd;
    sc_loop_unwatch(&l->daemon->loop, w);
    close(fd);
    sc_bound_drop_if_gone(l->bound);
}

static void watch_binder(struct sc_listener *l)
{
    l->binder = (struct sc_watch){.fd = -1, .ready = on_binder_exit};
    int fd = (int)syscall(SYS_pidfd_open, l->pid, 0);
    if (fd < 0)
        return; /* the sweep finds out */
    l->binder.fd = fd;
    if (sc_loop_watch(&l->daemon->loop, &l->binder, EPOLLIN) < 0) {
        close(fd);
        l->binder.fd = -1;
    }
}

static void on_retry(struct sc_alarm *a);

/* 0.0.0.0:P and [::]:P of one process (whose pid is not known for what survived a crash). */
static bool may_be_twins(const struct sc_listener *l, const struct sc_name *name, pid_t pid)
{
    return l->bound->name.family != name->family &&
           (l->loopback || l->pid == pid || l->pid == 0 || pid == 0);
}

static struct sc_listener *find_twin(const struct sc_bound *b, pid_t pid)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &b->service->members)
    {
        struct sc_listener *l = sc_container(it, struct sc_bound, member)->listener;
        if (l && may_be_twins(l, &b->name, pid) && !l->twin.other)
            return l;
    }
    return NULL;
}

/* Of a loopback port, sockets that no client could reach both of get along. */
static bool get_along(const struct sc_listener *l, const struct sc_name *name, pid_t pid)
{
    if (l->loopback)
        return !sc_bound_overlap(&l->bound->name, name);
    return may_be_twins(l, name, pid);
}

/* Two listeners of one service on one host, that are no twins: allowed only when both asked for
 * SO_REUSEPORT. */
static bool is_served(struct sc_bound *b, pid_t pid)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &b->service->members)
    {
        struct sc_bound *other = sc_container(it, struct sc_bound, member);
        if (!other->listener || (b->wish.shared && other->wish.shared) ||
            get_along(other->listener, &b->name, pid))
            continue;
        return !sc_bound_drop_if_gone(other) || is_served(b, pid);
    }
    return false;
}

static int serve(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    if (l->loopback)
        return 0;
    return sc_stack_serve(d->stack, &l->bound->service->id, l, &l->instance, d->loop.now);
}

static struct sc_listener *new_listener(struct sc_bound *b, uint32_t backlog, pid_t pid, uid_t uid)
{
    struct sc_listener *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct sc_listener){.daemon = b->daemon,
                              .bound = b,
                              .loopback = sc_address_is_loopback(&b->name.address),
                              .backlog = backlog,
                              .pid = pid,
                              .uid = uid};
    sc_list_init(&l->arrivals);
    sc_list_init(&l->queue);
    sc_alarm_init(&l->retry, on_retry);
    sc_program_name(pid, l->program, sizeof l->program);
    return l;
}

int sc_listener_open(struct sc_bound *b, uint32_t backlog, pid_t pid, uid_t uid,
                     char why[SC_CTL_TEXT])
{
    struct sc_listener *l = b->listener;
    if (l) {
        l->backlog = backlog;
        l->uid = uid; /* the kernel, too, remembers who listened last */
        sc_listener_update(l);
        return 0;
    }
    if (is_served(b, pid)) {
        snprintf(why, SC_CTL_TEXT, "the service is already served on this host");
        return EADDRINUSE;
    }
    l = new_listener(b, backlog, pid, uid);
    if (!l)
        return ENOMEM;
    struct sc_listener *twin = find_twin(b, pid);
    if (!twin && serve(l) < 0) {
        free(l);
        snprintf(why, SC_CTL_TEXT, "too many instances on this host");
        return ENOBUFS;
    }
    if (twin)
        sc_tie(&l->twin, &twin->twin);
    b->listener = l;
    watch_binder(l);
    sc_journal_listener(l, true);
    sc_daemon_on_activity(b->daemon);
    return 0;
}

/* The instance goes, or passes to the twin. */
static void stop_serving(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    struct sc_listener *twin = twin_of(l);
    sc_untie(&l->twin);
    if (twin && !twin->instance && serve(twin) < 0)
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
        sc_arrival_cancel(a);
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

/* In turn: the chosen one goes to the back. Of a loopback port, one that `target` reaches. */
static struct sc_listener *choose(struct sc_bound_service *s, const struct sc_address *target)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->members)
    {
        struct sc_bound *b = sc_container(it, struct sc_bound, member);
        struct sc_listener *l = b->listener;
        if (!l || (target && l->loopback && !sc_bound_reaches(&b->name, target)))
            continue;
        sc_list_remove(&b->member);
        sc_list_append(&s->members, &b->member);
        return l;
    }
    return NULL;
}

/* A host's own name with a port stands for whichever of its services has the port. */
static struct sc_listener *choose_port(struct sc_daemon *d, uint16_t port)
{
    struct sc_list *it, *tmp;
    if (d->bound.at_port[port] == 0)
        return NULL;
    sc_list_each(it, tmp, &d->bound.all)
    {
        struct sc_bound *b = sc_container(it, struct sc_bound, link);
        if (b->listener && !b->listener->loopback && b->name.address.port == port)
            return b->listener;
    }
    return NULL;
}

struct sc_listener *sc_listeners_choose(struct sc_daemon *d, const struct sc_service_id *service,
                                        const struct sc_address *target)
{
    struct sc_service_id base = sc_service_id_at(*service, 0, 0);
    struct sc_bound_service *s = sc_bound_service_find(d, service);
    struct sc_listener *l = s ? choose(s, target) : NULL;
    if (!l && sc_service_id_equal(&base, &d->datagrams.host))
        l = choose_port(d, sc_service_id_port(service));
    return l;
}

/* --- delivery --------------------------------------------------------------------------------- */

/* Who listens where a scaffoldd before us let somebody serve is known once there is a connection.
 * False: that user may not serve any more. */
static bool get_acquainted(struct sc_listener *l, int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;
    if (l->pid != 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
        return true;
    if (!sc_allow_serve(&l->daemon->config.allow, l->daemon->id.uid, who.uid, fd)) {
        sc_journal(l->daemon, SC_JOURNAL_STRANGERS, SC_LOG_WARN,
                   "listener %s is not served any more: uid %u may not serve here", l->bound->key,
                   who.uid);
        return false;
    }
    l->uid = who.uid;
    l->pid = who.pid;
    sc_program_name(l->pid, l->program, sizeof l->program);
    watch_binder(l);
    return true;
}

/* Connects a fresh, named socket to the listener. Returns it, or a negative errno. */
static int connect_to(struct sc_listener *l, const struct sc_address *peer, uint64_t *serial)
{
    struct sc_daemon *d = l->daemon;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct sc_name own = {.daemon = d->id,
                          .kind = SC_NAME_PEER,
                          .family = l->bound->name.family,
                          .address = *peer,
                          .serial = sc_serial(&d->serials)};
    struct sockaddr_un from;
    socklen_t from_len = sc_name_format(&own, &from);
    int err = bind(fd, (struct sockaddr *)&from, from_len) < 0
                  ? -errno
                  : sc_folder_connect(fd, l->bound->key);
    if (err == 0 && !get_acquainted(l, fd))
        err = -ECONNREFUSED;
    if (err < 0) {
        close(fd);
        return err;
    }
    *serial = own.serial;
    return fd;
}

/* Nobody listens there, or nobody who may. The socket may be gone altogether, or its program may
 * have shut it down. */
static void on_refused(struct sc_listener *l)
{
    if (!sc_bound_drop_if_gone(l->bound))
        sc_listener_close(l);
}

static bool passes(int err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS;
}

/* Tries to deliver. Returns 0, -EAGAIN when the queue is full or descriptors are short, or another
 * negative errno. */
static int try_deliver(struct sc_listener *l, struct sc_arrival *a)
{
    if (is_full(l))
        return -EAGAIN;
    uint64_t serial = 0;
    int fd = connect_to(l, &a->peer, &serial);
    if (fd < 0 && passes(fd))
        sc_journal(l->daemon, SC_JOURNAL_EXHAUSTED, SC_LOG_WARN,
                   "a flow to pid %d waits for a descriptor: %s", l->pid, strerror(-fd));
    if (fd < 0)
        return passes(fd) ? -EAGAIN : fd;
    struct sc_end *e = a->end;
    int err = sc_end_init(e, &l->daemon->loop, fd, SC_END_QUEUED, a->ops, a->owner);
    if (err < 0) {
        close(fd);
        return err;
    }
    e->peer_serial = serial;
    e->listener = l;
    sc_list_append(&l->queue, &e->in_queue);
    e->accepted = sc_listener_on_accepted;
    e->pid = l->pid;
    e->uid = l->uid;
    sc_registry_add(l->daemon, e);
    l->queued++;
    l->accepted++;
    return 0;
}

static void wait_for_room(struct sc_listener *l)
{
    l->retry_after = l->retry_after ? 2 * l->retry_after : RETRY_FIRST;
    if (l->retry_after > RETRY_LAST)
        l->retry_after = RETRY_LAST;
    sc_loop_alarm(&l->daemon->loop, &l->retry, l->daemon->loop.now + l->retry_after);
}

static void deliver_waiting(struct sc_listener *l)
{
    while (!sc_list_empty(&l->arrivals)) {
        struct sc_arrival *a = sc_container(sc_list_first(&l->arrivals), struct sc_arrival, link);
        int err = try_deliver(l, a);
        if (err == -EAGAIN) {
            wait_for_room(l);
            return;
        }
        sc_arrival_cancel(a);
        l->retry_after = 0;
        if (err == -ECONNREFUSED) /* before the flow looks elsewhere */
            on_refused(l);
        a->done(a, -err);
    }
    sc_listener_update(l);
}

static void on_retry(struct sc_alarm *alarm)
{
    deliver_waiting(sc_container(alarm, struct sc_listener, retry));
}

void sc_listener_deliver(struct sc_listener *l, struct sc_arrival *a)
{
    sc_list_init(&a->link);
    a->listener = l;
    int err = sc_list_empty(&l->arrivals) ? try_deliver(l, a) : -EAGAIN;
    if (err == -EAGAIN && l->arrival_count < ARRIVALS_MAX) {
        sc_list_append(&l->arrivals, &a->link);
        l->arrival_count++;
        sc_listener_update(l);
        if (l->retry.timer.at == SC_NEVER)
            wait_for_room(l);
        return;
    }
    sc_listener_update(l);
    if (err == -ECONNREFUSED)
        on_refused(l);
    a->done(a, err == -EAGAIN ? ECONNREFUSED : -err);
}

void sc_arrival_cancel(struct sc_arrival *a)
{
    if (!sc_list_empty(&a->link)) {
        sc_list_remove(&a->link);
        a->listener->arrival_count--;
    }
}

void sc_listener_on_accepted(struct sc_end *e)
{
    struct sc_listener *l = e->listener;
    e->listener = NULL;
    if (!l)
        return;
    sc_list_remove(&e->in_queue);
    l->queued--;
    if (!sc_list_empty(&l->arrivals))
        deliver_waiting(l);
    else
        sc_listener_update(l);
}

/* --- services --------------------------------------------------------------------------------- */

struct sc_service_id sc_loopback_service(const struct sc_daemon *d, uint16_t port)
{
    struct sc_service_name n = {.label = "loopback", .port = port, .proto = IPPROTO_TCP};
    snprintf(n.provider, sizeof n.provider, "%s.host", d->config.host_name);
    struct sc_service_id id;
    sc_name_to_id(&n, &id);
    return id;
}

/* A socket that listened before us was registered, which is why its service kept the address. */
static bool still_means(const struct sc_mapping *m, const uint8_t *meaning)
{
    return meaning ? sc_mapping_means(m, meaning) : m->used || !m->reused;
}

int sc_listener_service(struct sc_daemon *d, const struct sc_address *a, const uint8_t *meaning,
                        struct sc_service_id *out)
{
    struct sc_mapping m;
    if (sc_address_is_loopback(a)) {
        *out = sc_loopback_service(d, a->port);
        return 0;
    }
    if (!sc_address_is_v4(a))
        return EINVAL;
    if (!sc_stack_mapping_of_pool(d->stack, sc_address_to_v4(a), &m))
        return ENOENT;
    *out = sc_service_id_at(m.service, a->port, IPPROTO_TCP);
    return still_means(&m, meaning) ? 0 : ENETUNREACH;
}
