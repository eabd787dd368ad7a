#include "client/names/target.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "client/process/policy.h"

static int read_service(struct sc_target *t)
{
    struct sockaddr_scaffold s;
    if (t->len < sizeof s)
        return -EINVAL;
    memcpy(&s, t->addr, sizeof s);
    t->service = s.sc_service;
    return 0;
}

static void read_unspecified(struct sc_target *t)
{
    struct sockaddr_in a;
    if (t->len < sizeof a)
        return;
    memcpy(&a, t->addr, sizeof a);
    t->address = sc_address_v4(ntohl(a.sin_addr.s_addr), ntohs(a.sin_port));
}

struct sc_target sc_target_of(const struct sockaddr *addr, socklen_t len)
{
    struct sc_target t = {.addr = addr, .len = len, .error = -EINVAL};
    t.is_given = addr && len >= sizeof addr->sa_family;
    if (!t.is_given)
        return t;
    t.family = addr->sa_family;
    if (t.family == AF_UNSPEC)
        read_unspecified(&t);
    t.error = t.family == AF_SCAFFOLD ? read_service(&t)
                                      : sc_address_from_sockaddr(addr, len, &t.address);
    return t;
}

static bool is_ip(const struct sc_target *t)
{
    return t->error == 0 && t->family != AF_SCAFFOLD;
}

bool sc_target_is_service(const struct sc_target *t)
{
    return t->family == AF_SCAFFOLD;
}

bool sc_target_is_ours(const struct sc_target *t)
{
    return sc_target_is_service(t) ||
           (is_ip(t) && (sc_policy_connects(&t->address) || sc_policy_is_here(&t->address)));
}

bool sc_target_names_service(const struct sc_target *t)
{
    return sc_target_is_service(t) ||
           (is_ip(t) && t->address.port != 0 && sc_policy_connects(&t->address));
}

bool sc_target_is_here(const struct sc_target *t)
{
    return is_ip(t) && t->address.port != 0 && sc_policy_is_here(&t->address);
}

struct sc_address sc_target_reached(const struct sc_target *t)
{
    struct sc_address a = t->address;
    if (!sc_address_is_wildcard(&a))
        return a;
    if (sc_address_is_v4(&a))
        return sc_address_v4(INADDR_LOOPBACK, a.port);
    memcpy(a.ip, &in6addr_loopback, sizeof a.ip);
    return a;
}
