/* Which addresses this host has. Programs say so themselves, and would be shown to others under
 * what they say. */
#ifndef SC_DAEMON_UNDERLAY_HOST_ADDRESS_H
#define SC_DAEMON_UNDERLAY_HOST_ADDRESS_H

#include <stdbool.h>

#include "daemon/daemon.h"

/* Loopback, or an address of an interface that is not in the pool (client/process/own_addresses.h).
 * What the kernel said last counts for a second. */
bool sc_host_has_address(struct sc_daemon *d, const struct sc_address *a);

/* Of a program that connects to an address of this host: what it sees as its own. */
struct sc_address sc_host_near(const struct sc_address *to, uint16_t port);

#endif
