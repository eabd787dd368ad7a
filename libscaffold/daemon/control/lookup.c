#include "daemon/control/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>

#include "daemon/journal.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/trouble.h"

/* What getaddrinfo returns for the errno of a socket's call. */
static int eai_of(int error)
{
    switch (error) {
    case EINVAL:
        return EAI_NONAME;
    case ENOMEM:
    case ENOBUFS:
        return EAI_MEMORY;
    case EACCES: /* asking again does not help */
        return EAI_FAIL;
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
    sc_ctl_send(c, &r);
}

void sc_ctl_look_up(struct sc_ctl_call *c, enum sc_lookup_by by, const char *name, uint32_t pool,
                    sc_ctl_mapped *mapped)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_mapping m;
    if (by == SC_LOOKUP_POOL && sc_stack_mapping_of_pool(d->stack, pool, &m)) {
        mapped(c, &m);
        return;
    }
    c->mapped = mapped;
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
    struct sc_mapping m;
    char line[SC_CTL_TEXT];
    if (c->name.user)
        return true;
    sc_ula_age(&d->ula, d->loop.now);
    bool known = sc_stack_mapping_of_name(d->stack, base, &m) && sc_ula_knows(&d->ula, &m.service);
    if (known || sc_share_take(&d->shares, &c->name, c->peer.uid, SC_SHARE_NAMES))
        return true;
    snprintf(line, sizeof line, "uid %u has its share of scaffoldd's new %s", c->peer.uid,
             sc_share_name(SC_SHARE_NAMES));
    refuse(c, ENOBUFS, line);
    return false;
}

void sc_ctl_look_up_name(struct sc_ctl_call *c, const char *base, sc_ctl_mapped *mapped)
{
    if (take_name(c, base))
        sc_ctl_look_up(c, SC_LOOKUP_NAME, base, 0, mapped);
}

bool sc_ctl_read_name(struct sc_ctl_call *c, const char *text, struct sc_service_name *out,
                      char base[SC_NAME_MAX + 1])
{
    const char *why = "";
    if (sc_service_name_read(text, out, &why) < 0) {
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
    sc_service_name_write(&plain, base, SC_NAME_MAX + 1);
    return true;
}

/* --- answers ---------------------------------------------------------------------------------- */

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

static void refuse_mapping(struct sc_ctl_call *c, const struct sc_mapping *m)
{
    char line[SC_CTL_TEXT];
    int error = m->error;
    if (error == EKEYREJECTED || error == ENOKEY) {
        sc_provider_trouble(c->server->daemon, m, line, sizeof line);
        sc_journal(c->server->daemon, SC_JOURNAL_STRANGERS, SC_LOG_WARN, "%s: %s", m->name, line);
        refuse(c, EACCES, line);
        return;
    }
    sc_names_trouble(c->server->daemon, error, line, sizeof line);
    refuse(c, c->request.op == SC_CTL_REVERSE ? error : socket_error(error), line);
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
    if (c->name.user && !m->error)
        sc_ula_charge(&d->ula, &m->service, &c->name, d->loop.now);
    sc_share_give(&d->shares, &c->name);
    if (m->error)
        refuse_mapping(c, m);
    else
        c->mapped(c, m);
    sc_ctl_go_on(c);
}
