/* Service names, asked from scaffoldd. */
#ifndef SC_CLIENT_NAMES_ASK_H
#define SC_CLIENT_NAMES_ASK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "local/ctl.h"

/* True for names under .scaffold, in any case and with or without a final dot. Pure. */
bool sc_is_scaffold_name(const char *name);

/* RESOLVE. Returns 0, or an EAI_ code with the errno that a call on a socket fails with for it;
 * scaffold_strerror explains both. */
int sc_resolve(const char *name, struct sc_ctl_reply *r);

/* An address of `len` bytes as a value; false when it is none of the pool. */
bool sc_pool_address(const void *addr, socklen_t len, int family, struct sc_address *a);

/* REVERSE of an address of the pool: the name without port. False when it is not known. */
bool sc_reverse(const struct sc_address *a, char name[SC_CTL_NAME]);

#endif
