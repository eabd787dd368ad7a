#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

struct sim_link_config sim_path(double mbit, sc_time rtt, double bdps)
{
    double bdp = mbit * 1e6 / 8 * (double)rtt / 1e6;
    return (struct sim_link_config){
        .delay = rtt / 2,
        .rate = (uint64_t)(mbit * 1e6),
        .queue = bdps > 0 ? (size_t)(bdps * bdp) + 30000 : 0,
    };
}

/* Instances of a service, or of a host, that a router knows. */
struct known {
    const struct sc_service_id *service; /* NULL: any */
    uint64_t host;                       /* 0: any */
    size_t count;
};

static void count_known(void *arg, const struct sc_service_status *i)
{
    struct known *k = arg;
    k->count += (!k->service || sc_service_id_equal(&i->service, k->service)) &&
                (!k->host || i->host == k->host);
}

static size_t known_to(const struct sim_host *router, struct known k)
{
    size_t cursor = 0;
    do
        sc_stack_scan_services(router->stack, &cursor, count_known, &k, router->sim->now);
    while (cursor);
    return k.count;
}

size_t sim_instances_known(const struct sim_host *router, const char *name)
{
    struct sc_service_id id = sim_service_id(name);
    return known_to(router, (struct known){.service = &id});
}

static bool services_known(const struct sim_host *h)
{
    const struct sim_host *router = h->router ? h->router : h;
    size_t instances = 0;
    struct sc_stack_self self;
    sc_stack_get_self(h->stack, &self);
    for (struct sim_service *s = h->services; s; s = s->next)
        instances += s->instance != NULL;
    return known_to(router, (struct known){.host = self.address}) == instances;
}

bool sim_joined(void *arg)
{
    struct sim *sim = arg;
    for (size_t i = 0; i < sim->host_count; i++) {
        struct sim_host *h = sim->host[i];
        struct sc_stack_self self;
        if (!h->stack)
            continue;
        sc_stack_get_self(h->stack, &self);
        if (!self.address || (h->router && (!self.joined || !services_known(h))))
            return false;
    }
    return true;
}

static struct sim_host *numbered(struct sim *sim, const char *what, size_t number,
                                 struct sim_host *router, int side)
{
    char name[SC_HOST_NAME_MAX + 1];
    snprintf(name, sizeof name, "%s%zu", what, number);
    struct sim_host *h = sim_host_new(sim, name, router, NULL, NULL);
    h->side = side;
    return h;
}

static struct sim_world populate(struct sim *sim, size_t clients, size_t servers,
                                 const struct sim_link_config *core)
{
    struct sim_world w = {.sim = sim};
    struct sim_link_config none = {0};
    w.forth = w.sim->core[0] = sim_link_new(w.sim, &none);
    w.back = w.sim->core[1] = sim_link_new(w.sim, &none);
    w.router = sim_host_new(w.sim, "router", NULL, NULL, NULL);
    w.router->side = 1;
    for (size_t i = 0; i < clients; i++)
        w.client[i] = numbered(w.sim, "client", i, w.router, 0);
    for (size_t i = 0; i < servers; i++) {
        w.server[i] = numbered(w.sim, "server", i, w.router, 1);
        sim_serve(w.server[i], "web.demo.scaffold:80");
    }
    if (!sim_run_until(w.sim, sim_joined, w.sim, w.sim->now + 10 * SC_SECOND))
        sim_violation(w.sim, "not all hosts have joined");
    if (core)
        w.forth->config = w.back->config = *core;
    return w;
}

struct sim_world sim_world_new(const char *name, uint64_t seed, size_t clients, size_t servers,
                               const struct sim_link_config *core)
{
    return populate(sim_new(name, seed), clients, servers, core);
}

struct sim_world sim_world_plain(const char *name, uint64_t seed, size_t clients, size_t servers,
                                 const struct sim_link_config *core)
{
    struct sim *sim = sim_new(name, seed);
    sim->plain = true;
    return populate(sim, clients, servers, core);
}

/* Provided by AddressSanitizer, which replaces malloc and its statistics. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t sim_heap_used(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}
