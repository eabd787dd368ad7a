/* What a program's datagram socket has still to read: the queue of scaffoldd's end towards it. */
#ifndef SC_DAEMON_DATAGRAM_INBOX_H
#define SC_DAEMON_DATAGRAM_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "local/address.h"
#include "local/datagram.h"

struct sc_endpoint;

/* Of a new one, by scaffoldd's end: a program that asked for a small queue gets it; the default, 0,
 * is none it asked for. */
void sc_inbox_size(int fd, uint32_t rcvbuf);

/* One datagram to the program. It is dropped, and counted, when there is no room. */
void sc_inbox_deliver(struct sc_endpoint *e, const struct sc_datagram_head *head,
                      const uint8_t *data, size_t len);

/* What became of a datagram to `peer`; `error` is a positive errno. */
void sc_inbox_tell(struct sc_endpoint *e, const struct sc_address *peer, int error);

#endif
