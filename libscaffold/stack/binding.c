#include "stack/binding.h"

#include "base/trace.h"

static const char *const names[] = {
    [SC_BINDING_NOBODY] = "NOBODY", [SC_BINDING_LOCAL] = "LOCAL", [SC_BINDING_HOST] = "HOST",
    [SC_BINDING_ROUTER] = "ROUTER", [SC_BINDING_HOLD] = "HOLD",   [SC_BINDING_DROP] = "DROP",
};

/* Somebody wants a port of this very host, whatever service it belongs to. A flow needs somebody
 * who takes it; a datagram's receiver is found, or missed, by its owner. */
static struct sc_binding bind_own_port(const struct sc_routing *r, const struct sc_query *q,
                                       struct sc_binding b)
{
    uint16_t port = sc_service_id_port(&q->service);
    uint8_t proto = sc_service_id_proto(&q->service);
    struct sc_instance *i = b.to == SC_BINDING_LOCAL ? b.instance : NULL;
    if (q->traffic == SC_TRAFFIC_FLOW) {
        bool free = b.to == SC_BINDING_NOBODY && sc_routing_may_be_served(q);
        i = free ? sc_service_table_local(r->services, port, proto) : NULL;
        if (!i)
            return b;
    }
    return (struct sc_binding){.to = SC_BINDING_LOCAL, .rule = "own port", .instance = i};
}

struct sc_binding sc_binding_choose(struct sc_routing *r, const struct sc_query *q, sc_time now)
{
    struct sc_binding b = r->ops->choose(r, q, now);
    if (q->scope == SC_SCOPE_ARRIVED && sc_node_is_own_id(r->node, &q->service))
        b = bind_own_port(r, q, b);
    if (b.instance || b.host)
        r->ops->use(r, &q->service);
    sc_trace_bound(&r->node->env.trace, names[b.to], b.rule, now);
    return b;
}

uint64_t sc_binding_hash(const struct sc_node *node, uint64_t open_id, uint8_t attempt)
{
    return sc_hash(node->map_seed, &open_id, sizeof open_id) + attempt;
}
