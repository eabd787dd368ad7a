#include "daemon/stream/reach.h"

#include <string.h>

bool sc_reach(const struct sc_socket_name *name, const struct sc_address *target)
{
    if (!name->wildcard)
        return memcmp(name->address.ip, target->ip, sizeof target->ip) == 0;
    return sc_address_is_v4(target) ? sc_address_is_v4(&name->address)
                                    : name->family == SC_FAMILY_INET6;
}

bool sc_reach_overlap(const struct sc_socket_name *a, const struct sc_socket_name *b)
{
    if (a->wildcard && b->wildcard)
        return (sc_address_is_v4(&a->address) && sc_address_is_v4(&b->address)) ||
               (a->family == SC_FAMILY_INET6 && b->family == SC_FAMILY_INET6);
    return a->wildcard ? sc_reach(a, &b->address) : sc_reach(b, &a->address);
}
