/* The process that bound a listening socket: when it ends, that is a hint to look for others who
 * hold the socket. Without one the sweep finds out. */
#ifndef SC_DAEMON_STREAM_BINDER_H
#define SC_DAEMON_STREAM_BINDER_H

struct sc_listener;

/* By the listener's pid; what it is found by is closed with the listener. */
void sc_binder_watch(struct sc_listener *l);

#endif
