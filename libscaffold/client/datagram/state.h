/* What is remembered of datagram sockets beside their names: to whom they are connected, and what
 * they were told that became of a datagram. Keyed by the socket's SO_COOKIE, in a fixed table
 * without locks, as client/options/shadow.h; a socket that is forgotten, or came by exec, is asked
 * for at scaffoldd. */
#ifndef SC_CLIENT_DATAGRAM_STATE_H
#define SC_CLIENT_DATAGRAM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "local/address.h"

struct sc_datagram_state {
    struct sc_address peer;   /* port 0: none */
    struct sc_address failed; /* whom a datagram did not reach; port 0: nothing is in the queue */
    int32_t error;            /* why */
    uint8_t shut;             /* 1: SHUT_RD, 2: SHUT_WR */
    uint8_t gathers;   /* pieces of a datagram have been sent (client/datagram/gather.h)... */
    uint16_t segment;  /* ...which is to be cut like this */
    uint32_t gathered; /* ...and has so many bytes */
};

/* False when nothing is known of the socket; *s is then zero. */
bool sc_datagram_state_get(uint64_t cookie, struct sc_datagram_state *s);
void sc_datagram_state_set(uint64_t cookie, const struct sc_datagram_state *s);

#endif
