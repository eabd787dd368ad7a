/* A datagram that is sent by several calls (UDP_CORK, MSG_MORE), and several that are sent by one
 * (UDP_SEGMENT).
 *
 * The pieces go to scaffoldd as they are written, which puts them together: so a fork, a duplicate
 * or an exec goes on where the other stopped, and no memory of the program is needed. Here is
 * remembered only what the next call must know to fail as UDP's does. */
#ifndef SC_CLIENT_DATAGRAM_GATHER_H
#define SC_CLIENT_DATAGRAM_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/datagram/state.h"
#include "local/datagram.h"

struct sc_gathering {
    uint64_t cookie;
    struct sc_datagram_state state; /* `gathers`: the destination is that of the first piece */
    bool more;                      /* what is sent now is not the end of it */
    uint16_t segment;               /* that the socket was given */
};

/* What this call to send with `flags` meets. */
void sc_gather_look(int fd, int flags, struct sc_gathering *g);

/* `len` bytes are about to be sent: completes the head. -1 with errno as UDP sets it, EMSGSIZE or
 * EINVAL; what was gathered is then dropped, as by the kernel. */
int sc_gather_add(int fd, const struct sc_gathering *g, size_t len, struct sc_datagram_head *head);

/* They were sent. */
void sc_gather_added(const struct sc_gathering *g, size_t len, const struct sc_datagram_head *head);

#endif
