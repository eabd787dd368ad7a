#include "daemon/stream/registry.h"

#include <errno.h>
#include <string.h>

void sc_registry_init(struct sc_daemon *d)
{
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    SC_MAP_INIT(&d->ends_by_own, struct sc_end, by_own, own_serial, seed);
    SC_MAP_INIT(&d->ends_by_peer, struct sc_end, by_peer, peer_serial, seed);
}

void sc_registry_fini(struct sc_daemon *d)
{
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
static uint64_t serial_of(const char *text, enum sc_socket_name_kind kind)
{
    struct sc_socket_name name;
    return sc_socket_name_read_key(text, &name) && name.kind == kind ? name.serial : 0;
}

struct sc_end *sc_registry_find(struct sc_daemon *d, const struct sc_ctl_flow *flow)
{
    uint64_t peer = serial_of(flow->peer, SC_SOCKET_PEER);
    uint64_t own = serial_of(flow->own, SC_SOCKET_CLIENT);
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
    if (error != ECONNRESET && e->stage != SC_END_PLUGGED)
        sc_calm_disturb(d);
    d->errors[d->errors_at] = (struct sc_kept_error){.own_serial = e->own_serial,
                                                     .peer_serial = e->peer_serial,
                                                     .error = error,
                                                     .uid = e->uid,
                                                     .until = d->loop.now + SC_ERRORS_LIFETIME};
    d->errors_at = (d->errors_at + 1) % SC_ERRORS_KEPT;
}

int sc_registry_take_error(struct sc_daemon *d, const struct sc_ctl_flow *flow, uid_t uid)
{
    uint64_t peer = serial_of(flow->peer, SC_SOCKET_PEER);
    uint64_t own = serial_of(flow->own, SC_SOCKET_CLIENT);
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
    uint64_t peer = serial_of(flow->peer, SC_SOCKET_PEER);
    uint64_t own = serial_of(flow->own, SC_SOCKET_CLIENT);
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
