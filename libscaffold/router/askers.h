/* Who asked for how many names: an account for every place that names were asked from, so that no
 * host can use up what there is for all. A place is an underlay's address without its port; IPv6
 * counts by /64, which is what one machine is given (RFC 4291 2.5.4). The router's own programs
 * have an account, too. Not thread-safe. */
#ifndef SC_ROUTER_ASKERS_H
#define SC_ROUTER_ASKERS_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "wire/ids.h"

struct sc_askers {
    struct sc_map accounts; /* those with names on them */
};

struct sc_asker {
    struct sc_map_node node;
    uint8_t place[9];     /* family, and up to 8 bytes of the address */
    struct sc_list names; /* sc_asked.link, the one not asked for the longest first */
    uint32_t count;       /* those, and those that are kept for good */
};

/* A name's entry in the account of whoever asked for it first. */
struct sc_asked {
    struct sc_list link;    /* on no list when it is kept for good */
    struct sc_asker *asker; /* NULL: on nobody's account */
    sc_time at;             /* last time that anybody asked for it */
};

void sc_askers_init(struct sc_askers *a, const uint64_t seed[2]);
void sc_askers_fini(struct sc_askers *a);

void sc_asked_init(struct sc_asked *n);

/* True when one more name may stand on the account of `from`: fewer than `share` do. One that was
 * not asked for within SC_NAME_COUNTS is taken off to make room. */
bool sc_askers_may(struct sc_askers *a, const struct sc_underlay *from, uint32_t share,
                   sc_time now);

/* Puts the name on that account. Without memory it stands on nobody's. */
void sc_askers_put(struct sc_askers *a, const struct sc_underlay *from, struct sc_asked *n,
                   sc_time now);

/* Asked for again. */
void sc_asked_touch(struct sc_asked *n, sc_time now);

/* The name is kept for good, and so it counts for good. */
void sc_asked_keep(struct sc_asked *n);

/* Takes it off. */
void sc_askers_take(struct sc_askers *a, struct sc_asked *n);

#endif
