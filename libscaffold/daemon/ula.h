/* IPv6 addresses of services: a fixed prefix and 80 bits of a hash, the same everywhere. A hash
 * cannot be turned round, so the names resolved here are remembered. */
#ifndef SC_DAEMON_ULA_H
#define SC_DAEMON_ULA_H

#include <stdbool.h>

#include "base/map.h"
#include "local/address.h"
#include "wire/ids.h"

struct sc_ula_table {
    struct sc_map map;
};

void sc_ula_init(struct sc_ula_table *t, const uint64_t seed[2]);
void sc_ula_fini(struct sc_ula_table *t);

/* The address of a service (any port), remembered; at most SC_MAPPINGS_MAX are. */
struct sc_address sc_ula_of(struct sc_ula_table *t, const struct sc_service_id *id);

/* The service (port and protocol 0) of such an address. False when it was never resolved here. */
bool sc_ula_find(const struct sc_ula_table *t, const struct sc_address *a,
                 struct sc_service_id *out);

#endif
