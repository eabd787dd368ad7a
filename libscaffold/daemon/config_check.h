/* What of a configuration depends on the machine: folders and their rights, the router's name, UDP
 * addresses, routes. Done before scaffoldd starts, and by --check. */
#ifndef SC_DAEMON_CONFIG_CHECK_H
#define SC_DAEMON_CONFIG_CHECK_H

#include "daemon/config.h"

/* Adds what would keep scaffoldd from starting, and warnings, to `p`. Makes and changes nothing.
 * *router gets the router's place (family 0: there is none, or it was not found). May wait for the
 * resolver. */
void sc_config_check(const struct sc_config *c, struct sc_underlay *router, struct sc_problems *p);

/* The addresses to listen on; "": not in this family. */
void sc_config_addresses(const struct sc_config *c, const char **v4, const char **v6);

#endif
