#include "daemon/datagram/incoming.h"

#include <errno.h>

#include "daemon/datagram/endpoint.h"
#include "daemon/datagram/inbox.h"
#include "daemon/datagram/question.h"
#include "daemon/datagram/receiver.h"

/* False while the address of the service that answers is not known. */
static bool remote_origin(struct sc_daemon *d, const struct sc_datagram *g, struct sc_origin *o)
{
    struct sc_mapping m;
    *o = (struct sc_origin){.shown = sc_address_v4(g->from_pool, g->from_port),
                            .ttl = g->ttl,
                            .tos = g->tos,
                            .host = g->from_host,
                            .balance = g->from_host << 16 ^ g->from_port};
    if (!g->answer || sc_service_id_port(&g->from) == 0)
        return true;
    if (!sc_stack_mapping_of_service(d->stack, &g->from, &m))
        return false;
    o->shown = sc_address_v4(m.pool, sc_service_id_port(&g->from));
    o->service = g->from;
    return true;
}

void sc_incoming_take(struct sc_daemon *d, const struct sc_datagram *g, bool again)
{
    struct sc_question q = {.by = SC_LOOKUP_SERVICE, .service = sc_service_id_at(g->from, 0, 0)};
    struct sc_waiting w = {.datagram = *g, .len = g->len};
    struct sc_origin o;
    if (g->unicast && sc_service_id_port(&g->from) != 0)
        sc_replier_learn(d, &g->from, g->from_host);
    if (!remote_origin(d, g, &o)) {
        if (again)
            d->datagrams.counters.dropped_unresolved++;
        else
            sc_question_wait(d, &q, &w, g->data);
        return;
    }
    struct sc_address to = {.port = sc_service_id_port(&g->to)}; /* none of loopback */
    bool taken = g->answer ? sc_receiver_of_port(d, to.port, &to, &o, g->data, g->len)
                           : sc_receiver_of_service(d, &g->to, &to, &o, g->data, g->len);
    if (taken)
        return;
    d->datagrams.counters.refused++;
    sc_stack_refuse_datagram(d->stack, g, d->loop.now);
}

void sc_incoming_undelivered(struct sc_daemon *d, const struct sc_datagram *g)
{
    struct sc_endpoint *e = sc_host_port_find(d, g->from_port);
    struct sc_service_id base = sc_service_id_at(g->to, 0, 0);
    struct sc_mapping m;
    if (!e || !sc_stack_mapping_of_service(d->stack, &base, &m))
        return;
    struct sc_origin o = {.shown = sc_address_v4(m.pool, sc_service_id_port(&g->to)),
                          .service = g->to};
    struct sc_address peer = sc_receiver_shown(e, &o);
    if (e->connected && sc_address_equal(&peer, &e->peer))
        e->pinned_to = 0;
    sc_inbox_tell(e, &peer, ECONNREFUSED);
}
