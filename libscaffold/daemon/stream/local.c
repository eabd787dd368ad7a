#include "daemon/stream/local.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "daemon/stream/arrival.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/serving.h"
#include "daemon/stream/session.h"

/* Lines that an opening looks at, until one is of a flow that is over: as many are taken away as
 * are added, however fast they follow. So few that nobody minds are left to the sweep. */
#define LOOKS_OF_OPENING 2
#define FEW 64
/* Lines that one sweep looks at, under a microsecond each. */
#define LOOKS_OF_SWEEP 64
/* Lines that are gone through for one of a certain user. */
#define LOOKS_FOR_USER 256

struct line {
    struct sc_list link;
    struct sc_map_node by_port;
    uint16_t port;
    struct sc_socket_name name; /* of the client's socket */
    struct sc_service_id service;
    sc_time opened;
    uint32_t client_uid, server_uid;
    int32_t client_pid, server_pid; /* the server's: who listened; who accepts is not known */
};

void sc_local_init(struct sc_daemon *d)
{
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    sc_list_init(&d->locals.all);
    d->locals.probe = -1;
    SC_MAP_INIT(&d->locals.by_port, struct line, by_port, port, seed);
}

static void forget(struct sc_daemon *d, struct line *f)
{
    sc_list_remove(&f->link);
    sc_map_remove(&d->locals.by_port, &f->by_port);
    sc_client_port_give(d, f->port);
    free(f);
}

static struct line *oldest(struct sc_daemon *d)
{
    struct sc_list *first = sc_list_first(&d->locals.all);
    return first ? sc_container(first, struct line, link) : NULL;
}

void sc_local_fini(struct sc_daemon *d)
{
    struct line *f;
    while ((f = oldest(d)) != NULL)
        forget(d, f);
    sc_map_fini(&d->locals.by_port);
    if (d->locals.probe >= 0)
        close(d->locals.probe);
}

/* --- what is over ----------------------------------------------------------------------------- */

/* Whether somebody holds the client's socket: its name is taken then. Somebody else may have taken
 * it since, who gains nothing by it. (sock_diag would know for sure, after a walk over all sockets
 * of the host for each question.) */
static bool is_held(struct sc_daemon *d, const struct line *f)
{
    struct sockaddr_un sun;
    socklen_t len = sc_socket_name_format(&f->name, &sun);
    int *probe = &d->locals.probe;
    if (*probe < 0)
        *probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*probe < 0 || bind(*probe, (const struct sockaddr *)&sun, len) < 0)
        return true;
    close(*probe);
    *probe = -1;
    return false;
}

/* True: it is over, and forgotten. Otherwise it goes to the back. */
static bool look_at(struct sc_daemon *d, struct line *f)
{
    if (!is_held(d, f)) {
        sc_journal_local_over(f->name.serial);
        forget(d, f);
        return true;
    }
    sc_list_remove(&f->link);
    sc_list_append(&d->locals.all, &f->link);
    return false;
}

/* There may be one more than is remembered. */
static void make_room(struct sc_daemon *d)
{
    size_t looks = d->locals.by_port.count > FEW ? LOOKS_OF_OPENING : 0;
    while (looks > 0 && !look_at(d, oldest(d)))
        looks--;
    if (d->locals.by_port.count > SC_LOCALS_MAX)
        forget(d, oldest(d));
}

void sc_local_sweep(struct sc_daemon *d)
{
    size_t count = d->locals.by_port.count;
    for (size_t left = count < LOOKS_OF_SWEEP ? count : LOOKS_OF_SWEEP; left > 0; left--)
        look_at(d, oldest(d));
}

void sc_local_look(struct sc_daemon *d, uint16_t port)
{
    struct sc_map_node *n = sc_map_find(&d->locals.by_port, &port);
    if (n)
        look_at(d, sc_container(n, struct line, by_port));
}

