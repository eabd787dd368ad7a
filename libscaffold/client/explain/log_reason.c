#include "client/explain/log_reason.h"

#include <netinet/in.h>

#include "client/explain/log_socket.h"
#include "client/explain/why.h"
#include "client/process/policy.h"

/* Why a socket of this kind stays plain IP wherever it goes. */
static enum sc_why plain_by_kind(const struct sc_log_socket *s)
{
    if (s->type == SOCK_RAW)
        return SC_WHY_RAW;
    return s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP ? SC_WHY_PROTOCOL
                                                                    : SC_WHY_UNKNOWN;
}

static enum sc_why plain_by_address(const struct sc_address *a, bool captured)
{
    if (captured)
        return SC_WHY_PLAIN_BEFORE;
    if (sc_address_is_v4(a) && sc_address_to_v4(a) == INADDR_BROADCAST)
        return SC_WHY_BROADCAST;
    if (sc_address_is_v4(a) ? IN_MULTICAST(sc_address_to_v4(a)) : a->ip[0] == 0xff)
        return SC_WHY_MULTICAST;
    return SC_WHY_UNKNOWN;
}

enum sc_why sc_log_why_towards(const struct sc_log_socket *s, const struct sc_address *a)
{
    if (s->service || (s->note && s->note->attempted))
        return sc_policy_in_pool(a)    ? SC_WHY_SERVICE_ADDRESS
               : sc_policy_connects(a) ? SC_WHY_ALL_LOCAL
                                       : SC_WHY_OWN_ADDRESS;
    enum sc_why why = plain_by_kind(s);
    if (!why)
        why = plain_by_address(a, sc_policy_connects(a));
    if (why)
        return why;
    return sc_address_is_loopback(a) || sc_address_is_wildcard(a) ? SC_WHY_LOOPBACK
                                                                  : SC_WHY_NOT_A_SERVICE;
}

enum sc_why sc_log_why_bound(const struct sc_log_socket *s, const struct sc_address *a)
{
    char name[256];
    uint16_t port;
    const struct sc_policy *p = sc_policy();
    bool captured = sc_policy_binds(a, s->protocol, name, &port);
    if (s->service || (s->note && s->note->attempted)) {
        if (p->capture_count > 0 && (*name || !sc_address_is_loopback(&s->local)))
            return SC_WHY_CAPTURED;
        return sc_policy_in_pool(a) ? SC_WHY_SERVICE_ADDRESS : SC_WHY_ALL_LOCAL;
    }
    enum sc_why why = plain_by_kind(s);
    if (!why)
        why = plain_by_address(a, captured);
    if (why)
        return why;
    if (sc_address_is_loopback(a))
        return SC_WHY_BOUND_LOOPBACK;
    return p->capture_count > 0 ? SC_WHY_NOT_CAPTURED : SC_WHY_NO_SERVICE;
}

enum sc_why sc_log_why_of_state(const struct sc_log_socket *s, struct sc_address *decided)
{
    *decided = s->has_peer ? s->peer : s->local;
    if (s->service && s->own.kind == SC_SOCKET_BOUND && s->has_peer)
        return SC_WHY_ACCEPTED;
    if (s->has_peer)
        return sc_log_why_towards(s, &s->peer);
    return s->has_local ? sc_log_why_bound(s, &s->local) : plain_by_kind(s);
}
