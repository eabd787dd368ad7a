#include "daemon/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/ctl.h"
#include "daemon/diag.h"
#include "daemon/registry.h"
#include "naming/name.h"

/* A full queue is asked again after 1 ms, doubling to 100 ms: the kernel announces no room. */
#define RETRY_FIRST (1 * SC_MS)
#define RETRY_LAST (100 * SC_MS)
/* Flows that wait for one listener beyond its backlog; more are refused. As many as the backlog may
 * have at most (somaxconn). */
#define ARRIVALS_MAX 4096

/* Linux's rule: a queue of backlog + 1 (the listener's own socket has the largest backlog).
 * Acceptors without the shim leave no mark; then the kernel knows the length. */
static bool is_full(const struct sc_listener *l)
{
    return l->queued > l->backlog && sc_diag_queue(l->inode) > l->backlog;
}

static void update_accepting(struct sc_listener *l)
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
    if (!sc_diag_exists(l->inode))
        sc_listener_close(l);
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
    return l->name.family != name->family &&
           (l->loopback || l->pid == pid || l->pid == 0 || pid == 0);
}

static struct sc_listener *find_twin(struct sc_daemon *d, const struct sc_name *name,
                                     const struct sc_service_id *service, pid_t pid)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->listeners)
    {
        struct sc_listener *l = sc_container(it, struct sc_listener, link);
        if (sc_service_id_equal(&l->service, service) && may_be_twins(l, name, pid) && !l->twin)
            return l;
    }
    return NULL;
}

/* --all-local: which loopback addresses reach a socket of this name. One bound to :: has a
 * v4-mapped address in its name when IPv4 reaches it as well. */
static bool reaches(const struct sc_name *name, const struct sc_address *target)
{
    if (!name->wildcard)
        return memcmp(name->address.ip, target->ip, sizeof target->ip) == 0;
    return sc_address_is_v4(target) ? sc_address_is_v4(&name->address)
                                    : name->family == SC_FAMILY_INET6;
}

static bool overlap(const struct sc_name *a, const struct sc_name *b)
{
    if (a->wildcard && b->wildcard)
        return (sc_address_is_v4(&a->address) && sc_address_is_v4(&b->address)) ||
               (a->family == SC_FAMILY_INET6 && b->family == SC_FAMILY_INET6);
    return a->wildcard ? reaches(a, &b->address) : reaches(b, &a->address);
}

/* Of a loopback port, sockets that no client could reach both of get along. */
static bool get_along(const struct sc_listener *l, const struct sc_name *name, pid_t pid)
{
    if (l->loopback)
        return !overlap(&l->name, name);
    return may_be_twins(l, name, pid);
}

/* Two sockets of one service on one host, that are no twins: allowed only when both asked for
 * SO_REUSEPORT, which shows in the serial of the name (0: alone). */
bool sc_listeners_in_use(struct sc_daemon *d, const struct sc_name *name,
                         const struct sc_service_id *service, pid_t pid)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->listeners)
    {
        struct sc_listener *l = sc_container(it, struct sc_listener, link);
        bool both_reuse = name->serial != 0 && l->name.serial != 0;
        if (!sc_service_id_equal(&l->service, service) || both_reuse || get_along(l, name, pid))
            continue;
        if (sc_diag_exists(l->inode))
            return true;
        sc_listener_close(l); /* and perhaps others */
        return sc_listeners_in_use(d, name, service, pid);
    }
    return false;
}

static int serve(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    if (l->loopback)
        return 0;
    return sc_stack_serve(d->stack, &l->service, l, &l->instance, d->loop.now);
}

