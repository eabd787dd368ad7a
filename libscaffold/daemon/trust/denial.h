/* Why a service is not registered, in words. */
#ifndef SC_DAEMON_DENIAL_H
#define SC_DAEMON_DENIAL_H

#include <stddef.h>

#include "stack/stack.h"

struct sc_daemon;

/* Of this host: one line, with what to do. */
void sc_denial_explain(const struct sc_daemon *d, const struct sc_service_id *id,
                       enum sc_denial why, char *line, size_t size);

/* Of another host, to whoever runs its router: a clause. */
const char *sc_denial_of_host(enum sc_denial why);

/* The errno that a program gets for it. */
int sc_denial_error(enum sc_denial why);

#endif
