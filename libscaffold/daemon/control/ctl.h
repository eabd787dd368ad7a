/* The control socket: what programs and tools ask scaffoldd (local/ctl.h). */
#ifndef SC_DAEMON_CONTROL_CTL_H
#define SC_DAEMON_CONTROL_CTL_H

#include "daemon/daemon.h"

/* Listens on the abstract name and on <runtime_dir>/ctl. Returns 0, or -1 with a line in `why`
 * (another scaffoldd runs there, the directory cannot be made ...). */
int sc_ctl_open(struct sc_daemon *d, char *why, size_t size);
void sc_ctl_close(struct sc_daemon *d);

/* A lookup that a control call waits for was answered. */
void sc_ctl_on_mapped(struct sc_daemon *d, const struct sc_event *e);

/* The state in which this host is with its router has changed: who needs its address may go on. */
void sc_ctl_on_joined(struct sc_daemon *d);

/* The service router knows every instance of this host: who listens may go on. */
void sc_ctl_on_registered(struct sc_daemon *d);

#endif
