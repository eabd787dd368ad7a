/* An end that is an AF_UNIX stream, whose other end is, for the application, a TCP-like socket.
 *
 * The last byte that the application wrote always stays unread here, although it has been
 * forwarded: then every way in which this end can go away without sc_end_close, the death of
 * scaffoldd included, is ECONNRESET for every reader, never an end of file. Small messages are only
 * peeked at, one system call each, and taken away a few at a time. */
#ifndef SC_DAEMON_STREAM_UNIX_END_H
#define SC_DAEMON_STREAM_UNIX_END_H

#include "daemon/stream/end.h"

/* Takes over `fd`, whose buffer is as large as daemon/pair.h says, and which may block: no call
 * here does. `ready` and `owner` are those of struct sc_end. Returns 0 or
 * a negative errno, then fd is still the caller's, and the end is not open. */
int sc_unix_end_init(struct sc_end *e, struct sc_loop *loop, int fd, enum sc_end_stage stage,
                     void (*ready)(struct sc_end *e), void *owner);

/* Of a PLUGGED one: how long its plug is (daemon/pair.h). */
void sc_unix_end_plug(struct sc_end *e, size_t len);

#endif
