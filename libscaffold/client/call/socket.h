/* How sockets come about: made, in pairs, or taken from another process. */
#ifndef SC_CLIENT_CALL_SOCKET_H
#define SC_CLIENT_CALL_SOCKET_H

/* As socket(2), with AF_SCAFFOLD among the domains. */
int sc_socket_make(int domain, int type, int protocol);

#endif
