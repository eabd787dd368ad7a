#include "daemon/control/wait.h"

#include "daemon/control/server.h"

/* listen() waits this long, and bind() of a datagram socket. */
#define REGISTRATION_WAIT (1 * SC_SECOND)

static void after_address(struct sc_alarm *a)
{
    struct sc_ctl_call *c = sc_container(a, struct sc_ctl_call, address);
    c->go_on(c);
    sc_ctl_go_on(c);
}

static void after_registration(struct sc_alarm *a)
{
    struct sc_ctl_call *c = sc_container(a, struct sc_ctl_call, registration);
    c->go_on(c);
    sc_ctl_go_on(c);
}

bool sc_ctl_awaits_address(struct sc_ctl_call *c, void (*go_on)(struct sc_ctl_call *c))
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    if (d->loop.now >= self.new_until)
        return false;
    c->go_on = go_on;
    c->address.fire = after_address;
    sc_loop_alarm(&d->loop, &c->address, self.new_until);
    return true;
}

void sc_ctl_await_registration(struct sc_ctl_call *c, void (*go_on)(struct sc_ctl_call *c))
{
    struct sc_loop *l = &c->server->daemon->loop;
    c->go_on = go_on;
    c->registration.fire = after_registration;
    sc_loop_alarm(l, &c->registration, l->now + REGISTRATION_WAIT);
}

static void wait_no_more(struct sc_daemon *d, struct sc_alarm *a)
{
    if (a->timer.at == SC_NEVER)
        return;
    sc_loop_alarm(&d->loop, a, SC_NEVER);
    a->fire(a);
}

void sc_ctl_on_joined(struct sc_daemon *d)
{
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    if (d->loop.now < self.new_until)
        return;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->ctl->calls[SC_CTL_OWES_REPLY])
        wait_no_more(d, &sc_container(it, struct sc_ctl_call, link)->address);
}

void sc_ctl_on_registered(struct sc_daemon *d)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &d->ctl->calls[SC_CTL_OWES_REPLY])
        wait_no_more(d, &sc_container(it, struct sc_ctl_call, link)->registration);
}
