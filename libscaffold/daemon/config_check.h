/* What of a configuration depends on the machine: folders and their rights, the router's name, UDP
 * addresses, routes. Done before scaffoldd starts, and by --check. */
#ifndef SC_DAEMON_CONFIG_CHECK_H
#define SC_DAEMON_CONFIG_CHECK_H

#include "daemon/config.h"

/* Adds what would keep scaffoldd from starting, and warnings, to `p`. Makes and changes nothing.
 * Relative paths of *c are absolute from then on. *router gets the router's place (family 0: there
 * is none, or it was not found). May wait for the resolver. */
void sc_config_check(struct sc_config *c, struct sc_underlay *router, struct sc_problems *p);

/* False for a runtime directory that is neither this user's nor root's, with a line in `why`. One
 * that is not there is fine. */
bool sc_config_trusts(const char *runtime_dir, char *why, size_t size);

/* The addresses to listen on; "": not in this family. */
void sc_config_addresses(const struct sc_config *c, const char **v4, const char **v6);

#endif
