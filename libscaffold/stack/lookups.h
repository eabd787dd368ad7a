/* What a host knows of names and addresses of the pool: from memory, or asked of its router, again
 * until it answers. At most SC_REQUESTS_MAX at a time. Not thread-safe. */
#ifndef SC_STACK_LOOKUPS_H
#define SC_STACK_LOOKUPS_H

#include "stack/pins.h"
#include "stack/registrar.h"

struct sc_lookup {
    struct sc_list link;
    struct sc_control message;
    void *ticket;
    sc_time interval;
    sc_time deadline;
    struct sc_due due;
};

struct sc_lookups {
    struct sc_node *node;
    struct sc_pool *pool;
    struct sc_pins *pins;
    const struct sc_registrar *registrar; /* says whether the router can be reached */
    struct sc_list requests;              /* sc_lookup.link */
    size_t count;
};

void sc_lookups_init(struct sc_lookups *l, struct sc_node *node, struct sc_pool *pool,
                     struct sc_pins *pins, const struct sc_registrar *registrar);
void sc_lookups_fini(struct sc_lookups *l);

/* SC_EVENT_MAPPED follows, perhaps at once. Returns 0 or -ENOBUFS. */
int sc_lookups_ask(struct sc_lookups *l, const struct sc_control *question, void *ticket,
                   sc_time now);

/* There is another router now, or another channel to it: what was asked in vain is asked again. */
void sc_lookups_again(struct sc_lookups *l, sc_time now);
void sc_lookups_on_mapping(struct sc_lookups *l, const struct sc_control *c, sc_time now);

#endif
