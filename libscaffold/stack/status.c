#include "stack/stack.h"

#include <stdio.h>
#include <string.h>

#include "stack/parts.h"

const struct sc_service_id *sc_stack_own_id(const struct sc_stack *s)
{
    return &s->node.id;
}

void sc_stack_get_self(const struct sc_stack *s, struct sc_stack_self *out)
{
    *out = (struct sc_stack_self){.address = s->node.env.address, .pool = s->node.env.pool};
    s->routing->ops->describe(s->routing, out);
}

void sc_stack_own_status(const struct sc_stack *s, struct sc_host_status *out)
{
    *out = (struct sc_host_status){
        .address = s->node.env.address, .pool = s->node.env.pool, .up = true};
    snprintf(out->name, sizeof out->name, "%s", s->node.host_name);
    out->has_key = s->node.secure;
    memcpy(out->key, s->node.credentials.host.public, sizeof out->key);
}

static sc_time lease_left(const struct sc_host *h, sc_time now)
{
    return h->up && h->lease.at != SC_NEVER && h->lease.at > now ? h->lease.at - now : 0;
}

void sc_stack_scan_hosts(const struct sc_stack *s, size_t *cursor,
                         void (*each)(void *arg, const struct sc_host_status *h), void *arg,
                         sc_time now)
{
    for (struct sc_map_node *n = sc_map_scan(&s->router.hosts.by_address, cursor); n; n = n->next) {
        const struct sc_host *h = sc_container(n, struct sc_host, by_address);
        struct sc_host_status status = {.address = h->address,
                                        .pool = h->pool,
                                        .underlay = h->underlay,
                                        .up = h->up,
                                        .lease_left = lease_left(h, now)};
        memcpy(status.name, h->name, sizeof status.name);
        status.has_key = s->node.secure;
        memcpy(status.key, h->key, sizeof status.key);
        each(arg, &status);
    }
}

static const char *name_of(const struct sc_stack *s, const struct sc_instance *i,
                           const struct sc_host *h)
{
    if (i->host == 0)
        return s->node.host_name;
    return h ? h->name : "?";
}

void sc_stack_scan_services(const struct sc_stack *s, size_t *cursor,
                            void (*each)(void *arg, const struct sc_service_status *i), void *arg,
                            sc_time now)
{
    for (struct sc_map_node *n = sc_map_scan(&s->services.by_key, cursor); n; n = n->next) {
        const struct sc_instance *i = sc_container(n, struct sc_instance, node);
        const struct sc_host *h = i->host ? sc_hosts_find(&s->router.hosts, i->host) : NULL;
        each(arg, &(struct sc_service_status){.service = i->key.service,
                                              .host = i->host ? i->host : s->node.env.address,
                                              .host_name = name_of(s, i, h),
                                              .lease_left = h ? lease_left(h, now) : 0,
                                              .app = i->app});
    }
}

const char *sc_stack_host_name(const struct sc_stack *s, uint64_t address)
{
    if (address == s->node.env.address)
        return s->node.host_name;
    const struct sc_host *h = sc_hosts_find(&s->router.hosts, address);
    return h ? h->name : NULL;
}

const struct sc_stack_counters *sc_stack_counters(const struct sc_stack *s)
{
    return &s->node.counters;
}

size_t sc_stack_host_count(const struct sc_stack *s)
{
    return s->router.hosts.by_address.count;
}

size_t sc_stack_instance_count(const struct sc_stack *s)
{
    return s->services.instances;
}

size_t sc_stack_flow_count(const struct sc_stack *s)
{
    return s->flows.by_id.count;
}

size_t sc_stack_memory(const struct sc_stack *s)
{
    return sc_block_pool_bytes(&s->flows.blocks);
}
