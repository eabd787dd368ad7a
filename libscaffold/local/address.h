/* How services and hosts appear to programs that know only IP, and what both ends of the local
 * interface agree on about it. Values only: no allocation, no I/O, signal-safe, thread-safe. */
#ifndef SC_LOCAL_ADDRESS_H
#define SC_LOCAL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The pool that stands for services and hosts: 198.18.0.0/15 (RFC 2544), overridable by
 * SCAFFOLD_POOL=ADDRESS/BITS; and fd53:4341:4646::/48 for IPv6 (RFC 4193), fixed. */
#define SC_POOL4_BASE 0xc6120000u
#define SC_POOL4_BITS 15
#define SC_POOL6_PREFIX                                                                            \
    {                                                                                              \
        0xfd, 0x53, 0x43, 0x41, 0x46, 0x46                                                         \
    }

/* How the application's own socket was made, hence what shape of address it expects. */
enum sc_family {
    SC_FAMILY_NONE = 0,
    SC_FAMILY_INET = '4',
    SC_FAMILY_INET6 = '6',    /* v4 addresses are shown as ::ffff:a.b.c.d */
    SC_FAMILY_SCAFFOLD = 's', /* struct sockaddr_scaffold */
};

/* One end of a flow as an application sees it. `ip` is a v6 address or a v4-mapped one. */
struct sc_address {
    uint8_t ip[16];
    uint16_t port; /* host order */
};

struct sc_pool4 {
    uint32_t base; /* host order */
    unsigned bits;
};

/* The pool in force: SC_POOL4_* unless `text` ("a.b.c.d/n", n from 8 to 30) says otherwise.
 * Returns 0 or -EINVAL (then *pool is the default). `text` may be NULL. */
int sc_pool4_parse(const char *text, struct sc_pool4 *pool);

struct sc_address sc_address_v4(uint32_t host_order, uint16_t port);
bool sc_address_equal(const struct sc_address *a, const struct sc_address *b); /* and port */
bool sc_address_is_v4(const struct sc_address *a);
uint32_t sc_address_to_v4(const struct sc_address *a); /* host order; only when is_v4 */
bool sc_address_is_loopback(const struct sc_address *a);
bool sc_address_is_wildcard(const struct sc_address *a);
bool sc_address_in_pool(const struct sc_address *a, const struct sc_pool4 *pool);

/* From AF_INET or AF_INET6 to a value. Returns 0, or -EINVAL when `len` is too short, or
 * -EAFNOSUPPORT. */
int sc_address_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct sc_address *out);

/* To the shape that `family` ('4' or '6') expects. A v6 address for a '4' socket becomes 0.0.0.0.
 * Returns the length written to *out. */
socklen_t sc_address_to_sockaddr(const struct sc_address *a, enum sc_family family,
                                 struct sockaddr_storage *out);

#endif
