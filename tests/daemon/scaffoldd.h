/* A scaffoldd without the network: all its tables, its loop, the stack of a host that is its own
 * service router or has one that never answers, and a runtime folder of its own. */
#ifndef SC_TESTS_DAEMON_SCAFFOLDD_H
#define SC_TESTS_DAEMON_SCAFFOLDD_H

#include "daemon/daemon.h"
#include "daemon/stream/session.h"

/* `planes` as sc_sessions_init takes them. */
struct sc_daemon *scaffoldd_start(const struct sc_plane_ops *const *planes, bool is_router);

/* Ends all that is left, and checks that nobody holds a share of anything. */
void scaffoldd_stop(struct sc_daemon *d);

/* Turns of the loop, until nothing happens any more. */
void scaffoldd_settle(struct sc_daemon *d);

/* As BIND and LISTEN do it, for a port of loopback: a program's listening socket, and what is
 * reserved for it. */
int scaffoldd_listens(struct sc_daemon *d, uint16_t port, uint32_t backlog, struct sc_bound **out);

/* As PREPARE does it: a program's socket for the request, which gets its own port and
 * serial here. `w` as for sc_connecting_start. */
int scaffoldd_connects(struct sc_daemon *d, struct sc_request *r, struct sc_waiter *w);

/* Whether the kernel has bytes, or an end, for a program at this descriptor. */
bool scaffoldd_readable(int fd);

#endif
