/* accept: the kernel's, on a real listener; here it is checked who connected, and the first byte is
 * sent that keeps an abort from looking like an end (D3, A7, A8, A13). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/client.h"
#include "client/control.h"
#include "client/datagram.h"
#include "client/identity.h"
#include "client/log.h"
#include "client/options.h"
#include "client/real.h"
#include "client/shadow.h"

/* Connections to our listeners that were not scaffoldd's. */
static uint64_t foreigners;

/* True when scaffoldd made this connection: names carry no permission (A13). */
static bool is_from_scaffoldd(int fd, const struct sc_name *own, struct sc_name *peer)
{
    struct ucred who;
    struct sockaddr_un sun;
    socklen_t len = sizeof who, name_len = sizeof sun;
    return sc_real.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == own->daemon.uid || who.uid == 0) &&
           sc_real.getpeername(fd, (struct sockaddr *)&sun, &name_len) == 0 &&
           sc_name_parse(&sun, name_len, peer) && peer->kind == SC_NAME_PEER &&
           peer->daemon.uid == own->daemon.uid && peer->daemon.instance == own->daemon.instance;
}

/* --- the mark
 * ------------------------------------------------------------------------------------- */

static ssize_t send_with(int fd, char byte, int passed)
{
    struct iovec iov = {&byte, 1};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof passed)];
    } rights = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = rights.room,
                         .msg_controllen = sizeof rights.room};
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(h), &passed, sizeof passed);
    return sc_real.sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One byte that the stack holds unread, told apart from data by the descriptor that it carries.
 * False when the flow died before. Without a descriptor to spare there is no mark, and the stack
 * treats this acceptor as one without the shim: it is safe again from its first data on. */
static bool send_mark(int fd)
{
    int event = eventfd(0, EFD_CLOEXEC);
    if (event < 0)
        return true;
    bool alive = send_with(fd, 0, event) == 1 || errno != EPIPE;
    sc_real.close(event);
    return alive;
}

/* --- a flow that died in the queue
 * ------------------------------------------------------------------ */

static int bind_to(int fd, const struct sc_name *name)
{
    struct sockaddr_un sun;
    socklen_t len = sc_name_format(name, &sun);
    return sc_real.bind(fd, (const struct sockaddr *)&sun, len);
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
static bool put_reset(int fd, const struct sc_name *own, const struct sc_name *peer)
{
    static uint32_t serial;
    int pair[2];
    int size = SC_REAL_SNDBUF;
    struct sc_name name = *own;
    if (sc_real.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    /* The listener holds the other name; serials of ours have a pid above. */
    name.kind = SC_NAME_CLIENT;
    name.serial = (uint64_t)getpid() << 32 | __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
    bind_to(pair[0], &name);
    bind_to(pair[1], peer);
    sc_real.setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    move_queue(fd, pair[1]);
    sc_real.sendto(pair[0], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
    sc_real.close(pair[1]);
    sc_real.dup3(pair[0], fd, O_CLOEXEC);
    sc_real.close(pair[0]);
    return true;
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
static bool settle(int listener, int fd, int flags, const struct sc_name *own,
                   const struct sc_name *peer)
{
    int size = SC_REAL_SNDBUF;
    sc_real.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (!send_mark(fd)) {
        bool replaced = put_reset(fd, own, peer);
        set_flags(fd, flags);
        return replaced;
    }
    sc_options_inherit(listener, fd);
    return true;
}

static void drop_foreigner(int fd)
{
    __atomic_fetch_add(&foreigners, 1, __ATOMIC_RELAXED);
    sc_real.close(fd);
}

/* A listener that was shut down listens no more, and says so at once. */
static int on_accept_failure(int fd)
{
    struct sc_name own;
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    if (errno != EAGAIN || !sc_any_service_socket())
        return -1;
    if (sc_is_service_socket(fd, &own) && poll(&p, 1, 0) == 1 && (p.revents & POLLRDHUP))
        errno = EINVAL;
    else
        errno = EAGAIN;
    return -1;
}

static int accept_unlogged(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sockaddr_storage unasked;
    socklen_t room = addr && len ? *len : 0;
    if (sc_is_datagram(fd)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    for (;;) {
        socklen_t size = sizeof unasked;
        int one = addr ? sc_real.accept4(fd, addr, len, flags)
                       : sc_real.accept4(fd, (struct sockaddr *)&unasked, &size, flags);
        if (one < 0)
            return on_accept_failure(fd);
        bool small = addr && room < sizeof addr->sa_family;
        sa_family_t family = small ? AF_UNSPEC : addr ? addr->sa_family : unasked.ss_family;
        sc_touched_forget(one);
        sc_marks_replace(one, family == AF_INET || family == AF_INET6 ? SC_MARK_PLAIN : 0u);
        if (family != AF_UNIX && family != AF_UNSPEC)
            return one;
        struct sc_name own, peer;
        int kept = errno;
        if (!sc_is_service_socket(one, &own) || own.kind != SC_NAME_BOUND)
            return one;
        if (len && addr)
            *len = room;
        if (!is_from_scaffoldd(one, &own, &peer)) {
            drop_foreigner(one);
            continue; /* a non-blocking listener ends the search with EAGAIN */
        }
        if (!settle(fd, one, flags, &own, &peer)) {
            sc_real.close(one);
            errno = ECONNABORTED; /* accept(2): a connection that was aborted */
            return -1;
        }
        if (addr)
            sc_give_address(&peer.address, peer.family, addr, len);
        errno = kept;
        return one;
    }
}

int sc_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    int one = accept_unlogged(fd, addr, len, flags);
    if (one >= 0 && sc_log_on())
        sc_log_accepted(one);
    return one;
}
