/* PREPARE: a program connects. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/datagram.h"
#include "daemon/control/handlers.h"
#include "daemon/control/lookup.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/wait.h"
#include "daemon/closer.h"
#include "daemon/meaning.h"
#include "daemon/pair.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/connecting.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/serving.h"
#include "daemon/underlay/host_address.h"

/* 0: none was to be had, and an error was sent. Flows that do not pass here make room. */
static uint16_t take_port(struct sc_ctl_call *c, uint16_t wanted)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_share share = {0};
    uint16_t port = 0;
    if (wanted)
        sc_local_look(d, wanted);
    if (!sc_share_is_left(&d->shares, c->peer.uid, SC_SHARE_CLIENTS))
        sc_local_yield(d, c->peer.uid);
    if (sc_ctl_refuse_share(c, &share, SC_SHARE_CLIENTS))
        return 0;
    port = sc_client_port_take(d, wanted, share);
    if (port == 0)
        sc_ctl_send_error(c, wanted ? EADDRINUSE : EADDRNOTAVAIL,
                          "no local port is left on this host");
    return port;
}

/* The local address of a client whose local port was taken. */
static struct sc_address own_address(const struct sc_ctl_call *c, uint32_t pool, uint16_t port)
{
    struct sc_address bound = c->request.prepare.local;
    if (!c->open.loopback)
        return sc_address_v4(pool, port);
    bound.port = port;
    if (sc_address_is_loopback(&bound) &&
        sc_address_is_v4(&bound) == sc_address_is_v4(&c->open.target))
        return bound;
    return sc_host_near(&c->open.target, port); /* as the program named its target */
}

/* A pair for the program, plugged. False: an error was sent. */
static bool make_pair(struct sc_ctl_call *c, struct sc_pair *p)
{
    struct sc_daemon *d = c->server->daemon;
    c->open.own_serial = sc_serial(&d->serials);
    struct sc_socket_name name = {.daemon = d->id,
                                  .kind = SC_SOCKET_CLIENT,
                                  .family = c->open.family,
                                  .address = c->open.own,
                                  .serial = c->open.own_serial};
    int err = sc_pair_make(p, SOCK_STREAM, &name);
    if (err < 0) {
        sc_ctl_send_error(c, ENOBUFS,
                          err == -EMFILE ? "scaffoldd has no descriptor left; raise its limit"
                                         : "scaffoldd is out of memory");
        return false;
    }
    c->open.plug_len = sc_pair_seed(p);
    return true;
}

static struct sc_ctl_reply prepared(const struct sc_ctl_call *c, enum sc_ctl_connected connected)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    r.connected = (uint8_t)connected;
    r.address = c->open.own;
    r.serial = c->open.own_serial;
    memcpy(r.service, c->open.service.bytes, sizeof r.service);
    return r;
}

/* The program's end goes along with the reply. */
static bool lend_kept(struct sc_ctl_call *c, enum sc_ctl_connected connected)
{
    struct sc_ctl_reply r = prepared(c, connected);
    return sc_ctl_lend(c, &r, c->kept);
}

static void on_opened(struct sc_waiter *w, int error)
{
    struct sc_ctl_call *c = sc_container(w, struct sc_ctl_call, waiter);
    sc_loop_alarm(&c->server->daemon->loop, &c->hold, SC_NEVER);
    if (error == 0 && !c->gave) {
        lend_kept(c, SC_CTL_CONNECTED);
    } else {
        sc_ctl_is_untaken(c); /* mostly it is not: then this was the last word */
        sc_ctl_send_error(c, error, "");
    }
    sc_ctl_drop_kept(c);
    sc_ctl_go_on(c);
}

/* It takes longer: a signal may have the program return, with a socket that connects. As long as it
 * waits, another thread's close does not end that; its death is seen by this connection. */
static void on_held(struct sc_alarm *a)
{
    struct sc_ctl_call *c = sc_container(a, struct sc_ctl_call, hold);
    sc_connecting_plug_more(&c->waiter, sc_pair_plug(c->kept));
    if (!lend_kept(c, SC_CTL_CONNECTING)) {
        sc_untie(&c->waiter.session);
        sc_ctl_drop_kept(c);
    }
    sc_ctl_go_on(c);
}

/* What was prepared is a session's from now on. False: it is not. */
static bool open_flow(struct sc_ctl_call *c, int own, struct sc_waiter *w)
{
    struct sc_daemon *d = c->server->daemon;
    c->open.abort_on_close = c->request.prepare.abort_on_close;
    c->open.congestion = c->request.prepare.congestion;
    c->open.user_timeout_ms = c->request.prepare.user_timeout_ms;
    c->open.timeout = c->open.user_timeout_ms * SC_MS;
    int err = sc_connecting_start(d, &c->open, own, w);
    sc_daemon_on_activity(d);
    return err == 0;
}

/* For a program whose connect waits: with the outcome, if that comes soon, so that nothing is
 * plugged and nobody is watched. */
static bool open_held(struct sc_ctl_call *c, int own)
{
    struct sc_loop *l = &c->server->daemon->loop;
    c->waiter.opened = on_opened;
    c->hold.fire = on_held;
    sc_loop_alarm(l, &c->hold, l->now + c->server->hold);
    if (open_flow(c, own, &c->waiter))
        return true;
    sc_loop_alarm(l, &c->hold, SC_NEVER);
    sc_ctl_send_error(c, ENOBUFS, "scaffoldd is out of memory");
    return false;
}

