/* What the stack reports of the flows that carry sessions: one that arrives becomes a session. */
#ifndef SC_DAEMON_STREAM_CARRIED_H
#define SC_DAEMON_STREAM_CARRIED_H

#include "daemon/stream/session.h"

struct sc_listener;

/* A flow was confirmed by its client. */
void sc_carried_arrive(struct sc_daemon *d, struct sc_flow *f, struct sc_listener *l);

/* Events of a flow of ours (flow->app is the session). */
void sc_carried_on_event(struct sc_session *s, unsigned bits);

#endif
