#include "daemon/reports.h"

#include "base/log.h"
#include "daemon/control/lookup.h"
#include "daemon/control/trouble.h"
#include "daemon/control/wait.h"
#include "daemon/daemon.h"
#include "daemon/datagram/incoming.h"
#include "daemon/journal.h"
#include "daemon/stream/carried.h"
#include "daemon/stream/listener.h"
#include "local/ctl.h"

void sc_reports_share_names(struct sc_daemon *d)
{
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    sc_shares_limit(&d->shares, SC_SHARE_NAMES, self.names);
}

/* The state in which this host is with its router has changed. */
static void say_joined(const struct sc_daemon *d)
{
    char why[SC_CTL_TEXT];
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    sc_names_trouble(d, self.refused, why, sizeof why);
    if (self.refused)
        sc_log(SC_LOG_WARN, "cannot join: %s", why);
    else if (self.name_taken)
        sc_log(SC_LOG_WARN,
               "service router %s knows another host named %s; give this one another --name",
               d->config.router, d->config.host_name);
    else if (self.joined)
        sc_log(SC_LOG_INFO, "joined service router %s", d->config.router);
    else
        sc_log(SC_LOG_WARN, "service router %s does not answer any more", d->config.router);
}

static void take_event(struct sc_daemon *d, const struct sc_event *e)
{
    switch (e->type) {
    case SC_EVENT_ARRIVED:
        sc_carried_arrive(d, e->flow, sc_instance_app(e->instance));
        break;
    case SC_EVENT_FLOW:
        if (e->flow->app)
            sc_carried_on_event(e->flow->app, e->bits);
        break;
    case SC_EVENT_MAPPED:
        if (!sc_survivors_on_mapped(d, e) && !sc_datagrams_on_mapped(d, e))
            sc_ctl_on_mapped(d, e);
        break;
    case SC_EVENT_STORE:
        sc_keeper_put(d, e);
        break;
    case SC_EVENT_INVITED:
        sc_storage_invite(&d->keeper.storage, &e->invitation);
        break;
    case SC_EVENT_PIN:
        sc_storage_pin(&d->keeper.storage, &e->pin);
        break;
    case SC_EVENT_GRANT:
        sc_storage_grant(&d->keeper.storage, &e->grant);
        break;
    case SC_EVENT_REGISTERED:
        sc_ctl_on_registered(d);
        break;
    case SC_EVENT_JOINED:
        say_joined(d);
        sc_reports_share_names(d);
        sc_survivors_on_joined(d);
        sc_ctl_on_joined(d);
        break;
    case SC_EVENT_DATAGRAM:
        sc_incoming_take(d, &e->datagram, false);
        break;
    case SC_EVENT_UNDELIVERED:
        sc_incoming_undelivered(d, &e->datagram);
        break;
    case SC_EVENT_NOTE:
        sc_journal_note(d, &e->note);
        break;
    case SC_EVENT_NONE:
        break;
    }
}

void sc_reports_take(struct sc_daemon *d)
{
    struct sc_event e;
    while (sc_stack_next_event(d->stack, &e))
        take_event(d, &e);
    sc_inbox_hand_over(&d->datagrams.inbox);
}
