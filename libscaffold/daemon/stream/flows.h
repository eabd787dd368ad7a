/* What the stack reports of flows, to their sessions: a flow that arrives becomes one. */
#ifndef SC_DAEMON_STREAM_FLOWS_H
#define SC_DAEMON_STREAM_FLOWS_H

#include "daemon/stream/session.h"

struct sc_listener;

/* A flow was confirmed by its client. */
void sc_flows_arrive(struct sc_daemon *d, struct sc_flow *f, struct sc_listener *l);

/* Events of a flow of ours (flow->app is the session). */
void sc_flows_on_event(struct sc_session *s, unsigned bits);

#endif
