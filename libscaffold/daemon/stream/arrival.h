/* A flow's way into the queue of a listener (struct sc_arrival). */
#ifndef SC_DAEMON_STREAM_ARRIVAL_H
#define SC_DAEMON_STREAM_ARRIVAL_H

#include "daemon/stream/listener.h"

/* Puts a flow into the queue, at once or when there is room; a->done follows, perhaps before this
 * returns. */
void sc_arrival_deliver(struct sc_listener *l, struct sc_arrival *a);

#endif
