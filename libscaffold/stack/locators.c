#include "stack/locators.h"

void sc_locators_init(struct sc_locators *all, const struct sc_hosts *hosts, const uint64_t seed[2])
{
    all->hosts = hosts;
    all->seed = seed;
}

static size_t place_of(const struct sc_locators *all, uint64_t address)
{
    return sc_hash(all->seed, &address, sizeof address) % SC_LOCATORS;
}

void sc_locators_learn(struct sc_locators *all, uint64_t address,
                       const struct sc_underlay *underlay)
{
    if (address != 0 && underlay->family != 0)
        all->place[place_of(all, address)] = (struct sc_locator){address, *underlay};
}

const struct sc_underlay *sc_locators_find(const struct sc_locators *all, uint64_t address)
{
    const struct sc_host *host = sc_hosts_find(all->hosts, address);
    const struct sc_locator *l = &all->place[place_of(all, address)];
    if (host && host->up)
        return &host->underlay;
    return l->address == address ? &l->underlay : NULL;
}
