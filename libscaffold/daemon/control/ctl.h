/* The control socket: what programs and tools ask scaffoldd (local/ctl.h). */
#ifndef SC_DAEMON_CONTROL_CTL_H
#define SC_DAEMON_CONTROL_CTL_H

#include "daemon/daemon.h"

/* Listens on the abstract name and on <runtime_dir>/ctl. Returns 0, or -1 with a line in `why`
 * (another scaffoldd runs there, the directory cannot be made ...). */
int sc_ctl_open(struct sc_daemon *d, char *why, size_t size);
void sc_ctl_close(struct sc_daemon *d);

/* Whether a user may serve here ([allow]); `fd`: a socket that a process of the user connected,
 * whose groups then count as the kernel knows them. -1: those that the user has. */
bool sc_ctl_may_serve(const struct sc_daemon *d, uid_t uid, int fd);

/* A lookup that a control call waits for was answered. */
void sc_ctl_on_mapped(struct sc_daemon *d, const struct sc_event *e);

/* The state in which this host is with its router has changed: who needs its address may go on. */
void sc_ctl_on_joined(struct sc_daemon *d);

/* The service router knows every instance of this host: who listens may go on. */
void sc_ctl_on_registered(struct sc_daemon *d);

/* One line: why a name or an address has no mapping (sc_mapping.error), and what to do. */
void sc_names_trouble(const struct sc_daemon *d, int error, char *line, size_t size);

#endif
