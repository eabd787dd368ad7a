/* BIND, LISTEN and UNLISTEN: a program offers an instance. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/closer.h"
#include "daemon/control/datagram.h"
#include "daemon/control/handlers.h"
#include "daemon/control/lookup.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/wait.h"
#include "daemon/trust/denial.h"
#include "daemon/meaning.h"
#include "daemon/pair.h"
#include "daemon/stream/diag.h"
#include "daemon/stream/folder.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/serving.h"
#include "naming/service_name.h"

static const char *bind_trouble(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another socket of this host is bound to the service; SO_REUSEPORT on both lets "
               "them share it";
    case ENETUNREACH:
        return SC_MEANING_TROUBLE;
    case ENOBUFS:
        return "this user has its share of scaffoldd's bound sockets";
    default:
        return "scaffoldd is out of memory";
    }
}

/* The folder is full, or cannot be written to. */
static void refuse_for_file(struct sc_ctl_call *c, int error)
{
    char line[SC_CTL_TEXT];
    const struct sc_folder *f = &c->server->daemon->folder;
    if (error == EMFILE || error == ENFILE)
        snprintf(line, sizeof line, "scaffoldd has no descriptor left; raise its limit");
    else
        snprintf(line, sizeof line, "%s: %s; nobody can serve until scaffoldd can make files there",
                 f->path, strerror(error));
    sc_ctl_send_error(c, ENOBUFS, line);
}

/* What is accepted from it takes no descriptors from its peer, and its holders can show that they
 * are. */
static void mark_as_ours(struct sc_daemon *d, int fd, const char *file)
{
    uint64_t proof = sc_stack_prove_socket(d->stack, file);
    setsockopt(fd, SOL_SOCKET, SC_CTL_PROOF, &proof, sizeof proof);
    sc_pair_refuse_rights(fd);
}

/* Makes the socket and reserves its address. Returns a descriptor; -1: an error was sent. */
static int make_socket(struct sc_ctl_call *c, const struct sc_socket_name *name,
                       const struct sc_service_id *id, struct sc_bound **out)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_bound_wish wish = {.shared = c->request.bind.reuseport,
                                 .patient = c->request.bind.reuseaddr};
    char file[SC_SOCKET_NAME_TEXT];
    sc_socket_name_key(name, file);
    int fd = sc_folder_make(file);
    if (fd < 0) {
        refuse_for_file(c, -fd);
        return -1;
    }
    mark_as_ours(d, fd, file);
    int err = sc_bound_reserve(d, name, id, sc_socket_inode(fd), wish, out);
    if (err == 0)
        return fd;
    sc_folder_remove(&d->folder, file);
    close(fd);
    sc_ctl_send_error(c, err, bind_trouble(err));
    return -1;
}

/* The rest of BIND, once the address of the service is known. */
static void bind_at(struct sc_ctl_call *c, struct sc_service_id service, struct sc_address address)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    if (c->request.bind.datagram) {
        sc_ctl_bind_datagram(c, service, address);
        return;
    }
    if (address.port == 0)
        address.port = sc_bound_any_port(d, service);
    if (address.port == 0) {
        sc_ctl_send_error(c, EADDRINUSE, "every port of the service is served on this host");
        return;
    }
    sc_local_look(d, address.port);
    struct sc_service_id id = sc_service_id_at(service, address.port, IPPROTO_TCP);
    struct sc_socket_name name = {.daemon = d->id,
                                  .kind = SC_SOCKET_BOUND,
                                  .family = (enum sc_family)c->request.bind.family,
                                  .wildcard = c->request.bind.wildcard,
                                  .address = address,
                                  .serial = sc_bound_serial(d, c->request.bind.reuseport),
                                  .owner = c->peer.uid};
    struct sc_bound *b;
    int fd = make_socket(c, &name, &id, &b);
    if (fd < 0)
        return;
    r.address = address;
    memcpy(r.service, id.bytes, sizeof r.service);
    if (!sc_ctl_give(c, &r, fd))
        sc_bound_drop_if_gone(b);
}

/* An address that the call names stands for what the program means. */
static void bind_mapped(struct sc_ctl_call *c, const struct sc_mapping *m)
{
    if (*c->request.bind.service || sc_mapping_means(m, c->request.bind.service_id))
        bind_at(c, m->service, sc_address_v4(m->pool, c->request.bind.address.port));
    else
        sc_ctl_send_error(c, ENETUNREACH, SC_MEANING_TROUBLE);
}

/* Whoever has an id or an IPv6 address has asked for its name before: it is known here. */
static void bind_known(struct sc_ctl_call *c, const struct sc_service_id *id)
{
    struct sc_mapping m;
    if (sc_stack_mapping_of_service(c->server->daemon->stack, id, &m) && !m.stale)
        bind_at(c, m.service, sc_address_v4(m.pool, c->request.bind.address.port));
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
        bind_at(c, sc_meaning_of_loopback(0), *a);
    else if (sc_address_is_v4(a))
        sc_ctl_look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(a), bind_mapped);
    else if (sc_ula_find(&d->ula, a, &id))
        bind_known(c, &id);
    else
        sc_ctl_send_error(c, ENETUNREACH, "no service has this address; resolve its name first");
}

