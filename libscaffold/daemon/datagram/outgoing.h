/* The way of a datagram from a program: to endpoints of this host, or to the stack. */
#ifndef SC_DAEMON_DATAGRAM_OUTGOING_H
#define SC_DAEMON_DATAGRAM_OUTGOING_H

#include "daemon/daemon.h"

struct sc_endpoint;

/* One datagram on its way out. */
struct sc_outgoing {
    struct sc_endpoint *from;
    const struct sc_datagram_head *head;
    struct sc_address to;
    const uint8_t *data;
    size_t len;
    bool as_host; /* it named its host as the source (IP_PKTINFO), not its service */
    bool again;   /* it has waited for an answer already */
};

/* The program wrote it; without an address in its head it goes to the socket's peer. */
void sc_outgoing_new(struct sc_endpoint *e, const struct sc_datagram_head *head,
                     const uint8_t *data, size_t len);

/* It goes its way, or waits until it is known whose address is meant. */
void sc_outgoing_go(struct sc_outgoing *p);

#endif
