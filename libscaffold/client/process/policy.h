/* The policy of this process: which addresses are ours. Pure tests but for sc_policy_is_here. */
#ifndef SC_CLIENT_PROCESS_POLICY_H
#define SC_CLIENT_PROCESS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "local/address.h"

/* One item of SCAFFOLD_SERVICE: a service that listeners of this process serve. */
struct sc_capture {
    char name[256];   /* without port */
    uint16_t port;    /* the service port that is captured; 0 = every one */
    uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP; 0 = both */
};

/* One item of SCAFFOLD_PUBLISH. */
struct sc_publish {
    uint16_t service_port;
    uint16_t program_port;
};

#define SC_CAPTURES_MAX 16 /* services of one program; more is a mistake in a script */
#define SC_PUBLISH_MAX 64  /* ports of one program, likewise */

/* Read from the environment once, when the library initialises: programs clear it later (A14). */
struct sc_policy {
    struct sc_pool4 pool;
    bool all_local; /* SCAFFOLD_ALL_LOCAL=1: loopback binds and connects are services */
    struct sc_capture capture[SC_CAPTURES_MAX];
    unsigned capture_count;
    struct sc_publish publish[SC_PUBLISH_MAX];
    unsigned publish_count;
};

const struct sc_policy *sc_policy(void);

/* True for an address of the pool of services. */
bool sc_policy_in_pool(const struct sc_address *a);

/* True when a connect, or a datagram, to this address is ours. */
bool sc_policy_connects(const struct sc_address *a);

/* True for an address of an interface of this host, which under --all-local services are reached
 * at, too, or else plain IP. No system call without --all-local (client/process/own_addresses.h).
 */
bool sc_policy_is_here(const struct sc_address *a);

/* True when a bind of this protocol (IPPROTO_TCP or IPPROTO_UDP) to this address is captured; fills
 * the service's name (without port; empty: bind to the address itself) and the service port. */
bool sc_policy_binds(const struct sc_address *a, int protocol, char name[256],
                     uint16_t *service_port);

/* The port that the program knows a published service port by; the same port otherwise. */
uint16_t sc_policy_program_port(uint16_t service_port);

#endif
