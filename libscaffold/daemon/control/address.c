/* Calls that came before the router's answer to this host's first JOIN. What is opened meanwhile
 * has no address of its own to show; so the call waits, as long as a lease after the start, rather
 * than fail for being early. */
#include "daemon/control/ctl.h"
#include "daemon/control/call.h"

bool sc_ctl_awaits_address(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    if (d->loop.now >= self.new_until)
        return false;
    sc_loop_alarm(&d->loop, &c->address, self.new_until);
    return true;
}

void sc_ctl_on_address_wait(struct sc_alarm *a)
{
    sc_ctl_on_prepare(sc_container(a, struct sc_ctl_call, address));
}

void sc_ctl_on_joined(struct sc_daemon *d)
{
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    if (d->loop.now < self.new_until)
        return;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->ctl->busy)
    {
        struct sc_ctl_call *c = sc_container(it, struct sc_ctl_call, link);
        if (c->address.timer.at == SC_NEVER)
            continue;
        sc_loop_alarm(&d->loop, &c->address, SC_NEVER);
        sc_ctl_on_prepare(c);
    }
}
