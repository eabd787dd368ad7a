/* accept: the kernel's, on a real listener to which only scaffoldd can connect
 * (daemon/stream/folder.h). No question is asked, since a sandbox may forbid it; here the first
 * byte is sent that keeps an abort from looking like an end (A7, A8). */
#ifndef SC_CLIENT_CALL_ACCEPT_H
#define SC_CLIENT_CALL_ACCEPT_H

#include <sys/socket.h>

/* accept has no flags, and a sandbox may let it alone through. */
#define SC_ACCEPT_NO_FLAGS (-1)

/* As accept4(2), of listeners of whatever kind. */
int sc_accept_flow(int fd, struct sockaddr *addr, socklen_t *len, int flags);

#endif
