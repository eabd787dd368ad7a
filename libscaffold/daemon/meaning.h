/* Which service an address stands for, and whether that is still what the program means by it
 * (SC_MEANING_LEN of local/ctl.h). */
#ifndef SC_DAEMON_MEANING_H
#define SC_DAEMON_MEANING_H

#include <stdbool.h>
#include <stdint.h>

#include "local/address.h"
#include "local/ctl.h"
#include "stack/stack.h"

struct sc_daemon;

/* Whoever says what is meant reaches that or nothing. Whoever does not say is taken at the
 * address's word, unless it has stood for another name before. */
bool sc_mapping_means(const struct sc_mapping *m, const uint8_t meaning[SC_MEANING_LEN]);

/* The service that an address shown to a program stands for, if that is what it means by it; NULL:
 * the socket was there before us and says nothing. Returns 0, ENOENT (not known here: ask the
 * router), ENETUNREACH (it stands for another one now) or EINVAL. */
int sc_meaning_service(struct sc_daemon *d, const struct sc_address *a, const uint8_t *meaning,
                       struct sc_service_id *out);

/* Service of loopback port `port` under --all-local: it exists on this host only. */
struct sc_service_id sc_meaning_of_loopback(uint16_t port);

#define SC_MEANING_TROUBLE "the address was given to another name; look the service's name up again"

#endif
