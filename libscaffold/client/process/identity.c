#include "client/process/identity.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "client/call/flow_error.h"
#include "client/client.h"
#include "client/datagram/datagram.h"
#include "client/options/shadow.h"
#include "client/process/control.h"
#include "client/process/descriptors.h"
#include "client/process/kernel.h"
#include "client/process/memory.h"
#include "client/process/real.h"
#include "scaffold/scaffold.h"

static bool seen;
static bool passed; /* a descriptor is marked so */

bool sc_any_service_socket(void)
{
    return __atomic_load_n(&seen, __ATOMIC_RELAXED);
}

/* With the first one, those that were passed to the process before are looked at. */
void sc_note_service_socket(void)
{
    if (sc_any_service_socket())
        return;
    sc_descriptors_note_owner();
    if (__atomic_exchange_n(&seen, true, __ATOMIC_RELAXED))
        return;
    for (int fd = 0; fd < SC_DESCRIPTORS_MAX && __atomic_load_n(&passed, __ATOMIC_RELAXED); fd++)
        sc_meet_passed(fd);
}

void sc_note_passed(int fd)
{
    sc_marks_forget(fd); /* the number was another's before */
    sc_touched_forget(fd);
    if (sc_any_service_socket()) {
        sc_datagram_adopt(fd);
        return;
    }
    sc_mark_set(fd, SC_MARK_PASSED);
    __atomic_store_n(&passed, true, __ATOMIC_RELAXED);
}

bool sc_is_plain(int fd)
{
    return !sc_any_service_socket() || sc_mark_is_set(fd, SC_MARK_PLAIN);
}

bool sc_meet_passed(int fd)
{
    struct sc_name own;
    if (!sc_mark_is_set(fd, SC_MARK_PASSED))
        return false;
    sc_mark_clear(fd, SC_MARK_PASSED);
    sc_datagram_adopt(fd);
    return sc_is_datagram(fd) || sc_is_service_socket(fd, &own);
}

/* --- reading names -----------------------------------------------------------------------------
 */

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

bool sc_is_service_socket(int fd, struct sc_name *own)
{
    struct sockaddr_un sun;
    socklen_t len;
    if (sc_is_plain(fd))
        return false;
    return read_own(fd, &sun, &len) && sc_name_parse(&sun, len, own) &&
           (own->kind == SC_NAME_BOUND || own->kind == SC_NAME_CLIENT);
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

bool sc_is_hung_up(int fd)
{
    return sc_kernel_poll_now(fd, 0) & POLLHUP;
}

enum sc_state sc_identify(int fd, struct sc_identity *id)
{
    struct sockaddr_un sun;
    socklen_t len;
    id->state = SC_STATE_PLAIN;
    if (!sc_is_service_socket(fd, &id->own))
        return id->state;
    if (!read_peer(fd, &sun, &len)) {
        id->state = is_listening(fd) ? SC_STATE_LISTENING : SC_STATE_BOUND;
    } else if (sc_name_parse(&sun, len, &id->peer)) {
        id->state = id->peer.kind == SC_NAME_ERROR ? SC_STATE_FAILED : SC_STATE_OPEN;
    } else if (sc_is_hung_up(fd)) { /* scaffoldd died before it could say how it went */
        id->peer = id->own;
        id->peer.kind = SC_NAME_ERROR;
        id->peer.address.port = ECONNRESET;
        id->state = SC_STATE_FAILED;
    } else {
        id->state = SC_STATE_CONNECTING;
    }
    return id->state;
}

void sc_flow_name(int fd, struct sc_ctl_flow *out)
{
    struct sockaddr_un sun;
    socklen_t len;
    read_own(fd, &sun, &len);
    sc_name_text(&sun, len, out->own);
    read_peer(fd, &sun, &len);
    sc_name_text(&sun, len, out->peer);
}

/* --- giving addresses to the program ------------------------------------------------------------
 */

static void give(const void *from, socklen_t size, struct sockaddr *addr, socklen_t *len)
{
    memcpy(addr, from, *len < size ? *len : size);
    *len = size;
}

/* The service, or host, behind an address; all zeros when scaffoldd does not know. */
static struct sockaddr_scaffold as_service(const struct sc_address *a)
{
    struct sockaddr_scaffold s = {.sc_family = AF_SCAFFOLD};
    struct sc_ctl_request q = sc_control_request(SC_CTL_REVERSE);
    struct sc_ctl_reply r;
    q.reverse.address = *a;
    int kept = errno;
    if (sc_control_call(&q, &r, true) == 0) {
        uint8_t *id = s.sc_service.bytes;
        memcpy(id, r.service, sizeof r.service);
        id[28] = (uint8_t)(a->port >> 8);
        id[29] = (uint8_t)a->port;
        id[30] = IPPROTO_TCP;
    }
    errno = kept;
    return s;
}

void sc_give_address(const struct sc_address *a, enum sc_family family, struct sockaddr *addr,
                     socklen_t *len)
{
    if (family == SC_FAMILY_SCAFFOLD) {
        struct sockaddr_scaffold s = as_service(a);
        give(&s, sizeof s, addr, len);
        return;
    }
    struct sockaddr_storage ss;
    socklen_t size = sc_address_to_sockaddr(a, family, &ss);
    give(&ss, size, addr, len);
}

/* The address that the socket shows as its own. */
static struct sc_address shown_own(int fd, const struct sc_name *own)
{
    struct sc_address a = own->address;
    struct sc_name peer;
    struct sockaddr_un sun;
    socklen_t len;
    if (own->kind == SC_NAME_BOUND)
        a.port = sc_policy_program_port(a.port);
    if (!own->wildcard)
        return a;
    if (!read_peer(fd, &sun, &len)) { /* as bound: the wildcard of its family */
        if (own->family == SC_FAMILY_INET6)
            memset(a.ip, 0, sizeof a.ip);
        else
            a = sc_address_v4(INADDR_ANY, a.port);
    } else if (sc_address_is_loopback(&a) && sc_name_parse(&sun, len, &peer) &&
               !sc_address_is_v4(&peer.address)) {
        memcpy(a.ip, &in6addr_loopback, sizeof a.ip); /* reached by ::1 */
    }
    return a;
}

/* No name of ours is shorter: it has all of its parts. */
#define NAME_LEAST 32

/* Of an abstract one. */
static const char beginning[] = {'\0', 's', 'c', 'a', 'f', 'f', 'o', 'l', 'd'};

bool sc_may_be_ours(const struct sockaddr *addr, socklen_t room, socklen_t len)
{
    struct sockaddr_un sun;
    struct sc_name name;
    if (len < NAME_LEAST || len > sizeof sun ||
        (room >= sizeof addr->sa_family && addr->sa_family != AF_UNIX))
        return false;
    memset(&sun, 0, sizeof sun);
    memcpy(&sun, addr, room < len ? room : len);
    if (room >= len)
        return sc_name_parse(&sun, len, &name);
    /* Cut off: ours if it begins as ours do, or has no room to show how. */
    bool shows = room >= offsetof(struct sockaddr_un, sun_path) + sizeof beginning;
    return !shows || sun.sun_path[0] || memcmp(sun.sun_path, beginning, sizeof beginning) == 0;
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
    struct sc_name own;
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
