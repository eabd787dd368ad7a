/* Why names are not to be had, in words. */
#ifndef SC_DAEMON_CONTROL_TROUBLE_H
#define SC_DAEMON_CONTROL_TROUBLE_H

#include <stddef.h>

struct sc_daemon;
struct sc_mapping;

/* One line: why a name or an address has no mapping (sc_mapping.error), and what to do. */
void sc_names_trouble(const struct sc_daemon *d, int error, char *line, size_t size);

/* A name whose provider's key is not believed (EKEYREJECTED, ENOKEY): both keys, and what to do. */
void sc_provider_trouble(const struct sc_daemon *d, const struct sc_mapping *m, char *line,
                         size_t size);

#endif
