/* RESOLVE and REVERSE, and the look-ups that other calls wait for. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/call.h"
#include "daemon/control/ctl.h"
#include "daemon/control/trouble.h"
#include "daemon/meaning.h"
#include "naming/name.h"

static void reply_mapping(struct sc_ctl_call *c, const struct sc_mapping *m)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    r.address = sc_address_v4(m->pool, 0);
    r.address6 = sc_ula_of(&c->server->daemon->ula, &m->service);
    memcpy(r.service, m->service.bytes, sizeof r.service);
    snprintf(r.name, sizeof r.name, "%s", m->name);
    sc_ctl_send(c, &r);
}

/* What getaddrinfo returns for the errno of a socket's call. */
static int eai_of(int error)
{
    switch (error) {
    case EINVAL:
        return EAI_NONAME;
    case ENOMEM:
    case ENOBUFS:
        return EAI_MEMORY;
    default:
        return EAI_AGAIN;
    }
}

/* Whoever resolves may be a call of sockets, too: it gets both. */
static void refuse(struct sc_ctl_call *c, int error, const char *line)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    bool resolves = c->request.op == SC_CTL_RESOLVE;
    r.error = resolves ? eai_of(error) : error;
    r.value = resolves ? (uint32_t)error : 0;
    snprintf(r.text, sizeof r.text, "%s", line);
    sc_ctl_drop_passed(c); /* LISTEN kept it for the answer */
    sc_ctl_send(c, &r);
}

void sc_ctl_look_up(struct sc_ctl_call *c, enum sc_lookup_by by, const char *name, uint32_t pool)
{
    struct sc_daemon *d = c->server->daemon;
    c->ticket = ++c->server->tickets;
    void *ticket = (void *)(uintptr_t)c->ticket;
    if (sc_map_insert(&c->server->waiting, &c->waits) < 0 ||
        sc_stack_lookup(d->stack, by, name, pool, NULL, ticket, d->loop.now) < 0) {
        sc_map_remove(&c->server->waiting, &c->waits);
        refuse(c, EAGAIN, "too many look-ups at once; try again");
        return;
    }
    sc_daemon_on_activity(d);
}

/* What one uid makes up must not use up what this host may ask its router for. */
static bool take_name(struct sc_ctl_call *c, const char *base)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_service_name n;
    struct sc_service_id id;
    char line[SC_CTL_TEXT];
    if (c->name.user || sc_name_read(base, &n, NULL) < 0)
        return true;
    sc_name_to_id(&n, &id);
    sc_ula_age(&d->ula, d->loop.now);
    if (sc_ula_knows(&d->ula, &id) ||
        sc_share_take(&d->shares, &c->name, c->peer.uid, SC_SHARE_NAMES))
        return true;
    snprintf(line, sizeof line, "uid %u has its share of scaffoldd's new %s", c->peer.uid,
             sc_share_name(SC_SHARE_NAMES));
    refuse(c, ENOBUFS, line);
    return false;
}

void sc_ctl_look_up_name(struct sc_ctl_call *c, const char *base)
{
    if (take_name(c, base))
        sc_ctl_look_up(c, SC_LOOKUP_NAME, base, 0);
}

/* The name without its port, or a reply that says what is wrong with it. */
bool sc_ctl_read_name(struct sc_ctl_call *c, const char *text, struct sc_service_name *out,
                      char base[SC_NAME_MAX + 1])
{
    const char *why = "";
    if (sc_name_read(text, out, &why) < 0) {
        char line[SC_CTL_TEXT];
        snprintf(line, sizeof line,
                 "%.120s: %s; a service is written label.provider.scaffold[:port[/proto]]", text,
                 why);
        refuse(c, EINVAL, line);
        return false;
    }
    struct sc_service_name plain = *out;
    plain.port = 0;
    plain.proto = 0;
    sc_name_write(&plain, base, SC_NAME_MAX + 1);
    return true;
}

void sc_ctl_on_resolve(struct sc_ctl_call *c)
{
    struct sc_service_name n;
    char base[SC_NAME_MAX + 1];
    if (sc_ctl_read_name(c, c->request.resolve.name, &n, base))
        sc_ctl_look_up_name(c, base);
}

