#include "daemon/ctl.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/diag.h"
#include "daemon/listener.h"
#include "daemon/registry.h"
#include "daemon/session.h"
#include "daemon/status.h"
#include "naming/name.h"

/* Control connections at a time; each lives for one call. More wait in the queue. */
#define CONNECTIONS_MAX 4096
/* listen() waits this long for the service router to know the instance; a router that does not
 * answer must not hold up a server, which is registered as soon as it does. */
#define REGISTRATION_WAIT (1 * SC_SECOND)

struct sc_ctl_server {
    struct sc_daemon *daemon;
    struct sc_watch abstract;
    struct sc_watch path;
    char file[sizeof(struct sockaddr_un) - sizeof(sa_family_t)];
    struct sc_list connections;
    size_t count;
};

struct connection {
    struct sc_watch watch;
    struct sc_ctl_server *server;
    struct sc_list link;
    struct ucred peer;
    struct sc_ctl_request request; /* the call under way */
    struct sc_request open;        /* what PREPARE found out, for HANDOVER */
    bool prepared;
    bool port_taken;
    bool waiting;                 /* for a lookup: the ticket */
    struct sc_alarm registration; /* LISTEN: set while the router is waited for */
    struct sc_session *session;
    struct sc_waiter waiter;
};

/* --- connections ------------------------------------------------------------------------------ */

static void hang_up(struct connection *c)
{
    struct sc_ctl_server *s = c->server;
    int fd = c->watch.fd;
    if (fd < 0)
        return;
    if (c->session)
        sc_session_forget(c->session);
    if (c->port_taken)
        sc_registry_give_port(s->daemon, c->open.own.port);
    sc_loop_unwatch(&s->daemon->loop, &c->watch);
    sc_loop_alarm(&s->daemon->loop, &c->registration, SC_NEVER);
    close(fd);
    sc_list_remove(&c->link);
    s->count--;
    sc_loop_dispose(&s->daemon->loop, c);
    sc_daemon_on_activity(s->daemon);
}

static struct sc_ctl_reply reply_to(const struct connection *c)
{
    return (struct sc_ctl_reply){
        .magic = SC_CTL_MAGIC, .version = SC_CTL_VERSION, .op = c->request.op};
}

/* Sends the reply; with `fd` >= 0 that descriptor goes along. */
static void send_reply(struct connection *c, const struct sc_ctl_reply *r, int fd)
{
    struct iovec iov = {(void *)(uintptr_t)r, sizeof *r};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = control.room;
        msg.msg_controllen = sizeof control.room;
        struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(h), &fd, sizeof fd);
    }
    sendmsg(c->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL); /* one packet into an empty queue */
}

static void send_error(struct connection *c, int error, const char *text)
{
    struct sc_ctl_reply r = reply_to(c);
    r.error = error;
    snprintf(r.text, sizeof r.text, "%s", text);
    send_reply(c, &r, -1);
}

/* --- names and addresses ---------------------------------------------------------------------- */

static void look_up(struct connection *c, enum sc_lookup_by by, const char *name, uint32_t pool)
{
    struct sc_daemon *d = c->server->daemon;
    c->waiting = true;
    if (sc_stack_lookup(d->stack, by, name, pool, NULL, c, d->loop.now) < 0) {
        c->waiting = false;
        send_error(c, EAGAIN, "too many look-ups at once; try again");
        return;
    }
    sc_daemon_on_activity(d);
}

/* The name without its port, or a reply that says what is wrong with it. */
static bool read_name(struct connection *c, const char *text, int error,
                      struct sc_service_name *out, char base[SC_NAME_MAX + 1])
{
    const char *why = "";
    if (sc_name_read(text, out, &why) < 0) {
        char line[SC_CTL_TEXT];
        snprintf(line, sizeof line,
                 "%.120s: %s; a service is written label.provider.scaffold[:port[/proto]]", text,
                 why);
        send_error(c, error, line);
        return false;
    }
    struct sc_service_name plain = *out;
    plain.port = 0;
    plain.proto = 0;
    sc_name_write(&plain, base, SC_NAME_MAX + 1);
    return true;
}

static void on_resolve(struct connection *c)
{
    struct sc_service_name n;
    char base[SC_NAME_MAX + 1];
    if (read_name(c, c->request.resolve.name, EAI_NONAME, &n, base))
        look_up(c, SC_LOOKUP_NAME, base, 0);
}

static void reply_mapping(struct connection *c, const struct sc_mapping *m);

