/* PREPARE, BIND and HANDOVER of datagram sockets, and what programs ask about them. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ctl_call.h"
#include "daemon/datagrams.h"
#include "daemon/endpoint.h"
#include "daemon/handover.h"

/* As long as listen() waits: see ctl_serve.c. */
#define REGISTRATION_WAIT (1 * SC_SECOND)

void sc_ctl_drop_endpoint(struct sc_ctl_call *c)
{
    if (c->endpoint)
        sc_endpoint_close(c->endpoint);
    c->endpoint = NULL;
}

static const char *reservation_trouble(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another datagram socket of this host has this address; SO_REUSEADDR or "
               "SO_REUSEPORT on both lets them share it";
    case EADDRNOTAVAIL:
        return "no local port is left on this host";
    case ENOBUFS:
        return "this user has its share of scaffoldd's datagram sockets";
    default:
        return "scaffoldd is out of memory";
    }
}

static void reserve(struct sc_ctl_call *c, const struct sc_endpoint_request *r)
{
    struct sc_ctl_reply reply = sc_ctl_reply_to(c);
    sc_ctl_drop_endpoint(c); /* reserved before on this connection, and thought better of it */
    int err = sc_endpoint_reserve(c->server->daemon, r, &c->endpoint);
    if (err) {
        sc_ctl_send_error(c, err, reservation_trouble(err));
        return;
    }
    reply.address = c->endpoint->own;
    reply.serial = c->endpoint->serial;
    memcpy(reply.service, c->endpoint->service.bytes, sizeof reply.service);
    sc_ctl_send(c, &reply, -1);
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
                                    .v6only = c->request.prepare.v6only,
                                    .loopback =
                                        !c->request.prepare.by_service &&
                                        (sc_address_is_loopback(to) || c->request.prepare.here)};
    if (sc_ctl_refuse_unverified(c, r.loopback))
        return;
    if (!r.loopback && self.pool == 0) {
        sc_ctl_send_error(c, ENETUNREACH, SC_CTL_NO_ADDRESS);
        return;
    }
    if (c->request.prepare.here && !sc_datagrams_serve_here(d, to)) {
        sc_ctl_send_error(c, ENOENT, SC_CTL_NOBODY_HERE);
        return;
    }
    r.address = sc_address_v4(self.pool, 0);
    if (r.loopback) {
        r.service = d->datagrams.loopback;
        r.address = sc_ctl_near(to, 0);
    }
    r.address.port = c->request.prepare.local_port;
    reserve(c, &r);
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
                                    .reuseaddr = c->request.bind.reuseaddr,
                                    .reuseport = c->request.bind.reuseport};
    if (!sc_ctl_refuse_unverified(c, loopback))
        reserve(c, &r);
}

void sc_ctl_hand_over_datagram(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_endpoint *e = c->endpoint;
    int fd = sc_ctl_take_passed(c);
    if (fd < 0 || !sc_handover_fits(d, fd, SOCK_SEQPACKET, SC_NAME_DATAGRAM, e->serial)) {
        if (fd >= 0)
            close(fd);
        sc_ctl_send_error(c, c->passed_too_many ? ENOBUFS : EINVAL,
                          "HANDOVER of a datagram socket needs an end of a SOCK_SEQPACKET pair");
        return;
    }
    c->endpoint = NULL; /* the table's from now on */
    int err = sc_endpoint_attach(e, fd, c->request.handover.rcvbuf);
    if (err)
        sc_ctl_send_error(c, err, "too many instances on this host");
    else if (e->group && e->group->instance && !sc_stack_registered(d->stack))
        sc_loop_alarm(&d->loop, &c->registration, d->loop.now + REGISTRATION_WAIT);
    else
        sc_ctl_send_error(c, 0, "");
}

bool sc_ctl_on_datagram_option(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    struct sc_name name;
    if (!sc_name_read_key(c->request.flow.flow.own, &name) || name.kind != SC_NAME_DATAGRAM)
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
    sc_ctl_send(c, &r, -1);
    return true;
}
