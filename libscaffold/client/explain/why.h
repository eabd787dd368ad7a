/* Why a socket is a service's or stayed plain IP: one sentence per reason, the same every time, for
 * people; and a code, for programs that count. */
#ifndef SC_CLIENT_EXPLAIN_WHY_H
#define SC_CLIENT_EXPLAIN_WHY_H

#include <stddef.h>

#include "local/address.h"

enum sc_why {
    SC_WHY_UNKNOWN,

    /* a service's */
    SC_WHY_SERVICE_ADDRESS,
    SC_WHY_SERVICE_NAMED,
    SC_WHY_ALL_LOCAL,
    SC_WHY_OWN_ADDRESS,
    SC_WHY_CAPTURED,
    SC_WHY_ACCEPTED,

    /* plain IP */
    SC_WHY_LOOPBACK,
    SC_WHY_BOUND_LOOPBACK,
    SC_WHY_NOT_A_SERVICE,
    SC_WHY_NOT_CAPTURED,
    SC_WHY_NO_SERVICE,
    SC_WHY_ACCEPTED_IP,
    SC_WHY_MULTICAST,
    SC_WHY_BROADCAST,
    SC_WHY_RAW,
    SC_WHY_PROTOCOL,
    SC_WHY_PLAIN_BEFORE,
};

/* "not-a-service" */
const char *sc_why_code(enum sc_why why);

/* Writes the sentence; `service` is a name without port, or NULL. Returns its length, which is
 * less than `size`. */
size_t sc_why_text(enum sc_why why, const struct sc_address *a, const char *service, char *out,
                   size_t size);

/* "198.18.0.7" and "198.18.0.7:80", "[fd53::1]:80". Return the length, which is less than `size`.
 */
size_t sc_ip_text(const struct sc_address *a, char *out, size_t size);
size_t sc_address_text(const struct sc_address *a, char *out, size_t size);

#endif
