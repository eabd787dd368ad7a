/* Where a call of the program's goes: the address that it was given, decoded once. Values;
 * signal-safe, thread-safe. */
#ifndef SC_CLIENT_NAMES_TARGET_H
#define SC_CLIENT_NAMES_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "local/address.h"
#include "scaffold/scaffold.h"

struct sc_target {
    const struct sockaddr *addr; /* the program's own, for libc's call */
    socklen_t len;
    bool is_given;      /* it is long enough for a family */
    sa_family_t family; /* AF_UNSPEC when it is not */
    int error; /* 0 for a service and an address of IP; else -EINVAL (too short) or -EAFNOSUPPORT */
    struct scaffold_service_id service; /* of AF_SCAFFOLD */
    struct sc_address address;          /* of IP; AF_UNSPEC's is read as AF_INET's */
};

/* Reads `len` bytes, which must be there; `addr` may be NULL. */
struct sc_target sc_target_of(const struct sockaddr *addr, socklen_t len);

/* Of AF_SCAFFOLD, however short. */
bool sc_target_is_service(const struct sc_target *t);

/* True when what goes there is ours, or may be: services, and this host's own addresses. */
bool sc_target_is_ours(const struct sc_target *t);

/* The two told apart, for datagrams: port 0 is nobody's, and UDP connects to it all the same. */
bool sc_target_names_service(const struct sc_target *t);
bool sc_target_is_here(const struct sc_target *t);

/* The address that is reached: for a wildcard this host's, as in Linux. */
struct sc_address sc_target_reached(const struct sc_target *t);

#endif
