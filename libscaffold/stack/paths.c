#include "stack/internal.h"

static size_t place_of(const struct sc_stack *s, uint64_t address)
{
    return sc_hash(s->map_seed, &address, sizeof address) % SC_PATHS;
}

void sc_paths_learn(struct sc_stack *s, uint64_t address, const struct sc_underlay *underlay)
{
    if (address != 0 && underlay->family != 0)
        s->datagrams.path[place_of(s, address)] = (struct sc_path){address, *underlay};
}

const struct sc_underlay *sc_paths_find(const struct sc_stack *s, uint64_t address)
{
    const struct sc_host *host = s->is_router ? sc_hosts_find(&s->hosts, address) : NULL;
    const struct sc_path *p = &s->datagrams.path[place_of(s, address)];
    if (host && host->up)
        return &host->underlay;
    return p->address == address ? &p->underlay : NULL;
}
