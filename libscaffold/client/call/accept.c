#include "client/call/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/names/give.h"
#include "client/options/carry.h"
#include "client/options/shadow.h"
#include "client/process/fail.h"
#include "client/process/fork_gate.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"
#include "local/accept_mark.h"

/* Real buffer of every end of ours, and twice this in effect: one unread byte may pin the largest
 * buffer that sendfile makes, which has to stay below a quarter of it (A1). */
#define REAL_SNDBUF 212992

/* --- the mark --------------------------------------------------------------------------------- */

/* False when the flow died before. Where a sandbox forbids to send, there is no mark, and scaffoldd
 * treats this acceptor as one without the shim: it is safe again from its first data on. */
static bool send_mark(int fd, const struct sc_socket_name *peer)
{
    uint8_t mark[SC_ACCEPT_MARK_LEN];
    sc_accept_mark(peer->serial, mark);
    return sc_real.sendto(fd, mark, sizeof mark, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) >= 0 ||
           errno != EPIPE;
}

/* --- a flow that died in the queue ------------------------------------------------------------ */

static void bind_to(int fd, const struct sc_socket_name *name)
{
    struct sockaddr_un sun;
    socklen_t len = sc_socket_name_format(name, &sun);
    sc_real.bind(fd, (const struct sockaddr *)&sun, len);
}

/* What the new end is called: as the old one, under a name that the listener does not hold. */
static void name_like(int fd, int old)
{
    static uint32_t serial;
    struct sc_socket_name name;
    if (!sc_is_service_socket(old, &name))
        return; /* whoever may not ask here will not ask later */
    name.kind = SC_SOCKET_CLIENT;
    /* Serials of ours have a pid above. */
    name.serial =
        (uint64_t)sc_kernel_getpid() << 32 | __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
    bind_to(fd, &name);
}

