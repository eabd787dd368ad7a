/* A flow's way into the queue of a listener (struct sc_arrival). */
#ifndef SC_DAEMON_STREAM_ARRIVAL_H
#define SC_DAEMON_STREAM_ARRIVAL_H

#include "daemon/stream/listener.h"

/* Connects a fresh socket of this name, which does not block and takes no descriptors from its
 * peer, to the listener. Returns it, or a negative errno: EAGAIN, its queue is full; ECONNREFUSED,
 * nobody listens there, or nobody who may (sc_arrival_on_refused is for the caller). */
int sc_arrival_connect(struct sc_listener *l, const struct sc_socket_name *name);

/* The listener was refused: it closes, or its socket is dropped. */
void sc_arrival_on_refused(struct sc_listener *l);

/* Puts a flow into the queue, at once or when there is room; a->done follows, perhaps before this
 * returns. */
void sc_arrival_deliver(struct sc_listener *l, struct sc_arrival *a);

#endif
