#include "daemon/datagram/receiver.h"

#include <netinet/in.h>

#include "daemon/datagram/endpoint.h"
#include "daemon/datagram/inbox.h"

struct sc_address sc_receiver_shown(const struct sc_endpoint *e, const struct sc_origin *o)
{
    struct sc_address a = o->shown;
    if (!e->shows_ula || sc_service_id_port(&o->service) == 0)
        return a;
    a = sc_ula_of(&e->daemon->ula, &o->service);
    a.port = o->shown.port;
    return a;
}

bool sc_receiver_takes_from(const struct sc_endpoint *e, const struct sc_origin *o)
{
    struct sc_address shown = sc_receiver_shown(e, o);
    return !e->connected || sc_address_equal(&shown, &e->peer);
}

/* How well an endpoint fits an address: -1 not at all. On loopback the address decides, a precise
 * one before a wildcard; elsewhere twins are one instance, of which the IPv6 one is taken. */
static int fitness(const struct sc_endpoint *e, const struct sc_address *to)
{
    bool inet6 = e->family == SC_FAMILY_INET6;
    if (!e->loopback)
        return inet6;
    if (!sc_endpoint_reaches(e, to))
        return -1;
    return 2 * !e->wildcard + (sc_address_is_v4(to) != inet6);
}

/* One of those that share a port, always the same one for one sender. */
static struct sc_endpoint *balance(struct sc_endpoint_group *g, const struct sc_endpoint *best,
                                   const struct sc_address *to, const struct sc_origin *o)
{
    struct sc_endpoint *fit[64]; /* more sharers than processors help nobody */
    size_t n = 0;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->members)
    {
        struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (n < 64 && e->reuseport && !e->connected && fitness(e, to) == fitness(best, to))
            fit[n++] = e;
    }
    return fit[sc_hash(best->daemon->endpoints.seed, &o->balance, sizeof o->balance) % n];
}

/* UDP's rule: a socket that is connected to the sender; else among those that share the port; else
 * the one that was bound last. NULL: none lets it through. */
static struct sc_endpoint *choose(struct sc_endpoint_group *g, const struct sc_address *to,
                                  const struct sc_origin *o)
{
    struct sc_endpoint *best = NULL;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->members)
    {
        struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (fitness(e, to) < 0 || !sc_receiver_takes_from(e, o))
            continue;
        if (e->connected)
            return e;
        if (!best || fitness(e, to) >= fitness(best, to))
            best = e;
    }
    return best && best->reuseport ? balance(g, best, to, o) : best;
}

void sc_receiver_hand(struct sc_endpoint *e, const struct sc_origin *o, const struct sc_address *to,
                      const uint8_t *data, size_t len)
{
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_DATA,
                                    .ttl = o->ttl,
                                    .tos = o->tos,
                                    .peer = sc_receiver_shown(e, o),
                                    .own = e->own};
    if (e->loopback && e->wildcard)
        head.own = *to;
    if (e->connected && !e->pinned_to)
        e->pinned_to = o->host;
    if (e->gro)
        head.segment = o->segment;
    size_t step = o->segment && !e->gro ? (size_t)o->segment : len;
    size_t at = 0;
    do {
        size_t part = len - at < step ? len - at : step;
        sc_inbox_deliver(e, &head, data + at, part);
        at += part;
    } while (at < len);
}

bool sc_receiver_of_service(struct sc_daemon *d, const struct sc_service_id *service,
                            const struct sc_address *to, const struct sc_origin *o,
                            const uint8_t *data, size_t len)
{
    struct sc_endpoint_group *g = sc_endpoint_group_find(d, service);
    struct sc_endpoint *e = g ? choose(g, to, o) : NULL;
    if (e)
        sc_receiver_hand(e, o, to, data, len);
    return e != NULL;
}

bool sc_receiver_of_port(struct sc_daemon *d, uint16_t port, const struct sc_address *to,
                         const struct sc_origin *o, const uint8_t *data, size_t len)
{
    struct sc_service_id own = sc_service_id_at(*sc_stack_own_id(d->stack), port, IPPROTO_UDP);
    if (sc_receiver_of_service(d, &own, to, o, data, len))
        return true;
    struct sc_endpoint *e = sc_host_port_find(d, port);
    if (!e || !sc_receiver_takes_from(e, o))
        return false;
    sc_receiver_hand(e, o, to, data, len);
    return true;
}

bool sc_receiver_is_here(struct sc_daemon *d, const struct sc_address *to)
{
    struct sc_service_id id = sc_service_id_at(d->datagrams.loopback, to->port, IPPROTO_UDP);
    struct sc_endpoint_group *g = sc_endpoint_group_find(d, &id);
    struct sc_list *it, *tmp;
    if (!g)
        return false;
    sc_list_each(it, tmp, &g->members)
    {
        const struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (e->watch.fd >= 0 && e->loopback && sc_endpoint_reaches(e, to))
            return true;
    }
    return false;
}
