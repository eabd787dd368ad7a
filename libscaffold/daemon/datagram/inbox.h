/* What a program's datagram socket has still to read: the queue of scaffoldd's end towards it. */
#ifndef SC_DAEMON_DATAGRAM_INBOX_H
#define SC_DAEMON_DATAGRAM_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "local/address.h"
#include "local/datagram.h"

struct sc_endpoint;

/* Handed over in one call; whoever reads them is woken with the first. */
#define SC_INBOX_MAX 32

/* Datagrams for one program, one behind the other, as they will stand in its queue. They wait for
 * no longer than the turn of the loop. */
struct sc_inbox {
    struct sc_endpoint *to;
    size_t count, bytes;
    size_t len[SC_INBOX_MAX];
    uint8_t room[sizeof(struct sc_datagram_head) + SC_DATAGRAM_PAYLOAD_MAX];
};

/* Of a new one, by scaffoldd's end: a program that asked for a small queue gets it; the default, 0,
 * is none it asked for. */
void sc_inbox_size(int fd, uint32_t rcvbuf);

/* One datagram to the program, by sc_inbox_hand_over; those of another program that wait are handed
 * over at once. */
void sc_inbox_deliver(struct sc_endpoint *e, const struct sc_datagram_head *head,
                      const uint8_t *data, size_t len);

/* What waits goes to its program. What finds no room is dropped, and counted. */
void sc_inbox_hand_over(struct sc_inbox *in);

/* What became of a datagram to `peer`; `error` is a positive errno. */
void sc_inbox_tell(struct sc_endpoint *e, const struct sc_address *peer, int error);

#endif
