/* Which reason holds for a socket. A table of sentences is why.h's. */
#ifndef SC_CLIENT_EXPLAIN_LOG_REASON_H
#define SC_CLIENT_EXPLAIN_LOG_REASON_H

#include "client/explain/log_socket.h"

/* Of a socket that was connected to `a`, or sent there. */
enum sc_why sc_log_why_towards(const struct sc_log_socket *s, const struct sc_address *a);

/* Of one that is bound; `a` is what the program asked for, or the address that it has. */
enum sc_why sc_log_why_bound(const struct sc_log_socket *s, const struct sc_address *a);

/* What the socket itself says, for one that this program did not put to use; *decided becomes the
 * address that it depends on. */
enum sc_why sc_log_why_of_state(const struct sc_log_socket *s, struct sc_address *decided);

#endif
