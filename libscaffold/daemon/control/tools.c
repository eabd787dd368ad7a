/* What a program asks about its flow, and what tools ask. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/datagram.h"
#include "daemon/control/handlers.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/status.h"
#include "daemon/journal.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/session.h"
#include "local/tcp_congestion.h"
#include "transport/congestion/congestion.h"

#define TOO_MANY "scaffoldd tells its status to too many at a time; ask again in a moment"

static bool may_touch(const struct sc_ctl_call *c, const struct sc_end *e)
{
    return c->peer.uid == 0 || c->peer.uid == e->uid;
}

void sc_ctl_on_flow_error(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    struct sc_daemon *d = c->server->daemon;
    r.value = (uint32_t)sc_registry_take_error(d, &c->request.flow.flow, c->peer.uid);
    sc_ctl_send(c, &r);
}

/* What flows go by whose programs have not chosen. */
static uint32_t default_congestion(const struct sc_ctl_call *c)
{
    const char *name = sc_congestion_find(c->server->daemon->config.congestion)->name;
    return sc_tcp_congestion_find(name, strlen(name));
}

static bool asks_for_congestion(const struct sc_ctl_call *c)
{
    return c->request.op == SC_CTL_FLOW_GET && c->request.flow.option == SC_OPT_CONGESTION;
}

/* Nothing but its byte counts is known of a flow that is over; and what will be a flow, or bring
 * some, is not known yet. */
static int on_no_flow(const struct sc_ctl_call *c, struct sc_ctl_info *info)
{
    if (asks_for_congestion(c))
        return 0;
    if (c->request.op != SC_CTL_FLOW_GET || c->request.flow.option != SC_OPT_INFO)
        return ENOTCONN;
    return sc_registry_counts(c->server->daemon, &c->request.flow.flow, c->peer.uid, info);
}

/* Of a socket that is bound, or listens: what it is told is for the flows that it will accept. */
static bool on_bound(const struct sc_ctl_call *c, struct sc_ctl_reply *r)
{
    const struct sc_ctl_flow *flow = &c->request.flow.flow;
    struct sc_bound *b = *flow->peer ? NULL : sc_bound_find(c->server->daemon, flow->own);
    if (!b || c->request.op != SC_CTL_FLOW_SET)
        return false;
    bool may = c->peer.uid == 0 || c->peer.uid == b->name.owner;
    r->error = may ? sc_bound_set(b, c->request.flow.option, c->request.flow.value) : EACCES;
    return true;
}

static void on_flow(const struct sc_ctl_call *c, struct sc_end *e, struct sc_ctl_reply *r)
{
    if (!may_touch(c, e))
        r->error = EACCES;
    else if (c->request.op == SC_CTL_FLOW_SET)
        r->error = sc_session_set(e, c->request.flow.option, c->request.flow.value);
    else
        r->error = sc_session_get(e, c->request.flow.option, &r->value, &r->info);
}

void sc_ctl_on_flow_option(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    if (sc_ctl_on_datagram_option(c))
        return;
    struct sc_end *e = sc_registry_find(c->server->daemon, &c->request.flow.flow);
    if (!e && !on_bound(c, &r))
        r.error = on_no_flow(c, &r.info);
    else if (e)
        on_flow(c, e, &r);
    if (asks_for_congestion(c) && r.value == 0)
        r.value = default_congestion(c);
    sc_ctl_send(c, &r);
}

void sc_ctl_on_status(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    int fd = sc_status_begin(c->server->daemon, c->peer.uid);
    if (fd < 0) {
        sc_ctl_send_error(c, -fd, fd == -EAGAIN ? TOO_MANY : "");
        return;
    }
    sc_ctl_give(c, &r,
                fd); /* the caller's alone then: when that is closed, nothing more is written */
}

void sc_ctl_on_stop(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    if (c->peer.uid != 0 && c->peer.uid != d->id.uid) {
        sc_ctl_send_error(c, EPERM, "only root and the user who runs scaffoldd can stop it");
        return;
    }
    sc_ctl_send_error(c, 0, "");
    sc_journal_stopped(c);
    d->loop.stopping = true;
}

void sc_ctl_on_hello(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    r.value = (uint32_t)getpid();
    snprintf(r.text, sizeof r.text, "scaffoldd %s", SCAFFOLD_VERSION);
    snprintf(r.name, sizeof r.name, "%s", c->server->daemon->config.host_name);
    sc_ctl_send(c, &r);
}