/* The service that the request names, by its id or by its address in the v6 pool. */
static bool named_service(struct connection *c, struct sc_service_id *id)
{
    if (c->request.reverse.by_service) {
        memcpy(id->bytes, c->request.reverse.service, sizeof id->bytes);
        return true;
    }
    return sc_ula_find(&c->server->daemon->ula, &c->request.reverse.address, id);
}

static void on_reverse(struct connection *c)
{
    const struct sc_address *a = &c->request.reverse.address;
    struct sc_service_id id;
    struct sc_mapping m;
    if (!c->request.reverse.by_service && sc_address_is_v4(a))
        look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(a));
    else if (named_service(c, &id) &&
             sc_stack_mapping_of_service(c->server->daemon->stack, &id, &m))
        reply_mapping(c, &m);
    else
        send_error(c, ENOENT, "no such service address");
}

/* --- serving ---------------------------------------------------------------------------------- */

static bool may_serve(const struct sc_daemon *d, uid_t uid)
{
    if (uid == 0 || uid == d->id.uid || d->config.allow_all)
        return true;
    for (size_t i = 0; i < d->config.allow_count; i++)
        if (d->config.allow[i] == uid)
            return true;
    return false;
}

/* A port for a program that asked for any: in turn, so that one which the kernel knows to be bound
 * already (the program then asks again) is not offered twice. 0 when every port is served. */
static uint16_t any_port(struct sc_daemon *d, struct sc_service_id service)
{
    for (int i = SC_PORT_FIRST; i <= SC_PORT_LAST; i++) {
        uint16_t port = d->next_bound_port;
        d->next_bound_port = port == SC_PORT_LAST ? SC_PORT_FIRST : (uint16_t)(port + 1);
        struct sc_service_id id = sc_service_id_at(service, port, IPPROTO_TCP);
        if (!sc_listeners_choose(d, &id))
            return port;
    }
    return 0;
}

/* Without keys no name can be verified; who insists is told so rather than served. Loopback
 * services of
 * --all-local never leave the host. */
static bool refuse_unverified(struct connection *c, bool loopback)
{
    if (!c->server->daemon->config.require_verified || loopback)
        return false;
    send_error(c, EACCES,
               "require_verified is set, and this version of scaffoldd cannot verify names; "
               "remove the setting to use unverified services");
    return true;
}

/* The rest of BIND, once the address of the service is known. */
static void bind_at(struct connection *c, struct sc_service_id service, struct sc_address address)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_ctl_reply r = reply_to(c);
    if (refuse_unverified(c, sc_address_is_loopback(&address)))
        return;
    if (address.port == 0)
        address.port = any_port(d, service);
    if (address.port == 0) {
        send_error(c, EADDRINUSE, "every port of the service is served on this host");
        return;
    }
    r.address = address;
    r.serial = c->request.bind.reuseport ? (uint32_t)sc_daemon_serial(d) << 1 | 1u : 0;
    struct sc_service_id id = sc_service_id_at(service, address.port, IPPROTO_TCP);
    memcpy(r.service, id.bytes, sizeof r.service);
    send_reply(c, &r, -1);
}

/* Whoever has an id has asked for its name before, so that its address is known here. */
static void bind_by_id(struct connection *c, uint16_t port)
{
    struct sc_service_id id;
    struct sc_mapping m;
    memcpy(id.bytes, c->request.bind.service_id, sizeof id.bytes);
    if (sc_stack_mapping_of_service(c->server->daemon->stack, &id, &m))
        bind_at(c, m.service, sc_address_v4(m.pool, port));
    else
        send_error(c, ENETUNREACH, "no service known here has this id; resolve its name first");
}

static void on_bind(struct connection *c)
{
    struct sc_daemon *d = c->server->daemon;
    const char *text = c->request.bind.service;
    struct sc_address address = c->request.bind.address;
    struct sc_service_name n;
    char base[SC_NAME_MAX + 1];
    if (!may_serve(d, c->peer.uid)) {
        char line[SC_CTL_TEXT];
        snprintf(line, sizeof line,
                 "uid %u may not serve here; add it to [allow] uids of scaffoldd", c->peer.uid);
        send_error(c, EACCES, line);
    } else if (c->request.bind.by_service_id) {
        bind_by_id(c, address.port);
    } else if (!*text && sc_address_is_loopback(&address)) {
        bind_at(c, sc_loopback_service(d, 0), address);
    } else if (!*text) {
        look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(&address));
    } else if (read_name(c, text, EINVAL, &n, base)) {
        look_up(c, SC_LOOKUP_NAME, base, 0);
    }
}

