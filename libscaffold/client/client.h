/* Every socket call in the form in which libscaffold and the shim export it. The descriptor work
 * lives in client/; the shim adds libc's names.
 *
 * No call here allocates (but the name lookups, as libc's) or takes a lock; all of them leave plain
 * sockets to libc. Each returns what its libc namesake returns, with errno as that sets it. */
#ifndef SC_CLIENT_CLIENT_H
#define SC_CLIENT_CLIENT_H

#include "client/call/calls.h"
#include "client/names/resolve.h"
#include "client/socket/epolls.h"

#endif
