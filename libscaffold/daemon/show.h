/* Ids and addresses as people read them. */
#ifndef SC_DAEMON_SHOW_H
#define SC_DAEMON_SHOW_H

#include "daemon/daemon.h"

/* Room for any of these. */
#define SC_SHOWN (SC_NAME_MAX + 16)

/* `label.provider.scaffold:port[/udp]`, or the id where the name is not known here. Returns out. */
const char *sc_show_service(const struct sc_daemon *d, const struct sc_service_id *id, char *out,
                            size_t size);

/* An address as programs see it, with its port. Returns out. */
const char *sc_show_address(const struct sc_address *a, char *out, size_t size);

#endif