int sc_listener_open(struct sc_daemon *d, const struct sc_name *name, uint32_t inode,
                     const struct sc_service_id *service, uint32_t backlog, pid_t pid, uid_t uid,
                     char why[SC_CTL_TEXT])
{
    struct sc_listener *l = sc_listeners_find(d, name);
    if (l && l->inode == inode) { /* listen again: a new backlog */
        l->backlog = backlog;
        l->uid = uid; /* the kernel, too, remembers who listened last */
        update_accepting(l);
        return 0;
    }
    if (sc_listeners_in_use(d, name, service, pid)) {
        snprintf(why, SC_CTL_TEXT, "the service is already served on this host");
        return EADDRINUSE;
    }
    l = calloc(1, sizeof *l);
    if (!l)
        return ENOMEM;
    *l = (struct sc_listener){.daemon = d,
                              .name = *name,
                              .service = *service,
                              .loopback = sc_address_is_loopback(&name->address),
                              .inode = inode,
                              .backlog = backlog,
                              .pid = pid,
                              .uid = uid};
    sc_list_init(&l->arrivals);
    l->twin = find_twin(d, name, service, pid);
    if (!l->twin && serve(l) < 0) {
        free(l);
        snprintf(why, SC_CTL_TEXT, "too many instances on this host");
        return ENOBUFS;
    }
    if (l->twin)
        l->twin->twin = l;
    sc_program_name(pid, l->program, sizeof l->program);
    sc_alarm_init(&l->retry, on_retry);
    watch_binder(l);
    sc_list_append(&d->listeners, &l->link);
    sc_daemon_on_activity(d);
    return 0;
}

/* The instance goes, or passes to the twin. */
static void stop_serving(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    struct sc_listener *twin = l->twin;
    l->twin = NULL;
    if (twin)
        twin->twin = NULL;
    if (twin && !twin->instance && serve(twin) < 0)
        sc_log(SC_LOG_WARN, "pid %d is not reached from other hosts any more", twin->pid);
    if (l->instance)
        sc_stack_unserve(d->stack, l->instance, d->loop.now);
    l->instance = NULL;
}

void sc_listener_close(struct sc_listener *l)
{
    struct sc_daemon *d = l->daemon;
    if (sc_list_empty(&l->link))
        return; /* closed already; its memory lives until the end of the turn */
    sc_list_remove(&l->link);
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
    sc_registry_forget_listener(d, l);
    sc_loop_dispose(&d->loop, l);
    sc_daemon_on_activity(d);
}

static struct sc_listener *find_gone(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->listeners)
    {
        struct sc_listener *l = sc_container(it, struct sc_listener, link);
        if (l->gone)
            return l;
    }
    return NULL;
}

void sc_listeners_sweep(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    struct sc_listener *l;
    sc_list_each(it, tmp, &d->listeners)
    {
        l = sc_container(it, struct sc_listener, link);
        l->gone = !sc_diag_exists(l->inode);
        update_accepting(l);
    }
    while ((l = find_gone(d)) != NULL) /* closing one may close others */
        sc_listener_close(l);
}

/* A host's own name with a port stands for whichever of its services has the port. */
static bool is_meant(const struct sc_listener *l, const struct sc_service_id *service,
                     const struct sc_address *target, bool by_host)
{
    if (by_host)
        return !l->loopback && l->name.address.port == sc_service_id_port(service);
    return sc_service_id_equal(&l->service, service) &&
           (!target || !l->loopback || reaches(&l->name, target));
}

static struct sc_listener *choose(struct sc_daemon *d, const struct sc_service_id *service,
                                  const struct sc_address *target, bool by_host)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->listeners)
    {
        struct sc_listener *l = sc_container(it, struct sc_listener, link);
        if (!is_meant(l, service, target, by_host))
            continue;
        sc_list_remove(&l->link); /* in turn: the chosen one goes to the back */
        sc_list_append(&d->listeners, &l->link);
        return l;
    }
    return NULL;
}

struct sc_listener *sc_listeners_choose(struct sc_daemon *d, const struct sc_service_id *service,
                                        const struct sc_address *target)
{
    struct sc_service_id base = sc_service_id_at(*service, 0, 0);
    struct sc_listener *l = choose(d, service, target, false);
    if (!l && sc_service_id_equal(&base, &d->datagrams.host))
        l = choose(d, service, target, true);
    return l;
}

struct sc_listener *sc_listeners_find(struct sc_daemon *d, const struct sc_name *name)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->listeners)
    {
        struct sc_listener *l = sc_container(it, struct sc_listener, link);
        if (memcmp(&l->name.address, &name->address, sizeof name->address) == 0 &&
            l->name.family == name->family && l->name.serial == name->serial)
            return l;
    }
    return NULL;
}