/* The value of an abstract name that a program sent as text. */
static bool read_own_name(const char *text, struct sc_name *out)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t len = strnlen(text, sizeof sun.sun_path - 1);
    memcpy(sun.sun_path + 1, text, len);
    return sc_name_parse(&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len), out);
}

static void on_listen(struct connection *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_name name;
    struct sc_service_id service;
    char why[SC_CTL_TEXT] = "";
    if (!may_serve(d, c->peer.uid)) {
        send_error(c, EACCES, "this user may not serve here; see [allow] of scaffoldd");
        return;
    }
    if (!read_own_name(c->request.listen.own, &name) || name.kind != SC_NAME_BOUND ||
        !sc_listener_service(d, &name.address, &service)) {
        send_error(c, EINVAL, "the socket is not bound to a service");
        return;
    }
    int err = sc_listener_open(d, &name, (uint32_t)c->request.listen.inode, &service,
                               c->request.listen.backlog, c->peer.pid, c->peer.uid, why);
    if (err || sc_stack_registered(d->stack) || sc_address_is_loopback(&name.address))
        send_error(c, err, why);
    else
        sc_loop_alarm(&d->loop, &c->registration, d->loop.now + REGISTRATION_WAIT);
}

static void on_registration_wait(struct sc_alarm *a)
{
    send_error(sc_container(a, struct connection, registration), 0, "");
}

void sc_ctl_on_registered(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->ctl->connections)
    {
        struct connection *c = sc_container(it, struct connection, link);
        if (c->registration.timer.at == SC_NEVER)
            continue;
        sc_loop_alarm(&d->loop, &c->registration, SC_NEVER);
        send_error(c, 0, "");
    }
}

static void on_unlisten(struct connection *c)
{
    struct sc_name name;
    struct sc_listener *l = read_own_name(c->request.listen.own, &name)
                                ? sc_listeners_find(c->server->daemon, &name)
                                : NULL;
    if (l && !sc_diag_exists(l->inode)) /* forked holders keep it */
        sc_listener_close(l);
}

/* --- connecting ------------------------------------------------------------------------------- */

/* The rest of PREPARE, once the service is known: a local address for the program. */
static void prepare_for(struct connection *c, const struct sc_service_id *service)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_ctl_reply r = reply_to(c);
    struct sc_stack_self self;
    if (refuse_unverified(c, c->open.loopback))
        return;
    sc_stack_get_self(d->stack, &self);
    uint16_t port = sc_registry_take_port(d, c->request.prepare.local_port);
    if (port == 0) {
        bool wanted = c->request.prepare.local_port != 0;
        send_error(c, wanted ? EADDRINUSE : EADDRNOTAVAIL, "no local port is left on this host");
        return;
    }
    c->port_taken = true;
    c->open.service = *service;
    c->open.own = sc_address_v4(self.pool, port);
    if (c->open.loopback) /* 127.0.0.1 or ::1, as the program named its target */
        c->open.own = sc_address_is_v4(&c->open.target)
                          ? sc_address_v4(0x7f000001, port)
                          : (struct sc_address){.ip = {[15] = 1}, .port = port};
    c->open.own_serial = (uint32_t)sc_daemon_serial(d);
    c->prepared = true;
    r.address = c->open.own;
    r.serial = (uint32_t)c->open.own_serial;
    memcpy(r.service, service->bytes, sizeof r.service);
    send_reply(c, &r, -1);
}

static void on_prepare(struct connection *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_address a = c->request.prepare.address;
    c->open = (struct sc_request){.target = a,
                                  .family = (enum sc_family)c->request.prepare.family,
                                  .uid = c->peer.uid,
                                  .pid = c->peer.pid};
    if (c->request.prepare.by_service) {
        struct sc_service_id id;
        memcpy(id.bytes, c->request.prepare.service, sizeof id.bytes);
        struct sc_mapping m;
        if (sc_stack_mapping_of_service(d->stack, &id, &m))
            c->open.target = sc_address_v4(m.pool, sc_service_id_port(&id));
        prepare_for(c, &id);
    } else if (sc_address_is_loopback(&a)) {
        struct sc_service_id id = sc_loopback_service(d, a.port);
        c->open.loopback = true;
        prepare_for(c, &id);
    } else if (sc_address_is_v4(&a)) {
        look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(&a));
    } else {
        struct sc_service_id id;
        if (sc_ula_find(&d->ula, &a, &id)) {
            id = sc_service_id_at(id, a.port, IPPROTO_TCP);
            prepare_for(c, &id);
        } else {
            send_error(c, ENETUNREACH, "no service has this address; resolve its name first");
        }
    }
}