bool sc_local_yield(struct sc_daemon *d, uint32_t uid)
{
    struct sc_list *it, *tmp;
    struct line *kept = NULL;
    size_t left = LOOKS_FOR_USER;
    sc_list_each(it, tmp, &d->locals.all)
    {
        struct line *f = sc_container(it, struct line, link);
        if (left-- == 0)
            break;
        if (f->client_uid != uid)
            continue;
        if (!is_held(d, f)) {
            forget(d, f);
            return true;
        }
        kept = kept ? kept : f;
    }
    if (kept)
        forget(d, kept);
    return kept != NULL;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Nobody plants descriptors in a program that takes its peer for one of TCP: the kernel refuses
 * them at both ends, or both programs are of one user. */
static bool is_safe(const struct sc_listener *l, const struct sc_request *r)
{
    return l->bound->sealed || (l->pid != 0 && l->uid == r->uid);
}

/* Who waits for room is not overtaken, and waits in the user plane. */
static bool suits(struct sc_listener *l, const struct sc_request *r)
{
    return !sc_listener_needs_user_plane(l) && is_safe(l, r) && sc_list_empty(&l->arrivals) &&
           !sc_listener_is_full(l);
}

static struct line *new_line(struct sc_daemon *d, const struct sc_request *r)
{
    struct line *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->port = r->own.port;
    f->name = (struct sc_socket_name){.daemon = d->id,
                                      .kind = SC_SOCKET_LOCAL,
                                      .family = r->family,
                                      .address = r->own,
                                      .reached = r->target,
                                      .serial = sc_serial(&d->serials)};
    f->service = r->service;
    f->client_uid = r->uid;
    f->client_pid = r->pid;
    f->opened = d->loop.now;
    sc_list_init(&f->link);
    if (sc_map_insert(&d->locals.by_port, &f->by_port) == 0)
        return f;
    free(f);
    return NULL;
}

/* Connects to one listener after the other of those that are left. Returns a descriptor, or a
 * negative errno: the listener that is next does not suit, or has no room. */
static int connect_line(struct sc_daemon *d, const struct sc_request *r, struct line *f)
{
    struct sc_listener *l;
    struct sockaddr_un sun;
    int fd = -ECONNREFUSED;
    while (fd == -ECONNREFUSED && (l = sc_serving_choose(d, &r->service, &r->target)) != NULL) {
        f->name.server_family = l->bound->name.family;
        if (!suits(l, r) || sc_socket_name_format(&f->name, &sun) == 0)
            fd = -EOPNOTSUPP;
        else
            fd = sc_arrival_connect(l, &f->name);
        if (fd == -ECONNREFUSED) {
            sc_arrival_on_refused(l);
        } else if (fd < 0) {
            sc_serving_put_back(l);
        } else {
            f->server_pid = l->pid;
            f->server_uid = l->uid;
            l->direct++;
        }
    }
    return fd;
}

/* Its port goes on being the caller's. */
static void drop_line(struct sc_daemon *d, struct line *f)
{
    sc_map_remove(&d->locals.by_port, &f->by_port);
    free(f);
}

int sc_local_open(struct sc_daemon *d, const struct sc_request *r)
{
    struct line *f = d->config.plane == SC_PLANE_USER ? NULL : new_line(d, r);
    int fd = f ? connect_line(d, r, f) : -ENOMEM;
    if (fd < 0) {
        if (f)
            drop_line(d, f);
        return -1;
    }
    int off = 0;
    ioctl(fd, FIONBIO, &off); /* as the program's own was; the library says otherwise */
    sc_client_port_leave(d, f->port);
    sc_list_append(&d->locals.all, &f->link);
    make_room(d);
    sc_journal_local_opened(d, r, f->name.serial);
    sc_daemon_on_activity(d);
    return fd;
}

/* --- telling ---------------------------------------------------------------------------------- */

static struct sc_session_status describe(const struct sc_daemon *d, const struct line *f)
{
    return (struct sc_session_status){.id = f->name.serial,
                                      .service = f->service,
                                      .state = "open",
                                      .age = d->loop.now - f->opened,
                                      .plane = "local",
                                      .uncounted = true,
                                      .same_host = true};
}

static void tell(const struct sc_daemon *d, const struct line *f,
                 void (*each)(void *arg, const struct sc_session_status *s), void *arg)
{
    struct sc_session_status client = describe(d, f), server = describe(d, f);
    client.pid = f->client_pid;
    client.uid = f->client_uid;
    client.peer = f->name.reached;
    server.id ^= 1; /* each end has a number */
    server.pid = f->server_pid;
    server.uid = f->server_uid;
    server.peer = f->name.address;
    each(arg, &client);
    each(arg, &server);
}

void sc_local_scan(struct sc_daemon *d, size_t *cursor,
                   void (*each)(void *arg, const struct sc_session_status *s), void *arg)
{
    struct sc_map_node *next, *n = sc_map_scan(&d->locals.by_port, cursor);
    for (; n; n = next) {
        struct line *f = sc_container(n, struct line, by_port);
        next = n->next;
        if (!look_at(d, f))
            tell(d, f, each, arg);
    }
}
