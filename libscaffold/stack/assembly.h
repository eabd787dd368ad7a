/* Datagrams that have not all arrived. One of which nothing comes for SC_ASSEMBLY_TIMEOUT is
 * dropped, and counted. Not thread-safe. */
#ifndef SC_STACK_ASSEMBLY_H
#define SC_STACK_ASSEMBLY_H

#include "base/ranges.h"
#include "node/node.h"

/* The notice that it will be, and what it has. */
struct sc_assembly {
    struct sc_list link; /* oldest first */
    struct sc_notice *notice;
    uint64_t src;
    uint64_t id;
    struct sc_ranges has;
    sc_time until;
};

struct sc_assemblies {
    struct sc_node *node;
    struct sc_list waiting; /* sc_assembly.link */
    size_t count;
    struct sc_due due; /* of the oldest */
};

void sc_assembly_init(struct sc_assemblies *all, struct sc_node *node);
void sc_assembly_fini(struct sc_assemblies *all);

/* Takes a fragment in; reports the datagram when it is complete. `g` is the datagram without its
 * data. */
void sc_assembly_add(struct sc_assemblies *all, const struct sc_datagram *g,
                     const struct sc_fragment *p, sc_time now);

#endif