/* The descriptor that came with the packet, or -1; others are closed. */
static int passed_descriptor(struct msghdr *msg)
{
    int fd = -1;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int one;
            memcpy(&one, CMSG_DATA(h) + i * sizeof one, sizeof one);
            if (fd < 0)
                fd = one;
            else
                close(one);
        }
    }
    return fd;
}

static void on_opened(struct sc_waiter *w, int error)
{
    struct connection *c = sc_container(w, struct connection, waiter);
    c->session = NULL;
    send_error(c, error, "");
}

/* Only a stream of the family that the model needs: anything else could make us block or lie. */
static bool fit_for_flow(int fd)
{
    int domain = 0, type = 0;
    socklen_t len = sizeof domain;
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    return domain == AF_UNIX && type == SOCK_STREAM;
}

static void on_handover(struct connection *c, int fd)
{
    struct sc_daemon *d = c->server->daemon;
    if (!c->prepared || fd < 0 || !fit_for_flow(fd)) {
        if (fd >= 0)
            close(fd);
        send_error(c, EINVAL, "HANDOVER needs PREPARE and a socket");
        return;
    }
    struct sc_request r = c->open;
    r.plug_len = c->request.handover.plug_len;
    r.abort_on_close = c->request.handover.abort_on_close;
    r.user_timeout_ms = c->request.handover.user_timeout_ms;
    r.timeout = c->request.handover.open_timeout_ms * SC_MS;
    if (r.user_timeout_ms && (r.timeout == 0 || r.user_timeout_ms * SC_MS < r.timeout))
        r.timeout = r.user_timeout_ms * SC_MS;
    c->prepared = false;
    c->port_taken = false; /* the session's from now on */
    c->waiter.opened = on_opened;
    bool wait = c->request.handover.wait;
    c->session = sc_session_open(d, &r, fd, wait ? &c->waiter : NULL);
    if (!wait) {
        c->session = NULL;
        send_error(c, 0, "");
    }
    sc_daemon_on_activity(d);
}

/* --- flows and tools -------------------------------------------------------------------------- */

static bool may_touch(const struct connection *c, const struct sc_end *e)
{
    return c->peer.uid == 0 || c->peer.uid == e->uid;
}

static void on_flow_error(struct connection *c)
{
    struct sc_ctl_reply r = reply_to(c);
    r.value = (uint32_t)sc_registry_take_error(c->server->daemon, &c->request.flow.flow);
    send_reply(c, &r, -1);
}

static void on_flow_option(struct connection *c)
{
    struct sc_ctl_reply r = reply_to(c);
    struct sc_end *e = sc_registry_find(c->server->daemon, &c->request.flow.flow);
    if (!e)
        r.error = ENOTCONN;
    else if (!may_touch(c, e))
        r.error = EACCES;
    else if (c->request.op == SC_CTL_FLOW_SET)
        r.error = sc_session_set(e, c->request.flow.option, c->request.flow.value);
    else
        r.error = sc_session_get(e, c->request.flow.option, &r.value, &r.info);
    send_reply(c, &r, -1);
}

static void on_status(struct connection *c)
{
    struct sc_ctl_reply r = reply_to(c);
    int fd = sc_status_write(c->server->daemon);
    r.error = fd < 0 ? -fd : 0;
    send_reply(c, &r, fd);
    if (fd >= 0)
        close(fd);
}

static void on_stop(struct connection *c)
{
    struct sc_daemon *d = c->server->daemon;
    if (c->peer.uid != 0 && c->peer.uid != d->id.uid) {
        send_error(c, EPERM, "only root and the user who runs scaffoldd can stop it");
        return;
    }
    send_error(c, 0, "");
    d->loop.stopping = true;
}

static void on_hello(struct connection *c)
{
    struct sc_ctl_reply r = reply_to(c);
    r.value = (uint32_t)getpid();
    snprintf(r.text, sizeof r.text, "scaffoldd %s", SCAFFOLD_VERSION);
    snprintf(r.name, sizeof r.name, "%s", c->server->daemon->config.host_name);
    send_reply(c, &r, -1);
}

