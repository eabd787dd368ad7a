/* What a program sets on a socket. */
#ifndef SC_CLIENT_OPTIONS_SET_H
#define SC_CLIENT_OPTIONS_SET_H

#include <stdbool.h>
#include <sys/socket.h>

/* As setsockopt(2); what UDP_CORK held back stays there. */
int sc_options_set(int fd, int level, int name, const void *value, socklen_t len);

/* A plain socket is given this option by another call. */
void sc_options_note_elsewhere(int fd, int level, int name);

/* True for the value of SO_LINGER that makes close a reset. */
bool sc_options_ask_reset(const void *value, socklen_t len);

#endif
