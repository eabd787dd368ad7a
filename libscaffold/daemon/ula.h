/* IPv6 addresses of services: a fixed prefix and 80 bits of a hash, the same everywhere. A hash
 * cannot be turned round, so the names resolved here are remembered, and with them on whose share
 * of names they stand. When there are SC_MAPPINGS_MAX, the one not used for the longest is
 * forgotten. */
#ifndef SC_DAEMON_ULA_H
#define SC_DAEMON_ULA_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "daemon/shares.h"
#include "local/address.h"
#include "wire/ids.h"

struct sc_ula_table {
    struct sc_map map;
    struct sc_list charged; /* on somebody's share; the one not used for the longest first */
    struct sc_list free;    /* on nobody's; as well */
    struct sc_shares *shares;
};

void sc_ula_init(struct sc_ula_table *t, struct sc_shares *shares, const uint64_t seed[2]);
void sc_ula_fini(struct sc_ula_table *t);

/* The address of a service (any port), remembered from now on. */
struct sc_address sc_ula_of(struct sc_ula_table *t, const struct sc_service_id *id);

/* The service (port and protocol 0) of such an address. False when it was never resolved here. */
bool sc_ula_find(struct sc_ula_table *t, const struct sc_address *a, struct sc_service_id *out);

/* True when the service was resolved here before. */
bool sc_ula_knows(struct sc_ula_table *t, const struct sc_service_id *id);

/* The service stands on this share, which is the table's from now on; its caller's is empty. */
void sc_ula_charge(struct sc_ula_table *t, const struct sc_service_id *id, struct sc_share *share,
                   sc_time now);

/* Names that were charged longer than SC_NAME_COUNTS ago count no more: gives their shares back. */
void sc_ula_age(struct sc_ula_table *t, sc_time now);

#endif
