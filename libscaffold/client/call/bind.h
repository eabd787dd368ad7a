/* bind of a stream: scaffoldd reserves the name and makes the socket, which takes the place of the
 * program's. */
#ifndef SC_CLIENT_CALL_BIND_H
#define SC_CLIENT_CALL_BIND_H

#include "client/names/target.h"
#include "local/socket_name.h"

/* As bind(2). Addresses that are not captured are libc's. */
int sc_bind_stream(int fd, const struct sc_target *to);

/* Binds a captured socket that listens without bind to a port, as in TCP. 0, also for all others,
 * or -1 with errno. */
int sc_bind_any(int fd);

/* Binds anew what was bound under this name and has lost it; a failure leaves the socket as it is.
 */
void sc_bind_again(int fd, const struct sc_socket_name *own);

#endif
