/* getsockname and getpeername. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "client/call/calls.h"
#include "client/datagram/datagram.h"
#include "client/names/give.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/policy.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"

/* The address that the socket shows as its own. */
static struct sc_address shown_own(int fd, const struct sc_socket_name *own)
{
    struct sc_address a = own->address;
    struct sc_socket_name peer;
    if (own->kind == SC_SOCKET_BOUND)
        a.port = sc_policy_program_port(a.port);
    if (!own->wildcard)
        return a;
    if (!sc_read_peer_name(fd, &peer)) { /* as bound: the wildcard of its family */
        if (own->family == SC_FAMILY_INET6)
            memset(a.ip, 0, sizeof a.ip);
        else
            a = sc_address_v4(INADDR_ANY, a.port);
    } else if (sc_address_is_loopback(&a) && peer.kind && !sc_address_is_v4(&peer.address)) {
        memcpy(a.ip, &in6addr_loopback, sizeof a.ip); /* reached by ::1 */
    }
    return a;
}

/* The kernel's question, before which its room has to be known. */
static bool read_room(const socklen_t *len, socklen_t *room)
{
    bool readable = sc_memory_reads(len, sizeof *len);
    *room = readable ? *len : 0;
    return readable;
}

int sc_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    socklen_t room;
    struct sc_socket_name own;
    if (sc_is_datagram(fd))
        return sc_datagram_getsockname(fd, addr, len);
    if (sc_mark_is_set(fd, SC_MARK_PLAIN) || !read_room(len, &room))
        return sc_next.getsockname(fd, addr, len);
    int r = sc_next.getsockname(fd, addr, len);
    if (r < 0 || !sc_may_be_ours(addr, room, *len))
        return r;
    sc_datagram_adopt(fd); /* it came by a way that nobody saw */
    if (sc_is_datagram(fd)) {
        *len = room;
        return sc_datagram_getsockname(fd, addr, len);
    }
    if (!sc_is_service_socket(fd, &own))
        return r;
    sc_mark_set(fd, SC_MARK_PORT_GIVEN);
    struct sc_address a = shown_own(fd, &own);
    *len = room;
    sc_give_address(&a, own.family, addr, len);
    return 0;
}

/* A process that knows services asks about every AF_UNIX socket: the peer of one that is being
 * connected has no name yet. */
static bool may_have_service_peer(const struct sockaddr *addr, socklen_t room, socklen_t len)
{
    if (!sc_any_service_socket())
        return sc_may_be_ours(addr, room, len);
    return room < sizeof addr->sa_family || addr->sa_family == AF_UNIX;
}

int sc_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    socklen_t room;
    struct sc_identity id;
    if (sc_is_datagram(fd))
        return sc_datagram_getpeername(fd, addr, len);
    if (sc_mark_is_set(fd, SC_MARK_PLAIN) || !read_room(len, &room))
        return sc_next.getpeername(fd, addr, len);
    int r = sc_next.getpeername(fd, addr, len);
    if (r < 0 || !may_have_service_peer(addr, room, *len))
        return r;
    sc_datagram_adopt(fd); /* perhaps the first of this process */
    if (sc_identify(fd, &id) == SC_STATE_PLAIN)
        return r;
    if (id.state != SC_STATE_OPEN || sc_flow_is_over(fd)) {
        errno = ENOTCONN;
        return -1;
    }
    *len = room;
    sc_give_address(&id.peer.address, id.peer.family, addr, len);
    return 0;
}
