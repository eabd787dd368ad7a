/* Finds the end that an application means by the names of its socket, and keeps the errors and byte
 * counts of flows that are over.
 *
 * It refers to ends and owns none: a session takes its own out before it goes. */
#ifndef SC_DAEMON_STREAM_REGISTRY_H
#define SC_DAEMON_STREAM_REGISTRY_H

#include "daemon/daemon.h"
#include "daemon/stream/end.h"
#include "local/ctl.h"

void sc_registry_init(struct sc_daemon *d);
void sc_registry_fini(struct sc_daemon *d);

/* Makes an end findable by whichever of its serials are set; idempotent. */
void sc_registry_add(struct sc_daemon *d, struct sc_end *e);
void sc_registry_remove(struct sc_daemon *d, struct sc_end *e);

/* The end of this flow, or NULL. */
struct sc_end *sc_registry_find(struct sc_daemon *d, const struct sc_ctl_flow *flow);

/* Remembers why the flow of this end died, for sc_registry_take_error. */
void sc_registry_keep_error(struct sc_daemon *d, const struct sc_end *e, int error);

/* The errno, once; 0 when none is kept. Other users than the one whose flow it was (a server that
 * gave up root, a stranger who read the names in /proc) are told, but leave it there. */
int sc_registry_take_error(struct sc_daemon *d, const struct sc_ctl_flow *flow, uid_t uid);

/* Remembers how many bytes went through an end whose flow is over, for sc_registry_counts. */
void sc_registry_keep_counts(struct sc_daemon *d, const struct sc_end *e);

/* Fills the byte counts of a flow that is over. 0, ENOTCONN when they are not known, or EACCES. */
int sc_registry_counts(const struct sc_daemon *d, const struct sc_ctl_flow *flow, uid_t uid,
                       struct sc_ctl_info *info);

#endif
