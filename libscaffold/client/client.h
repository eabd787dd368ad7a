/* What client/ offers to the shim beyond the public API. The descriptor work lives here; the shim
 * holds policy (which sockets) and thin wrappers (the libc names).
 *
 * No call here allocates or takes a lock on a data path; libc's own functions are reached through
 * `sc_real`, which the shim points at the next definition (dlsym RTLD_NEXT) and libscaffold at libc. */
#ifndef SC_CLIENT_CLIENT_H
#define SC_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "local/address.h"
#include "local/names.h"

/* Policy of this process, read from the environment once, when the library initialises (A14). */
struct sc_policy {
    struct sc_daemon_id daemon;
    char runtime_dir[96];
    struct sc_pool4 pool;
    bool all_local; /* SCAFFOLD_ALL_LOCAL=1: loopback binds and connects are services */
    /* SCAFFOLD_SERVICE and SCAFFOLD_PUBLISH, parsed: which binds are captured. Layout private to
     * policy.c. */
    struct sc_capture *capture;
    unsigned capture_count;
};

const struct sc_policy *sc_policy(void);

/* True when a stream connect to this address is ours. */
bool sc_policy_connects(const struct sc_address *a);

/* True when a stream bind to this address is captured; fills the service's name (without port;
 * empty: bind to the address itself) and the service port. */
bool sc_policy_binds(const struct sc_address *a, char name[256], uint16_t *service_port);

/* True for descriptors whose socket is one of ours; fills own name. Signal-safe; 1 system call. */
bool sc_is_service_socket(int fd, struct sc_name *own);

#endif
