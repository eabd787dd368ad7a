/* `scaffold status --json`, schema 1 of docs/schemas/status.schema.json. */
#ifndef SC_DAEMON_STATUS_H
#define SC_DAEMON_STATUS_H

#include "daemon/daemon.h"

/* Writes the document into a memfd, position 0. Returns the descriptor or a negative errno. */
int sc_status_write(struct sc_daemon *d);

#endif
