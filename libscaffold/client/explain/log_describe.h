/* One line of the log about a socket. */
#ifndef SC_CLIENT_EXPLAIN_LOG_DESCRIBE_H
#define SC_CLIENT_EXPLAIN_LOG_DESCRIBE_H

#include "client/explain/log_socket.h"

/* Finds out what there is to say and writes it; `state` is log_line.h's. */
void sc_log_describe(const struct sc_log_socket *s, const char *state);

#endif
