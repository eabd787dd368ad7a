#include "daemon/control/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/wait.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/trust/denial.h"
#include "daemon/datagram/receiver.h"
#include "daemon/underlay/host_address.h"

static const char *trouble(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another datagram socket of this host has this address; SO_REUSEADDR or "
               "SO_REUSEPORT on both lets them share it";
    case EADDRNOTAVAIL:
        return "no local port is left on this host";
    case ENOBUFS:
        return "this user has its share of scaffoldd's datagram sockets";
    case EMFILE:
        return "scaffoldd has no descriptor left; raise its limit";
    case ENOSPC:
        return "too many instances on this host";
    default:
        return "scaffoldd is out of memory";
    }
}

/* It ends with the program's end of it, which is here. */
static void refuse_offered(struct sc_ctl_call *c, enum sc_denial why)
{
    char line[SC_CTL_TEXT];
    close(c->offered);
    c->offered = -1;
    sc_denial_explain(c->server->daemon, &c->open.service, why, line, sizeof line);
    sc_ctl_send_error(c, sc_denial_error(why), line);
}

static void give_offered(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    enum sc_denial why = sc_stack_denial(c->server->daemon->stack, &c->open.service);
    if (why != SC_DENIAL_NONE) {
        refuse_offered(c, why);
        return;
    }
    int fd = c->offered;
    c->offered = -1;
    r.address = c->open.own;
    r.serial = c->open.own_serial;
    memcpy(r.service, c->open.service.bytes, sizeof r.service);
    sc_ctl_give(c, &r, fd);
}

/* The socket takes part from now on, and lasts as long as its program's end. What it serves is to
 * be known to the router before the program hears of it. */
static void open_endpoint(struct sc_ctl_call *c, const struct sc_endpoint_request *r)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_endpoint *e;
    int err = sc_endpoint_open(d, r, &e, &c->offered);
    if (err) {
        sc_ctl_send_error(c, err == EMFILE || err == ENOSPC ? ENOBUFS : err, trouble(err));
        return;
    }
    c->open = (struct sc_request){.service = e->service, .own = e->own, .own_serial = e->serial};
    if (e->group && e->group->instance && !sc_stack_registered(d->stack))
        sc_ctl_await_registration(c, give_offered);
    else
        give_offered(c);
}

void sc_ctl_prepare_datagram(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    const struct sc_address *to = &c->request.prepare.address;
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    struct sc_endpoint_request r = {.family = (enum sc_family)c->request.prepare.family,
                                    .uid = c->peer.uid,
                                    .pid = c->peer.pid,
                                    .wildcard = true,
                                    .shows_wildcard = c->request.prepare.wildcard,
                                    .rcvbuf = c->request.prepare.rcvbuf,
                                    .v6only = c->request.prepare.v6only,
                                    .loopback =
                                        !c->request.prepare.by_service &&
                                        (sc_address_is_loopback(to) || c->request.prepare.here)};
    if (!r.loopback && self.pool == 0) {
        sc_ctl_send_error(c, ENETUNREACH, SC_CTL_NO_ADDRESS);
        return;
    }
    if (c->request.prepare.here && !sc_receiver_is_here(d, to)) {
        sc_ctl_send_error(c, ENOENT, SC_CTL_NOBODY_HERE);
        return;
    }
    r.address = sc_address_v4(self.pool, 0);
    if (r.loopback) {
        r.service = d->datagrams.loopback;
        r.address = sc_host_near(to, 0);
    }
    r.address.port = c->request.prepare.local_port;
    open_endpoint(c, &r);
}

void sc_ctl_bind_datagram(struct sc_ctl_call *c, struct sc_service_id service,
                          struct sc_address address)
{
    bool loopback = sc_address_is_loopback(&address);
    struct sc_endpoint_request r = {.service = service,
                                    .address = address,
                                    .family = (enum sc_family)c->request.bind.family,
                                    .uid = c->peer.uid,
                                    .pid = c->peer.pid,
                                    .bound = !loopback,
                                    .loopback = loopback,
                                    .wildcard = c->request.bind.wildcard,
                                    .v6only = c->request.bind.v6only,
                                    .shows_wildcard = c->request.bind.wildcard,
                                    .rcvbuf = c->request.bind.rcvbuf,
                                    .reuseaddr = c->request.bind.reuseaddr,
                                    .reuseport = c->request.bind.reuseport};
    open_endpoint(c, &r);
}

bool sc_ctl_on_datagram_option(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    struct sc_socket_name name;
    if (!sc_socket_name_read_key(c->request.flow.flow.own, &name) ||
        name.kind != SC_SOCKET_DATAGRAM)
        return false;
    struct sc_endpoint *e = sc_endpoint_find(c->server->daemon, &name);
    if (!e)
        r.error = ENOTCONN;
    else if (c->peer.uid != 0 && c->peer.uid != e->uid)
        r.error = EACCES;
    else if (c->request.op == SC_CTL_FLOW_GET && c->request.flow.option == SC_OPT_PEER)
        r.address = e->connected ? e->peer : (struct sc_address){0};
    else if (c->request.op == SC_CTL_FLOW_SET)
        r.error = sc_endpoint_set(e, c->request.flow.option, c->request.flow.value);
    else
        r.error = sc_endpoint_get(e, c->request.flow.option, &r.value, &r.info);
    sc_ctl_send(c, &r);
    return true;
}