/* True when the caller may not serve: it was told so. */
static bool refuse_stranger(struct sc_ctl_call *c)
{
    char line[SC_CTL_TEXT];
    if (sc_allow_serve(&c->server->daemon->config.allow, c->server->daemon->id.uid, c->peer.uid,
                       c->watch.fd))
        return false;
    snprintf(line, sizeof line,
             "uid %u may not serve here; add the user or a group of it to [allow] of scaffoldd",
             c->peer.uid);
    sc_ctl_send_error(c, EACCES, line);
    return true;
}

void sc_ctl_on_bind(struct sc_ctl_call *c)
{
    const char *text = c->request.bind.service;
    struct sc_service_id id;
    struct sc_service_name n;
    char base[SC_NAME_MAX + 1];
    if (refuse_stranger(c))
        return;
    if (c->request.bind.by_service_id) {
        memcpy(id.bytes, c->request.bind.service_id, sizeof id.bytes);
        bind_known(c, &id);
    } else if (!*text) {
        bind_by_address(c);
    } else if (sc_ctl_read_name(c, text, &n, base)) {
        sc_ctl_look_up_name(c, base, bind_mapped);
    }
}

/* Whoever shows a listener's proof holds it. False: it is none that a scaffoldd of this host has
 * made, or somebody else's. */
static bool is_holder(const struct sc_ctl_call *c, struct sc_socket_name *name)
{
    const char *own = c->request.listen.own;
    return sc_socket_name_read_key(own, name) && name->kind == SC_SOCKET_BOUND &&
           c->request.listen.proof == sc_stack_prove_socket(c->server->daemon->stack, own);
}

struct search {
    const struct sc_daemon *daemon;
    const char *own;
    uint32_t inode; /* 0: not found */
};

static void compare(void *arg, const struct sc_diag_socket *s)
{
    struct search *for_it = arg;
    if (s->uid == for_it->daemon->id.uid && strcmp(s->path, for_it->own) == 0)
        for_it->inode = s->inode;
}

/* What the listening socket is bound as. One that a scaffoldd before us knew is taken in now.
 * Returns 0 or a positive errno; ENOENT: its address is not known here. */
static int find_bound(struct sc_ctl_call *c, struct sc_bound **out)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_socket_name name;
    struct sc_service_id service;
    struct search listener = {.daemon = d, .own = c->request.listen.own};
    if (!is_holder(c, &name))
        return EINVAL;
    *out = sc_bound_find(d, c->request.listen.own);
    if (*out)
        return 0;
    int err = sc_meaning_service(d, &name.address, c->request.listen.meaning, &service);
    if (err)
        return err;
    sc_diag_listeners(listener.own, compare, &listener);
    if (listener.inode == 0 || !sc_folder_has(&d->folder, listener.own))
        return EINVAL;
    return sc_bound_reserve(d, &name, &service, listener.inode, sc_bound_wish_of(&name), out);
}

static void listen_mapped(struct sc_ctl_call *c, const struct sc_mapping *m)
{
    (void)m; /* it is known from now on */
    sc_ctl_on_listen(c);
}

/* What the address of such a socket stands for only the router knows: LISTEN begins anew with its
 * answer. */
static void ask_for_address(struct sc_ctl_call *c)
{
    struct sc_socket_name name;
    if (sc_socket_name_read_key(c->request.listen.own, &name))
        sc_ctl_look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(&name.address), listen_mapped);
}

/* Its service is registered by now, or is not to be: then it does not listen. */
static void answer_listen(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_bound *b = sc_bound_find(d, c->request.listen.own);
    char line[SC_CTL_TEXT] = "";
    enum sc_denial why = b ? sc_stack_denial(d->stack, &b->service->id) : SC_DENIAL_NONE;
    if (why != SC_DENIAL_NONE)
        sc_denial_explain(d, &b->service->id, why, line, sizeof line);
    if (why != SC_DENIAL_NONE && b->listener)
        sc_listener_close(b->listener);
    sc_ctl_send_error(c, sc_denial_error(why), line);
}

void sc_ctl_on_listen(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_bound *b;
    char why[SC_CTL_TEXT] = "";
    if (refuse_stranger(c))
        return;
    int err = find_bound(c, &b);
    if (err == ENOENT) {
        ask_for_address(c);
        return;
    }
    if (err) {
        sc_ctl_send_error(
            c, err, err == EINVAL ? "the socket is not bound to a service" : bind_trouble(err));
        return;
    }
    b->sealed = sc_rights_are_kept_out(&d->loop); /* since it was made */
    err = sc_serving_open(b, c->request.listen.backlog, c->peer.pid, c->peer.uid, why);
    if (err || sc_address_is_loopback(&b->name.address))
        sc_ctl_send_error(c, err, why);
    else if (sc_stack_registered(d->stack))
        answer_listen(c);
    else
        sc_ctl_await_registration(c, answer_listen);
}

void sc_ctl_on_unlisten(struct sc_ctl_call *c)
{
    struct sc_bound *b = sc_bound_find(c->server->daemon, c->request.listen.own);
    if (b)
        sc_bound_drop_if_gone(b); /* forked holders keep it */
}
