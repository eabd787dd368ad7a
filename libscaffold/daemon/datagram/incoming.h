/* The way of a datagram from the network to an endpoint. */
#ifndef SC_DAEMON_DATAGRAM_INCOMING_H
#define SC_DAEMON_DATAGRAM_INCOMING_H

#include "daemon/daemon.h"

/* Gives it to whom it is for, or refuses it; `again`: it has waited for an answer already. */
void sc_incoming_take(struct sc_daemon *d, const struct sc_datagram *g, bool again);

/* A datagram of this host that another one had nobody for. */
void sc_incoming_undelivered(struct sc_daemon *d, const struct sc_datagram *g);

#endif
