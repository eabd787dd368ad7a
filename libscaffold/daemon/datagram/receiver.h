/* Who of this host receives a datagram, and whom its program sees as the sender. */
#ifndef SC_DAEMON_DATAGRAM_RECEIVER_H
#define SC_DAEMON_DATAGRAM_RECEIVER_H

#include "daemon/daemon.h"

struct sc_endpoint;

/* Who sent a datagram: in the form in which the receiver's program can answer. */
struct sc_origin {
    struct sc_address shown;
    struct sc_service_id service; /* `shown` is this service's; or zeros */
    uint8_t ttl, tos;
    int32_t segment;  /* of several datagrams that came at once */
    uint64_t host;    /* network address; 0: this one */
    uint64_t balance; /* the same for all datagrams of one socket */
};

/* What the endpoint's program is shown: one that knows the service by its IPv6 address sees its
 * answers come from there. */
struct sc_address sc_receiver_shown(const struct sc_endpoint *e, const struct sc_origin *o);

/* A connected socket takes from its peer alone. */
bool sc_receiver_takes_from(const struct sc_endpoint *e, const struct sc_origin *o);

/* To this one; what came at once is cut where its program does not take it at once. */
void sc_receiver_hand(struct sc_endpoint *e, const struct sc_origin *o, const struct sc_address *to,
                      const uint8_t *data, size_t len);

/* To the instance of a service on this host. False when none takes it. */
bool sc_receiver_of_service(struct sc_daemon *d, const struct sc_service_id *service,
                            const struct sc_address *to, const struct sc_origin *o,
                            const uint8_t *data, size_t len);

/* To the socket with this port on this host: what is bound to the host's own name, else whoever has
 * the port to himself. False when none takes it. */
bool sc_receiver_of_port(struct sc_daemon *d, uint16_t port, const struct sc_address *to,
                         const struct sc_origin *o, const uint8_t *data, size_t len);

/* Whether a datagram to this address of the host's own reaches a loopback endpoint. */
bool sc_receiver_is_here(struct sc_daemon *d, const struct sc_address *to);

#endif
