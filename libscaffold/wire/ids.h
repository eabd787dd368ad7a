/* The values that packets carry: service ids, network addresses, underlay addresses. */
#ifndef SC_WIRE_IDS_H
#define SC_WIRE_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/service_id.h"

/* Network address: domain (high 32 bits) and host; 0 is none. */
static inline uint64_t sc_network_address(uint32_t domain, uint32_t host)
{
    return (uint64_t)domain << 32 | host;
}

/* Where a network address is reachable: a UDP endpoint. On the wire 19 bytes:
 * u8 family (0 none, 4, 6) | u16 port | 16 address (v4 in the first four bytes, rest zero). */
struct sc_underlay {
    uint8_t family;
    uint16_t port;
    uint8_t ip[16];
};

#define SC_UNDERLAY_LEN 19

static inline bool sc_underlay_equal(const struct sc_underlay *a, const struct sc_underlay *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

/* Bad on an unknown family, and on bytes that the family does not use and are not zero. */
void sc_underlay_read(struct sc_reader *r, struct sc_underlay *u);
void sc_underlay_write(struct sc_writer *w, const struct sc_underlay *u);

/* "a.b.c.d:port", "[v6]:port" or "none" into buf (at least 56 bytes); returns buf. */
char *sc_underlay_format(const struct sc_underlay *u, char *buf, size_t size);

#endif
