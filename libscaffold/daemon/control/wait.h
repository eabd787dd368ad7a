/* Calls that wait for the service router. Each has an alarm for that, which fires when it has
 * waited long enough, or as soon as what it waits for is there. */
#ifndef SC_DAEMON_CONTROL_WAIT_H
#define SC_DAEMON_CONTROL_WAIT_H

#include "daemon/control/call.h"

/* For the router's answer to this host's first JOIN. What is opened meanwhile has no address of its
 * own to show; so the call waits, as long as a lease after the start, rather than fail for being
 * early. False: there is an address, or there will be none soon. */
bool sc_ctl_awaits_address(struct sc_ctl_call *c, void (*go_on)(struct sc_ctl_call *c));

/* Until the router knows every instance of this host; a router that does not answer must not hold
 * up a server, which is registered as soon as it does. */
void sc_ctl_await_registration(struct sc_ctl_call *c, void (*go_on)(struct sc_ctl_call *c));

/* The state in which this host is with its router has changed. */
void sc_ctl_on_joined(struct sc_daemon *d);

/* The service router knows every instance of this host. */
void sc_ctl_on_registered(struct sc_daemon *d);

#endif
