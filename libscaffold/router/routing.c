#include "router/routing.h"

#include <netinet/in.h>

bool sc_routing_may_be_served(const struct sc_query *q)
{
    uint8_t proto = sc_service_id_proto(&q->service);
    return q->scope == SC_SCOPE_OWN || q->traffic != SC_TRAFFIC_FLOW || proto == IPPROTO_TCP ||
           proto == 0;
}

struct sc_instance *sc_routing_choose(const struct sc_routing *r, const struct sc_query *q,
                                      bool local_only)
{
    struct sc_choice c = {.hash = q->hash,
                          .exclude = q->exclude,
                          .exclude_count = q->exclude_count,
                          .own = r->node->env.address,
                          .local_only = local_only,
                          .remote_only = q->scope == SC_SCOPE_OWN};
    return sc_routing_may_be_served(q) ? sc_service_table_choose(r->services, &q->service, &c)
                                       : NULL;
}
