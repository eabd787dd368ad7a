#include "stack/internal.h"

static size_t place_of(const struct sc_stack *s, uint64_t address)
{
    return sc_hash(s->map_seed, &address, sizeof address) % SC_LOCATORS;
}

void sc_locators_learn(struct sc_stack *s, uint64_t address, const struct sc_underlay *underlay)
{
    if (address != 0 && underlay->family != 0)
        s->datagrams.locator[place_of(s, address)] = (struct sc_locator){address, *underlay};
}

const struct sc_underlay *sc_locators_find(const struct sc_stack *s, uint64_t address)
{
    const struct sc_host *host = s->is_router ? sc_hosts_find(&s->hosts, address) : NULL;
    const struct sc_locator *l = &s->datagrams.locator[place_of(s, address)];
    if (host && host->up)
        return &host->underlay;
    return l->address == address ? &l->underlay : NULL;
}
