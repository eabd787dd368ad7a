/* PREPARE and HANDOVER: a program connects. */
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
    c->open.plug_len = c->request.prepare.waits ? sc_pair_plug_lightly(p) : sc_pair_plug(p);
    return true;
}

/* An answer that is the last one. While the descriptor is still to be taken that came before it,
 * the connection lasts as long as its caller's (call.c). */
static void say_last(struct sc_ctl_call *c, int error, const char *text)
{
    bool untaken = sc_ctl_is_untaken(c);
    sc_ctl_send_error(c, error, text);
    if (!untaken)
        sc_ctl_hang_up(c);
}

static void on_opened(struct sc_waiter *w, int error)
{
    struct sc_ctl_call *c = sc_container(w, struct sc_ctl_call, waiter);
    if (c->lent >= 0 && error == 0)
        sc_pair_enlarge(c->lent);
    sc_ctl_drop_lent(c);
    say_last(c, error, "");
}

/* The program has its socket: what was prepared is a session's from now on. */
static void open_flow(struct sc_ctl_call *c, bool waits, bool abort_on_close, uint8_t congestion,
                      uint32_t user_timeout_ms)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_request r = c->open;
    int own = c->prepared;
    r.abort_on_close = abort_on_close;
    r.congestion = congestion;
    r.user_timeout_ms = user_timeout_ms;
    r.timeout = user_timeout_ms * SC_MS;
    c->prepared = -1;
    c->port_taken = false;
    c->waiter.opened = on_opened;
    int err = sc_connecting_start(d, &r, own, waits ? &c->waiter : NULL);
    if (err) {
        c->port_taken = true;
        sc_ctl_drop_prepared(c);
        say_last(c, err, "scaffoldd is out of memory");
    }
    sc_daemon_on_activity(d);
}

/* The program's end goes along with the reply. Whoever waits has his flow opened, and his end is
 * kept here, too, until that is over, which costs him nothing: his death is seen by this
 * connection. */
static bool give_pair(struct sc_ctl_call *c, const struct sc_ctl_reply *r,
                      const struct sc_pair *pair)
{
    c->prepared = pair->own;
    if (!c->request.prepare.waits)
        return sc_ctl_give(c, r, pair->program);
    c->lent = pair->program;
    if (!sc_ctl_lend(c, r, pair->program))
        return false;
    open_flow(c, true, c->request.prepare.abort_on_close, c->request.prepare.congestion,
              c->request.prepare.user_timeout_ms);
    return true;
}

static void fill_reply(const struct sc_ctl_call *c, struct sc_ctl_reply *r)
{
    r->address = c->open.own;
    r->serial = c->open.own_serial;
    memcpy(r->service, c->open.service.bytes, sizeof r->service);
}

/* Straight to a server of this host, where that can be. False: it cannot. */
static bool open_direct(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    int fd = c->request.prepare.direct ? sc_local_open(c->server->daemon, &c->open) : -1;
    if (fd < 0)
        return false;
    c->port_taken = false; /* the flow's from now on */
    r.connected = true;
    fill_reply(c, &r);
    sc_ctl_give(c, &r, fd);
    return true;
}

/* The rest of PREPARE, once the service is known: a socket with a local address. */
static void prepare_for(struct sc_ctl_call *c, const struct sc_service_id *service)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    struct sc_stack_self self;
    struct sc_pair pair;
    if (sc_ctl_refuse_unverified(c, c->open.loopback))
        return;
    sc_stack_get_self(d->stack, &self);
    if (!c->open.loopback && self.address == 0) {
        sc_ctl_send_error(c, ENETUNREACH, SC_CTL_NO_ADDRESS);
        return;
    }
    uint16_t port = take_port(c, c->request.prepare.local_port);
    if (port == 0)
        return;
    c->port_taken = true;
    c->open.service = *service;
    c->open.own = own_address(c, self.pool, port);
    sc_client_port_hold(d, &c->open.own, c->request.prepare.reuseaddr);
    if (open_direct(c))
        return;
    if (make_pair(c, &pair)) {
        fill_reply(c, &r);
        if (give_pair(c, &r, &pair))
            return;
    }
    sc_ctl_drop_prepared(c);
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

static void prepare_again(struct sc_alarm *a)
{
    sc_ctl_on_prepare(sc_container(a, struct sc_ctl_call, address));
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
    struct sc_service_id id = sc_meaning_of_loopback(d, a->port);
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
    if (!loopback && sc_ctl_awaits_address(c, prepare_again))
        return;
    sc_ctl_drop_prepared(c); /* prepared before, and thought better of it */
    if (loopback && !sc_host_has_address(c->server->daemon, a))
        sc_ctl_send_error(c, ENOENT, SC_CTL_NOBODY_HERE);
    else if (c->request.prepare.datagram)
        sc_ctl_prepare_datagram(c);
    else
        prepare_stream(c, loopback);
}

void sc_ctl_on_handover(struct sc_ctl_call *c)
{
    bool waits = c->request.handover.wait;
    if (c->prepared < 0) {
        sc_ctl_send_error(c, EINVAL, "HANDOVER needs PREPARE");
        return;
    }
    open_flow(c, waits, c->request.handover.abort_on_close, c->request.handover.congestion,
              c->request.handover.user_timeout_ms);
    if (!waits)
        sc_ctl_hang_up(c);
}
