/* Services as text. */
#ifndef SC_CLIENT_NAMES_SERVICE_H
#define SC_CLIENT_NAMES_SERVICE_H

#include "scaffold/scaffold.h"

/* scaffold_service_parse, with the result of sc_resolve. */
int sc_service_parse(const char *text, struct sockaddr_scaffold *addr);

#endif
