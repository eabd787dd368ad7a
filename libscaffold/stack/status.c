#include "stack/internal.h"

#include <stdio.h>

void sc_stack_get_self(const struct sc_stack *s, struct sc_stack_self *out)
{
    *out = (struct sc_stack_self){.address = s->env.address,
                                  .pool = s->env.pool,
                                  .is_router = s->is_router,
                                  .joined = s->is_router || s->registrar.reachable,
                                  .name_taken = s->registrar.name_taken,
                                  .new_until = sc_registrar_new_until(s)};
}

bool sc_stack_host_at(const struct sc_stack *s, size_t index, struct sc_host_status *out,
                      sc_time now)
{
    *out = (struct sc_host_status){.up = true};
    if (index == 0) {
        snprintf(out->name, sizeof out->name, "%s", s->config.host_name);
        out->address = s->env.address;
        out->pool = s->env.pool;
        return true;
    }
    const struct sc_host *h = sc_hosts_at(&s->hosts, index - 1);
    if (!h)
        return false;
    snprintf(out->name, sizeof out->name, "%s", h->name);
    out->address = h->address;
    out->pool = h->pool;
    out->underlay = h->underlay;
    out->up = h->up;
    out->lease_left = h->up && h->lease.at > now ? h->lease.at - now : 0;
    return true;
}

bool sc_stack_service_at(const struct sc_stack *s, size_t index, struct sc_service_status *out,
                         sc_time now)
{
    const struct sc_instance *i = sc_service_table_at(&s->services, index);
    if (!i)
        return false;
    const struct sc_host *h = i->host ? sc_hosts_find(&s->hosts, i->host) : NULL;
    *out = (struct sc_service_status){
        .service = i->service->id, .host = i->host ? i->host : s->env.address, .app = i->app};
    if (h && h->lease.at != SC_NEVER && h->lease.at > now)
        out->lease_left = h->lease.at - now;
    return true;
}

const char *sc_stack_host_name(const struct sc_stack *s, uint64_t address)
{
    if (address == s->env.address)
        return s->config.host_name;
    const struct sc_host *h = sc_hosts_find(&s->hosts, address);
    return h ? h->name : NULL;
}

const struct sc_stack_counters *sc_stack_counters(const struct sc_stack *s)
{
    return &s->counters;
}

size_t sc_stack_flow_count(const struct sc_stack *s)
{
    return s->flows.count;
}

size_t sc_stack_memory(const struct sc_stack *s)
{
    return sc_block_pool_bytes(&s->blocks);
}