/* --- delivery --------------------------------------------------------------------------------- */

/* Names are free for everyone once their owner is gone: who listens there must be who announced it.
 */
static bool is_listeners(const struct sc_listener *l, int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == l->uid;
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
                          .family = l->name.family,
                          .address = *peer,
                          .serial = sc_daemon_serial(d)};
    struct sockaddr_un from, to;
    socklen_t from_len = sc_name_format(&own, &from);
    socklen_t to_len = sc_name_format(&l->name, &to);
    if (bind(fd, (struct sockaddr *)&from, from_len) < 0 ||
        connect(fd, (struct sockaddr *)&to, to_len) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    if (!is_listeners(l, fd)) {
        sc_log(SC_LOG_WARN, "another user took the name of a listener of uid %u", l->uid);
        close(fd);
        return -ECONNREFUSED;
    }
    *serial = own.serial;
    return fd;
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
        if (err == -ECONNREFUSED) /* its last holder is gone; before the flow looks elsewhere */
            sc_listener_close(l);
        a->done(a, -err);
    }
    update_accepting(l);
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
        update_accepting(l);
        if (l->retry.timer.at == SC_NEVER)
            wait_for_room(l);
        return;
    }
    update_accepting(l);
    if (err == -ECONNREFUSED) /* its last holder is gone */
        sc_listener_close(l);
    a->done(a, err == -EAGAIN ? ECONNREFUSED : -err);
}

void sc_arrival_cancel(struct sc_arrival *a)
{
    if (a->link.next && !sc_list_empty(&a->link)) {
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
    l->queued--;
    if (!sc_list_empty(&l->arrivals))
        deliver_waiting(l);
    else
        update_accepting(l);
}

/* --- survivors -------------------------------------------------------------------------------- */

struct sc_service_id sc_loopback_service(const struct sc_daemon *d, uint16_t port)
{
    struct sc_service_name n = {.label = "loopback", .port = port, .proto = IPPROTO_TCP};
    snprintf(n.provider, sizeof n.provider, "%s.host", d->config.host_name);
    struct sc_service_id id;
    sc_name_to_id(&n, &id);
    return id;
}

bool sc_listener_service(struct sc_daemon *d, const struct sc_address *a, struct sc_service_id *out)
{
    struct sc_mapping m;
    if (sc_address_is_loopback(a)) {
        *out = sc_loopback_service(d, a->port);
        return true;
    }
    if (!sc_address_is_v4(a) || !sc_stack_mapping_of_pool(d->stack, sc_address_to_v4(a), &m))
        return false;
    *out = sc_service_id_at(m.service, a->port, IPPROTO_TCP);
    return true;
}

static void recover_one(void *arg, const struct sc_diag_socket *s)
{
    struct sc_daemon *d = arg;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t len = strlen(s->name);
    memcpy(sun.sun_path + 1, s->name, len < sizeof sun.sun_path - 1 ? len : 0);
    struct sc_name name;
    struct sc_service_id service;
    char why[SC_CTL_TEXT] = "";
    socklen_t total = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
    if (!sc_name_parse(&sun, total, &name) || name.kind != SC_NAME_BOUND ||
        !sc_listener_service(d, &name.address, &service))
        return;
    uid_t uid = s->uid_known ? s->uid : d->id.uid;
    if (!sc_ctl_may_serve(d, uid)) /* a name is a claim */
        sc_log(SC_LOG_WARN, "listener %s of uid %u is ignored", s->name, uid);
    else if (sc_listener_open(d, &name, s->inode, &service, 128, 0, uid, why) == 0)
        sc_log(SC_LOG_INFO, "listener %s survived and is registered again", s->name);
}

void sc_listeners_recover(struct sc_daemon *d)
{
    struct sockaddr_un sun;
    char prefix[sizeof sun.sun_path];
    socklen_t len = sc_name_control(d->id, &sun); /* ".../ctl" */
    size_t text = len - offsetof(struct sockaddr_un, sun_path) - 1;
    snprintf(prefix, sizeof prefix, "%.*s%c/", (int)(text - strlen("ctl")), sun.sun_path + 1,
             SC_NAME_BOUND);
    sc_diag_listeners(prefix, recover_one, d);
}
