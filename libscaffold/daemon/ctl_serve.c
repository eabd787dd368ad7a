/* BIND, LISTEN and UNLISTEN: a program offers an instance. */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl_call.h"
#include "daemon/ctl.h"
#include "daemon/diag.h"
#include "daemon/listener.h"
#include "daemon/registry.h"
#include "naming/name.h"

/* listen() waits this long for the service router to know the instance; a router that does not
 * answer must not hold up a server, which is registered as soon as it does. */
#define REGISTRATION_WAIT (1 * SC_SECOND)

bool sc_ctl_may_serve(const struct sc_daemon *d, uid_t uid)
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
        if (!sc_listeners_choose(d, &id, NULL))
            return port;
    }
    return 0;
}

/* TCP refuses the bind where somebody listens. */
static bool loopback_in_use(struct sc_ctl_call *c, struct sc_service_id service,
                            const struct sc_address *address)
{
    struct sc_service_id id = sc_service_id_at(service, address->port, IPPROTO_TCP);
    struct sc_name name = {.family = (enum sc_family)c->request.bind.family,
                           .wildcard = c->request.bind.wildcard,
                           .address = *address,
                           .serial = c->request.bind.reuseport};
    return sc_listeners_in_use(c->server->daemon, &name, &id, c->peer.pid);
}

/* The rest of BIND, once the address of the service is known. */
void sc_ctl_bind_at(struct sc_ctl_call *c, struct sc_service_id service, struct sc_address address)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    if (c->request.bind.datagram) {
        sc_ctl_bind_datagram(c, service, address);
        return;
    }
    if (sc_ctl_refuse_unverified(c, sc_address_is_loopback(&address)))
        return;
    if (address.port == 0)
        address.port = any_port(d, service);
    if (address.port == 0) {
        sc_ctl_send_error(c, EADDRINUSE, "every port of the service is served on this host");
        return;
    }
    if (sc_address_is_loopback(&address) && loopback_in_use(c, service, &address)) {
        sc_ctl_send_error(c, EADDRINUSE, "another program listens at this loopback port");
        return;
    }
    r.address = address;
    r.serial = c->request.bind.reuseport ? (uint32_t)sc_daemon_serial(d) << 1 | 1u : 0;
    struct sc_service_id id = sc_service_id_at(service, address.port, IPPROTO_TCP);
    memcpy(r.service, id.bytes, sizeof r.service);
    sc_ctl_send(c, &r, -1);
}

/* Whoever has an id or an IPv6 address has asked for its name before: it is known here. */
static void bind_known(struct sc_ctl_call *c, const struct sc_service_id *id)
{
    struct sc_mapping m;
    if (sc_stack_mapping_of_service(c->server->daemon->stack, id, &m))
        sc_ctl_bind_at(c, m.service, sc_address_v4(m.pool, c->request.bind.address.port));
    else
        sc_ctl_send_error(c, ENETUNREACH,
                          "no service known here has this id; resolve its name first");
}

static void bind_by_address(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    const struct sc_address *a = &c->request.bind.address;
    struct sc_service_id id;
    if (sc_address_is_loopback(a))
        sc_ctl_bind_at(c, sc_loopback_service(d, 0), *a);
    else if (sc_address_is_v4(a))
        sc_ctl_look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(a));
    else if (sc_ula_find(&d->ula, a, &id))
        bind_known(c, &id);
    else
        sc_ctl_send_error(c, ENETUNREACH, "no service has this address; resolve its name first");
}

void sc_ctl_on_bind(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    const char *text = c->request.bind.service;
    struct sc_service_id id;
    struct sc_service_name n;
    char base[SC_NAME_MAX + 1];
    if (!sc_ctl_may_serve(d, c->peer.uid)) {
        char line[SC_CTL_TEXT];
        snprintf(line, sizeof line,
                 "uid %u may not serve here; add it to [allow] uids of scaffoldd", c->peer.uid);
        sc_ctl_send_error(c, EACCES, line);
    } else if (c->request.bind.by_service_id) {
        memcpy(id.bytes, c->request.bind.service_id, sizeof id.bytes);
        bind_known(c, &id);
    } else if (!*text) {
        bind_by_address(c);
    } else if (sc_ctl_read_name(c, text, EINVAL, &n, base)) {
        sc_ctl_look_up(c, SC_LOOKUP_NAME, base, 0);
    }
}

bool sc_ctl_read_own_name(const char *text, struct sc_name *out)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t len = strnlen(text, sizeof sun.sun_path - 1);
    memcpy(sun.sun_path + 1, text, len);
    return sc_name_parse(&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len), out);
}

void sc_ctl_on_listen(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_name name;
    struct sc_service_id service;
    char why[SC_CTL_TEXT] = "";
    if (!sc_ctl_may_serve(d, c->peer.uid)) {
        sc_ctl_send_error(c, EACCES, "this user may not serve here; see [allow] of scaffoldd");
        return;
    }
    if (!sc_ctl_read_own_name(c->request.listen.own, &name) || name.kind != SC_NAME_BOUND ||
        !sc_listener_service(d, &name.address, &service) || c->request.listen.inode > UINT32_MAX ||
        !sc_diag_is_named((uint32_t)c->request.listen.inode, c->request.listen.own)) {
        sc_ctl_send_error(c, EINVAL, "the socket is not bound to a service");
        return;
    }
    int err = sc_listener_open(d, &name, (uint32_t)c->request.listen.inode, &service,
                               c->request.listen.backlog, c->peer.pid, c->peer.uid, why);
    if (err || sc_stack_registered(d->stack) || sc_address_is_loopback(&name.address))
        sc_ctl_send_error(c, err, why);
    else
        sc_loop_alarm(&d->loop, &c->registration, d->loop.now + REGISTRATION_WAIT);
}

void sc_ctl_on_registration_wait(struct sc_alarm *a)
{
    sc_ctl_send_error(sc_container(a, struct sc_ctl_call, registration), 0, "");
}

void sc_ctl_on_registered(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->ctl->connections)
    {
        struct sc_ctl_call *c = sc_container(it, struct sc_ctl_call, link);
        if (c->registration.timer.at == SC_NEVER)
            continue;
        sc_loop_alarm(&d->loop, &c->registration, SC_NEVER);
        sc_ctl_send_error(c, 0, "");
    }
}

void sc_ctl_on_unlisten(struct sc_ctl_call *c)
{
    struct sc_name name;
    struct sc_listener *l = sc_ctl_read_own_name(c->request.listen.own, &name)
                                ? sc_listeners_find(c->server->daemon, &name)
                                : NULL;
    if (l && !sc_diag_exists(l->inode)) /* forked holders keep it */
        sc_listener_close(l);
}
