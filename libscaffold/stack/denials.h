/* Services of this host that its router does not register, and why. Not thread-safe. */
#ifndef SC_STACK_DENIALS_H
#define SC_STACK_DENIALS_H

#include "base/map.h"
#include "base/service_id.h"
#include "wire/control.h"

struct sc_denied {
    struct sc_map_node node;
    struct sc_service_id service;
    enum sc_denial why;
    bool shown; /* a grant was shown for it, and there is no answer yet */
};

struct sc_denials {
    struct sc_map by_service;
    size_t count; /* without those that are only shown for */
};

void sc_denials_init(struct sc_denials *d, const uint64_t seed[2]);
void sc_denials_fini(struct sc_denials *d);

/* NULL: it is not denied, as far as is known. */
struct sc_denied *sc_denials_find(const struct sc_denials *d, const struct sc_service_id *service);

/* One is to be shown a grant for. False without memory. */
bool sc_denials_show(struct sc_denials *d, const struct sc_service_id *service);

/* It is denied. True: it was not before. */
bool sc_denials_put(struct sc_denials *d, const struct sc_service_id *service, enum sc_denial why);

/* It is not served any more, or is asked for anew. True: it was denied. */
bool sc_denials_take(struct sc_denials *d, const struct sc_service_id *service);

/* Any one of them; NULL: there is none. */
struct sc_denied *sc_denials_any(const struct sc_denials *d);

#endif
