/* The local ports of this host's clients. */
#ifndef SC_DAEMON_STREAM_CLIENT_PORT_H
#define SC_DAEMON_STREAM_CLIENT_PORT_H

#include "daemon/daemon.h"

/* Linux's own default range of ephemeral ports. */
#define SC_PORT_FIRST 32768
#define SC_PORT_LAST 60999

void sc_client_ports_init(struct sc_daemon *d);
void sc_client_ports_fini(struct sc_daemon *d);

/* A local port that no client of this host uses; `wanted` 0: any. 0 when none is left or the wanted
 * one is taken. `share` is given back with it, or now. */
uint16_t sc_client_port_take(struct sc_daemon *d, uint16_t wanted, struct sc_share share);
void sc_client_port_give(struct sc_daemon *d, uint16_t port);

/* Its client is not scaffoldd's any more to carry: no descriptor goes with the port. */
void sc_client_port_leave(struct sc_daemon *d, uint16_t port);

/* The client of the address's port is at that address; `patient`: with SO_REUSEADDR. */
void sc_client_port_hold(struct sc_daemon *d, const struct sc_address *own, bool patient);

/* True when a client is at a loopback address that is to be bound, and does not share it: as in
 * Linux, both must have said so. A service's own address is no client's. */
bool sc_client_port_holds(const struct sc_daemon *d, const struct sc_socket_name *name,
                          bool patient);
bool sc_client_port_is_used(const struct sc_daemon *d, uint16_t port);

#endif
