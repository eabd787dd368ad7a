/* A datagram that a program writes in pieces (local/datagram.h: MORE). Memory is taken with the
 * first piece, and given back with the last. */
#ifndef SC_DAEMON_DATAGRAM_GATHER_H
#define SC_DAEMON_DATAGRAM_GATHER_H

#include "daemon/shares.h"
#include "local/datagram.h"

struct sc_endpoint;

struct sc_gather {
    bool started;
    bool spoilt; /* no room for it: the rest of its pieces is passed over */
    struct sc_share share;
    struct sc_datagram_head head; /* the first piece's; `peer` is whom it was for */
    uint8_t *data;
    size_t len;
};

enum sc_gather_verdict {
    SC_GATHER_NOT,   /* the packet stands for itself */
    SC_GATHER_TAKEN, /* it is part of such a datagram */
    SC_GATHER_WHOLE, /* it was the last piece of one */
};

/* Of a packet that the program wrote. With the last piece `whole` gets the datagram: unless it is
 * spoilt, it is to be sent as if the program had written it at once, and to be dropped after that,
 * since what it is told of may not be this datagram's memory. */
enum sc_gather_verdict sc_gather_take(struct sc_endpoint *e, const struct sc_datagram_head *head,
                                      const uint8_t *data, size_t len, struct sc_gather *whole);

/* The socket was connected: what it has begun goes to its new peer, as in Linux over IPv4; over
 * IPv6 to whom it was begun for. */
void sc_gather_redirect(struct sc_endpoint *e);

/* What there is comes to nothing. */
void sc_gather_drop(struct sc_gather *g, struct sc_endpoint *e);

#endif
