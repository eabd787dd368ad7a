/* Where hosts were heard from: those that have joined here, and, as far as it is remembered, those
 * that datagrams came from. Not thread-safe. */
#ifndef SC_STACK_LOCATORS_H
#define SC_STACK_LOCATORS_H

#include "router/hosts.h"

struct sc_locator {
    uint64_t address;
    struct sc_underlay underlay;
};

struct sc_locators {
    const struct sc_hosts *hosts;
    const uint64_t *seed;
    struct sc_locator place[SC_LOCATORS]; /* by address; a newcomer takes the place */
};

/* `all` is zeros; hosts and seed outlive it. */
void sc_locators_init(struct sc_locators *all, const struct sc_hosts *hosts,
                      const uint64_t seed[2]);

void sc_locators_learn(struct sc_locators *all, uint64_t address,
                       const struct sc_underlay *underlay);

/* NULL when nothing was heard from it. */
const struct sc_underlay *sc_locators_find(const struct sc_locators *all, uint64_t address);

#endif
