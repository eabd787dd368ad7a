/* Whether a flow that reads as reset was just that (daemon/stream/calm.h). */
#ifndef SC_CLIENT_PROCESS_CALM_H
#define SC_CLIENT_PROCESS_CALM_H

#include <stdbool.h>

#include "local/socket_name.h"

/* True when the scaffoldd of this socket says that no flow of this host has ended otherwise. False:
 * one has, or that cannot be seen from here. One system call; errno is kept; signal-safe. */
bool sc_is_calm(const struct sc_socket_name *own);

#endif
