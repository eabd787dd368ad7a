#include "daemon/control/request.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/control/call.h"
#include "daemon/control/handlers.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/journal.h"

static void dispatch(struct sc_ctl_call *c)
{
    static void (*const handlers[SC_CTL_OPS])(struct sc_ctl_call * c) = {
        [SC_CTL_HELLO] = sc_ctl_on_hello,
        [SC_CTL_RESOLVE] = sc_ctl_on_resolve,
        [SC_CTL_REVERSE] = sc_ctl_on_reverse,
        [SC_CTL_PREPARE] = sc_ctl_on_prepare,
        [SC_CTL_BIND] = sc_ctl_on_bind,
        [SC_CTL_LISTEN] = sc_ctl_on_listen,
        [SC_CTL_UNLISTEN] = sc_ctl_on_unlisten,
        [SC_CTL_FLOW_ERROR] = sc_ctl_on_flow_error,
        [SC_CTL_FLOW_SET] = sc_ctl_on_flow_option,
        [SC_CTL_FLOW_GET] = sc_ctl_on_flow_option,
        [SC_CTL_STATUS] = sc_ctl_on_status,
        [SC_CTL_STOP] = sc_ctl_on_stop,
        [SC_CTL_INVITE] = sc_ctl_on_invite,
        [SC_CTL_FORGET_HOST] = sc_ctl_on_forget_host,
        [SC_CTL_TRUST] = sc_ctl_on_trust,
        [SC_CTL_NEW_PROVIDER] = sc_ctl_on_new_provider,
        [SC_CTL_GRANT] = sc_ctl_on_grant,
        [SC_CTL_INSTALL] = sc_ctl_on_install,
    };
    sc_journal_call(c);
    handlers[c->request.op](c);
}

/* Checks who asks and what; replies with one line when it is not acceptable. */
static bool acceptable(struct sc_ctl_call *c, size_t len)
{
    struct sc_daemon *d = c->server->daemon;
    int err = sc_ctl_request_check(&c->request, len);
    char line[SC_CTL_TEXT];
    if (err == -EPROTO && sc_ctl_op_of_every_version(c->request.op))
        return true;
    if (err == -EPROTO) {
        snprintf(line, sizeof line,
                 "this scaffoldd speaks version %d of the control protocol, the program's library "
                 "version %u; install the same release of both",
                 SC_CTL_VERSION, c->request.version);
        sc_ctl_send_error(c, EPROTO, line);
    } else if (err < 0) {
        sc_ctl_send_error(c, -err, "not a request of libscaffold");
    } else if (c->request.netns && c->request.netns != d->netns) {
        d->refused_peers++;
        sc_ctl_send_error(c, EXDEV,
                          "scaffoldd serves another network namespace than this program's");
        err = -EXDEV;
    }
    return err == 0;
}

static void serve(struct sc_ctl_call *c)
{
    ssize_t n = sc_ctl_receive(c);
    if (n < 0 && errno == EAGAIN) {
        sc_ctl_await_request(c);
        return;
    }
    if (n <= 0) {
        sc_ctl_hang_up(c);
        return;
    }
    if (acceptable(c, (size_t)n))
        dispatch(c);
    sc_ctl_go_on(c);
}

void sc_ctl_on_request(struct sc_watch *w, uint32_t events)
{
    struct sc_ctl_call *c = sc_container(w, struct sc_ctl_call, watch);
    if (c->stage == SC_CTL_ASKED_NOTHING && (events & EPOLLIN))
        serve(c);
    else
        sc_ctl_end(c, events);
}
