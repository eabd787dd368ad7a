/* Which of a host's loopback sockets (--all-local) are reached at an address: their names say it.
 */
#ifndef SC_DAEMON_STREAM_REACH_H
#define SC_DAEMON_STREAM_REACH_H

#include <stdbool.h>

#include "local/socket_name.h"

/* Whether this target reaches the socket with this name; one bound to :: has a v4-mapped address in
 * it when IPv4 reaches it as well. */
bool sc_reach(const struct sc_socket_name *name, const struct sc_address *target);

/* Whether some target reaches both. */
bool sc_reach_overlap(const struct sc_socket_name *a, const struct sc_socket_name *b);

#endif
