/* The service router as it is written, HOST[:PORT], and where that is. */
#ifndef SC_DAEMON_UNDERLAY_ROUTER_NAME_H
#define SC_DAEMON_UNDERLAY_ROUTER_NAME_H

#include <stddef.h>

struct sc_underlay; /* wire/ids.h */

struct sc_router_name {
    char host[256]; /* name or address, without brackets */
    char port[6];
};

/* Reads HOST, HOST:PORT, V6, [V6] or [V6]:PORT. Returns 0, or -1 with what is wrong in *why, a
 * constant text. Pure. */
int sc_router_name_read(const char *text, struct sc_router_name *out, const char **why);

/* Asks the resolver; may take as long as that does. Returns 0, or -1 with its reason in *why. */
int sc_router_name_resolve(const struct sc_router_name *n, struct sc_underlay *out,
                           const char **why);

#endif
