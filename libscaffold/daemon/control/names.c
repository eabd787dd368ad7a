/* RESOLVE and REVERSE: which address a name has, and which name an address. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/handlers.h"
#include "daemon/control/lookup.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"

static void reply_mapping(struct sc_ctl_call *c, const struct sc_mapping *m)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    r.address = sc_address_v4(m->pool, 0);
    r.address6 = sc_ula_of(&c->server->daemon->ula, &m->service);
    memcpy(r.service, m->service.bytes, sizeof r.service);
    snprintf(r.name, sizeof r.name, "%s", m->name);
    sc_ctl_send(c, &r);
}

void sc_ctl_on_resolve(struct sc_ctl_call *c)
{
    struct sc_service_name n;
    char base[SC_NAME_MAX + 1];
    if (sc_ctl_read_name(c, c->request.resolve.name, &n, base))
        sc_ctl_look_up_name(c, base, reply_mapping);
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
        sc_ctl_look_up(c, SC_LOOKUP_POOL, "", sc_address_to_v4(a), reply_mapping);
    else if (named_service(c, &id) &&
             sc_stack_mapping_of_service(c->server->daemon->stack, &id, &m))
        reply_mapping(c, &m);
    else
        sc_ctl_send_error(c, ENOENT, "no such service address");
}
