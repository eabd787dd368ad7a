/* What a program asks about its flow, and what tools ask. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/control/datagram.h"
#include "daemon/control/handlers.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/status.h"
#include "daemon/entropy.h"
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

/* Whether the caller may say who belongs to this network, and this is where that is said. */
static bool may_admit(struct sc_ctl_call *c)
{
    const struct sc_daemon *d = c->server->daemon;
    if (c->peer.uid != 0 && c->peer.uid != d->id.uid)
        sc_ctl_send_error(c, EPERM,
                          "only root and the user who runs scaffoldd say which hosts may join");
    else if (*d->config.router)
        sc_ctl_send_error(c, EOPNOTSUPP,
                          "this host is not the router; ask the one that its --router names");
    else if (!d->config.secure)
        sc_ctl_send_error(c, EOPNOTSUPP, "with security = \"off\" anybody joins");
    else
        return true;
    return false;
}

void sc_ctl_on_invite(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    struct sc_join_token t;
    uint64_t until = (uint64_t)time(NULL) + c->request.invite.seconds;
    if (!may_admit(c))
        return;
    sc_stack_key_hash(d->stack, t.router);
    sc_random(t.secret, sizeof t.secret);
    if (sc_stack_invite(d->stack, t.secret, c->request.invite.uses, until, d->loop.now)) {
        sc_join_token_write(&t, r.text);
        sc_ctl_send(c, &r);
    } else {
        sc_ctl_send_error(c, ENOBUFS, "256 tokens are good already; wait until some are used");
    }
    OPENSSL_cleanse(&t, sizeof t);
    OPENSSL_cleanse(&r, sizeof r);
}

void sc_ctl_on_forget_host(struct sc_ctl_call *c)
{
    const char *name = c->request.host.name;
    char line[SC_CTL_TEXT] = "";
    if (!may_admit(c))
        return;
    int err = sc_stack_forget_host(c->server->daemon->stack, name);
    if (err == -ENOENT)
        snprintf(line, sizeof line, "no host has joined as %s; `scaffold host list` has them",
                 name);
    else if (err < 0)
        snprintf(line, sizeof line, "too much is being stored; try again");
    sc_ctl_send_error(c, -err, line);
}

void sc_ctl_on_hello(struct sc_ctl_call *c)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    r.value = (uint32_t)getpid();
    snprintf(r.text, sizeof r.text, "scaffoldd %s", SCAFFOLD_VERSION);
    snprintf(r.name, sizeof r.name, "%s", c->server->daemon->config.host_name);
    sc_ctl_send(c, &r);
}