static void dispatch(struct connection *c, int fd)
{
    static void (*const handlers[SC_CTL_OPS])(struct connection * c) = {
        [SC_CTL_HELLO] = on_hello,
        [SC_CTL_RESOLVE] = on_resolve,
        [SC_CTL_REVERSE] = on_reverse,
        [SC_CTL_PREPARE] = on_prepare,
        [SC_CTL_BIND] = on_bind,
        [SC_CTL_LISTEN] = on_listen,
        [SC_CTL_UNLISTEN] = on_unlisten,
        [SC_CTL_FLOW_ERROR] = on_flow_error,
        [SC_CTL_FLOW_SET] = on_flow_option,
        [SC_CTL_FLOW_GET] = on_flow_option,
        [SC_CTL_STATUS] = on_status,
        [SC_CTL_STOP] = on_stop,
    };
    if (c->request.op == SC_CTL_HANDOVER) {
        on_handover(c, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    handlers[c->request.op](c);
}

/* --- answers to lookups ----------------------------------------------------------------------- */

static int resolve_error(int error)
{
    return error == ENOMEM ? EAI_MEMORY : error == ENOENT ? EAI_NONAME : EAI_AGAIN;
}

static void reply_mapping(struct connection *c, const struct sc_mapping *m)
{
    struct sc_ctl_reply r = reply_to(c);
    r.address = sc_address_v4(m->pool, 0);
    r.address6 = sc_ula_of(&c->server->daemon->ula, &m->service);
    memcpy(r.service, m->service.bytes, sizeof r.service);
    snprintf(r.name, sizeof r.name, "%s", m->name);
    send_reply(c, &r, -1);
}

static const char *mapping_trouble(int error)
{
    switch (error) {
    case ENOMEM:
        return "the pool of service addresses is exhausted; give the router a larger --pool";
    case ENOENT:
        return "no service has this address; resolve its name first";
    default:
        return "the service router does not answer; is it running where --router says?";
    }
}

void sc_ctl_on_mapped(struct sc_daemon *d, const struct sc_event *e)
{
    struct sc_list *it, *tmp;
    struct connection *c = NULL;
    sc_list_each(it, tmp, &d->ctl->connections) /* the ticket may have hung up meanwhile */
    {
        struct connection *one = sc_container(it, struct connection, link);
        if (one == e->ticket && one->waiting)
            c = one;
    }
    if (!c)
        return;
    c->waiting = false;
    const struct sc_mapping *m = &e->mapping;
    uint16_t op = c->request.op;
    struct sc_address address = c->request.bind.address;
    if (m->error) {
        bool names = op == SC_CTL_RESOLVE;
        int error = m->error == ETIMEDOUT || m->error == ENOENT ? ENETUNREACH : m->error;
        send_error(c,
                   names                  ? resolve_error(m->error)
                   : op == SC_CTL_REVERSE ? m->error
                                          : error,
                   mapping_trouble(m->error));
    } else if (op == SC_CTL_BIND) {
        struct sc_address at = sc_address_v4(m->pool, address.port);
        bind_at(c, m->service, at);
    } else if (op == SC_CTL_PREPARE) {
        struct sc_service_id id =
            sc_service_id_at(m->service, c->request.prepare.address.port, IPPROTO_TCP);
        prepare_for(c, &id);
    } else {
        reply_mapping(c, m);
    }
}

/* --- requests --------------------------------------------------------------------------------- */

/* Checks who asks and what; replies with one line when it is not acceptable. */
static bool acceptable(struct connection *c, size_t len)
{
    struct sc_daemon *d = c->server->daemon;
    int err = sc_ctl_request_check(&c->request, len);
    char line[SC_CTL_TEXT];
    if (err == -EPROTO) {
        snprintf(line, sizeof line,
                 "this scaffoldd speaks version %d of the control protocol, the program's library "
                 "version %u; install the same release of both",
                 SC_CTL_VERSION, c->request.version);
        send_error(c, EPROTO, line);
    } else if (err < 0) {
        send_error(c, -err, "not a request of libscaffold");
    } else if (c->request.netns && c->request.netns != d->netns) {
        d->refused_peers++;
        send_error(c, EXDEV, "scaffoldd serves another network namespace than this program's");
        err = -EXDEV;
    }
    return err == 0;
}

/* False when the connection is over. */
static bool read_request(struct connection *c)
{
    struct iovec iov = {&c->request, sizeof c->request};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof control.room};
    ssize_t n = recvmsg(c->watch.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN;
    int fd = passed_descriptor(&msg);
    if (n > 0 && !c->waiting && acceptable(c, (size_t)n)) {
        dispatch(c, fd);
    } else if (fd >= 0) {
        close(fd);
    }
    return n > 0;
}

static void on_connection(struct sc_watch *w, uint32_t events)
{
    struct connection *c = sc_container(w, struct connection, watch);
    if ((events & EPOLLIN) && read_request(c) && !(events & (EPOLLHUP | EPOLLERR)))
        return;
    hang_up(c);
}

static void add_connection(struct sc_ctl_server *s, int fd)
{
    struct connection *c = calloc(1, sizeof *c);
    socklen_t len = sizeof c->peer;
    if (!c || s->count >= CONNECTIONS_MAX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->peer, &len) < 0) {
        free(c);
        close(fd);
        return;
    }
    c->watch = (struct sc_watch){.fd = fd, .ready = on_connection};
    c->server = s;
    sc_alarm_init(&c->registration, on_registration_wait);
    sc_list_append(&s->connections, &c->link);
    s->count++;
    if (sc_loop_watch(&s->daemon->loop, &c->watch, EPOLLIN) < 0) {
        hang_up(c);
        return;
    }
    on_connection(&c->watch, EPOLLIN); /* the request is usually there already */
}

static void accept_all(struct sc_ctl_server *s, int fd)
{
    for (;;) {
        int one = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (one < 0)
            return;
        add_connection(s, one);
    }
}

static void on_abstract(struct sc_watch *w, uint32_t events)
{
    (void)events;
    accept_all(sc_container(w, struct sc_ctl_server, abstract), w->fd);
}

static void on_path(struct sc_watch *w, uint32_t events)
{
    (void)events;
    accept_all(sc_container(w, struct sc_ctl_server, path), w->fd);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int listen_on(struct sc_daemon *d, struct sc_watch *w, const struct sockaddr_un *sun,
                     socklen_t len)
{
    w->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return -errno;
    if (bind(w->fd, (const struct sockaddr *)sun, len) < 0 || listen(w->fd, 4096) < 0) {
        int err = -errno;
        close(w->fd);
        w->fd = -1;
        return err;
    }
    return sc_loop_watch(&d->loop, w, EPOLLIN);
}

int sc_ctl_open(struct sc_daemon *d, char *why, size_t size)
{
    struct sc_ctl_server *s = calloc(1, sizeof *s);
    if (!s)
        return -1;
    d->ctl = s;
    s->daemon = d;
    sc_list_init(&s->connections);
    s->abstract = (struct sc_watch){.fd = -1, .ready = on_abstract};
    s->path = (struct sc_watch){.fd = -1, .ready = on_path};
    struct sockaddr_un sun;
    int err = listen_on(d, &s->abstract, &sun, sc_name_control(d->id, &sun));
    if (err < 0) {
        snprintf(why, size,
                 err == -EADDRINUSE
                     ? "%s: another scaffoldd runs there; stop it (scaffold down) or "
                       "give another --runtime-dir"
                     : "%s: %s",
                 d->config.runtime_dir, strerror(-err));
        return -1;
    }
    snprintf(s->file, sizeof s->file, "%s/ctl", d->config.runtime_dir);
    sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(sun.sun_path, s->file, strlen(s->file)); /* the directory is short: config.h */
    unlink(s->file); /* left by a crash: the abstract name says that nobody runs */
    err = listen_on(d, &s->path, &sun, sizeof sun);
    if (err < 0) {
        snprintf(why, size, "%s: %s; give a --runtime-dir that you can write to", s->file,
                 strerror(-err));
        return -1;
    }
    chmod(s->file, 0666); /* who may do what is decided by SO_PEERCRED, call by call */
    return 0;
}

void sc_ctl_close(struct sc_daemon *d)
{
    struct sc_ctl_server *s = d->ctl;
    if (!s)
        return;
    while (!sc_list_empty(&s->connections))
        hang_up(sc_container(sc_list_first(&s->connections), struct connection, link));
    struct sc_watch *w[] = {&s->abstract, &s->path};
    for (size_t i = 0; i < 2; i++) {
        int fd = w[i]->fd;
        sc_loop_unwatch(&d->loop, w[i]);
        if (fd >= 0)
            close(fd);
    }
    unlink(s->file);
    free(s);
    d->ctl = NULL;
}
