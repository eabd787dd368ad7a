/* Between a program's own resolver and its name server: a socket on loopback that the program is
 * connected to instead. Questions for names of services are answered by scaffoldd, all others go to
 * the name server that was asked. */
#ifndef SC_TRAP_RELAY_H
#define SC_TRAP_RELAY_H

#include <stdbool.h>
#include <sys/socket.h>

/* Makes one towards `server` and writes the address to connect to, of the same family. 0 or a
 * negative errno: -EAGAIN when too many are open. It ends when nobody has asked for a while. */
int sc_trap_relay_open(const struct sockaddr_storage *server, socklen_t len,
                       struct sockaddr_storage *at, socklen_t *at_len);

/* The name server behind a relay's address. False when it is none. */
bool sc_trap_relay_server(const struct sockaddr_storage *at, struct sockaddr_storage *server,
                          socklen_t *len);

#endif
