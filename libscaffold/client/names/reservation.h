/* What a captured bind asks scaffoldd for. */
#ifndef SC_CLIENT_NAMES_RESERVATION_H
#define SC_CLIENT_NAMES_RESERVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "client/names/target.h"
#include "local/ctl.h"

struct sc_reservation {
    bool by_service_id;
    struct scaffold_service_id service;
    char name[256]; /* without port; empty: the address itself */
    struct sc_address address;
    bool wildcard;
    uint16_t program_port; /* as the program asked */
};

/* False when a bind to `t` is not captured for `protocol` (IPPROTO_TCP or IPPROTO_UDP). Pure: no
 * system call. */
bool sc_reservation_read(const struct sc_target *t, int protocol, struct sc_reservation *b);

/* BIND for it, with what both kinds of sockets say. */
struct sc_ctl_request sc_reservation_request(const struct sc_reservation *b, enum sc_family family);

#endif
