/* The way of a datagram from the network to an endpoint. */
#ifndef SC_DAEMON_DATAGRAM_ARRIVAL_H
#define SC_DAEMON_DATAGRAM_ARRIVAL_H

#include "daemon/daemon.h"

/* To whom it is for; `again`: it has waited for an answer already. */
void sc_arrive(struct sc_daemon *d, const struct sc_datagram *g, bool again);

/* A datagram of this host that another one had nobody for. */
void sc_arrive_undelivered(struct sc_daemon *d, const struct sc_datagram *g);

#endif
