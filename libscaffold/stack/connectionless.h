/* Connectionless datagrams. One that is bound late goes by way of the router, each on its own; one
 * that must reach a certain host goes there directly where that was heard from, else by way of the
 * router, too. No congestion control: that is its program's duty, as with UDP (RFC 8085 3.1). */
#ifndef SC_STACK_CONNECTIONLESS_H
#define SC_STACK_CONNECTIONLESS_H

#include "router/routing.h"
#include "stack/assembly.h"
#include "stack/locators.h"
#include "stack/peers.h"

struct sc_connectionless {
    struct sc_node *node;
    struct sc_routing *routing;
    struct sc_peers *peers;
    struct sc_locators locators;
    struct sc_assemblies assemblies;
    uint32_t sent; /* how many: the lower half of the next one's id */
};

/* `g` is zeros. */
void sc_connectionless_init(struct sc_connectionless *g, struct sc_node *node,
                            struct sc_routing *routing, struct sc_peers *peers);
void sc_connectionless_fini(struct sc_connectionless *g);

/* See sc_stack_send_datagram and sc_stack_refuse_datagram. */
int sc_connectionless_send(struct sc_connectionless *g, const struct sc_datagram *d,
                           uint64_t choice, sc_time now);
void sc_connectionless_refuse(struct sc_connectionless *g, const struct sc_datagram *d,
                              sc_time now);

/* `data` is the whole packet: one for another host is passed on. */
void sc_connectionless_on_packet(struct sc_connectionless *g, const struct sc_header *h,
                                 uint8_t *data, size_t len, struct sc_reader *r,
                                 const struct sc_underlay *from, sc_time now);

#endif
