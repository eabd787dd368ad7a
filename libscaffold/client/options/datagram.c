#include "client/options/datagram.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>

#include "client/options/shadow.h"
#include "client/options/table.h"
#include "client/process/cookies.h"
#include "client/process/flow.h"
#include "client/process/marks.h"

int sc_option_remembered(uint64_t cookie, int level, int name)
{
    int key = sc_option_key(level, name);
    const struct sc_option *o = key < 0 ? NULL : sc_option_at((unsigned)key);
    int value = o ? o->initial : 0;
    if (o && key < SC_SHADOW_OPTIONS)
        sc_shadow_get(cookie, (unsigned)key, &value);
    return value;
}

/* The marks of what each call on a datagram socket has to look at. */
static unsigned marks_of(int level, int name)
{
    switch (level) {
    case IPPROTO_IP:
        return name == IP_TTL || name == IP_TOS ? SC_MARK_SHAPED
               : name == IP_PKTINFO || name == IP_RECVTTL || name == IP_RECVTOS ||
                       name == IP_RECVERR
                   ? SC_MARK_ASKS
                   : 0u;
    case IPPROTO_IPV6:
        return name == IPV6_UNICAST_HOPS || name == IPV6_TCLASS ? SC_MARK_SHAPED
               : name == IPV6_RECVPKTINFO || name == IPV6_RECVHOPLIMIT || name == IPV6_RECVTCLASS ||
                       name == IPV6_RECVERR
                   ? SC_MARK_ASKS
                   : 0u;
    case IPPROTO_UDP:
        return name == UDP_SEGMENT || name == UDP_CORK ? SC_MARK_GATHERS
               : name == UDP_GRO                       ? SC_MARK_ASKS
                                                       : 0u;
    default:
        return 0;
    }
}

void sc_options_mark(int fd, int level, int name)
{
    unsigned marks = marks_of(level, name);
    if (marks)
        sc_mark_set(fd, marks);
}

void sc_options_mark_datagram(int fd)
{
    uint64_t cookie = sc_cookie(fd);
    struct sc_option_set set = sc_shadow_set_of(cookie);
    sc_option_set_each(key, &set)
    {
        const struct sc_option *o = sc_option_at((unsigned)key);
        if (!o)
            continue;
        sc_options_mark(fd, o->level, o->name);
    }
}

void sc_options_tell_datagram(int fd)
{
    uint64_t cookie = sc_cookie(fd);
    struct sc_option_set set = sc_shadow_set_of(cookie);
    sc_option_set_each(key, &set)
    {
        const struct sc_option *o = sc_option_at((unsigned)key);
        if (o && (o->tell == SC_OPT_RECVERR || o->tell == SC_OPT_GRO) &&
            sc_option_remembered(cookie, o->level, o->name))
            sc_flow_set(fd, o->tell, 1);
    }
}
