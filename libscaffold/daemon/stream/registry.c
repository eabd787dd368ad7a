#include "daemon/stream/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/stream/bound.h"
#include "daemon/stream/listener.h"

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

void sc_registry_init(struct sc_daemon *d)
{
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    SC_MAP_INIT(&d->ends_by_own, struct sc_end, by_own, own_serial, seed);
    SC_MAP_INIT(&d->ends_by_peer, struct sc_end, by_peer, peer_serial, seed);
    SC_MAP_INIT(&d->ports, struct port, node, number, seed);
    /* Half the range apart: clients and servers of a host draw from the same ports. */
    unsigned range = SC_PORT_LAST - SC_PORT_FIRST + 1, first = (unsigned)(d->config.seed % range);
    d->next_port = (uint16_t)(SC_PORT_FIRST + first);
    d->next_bound_port = (uint16_t)(SC_PORT_FIRST + (first + range / 2) % range);
}

void sc_registry_fini(struct sc_daemon *d)
{
    struct sc_map_node *n = sc_map_next(&d->ports, NULL);
    while (n) {
        struct sc_map_node *next = sc_map_next(&d->ports, n);
        free_port(d, n);
        n = next;
    }
    sc_map_fini(&d->ports);
    sc_map_fini(&d->ends_by_own);
    sc_map_fini(&d->ends_by_peer);
}

void sc_registry_add(struct sc_daemon *d, struct sc_end *e)
{
    if (e->own_serial && !e->by_own.linked)
        sc_map_insert(&d->ends_by_own, &e->by_own);
    if (e->peer_serial && !e->by_peer.linked)
        sc_map_insert(&d->ends_by_peer, &e->by_peer);
}

void sc_registry_remove(struct sc_daemon *d, struct sc_end *e)
{
    sc_map_remove(&d->ends_by_own, &e->by_own);
    sc_map_remove(&d->ends_by_peer, &e->by_peer);
}

/* The serial in an abstract name's text; 0 when it is none of ours. */
static uint64_t serial_of(const char *text, enum sc_name_kind kind)
{
    struct sc_name name;
    return sc_name_read_key(text, &name) && name.kind == kind ? name.serial : 0;
}

struct sc_end *sc_registry_find(struct sc_daemon *d, const struct sc_ctl_flow *flow)
{
    uint64_t peer = serial_of(flow->peer, SC_NAME_PEER);
    uint64_t own = serial_of(flow->own, SC_NAME_CLIENT);
    struct sc_map_node *n = peer ? sc_map_find(&d->ends_by_peer, &peer) : NULL;
    if (n)
        return sc_container(n, struct sc_end, by_peer);
    n = own ? sc_map_find(&d->ends_by_own, &own) : NULL;
    return n ? sc_container(n, struct sc_end, by_own) : NULL;
}

void sc_registry_keep_error(struct sc_daemon *d, const struct sc_end *e, int error)
{
    if (error == ECONNRESET && e->finished)
        error = EPIPE; /* TCP's word for a reset after the peer's end: no reader missed anything */
    d->errors[d->errors_at] = (struct sc_kept_error){.own_serial = e->own_serial,
                                                     .peer_serial = e->peer_serial,
                                                     .error = error,
                                                     .uid = e->uid,
                                                     .until = d->loop.now + SC_ERRORS_LIFETIME};
    d->errors_at = (d->errors_at + 1) % SC_ERRORS_KEPT;
}

int sc_registry_take_error(struct sc_daemon *d, const struct sc_ctl_flow *flow, uid_t uid)
{
    uint64_t peer = serial_of(flow->peer, SC_NAME_PEER);
    uint64_t own = serial_of(flow->own, SC_NAME_CLIENT);
    for (size_t i = 0; i < SC_ERRORS_KEPT; i++) {
        struct sc_kept_error *k = &d->errors[i];
        bool same = (peer && k->peer_serial == peer) || (own && k->own_serial == own);
        if (!same || k->until < d->loop.now)
            continue;
        int error = k->error;
        if (uid == 0 || uid == k->uid)
            *k = (struct sc_kept_error){0};
        return error;
    }
    return 0;
}

void sc_registry_keep_counts(struct sc_daemon *d, const struct sc_end *e)
{
    if (!e->own_serial && !e->peer_serial)
        return;
    d->counts[d->counts_at] = (struct sc_kept_counts){.own_serial = e->own_serial,
                                                      .peer_serial = e->peer_serial,
                                                      .uid = e->uid,
                                                      .tx = e->rx,
                                                      .rx = e->tx};
    d->counts_at = (d->counts_at + 1) % SC_COUNTS_KEPT;
}

int sc_registry_counts(const struct sc_daemon *d, const struct sc_ctl_flow *flow, uid_t uid,
                       struct sc_ctl_info *info)
{
    uint64_t peer = serial_of(flow->peer, SC_NAME_PEER);
    uint64_t own = serial_of(flow->own, SC_NAME_CLIENT);
    for (size_t i = 0; i < SC_COUNTS_KEPT; i++) {
        const struct sc_kept_counts *k = &d->counts[i];
        if (!(peer && k->peer_serial == peer) && !(own && k->own_serial == own))
            continue;
        if (uid != 0 && uid != k->uid)
            return EACCES;
        *info = (struct sc_ctl_info){.tx_bytes = k->tx, .rx_bytes = k->rx};
        return 0;
    }
    return ENOTCONN;
}

static struct port *find(const struct sc_daemon *d, uint16_t number)
{
    struct sc_map_node *n = sc_map_find(&d->ports, &number);
    return n ? sc_container(n, struct port, node) : NULL;
}

bool sc_registry_has_port(const struct sc_daemon *d, uint16_t port)
{
    return find(d, port) != NULL;
}

void sc_registry_hold(struct sc_daemon *d, const struct sc_address *own, bool patient)
{
    struct port *p = find(d, own->port);
    if (!p)
        return;
    p->address = *own;
    p->patient = patient;
}

bool sc_registry_holds(const struct sc_daemon *d, const struct sc_name *name, bool patient)
{
    const struct port *p = find(d, name->address.port);
    return p && !(p->patient && patient) && sc_address_is_loopback(&name->address) &&
           sc_address_is_loopback(&p->address) && sc_bound_reaches(name, &p->address);
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
        if (!sc_registry_has_port(d, port) && d->bound.at_port[port] == 0)
            return port;
    }
    return 0;
}

uint16_t sc_registry_take_port(struct sc_daemon *d, uint16_t wanted, struct sc_share share)
{
    uint16_t port = !wanted ? find_port(d) : sc_registry_has_port(d, wanted) ? 0 : wanted;
    if (port)
        port = use_port(d, port, share);
    if (!port)
        sc_share_give(&d->shares, &share);
    return port;
}

void sc_registry_give_port(struct sc_daemon *d, uint16_t port)
{
    struct sc_map_node *n = sc_map_find(&d->ports, &port);
    if (!n)
        return;
    free_port(d, n);
}
