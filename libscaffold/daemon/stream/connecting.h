/* The client's side of a session, from the program's word to the moment when it is open, or never
 * will be: it looks for a plane, this host first. */
#ifndef SC_DAEMON_STREAM_CONNECTING_H
#define SC_DAEMON_STREAM_CONNECTING_H

#include "daemon/stream/session.h"

/* Opens a flow for a program's socket, of which `fd` is scaffoldd's end (daemon/pair.h), plugged;
 * it is taken over whatever is returned. The request's local port is taken over with 0; then `w`,
 * which may be NULL, is told, perhaps before this returns. Otherwise a positive errno: no session.
 */
int sc_connecting_start(struct sc_daemon *d, const struct sc_request *r, int fd,
                        struct sc_waiter *w);

/* A plane has opened it, or a positive errno says why it cannot. The session may be over then. */
void sc_connecting_done(struct sc_session *s, int error);

/* The plug of the program's end has grown by so many bytes. */
void sc_connecting_plug_more(struct sc_waiter *w, size_t len);

#endif