/* For one that does not wait. Nobody is connected to a program that cannot get its end. */
static bool open_at_once(struct sc_ctl_call *c, int own)
{
    c->open.plug_len += sc_pair_plug(c->kept);
    bool given = lend_kept(c, SC_CTL_CONNECTING);
    sc_ctl_drop_kept(c);
    if (given)
        return open_flow(c, own, NULL);
    close(own);
    return false;
}

/* By two sockets, and a session between them. False: neither is left. */
static bool open_session(struct sc_ctl_call *c)
{
    struct sc_pair pair;
    if (!make_pair(c, &pair))
        return false;
    c->kept = pair.program;
    return c->request.prepare.waits ? open_held(c, pair.own) : open_at_once(c, pair.own);
}

/* Straight to a server of this host, where that can be. False: it cannot. */
static bool open_direct(struct sc_ctl_call *c)
{
    int fd = c->request.prepare.direct ? sc_local_open(c->server->daemon, &c->open) : -1;
    if (fd < 0)
        return false;
    struct sc_ctl_reply r = prepared(c, SC_CTL_CONNECTED_LOCALLY);
    sc_ctl_lend(c, &r, fd);
    sc_closer_close(&c->server->daemon->loop, fd); /* the server may have sent something already */
    return true;
}

/* The rest of PREPARE, once the service is known: a socket with a local address. */
static void prepare_for(struct sc_ctl_call *c, const struct sc_service_id *service)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    if (!c->open.loopback && self.address == 0) {
        sc_ctl_send_error(c, ENETUNREACH, SC_CTL_NO_ADDRESS);
        return;
    }
    uint16_t port = take_port(c, c->request.prepare.local_port);
    if (port == 0)
        return;
    c->open.service = *service;
    c->open.own = own_address(c, self.pool, port);
    sc_client_port_hold(d, &c->open.own, c->request.prepare.reuseaddr);
    if (open_direct(c) || open_session(c))
        return; /* the port is the flow's */
    sc_ctl_drop_kept(c);
    sc_client_port_give(d, port);
}

static void on_mapped(struct sc_ctl_call *c, const struct sc_mapping *m)
{
    uint16_t port = c->request.prepare.address.port;
    struct sc_service_id id = sc_service_id_at(m->service, port, IPPROTO_TCP);
    if (sc_mapping_means(m, c->request.prepare.service))
        prepare_for(c, &id);
    else
        sc_ctl_send_error(c, ENETUNREACH, SC_MEANING_TROUBLE);
}

/* By a service's id: it need not be looked up. */
static void prepare_by_service(struct sc_ctl_call *c)
{
    struct sc_service_id id;
    struct sc_mapping m;
    memcpy(id.bytes, c->request.prepare.service, sizeof id.bytes);
    if (sc_stack_mapping_of_service(c->server->daemon->stack, &id, &m))
        c->open.target = sc_address_v4(m.pool, sc_service_id_port(&id));
    prepare_for(c, &id);
}

/* By a loopback address, or one of this host's own where somebody is to be reached. */
static void prepare_here(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    const struct sc_address *a = &c->open.target;
    struct sc_service_id id = sc_meaning_of_loopback(a->port);
    struct sc_listener *l = c->request.prepare.here ? sc_serving_choose(d, &id, a) : NULL;
    if (c->request.prepare.here && !l) {
        sc_ctl_send_error(c, ENOENT, SC_CTL_NOBODY_HERE);
        return;
    }
    if (l)
        sc_serving_put_back(l);
    c->open.loopback = true;
    prepare_for(c, &id);
}

/* By the address of a service. */
static void prepare_by_address(struct sc_ctl_call *c)
{
    const struct sc_address *a = &c->open.target;
    struct sc_service_id id;
    if (sc_address_is_v4(a)) {
        sc_ctl_look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(a), on_mapped);
    } else if (sc_ula_find(&c->server->daemon->ula, a, &id)) {
        id = sc_service_id_at(id, a->port, IPPROTO_TCP);
        prepare_for(c, &id);
    } else {
        sc_ctl_send_error(c, ENETUNREACH, "no service has this address; resolve its name first");
    }
}

static void prepare_stream(struct sc_ctl_call *c, bool loopback)
{
    c->open = (struct sc_request){.target = c->request.prepare.address,
                                  .family = (enum sc_family)c->request.prepare.family,
                                  .uid = c->peer.uid,
                                  .pid = c->peer.pid};
    if (c->request.prepare.by_service)
        prepare_by_service(c);
    else if (loopback)
        prepare_here(c);
    else
        prepare_by_address(c);
}

void sc_ctl_on_prepare(struct sc_ctl_call *c)
{
    const struct sc_address *a = &c->request.prepare.address;
    bool loopback =
        !c->request.prepare.by_service && (sc_address_is_loopback(a) || c->request.prepare.here);
    if (!loopback && sc_ctl_awaits_address(c, sc_ctl_on_prepare))
        return;
    if (loopback && !sc_host_has_address(c->server->daemon, a))
        sc_ctl_send_error(c, ENOENT, SC_CTL_NOBODY_HERE);
    else if (c->request.prepare.datagram)
        sc_ctl_prepare_datagram(c);
    else
        prepare_stream(c, loopback);
}
