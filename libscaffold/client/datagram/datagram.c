#include "client/datagram/datagram.h"

#include <errno.h>
#include <netinet/in.h>

#include "client/datagram/address.h"
#include "client/datagram/state.h"
#include "client/process/cookies.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/policy.h"
#include "client/process/real.h"

/* --- own address and peer --------------------------------------------------------------------- */

/* Whom it is connected to. Asks scaffoldd only about sockets that came from another program. */
static bool find_peer(int fd, struct sc_address *peer)
{
    struct sc_datagram_state s;
    if (sc_datagram_state_get(sc_cookie(fd), &s)) {
        *peer = s.peer;
        return s.peer.port != 0;
    }
    struct sc_ctl_reply r;
    bool connected = sc_flow_get(fd, SC_OPT_PEER, &r) && r.address.port != 0;
    if (connected)
        *peer = r.address;
    return connected;
}

/* The answer to a question for an address. */
static int tell_address(const struct sc_address *a, enum sc_family family, struct sockaddr *addr,
                        socklen_t *len)
{
    if (!sc_memory_writes(len, sizeof *len))
        return sc_fail(EFAULT);
    if ((int)*len < 0)
        return sc_fail(EINVAL);
    return sc_datagram_give_address(a, family, addr, len);
}

int sc_datagram_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sc_socket_name own;
    struct sc_address peer;
    if (!sc_is_datagram_socket(fd, &own))
        return sc_next.getsockname(fd, addr, len);
    struct sc_address a = own.address;
    a.port = sc_policy_program_port(a.port);
    if (own.wildcard && !find_peer(fd, &peer))
        a = own.family == SC_FAMILY_INET6 ? (struct sc_address){.port = a.port}
                                          : sc_address_v4(INADDR_ANY, a.port);
    return tell_address(&a, own.family, addr, len);
}

int sc_datagram_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sc_address peer;
    if (!find_peer(fd, &peer))
        return sc_fail(ENOTCONN);
    return tell_address(&peer, sc_datagram_family(fd), addr, len);
}

/* --- shutdown --------------------------------------------------------------------------------- */

/* The kernel's wakes whoever reads, connected or not; without a peer it is ENOTCONN, as in UDP. */
int sc_datagram_shutdown(int fd, int how)
{
    struct sc_address peer;
    struct sc_datagram_state s;
    bool connected = find_peer(fd, &peer);
    if (sc_next.shutdown(fd, how) < 0)
        return -1;
    uint64_t cookie = sc_cookie(fd);
    sc_datagram_state_get(cookie, &s);
    s.shut = (uint8_t)(s.shut | (how + 1)); /* SHUT_RD 1, SHUT_WR 2, SHUT_RDWR 3 */
    sc_datagram_state_set(cookie, &s);
    return connected ? 0 : sc_fail(ENOTCONN);
}

bool sc_datagram_is_shut(int fd, int how)
{
    struct sc_datagram_state s;
    return sc_datagram_state_get(sc_cookie(fd), &s) && (s.shut & (how + 1));
}
