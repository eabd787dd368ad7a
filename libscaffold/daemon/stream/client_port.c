#include "daemon/stream/client_port.h"

#include <stdlib.h>

#include "daemon/stream/reach.h"

struct port {
    struct sc_map_node node;
    uint16_t number;
    bool patient; /* SO_REUSEADDR */
    struct sc_address address;
    struct sc_share share;
};

static void free_port(struct sc_daemon *d, struct sc_map_node *n)
{
    struct port *p = sc_container(n, struct port, node);
    sc_map_remove(&d->ports, n);
    sc_share_give(&d->shares, &p->share);
    free(p);
}

void sc_client_ports_init(struct sc_daemon *d)
{
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    SC_MAP_INIT(&d->ports, struct port, node, number, seed);
    /* Half the range apart: clients and servers of a host draw from the same ports. */
    unsigned range = SC_PORT_LAST - SC_PORT_FIRST + 1, first = (unsigned)(d->config.seed % range);
    d->next_port = (uint16_t)(SC_PORT_FIRST + first);
    d->next_bound_port = (uint16_t)(SC_PORT_FIRST + (first + range / 2) % range);
}

void sc_client_ports_fini(struct sc_daemon *d)
{
    struct sc_map_node *n = sc_map_next(&d->ports, NULL);
    while (n) {
        struct sc_map_node *next = sc_map_next(&d->ports, n);
        free_port(d, n);
        n = next;
    }
    sc_map_fini(&d->ports);
}

static struct port *find(const struct sc_daemon *d, uint16_t number)
{
    struct sc_map_node *n = sc_map_find(&d->ports, &number);
    return n ? sc_container(n, struct port, node) : NULL;
}

bool sc_client_port_is_used(const struct sc_daemon *d, uint16_t port)
{
    return find(d, port) != NULL;
}

void sc_client_port_leave(struct sc_daemon *d, uint16_t port)
{
    struct port *p = find(d, port);
    if (p)
        sc_share_give_descriptor(&d->shares, &p->share);
}

void sc_client_port_hold(struct sc_daemon *d, const struct sc_address *own, bool patient)
{
    struct port *p = find(d, own->port);
    if (!p)
        return;
    p->address = *own;
    p->patient = patient;
}

bool sc_client_port_holds(const struct sc_daemon *d, const struct sc_socket_name *name,
                          bool patient)
{
    const struct port *p = find(d, name->address.port);
    return p && !(p->patient && patient) && sc_address_is_loopback(&name->address) &&
           sc_address_is_loopback(&p->address) && sc_reach(name, &p->address);
}

static uint16_t use_port(struct sc_daemon *d, uint16_t number, struct sc_share share)
{
    struct port *p = calloc(1, sizeof *p);
    if (p)
        *p = (struct port){.number = number, .share = share};
    if (p && sc_map_insert(&d->ports, &p->node) == 0)
        return number;
    free(p);
    return 0;
}

/* A client that is not asked for its port must not look like a server of this host. */
static uint16_t find_port(struct sc_daemon *d)
{
    for (int i = SC_PORT_FIRST; i <= SC_PORT_LAST; i++) {
        uint16_t port = d->next_port;
        d->next_port = port == SC_PORT_LAST ? SC_PORT_FIRST : (uint16_t)(port + 1);
        if (!sc_client_port_is_used(d, port) && d->bound.at_port[port] == 0)
            return port;
    }
    return 0;
}

uint16_t sc_client_port_take(struct sc_daemon *d, uint16_t wanted, struct sc_share share)
{
    uint16_t port = !wanted ? find_port(d) : sc_client_port_is_used(d, wanted) ? 0 : wanted;
    if (port)
        port = use_port(d, port, share);
    if (!port)
        sc_share_give(&d->shares, &share);
    return port;
}

void sc_client_port_give(struct sc_daemon *d, uint16_t port)
{
    struct sc_map_node *n = sc_map_find(&d->ports, &port);
    if (!n)
        return;
    free_port(d, n);
}