/* What was queued before the flow died is read before the error. */
static void move_queue(int from, int to)
{
    char buf[4096];
    for (;;) {
        ssize_t n = sc_real.recvfrom(from, buf, sizeof buf, MSG_DONTWAIT, NULL, NULL);
        if (n <= 0 || sc_real.sendto(to, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < n)
            return;
    }
}

/* The kernel made a socket that would read as a clean end; in its place comes one that was reset
 * (A7): its other end is closed with a byte unread. The names stay. False when no descriptor is
 * left for it. */
static bool put_pair(int fd, const struct sc_socket_name *peer)
{
    int pair[2];
    int size = REAL_SNDBUF;
    if (sc_real.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    name_like(pair[0], fd);
    bind_to(pair[1], peer);
    sc_real.setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    move_queue(fd, pair[1]);
    sc_real.sendto(pair[0], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
    sc_real.close(pair[1]);
    sc_real.dup3(pair[0], fd, O_CLOEXEC);
    sc_real.close(pair[0]);
    return true;
}

/* A child that had the other end would keep the reset from being seen. */
static bool put_reset(int fd, const struct sc_socket_name *peer)
{
    struct sc_fork_gate gate;
    sc_fork_gate_enter(&gate);
    bool put = put_pair(fd, peer);
    sc_fork_gate_leave(&gate);
    return put;
}

/* --- accepting -------------------------------------------------------------------------------- */

static void set_flags(int fd, int flags)
{
    int on = 1;
    if (flags & SOCK_NONBLOCK)
        sc_real.ioctl(fd, FIONBIO, &on);
    sc_real.fcntl(fd, F_SETFD, (void *)(uintptr_t)(flags & SOCK_CLOEXEC ? FD_CLOEXEC : 0));
}

/* Makes an accepted socket of ours ready for the program. False when it died before and cannot even
 * be replaced by one that says so: it must not be handed out, for it would read as a clean end. */
static bool settle(int listener, int fd, int flags, const struct sc_socket_name *peer)
{
    int size = REAL_SNDBUF;
    bool local = peer->kind == SC_SOCKET_LOCAL;
    sc_real.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (local) { /* the client itself, to which a mark would be data */
        sc_mark_set(fd, SC_MARK_LOCAL);
    } else if (!send_mark(fd, peer)) {
        bool replaced = put_reset(fd, peer);
        set_flags(fd, flags);
        return replaced;
    }
    sc_options_inherit(listener, fd, local);
    return true;
}

/* A listener that was shut down listens no more, and says so at once. */
static int on_accept_failure(int fd, bool known)
{
    struct sc_socket_name own;
    if (errno != EAGAIN || !sc_any_service_socket())
        return -1;
    bool ours = known || sc_is_service_socket(fd, &own);
    errno = ours && (sc_kernel_poll_now(fd, POLLRDHUP) & POLLRDHUP) ? EINVAL : EAGAIN;
    return -1;
}

static int kernels(int fd, void *addr, socklen_t *len, int flags)
{
    return flags == SC_ACCEPT_NO_FLAGS ? sc_next.accept(fd, addr, len)
                                       : sc_next.accept4(fd, addr, len, flags);
}

/* A connection, and who made it as far as the kernel has said. */
struct arrival {
    int fd;
    const struct sockaddr *from;
    socklen_t room;
    socklen_t len;
};

/* What its name says, if it is one of scaffoldd's ends or a client of the local plane. */
static bool read_peer(const struct sockaddr *from, socklen_t len, struct sc_socket_name *peer)
{
    if (!sc_socket_name_parse((const struct sockaddr_un *)(const void *)from, len, peer))
        return false;
    if (peer->kind == SC_SOCKET_LOCAL)
        peer->family = peer->server_family;
    return peer->kind == SC_SOCKET_PEER || peer->kind == SC_SOCKET_LOCAL;
}

/* True when whoever connected has a name that scaffoldd gives. Where the program had little
 * room for it the kernel is asked once more. */
static bool is_from_scaffoldd(const struct arrival *a, struct sc_socket_name *peer)
{
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    if (!sc_may_be_ours(a->from, a->room, a->len))
        return false;
    if (a->room >= a->len)
        return read_peer(a->from, a->len, peer);
    return sc_real.getpeername(a->fd, (struct sockaddr *)&sun, &len) == 0 &&
           read_peer((const struct sockaddr *)&sun, len, peer);
}

/* True for a connection to a service, which then comes from scaffoldd (nobody else gets there),
 * false for one to a socket of the program's own. The name of whoever connected is a claim; what
 * proves it is that the listener is a service's, which is known, or the kernel's to say. Where it
 * may not be asked, the connection is kept for what it says that it is. */
static bool is_to_service(const struct arrival *a, bool known, struct sc_socket_name *peer)
{
    struct sockaddr_un sun;
    struct sc_socket_name own;
    socklen_t len = sizeof sun;
    if (!is_from_scaffoldd(a, peer))
        return false;
    bool ours = known || sc_real.getsockname(a->fd, (struct sockaddr *)&sun, &len) < 0 ||
                (sc_socket_name_parse(&sun, len, &own) && own.kind == SC_SOCKET_BOUND);
    if (ours)
        sc_note_service_socket(); /* perhaps of a listener that came by a way that nobody saw */
    return ours;
}

/* As the kernel gives an address. */
static void give_raw(const struct arrival *a, struct sockaddr *addr, socklen_t *len)
{
    memcpy(addr, a->from, *len < a->len ? *len : a->len);
    *len = a->len;
}

/* Where the address is to be written before the program sees it: what it has no room for is needed
 * here. A bad pointer is for the kernel to see. */
static bool comes_apart(bool known, struct sockaddr *addr, socklen_t *len, socklen_t room)
{
    socklen_t most = sizeof(struct sockaddr_storage);
    return !addr || (known && room <= INT32_MAX && sc_memory_writes(len, sizeof *len) &&
                     sc_memory_writes(addr, room < most ? room : most));
}

/* The number was another's before. */
static int note(int one, bool plain)
{
    sc_touched_forget(one);
    sc_marks_begin(one, plain);
    return one;
}

/* Of a listener of whatever kind: whose connection it is shows by who made it. */
static int accept_looking(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sockaddr_storage here = {0};
    struct sc_socket_name peer;
    int kept = errno;
    if (addr && !sc_memory_reads(len, sizeof *len))
        return kernels(fd, addr, len, flags);
    bool known = sc_mark_is_set(fd, SC_MARK_LISTENING);
    socklen_t size = sizeof here, room = addr ? *len : 0;
    bool apart = comes_apart(known, addr, len, room);
    struct arrival a = {.from = apart ? (struct sockaddr *)&here : addr};
    a.fd = apart ? kernels(fd, &here, &size, flags) : kernels(fd, addr, len, flags);
    if (a.fd < 0)
        return on_accept_failure(fd, known);
    a.len = apart ? size : *len;
    a.room = apart ? sizeof here : room;
    bool told = a.room >= sizeof addr->sa_family;
    bool plain = told && (a.from->sa_family == AF_INET || a.from->sa_family == AF_INET6);
    note(a.fd, plain);
    if (plain || !is_to_service(&a, known, &peer)) {
        if (apart && addr)
            give_raw(&a, addr, len);
        errno = kept;
        return a.fd;
    }
    if (!settle(fd, a.fd, flags == SC_ACCEPT_NO_FLAGS ? 0 : flags, &peer)) {
        sc_real.close(a.fd);
        errno = ECONNABORTED; /* accept(2): a connection that was aborted */
        return -1;
    }
    if (addr) {
        *len = room;
        sc_give_address(&peer.address, peer.family, addr, len);
    }
    errno = kept;
    return a.fd;
}

int sc_accept_flow(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    if (sc_mark_is_set(fd, SC_MARK_PLAIN))
        return note(kernels(fd, addr, len, flags), true);
    return sc_is_datagram(fd) ? sc_fail(EOPNOTSUPP) : accept_looking(fd, addr, len, flags);
}
