#include "daemon/stream/arrival.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "daemon/pair.h"
#include "daemon/stream/binder.h"
#include "daemon/stream/folder.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/unix_end.h"

/* A full queue is asked again after 1 ms, doubling to 100 ms: the kernel announces no room. */
#define RETRY_FIRST (1 * SC_MS)
#define RETRY_LAST (100 * SC_MS)
/* Flows that wait for one listener beyond its backlog; more are refused. As many as the backlog may
 * have at most (somaxconn). */
#define ARRIVALS_MAX 4096

static void on_retry(struct sc_alarm *alarm);
static void on_accepted(struct sc_end *e);

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
    sc_binder_watch(l);
    return true;
}

int sc_arrival_connect(struct sc_listener *l, const struct sc_socket_name *name)
{
    struct sockaddr_un from;
    socklen_t from_len = sc_socket_name_format(name, &from);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    sc_pair_enlarge(fd);
    sc_pair_refuse_rights(fd);
    int err = bind(fd, (struct sockaddr *)&from, from_len) < 0
                  ? -errno
                  : sc_folder_connect(fd, l->bound->key);
    if (err == 0 && !get_acquainted(l, fd))
        err = -ECONNREFUSED;
    if (err < 0) {
        close(fd);
        return err;
    }
    return fd;
}

/* The end that the program's accept shows as the client. */
static int connect_peer(struct sc_listener *l, const struct sc_address *peer, uint64_t *serial)
{
    struct sc_daemon *d = l->daemon;
    struct sc_socket_name own = {.daemon = d->id,
                                 .kind = SC_SOCKET_PEER,
                                 .family = l->bound->name.family,
                                 .address = *peer,
                                 .serial = sc_serial(&d->serials)};
    *serial = own.serial;
    return sc_arrival_connect(l, &own);
}

/* The socket may be gone altogether, or its program may have shut it down. */
void sc_arrival_on_refused(struct sc_listener *l)
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
    if (sc_listener_is_full(l))
        return -EAGAIN;
    uint64_t serial = 0;
    int fd = connect_peer(l, &a->peer, &serial);
    if (fd < 0 && passes(fd))
        sc_journal(l->daemon, SC_JOURNAL_EXHAUSTED, SC_LOG_WARN,
                   "a flow to pid %d waits for a descriptor: %s", l->pid, strerror(-fd));
    if (fd < 0)
        return passes(fd) ? -EAGAIN : fd;
    struct sc_end *e = a->end;
    int err = sc_unix_end_init(e, &l->daemon->loop, fd, SC_END_QUEUED, a->ready, a->owner);
    if (err < 0) {
        close(fd);
        return err;
    }
    e->peer_serial = serial;
    e->listener = l;
    sc_list_append(&l->queue, &e->in_queue);
    e->accepted = on_accepted;
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
    l->retry.fire = on_retry;
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
        sc_listener_cancel(a);
        l->retry_after = 0;
        if (err == -ECONNREFUSED) /* before the flow looks elsewhere */
            sc_arrival_on_refused(l);
        a->done(a, -err);
    }
    sc_listener_update(l);
}

static void on_retry(struct sc_alarm *alarm)
{
    deliver_waiting(sc_container(alarm, struct sc_listener, retry));
}

void sc_arrival_deliver(struct sc_listener *l, struct sc_arrival *a)
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
        sc_arrival_on_refused(l);
    a->done(a, err == -EAGAIN ? ECONNREFUSED : -err);
}

/* The end left the queue: its acceptor has spoken, or it is gone. */
static void on_accepted(struct sc_end *e)
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
