#include "client/process/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/owner.h"
#include "client/process/real.h"

bool sc_is_plain(int fd)
{
    return !sc_any_service_socket() || sc_mark_is_set(fd, SC_MARK_PLAIN);
}

static bool read_own(int fd, struct sockaddr_un *sun, socklen_t *len)
{
    int kept = errno;
    *len = sizeof *sun;
    bool ok = sc_real.getsockname(fd, (struct sockaddr *)sun, len) == 0;
    errno = kept;
    return ok && sun->sun_family == AF_UNIX;
}

/* Length 0: the socket is not connected. */
static bool read_peer(int fd, struct sockaddr_un *sun, socklen_t *len)
{
    int kept = errno;
    *len = sizeof *sun;
    bool ok = sc_real.getpeername(fd, (struct sockaddr *)sun, len) == 0;
    errno = kept;
    if (!ok)
        *len = 0;
    return ok;
}

bool sc_read_own_name(int fd, struct sc_socket_name *own)
{
    struct sockaddr_un sun;
    socklen_t len;
    return read_own(fd, &sun, &len) && sc_socket_name_parse(&sun, len, own);
}

bool sc_is_service_socket(int fd, struct sc_socket_name *own)
{
    if (sc_is_plain(fd))
        return false;
    return sc_read_own_name(fd, own) &&
           (own->kind == SC_SOCKET_BOUND || own->kind == SC_SOCKET_CLIENT ||
            own->kind == SC_SOCKET_LOCAL);
}

bool sc_is_datagram_socket(int fd, struct sc_socket_name *own)
{
    return sc_read_own_name(fd, own) && own->kind == SC_SOCKET_DATAGRAM;
}

bool sc_read_peer_name(int fd, struct sc_socket_name *peer)
{
    struct sockaddr_un sun;
    socklen_t len;
    if (!read_peer(fd, &sun, &len))
        return false;
    if (!sc_socket_name_parse(&sun, len, peer))
        *peer = (struct sc_socket_name){0};
    return true;
}

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    int kept = errno;
    sc_real.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len);
    errno = kept;
    return on != 0;
}

bool sc_is_udp(int fd)
{
    int value = -1;
    socklen_t len = sizeof value;
    return sc_real.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &len) == 0 &&
           value == IPPROTO_UDP;
}

bool sc_is_nonblocking(int fd)
{
    int flags = sc_real.fcntl(fd, F_GETFL, NULL);
    return flags >= 0 && (flags & O_NONBLOCK);
}

bool sc_is_hung_up(int fd)
{
    return sc_kernel_poll_now(fd, 0) & POLLHUP;
}

/* Of a flow of the local plane the client's name says what either end shows as its peer. */
static void read_local_peer(struct sc_identity *id)
{
    bool client = id->own.kind == SC_SOCKET_LOCAL;
    id->local = client || id->peer.kind == SC_SOCKET_LOCAL;
    if (client) {
        id->peer = id->own;
        id->peer.address = id->own.reached;
    } else if (id->local) {
        id->peer.family = id->peer.server_family;
    }
}

enum sc_identity_state sc_identify(int fd, struct sc_identity *id)
{
    id->state = SC_STATE_PLAIN;
    id->local = false;
    if (!sc_is_service_socket(fd, &id->own))
        return id->state;
    if (!sc_read_peer_name(fd, &id->peer)) {
        id->state = is_listening(fd) ? SC_STATE_LISTENING : SC_STATE_BOUND;
    } else if (id->peer.kind) {
        id->state = id->peer.kind == SC_SOCKET_ERROR ? SC_STATE_FAILED : SC_STATE_OPEN;
        read_local_peer(id);
    } else if (sc_is_hung_up(fd)) { /* scaffoldd died before it could say how it went */
        id->peer = id->own;
        id->peer.kind = SC_SOCKET_ERROR;
        id->peer.address.port = ECONNRESET;
        id->state = SC_STATE_FAILED;
    } else {
        id->state = SC_STATE_CONNECTING;
    }
    return id->state;
}

bool sc_is_local_flow(int fd)
{
    struct sc_identity id;
    sc_identify(fd, &id);
    return sc_identity_is_local(&id);
}

void sc_flow_name(int fd, struct sc_ctl_flow *out)
{
    struct sockaddr_un sun;
    socklen_t len;
    read_own(fd, &sun, &len);
    sc_socket_name_text(&sun, len, out->own);
    read_peer(fd, &sun, &len);
    sc_socket_name_text(&sun, len, out->peer);
}

/* No name of ours is shorter: it has all of its parts. */
#define NAME_LEAST 32

/* Of an abstract one. */
static const char beginning[] = {'\0', 's', 'c', 'a', 'f', 'f', 'o', 'l', 'd'};

bool sc_may_be_ours(const struct sockaddr *addr, socklen_t room, socklen_t len)
{
    struct sockaddr_un sun;
    struct sc_socket_name name;
    if (len < NAME_LEAST || len > sizeof sun ||
        (room >= sizeof addr->sa_family && addr->sa_family != AF_UNIX))
        return false;
    memset(&sun, 0, sizeof sun);
    memcpy(&sun, addr, room < len ? room : len);
    if (room >= len)
        return sc_socket_name_parse(&sun, len, &name);
    /* Cut off: ours if it begins as ours do, or has no room to show how. */
    bool shows = room >= offsetof(struct sockaddr_un, sun_path) + sizeof beginning;
    return !shows || sun.sun_path[0] || memcmp(sun.sun_path, beginning, sizeof beginning) == 0;
}