/* The service that the request names, by its id or by its address in the v6 pool. */
static bool named_service(struct sc_ctl_call *c, struct sc_service_id *id)
{
    if (c->request.reverse.by_service) {
        memcpy(id->bytes, c->request.reverse.service, sizeof id->bytes);
        return true;
    }
    return sc_ula_find(&c->server->daemon->ula, &c->request.reverse.address, id);
}

/* What --all-local serves, by the name that status shows it with. */
static void reply_loopback(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    snprintf(r.name, sizeof r.name, "loopback.%s.host.scaffold",
             c->server->daemon->config.host_name);
    sc_ctl_send(c, &r);
}

void sc_ctl_on_reverse(struct sc_ctl_call *c)
{
    const struct sc_address *a = &c->request.reverse.address;
    struct sc_service_id id;
    struct sc_mapping m;
    if (!c->request.reverse.by_service && sc_address_is_loopback(a))
        reply_loopback(c);
    else if (!c->request.reverse.by_service && sc_address_is_v4(a))
        sc_ctl_look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(a));
    else if (named_service(c, &id) &&
             sc_stack_mapping_of_service(c->server->daemon->stack, &id, &m))
        reply_mapping(c, &m);
    else
        sc_ctl_send_error(c, ENOENT, "no such service address");
}

/* Without keys no name can be verified; who insists is told so rather than served. Loopback
 * services of
 * --all-local never leave the host. */
bool sc_ctl_refuse_unverified(struct sc_ctl_call *c, bool loopback)
{
    if (!c->server->daemon->config.require_verified || loopback)
        return false;
    sc_ctl_send_error(c, EACCES,
                      "require_verified is set, and this version of scaffoldd cannot verify names; "
                      "remove the setting to use unverified services");
    return true;
}

/* --- answers to look-ups ---------------------------------------------------------------------- */

/* What connect or bind return for it. */
static int socket_error(int error)
{
    switch (error) {
    case ENOMEM:
    case EAGAIN:
        return error;
    case EDQUOT:
        return ENOBUFS;
    case ENOENT:
    case ENETUNREACH:
    case ETIMEDOUT:
        return ENETUNREACH;
    default:
        return EADDRNOTAVAIL; /* a new name that cannot be stored */
    }
}

static void refuse_mapping(struct sc_ctl_call *c, int error)
{
    char line[SC_CTL_TEXT];
    sc_names_trouble(c->server->daemon, error, line, sizeof line);
    refuse(c, c->request.op == SC_CTL_REVERSE ? error : socket_error(error), line);
}

/* An address that a call names stands for what the program means. */
static bool is_meant(const struct sc_ctl_call *c, const struct sc_mapping *m)
{
    switch (c->request.op) {
    case SC_CTL_PREPARE:
        return sc_mapping_means(m, c->request.prepare.service);
    case SC_CTL_BIND:
        return *c->request.bind.service || sc_mapping_means(m, c->request.bind.service_id);
    default:
        return true;
    }
}

void sc_ctl_on_mapped(struct sc_daemon *d, const struct sc_event *e)
{
    uint64_t ticket = (uintptr_t)e->ticket;
    struct sc_map_node *n = sc_map_find(&d->ctl->waiting, &ticket);
    if (!n)
        return; /* it has hung up meanwhile */
    struct sc_ctl_call *c = sc_container(n, struct sc_ctl_call, waits);
    sc_map_remove(&d->ctl->waiting, n);
    const struct sc_mapping *m = &e->mapping;
    uint16_t op = c->request.op;
    struct sc_address address = c->request.bind.address;
    if (c->name.user && !m->error)
        sc_ula_charge(&d->ula, &m->service, &c->name, d->loop.now);
    sc_share_give(&d->shares, &c->name);
    if (m->error) {
        refuse_mapping(c, m->error);
    } else if (!is_meant(c, m)) {
        sc_ctl_send_error(c, ENETUNREACH, SC_MEANING_TROUBLE);
    } else if (op == SC_CTL_BIND) {
        struct sc_address at = sc_address_v4(m->pool, address.port);
        sc_ctl_bind_at(c, m->service, at);
    } else if (op == SC_CTL_LISTEN) {
        sc_ctl_on_listen(c);
    } else if (op == SC_CTL_PREPARE) {
        struct sc_service_id id =
            sc_service_id_at(m->service, c->request.prepare.address.port, IPPROTO_TCP);
        sc_ctl_prepare_for(c, &id);
    } else {
        reply_mapping(c, m);
    }
}
