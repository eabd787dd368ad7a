#include "daemon/handover.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/daemon.h"
#include "daemon/diag.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* A look at the queue goes to this room as often as it takes for all that a plug may hold. */
#define ROOM 8192
#define PIECES 32

static int option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

/* Length of an AF_UNIX name: 0 for none; -1: not connected, or not AF_UNIX. */
static int read_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *),
                     struct sockaddr_un *sun)
{
    socklen_t len = sizeof *sun;
    if (get(fd, (struct sockaddr *)sun, &len) < 0 || sun->sun_family != AF_UNIX)
        return -1;
    return (int)(len - offsetof(struct sockaddr_un, sun_path));
}

static int get_own(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getsockname(fd, sa, len);
}

static int get_peer(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getpeername(fd, sa, len);
}

/* The kernel says who its peer is; where it cannot be asked, nobody is let in on a guess. */
static bool is_connected_to_us(struct sc_daemon *d, int fd)
{
    uint32_t peer = sc_diag_peer(sc_socket_inode(fd));
    return peer == 0 || sc_map_find(&d->held_ends, &peer) != NULL;
}

/* What is handed over has no name, and an end that is named with a serial of ours was never handed
 * over. So both ends of a pair can come here only unnamed, and the second one is found out. */
static bool has_its_peer_outside(struct sc_daemon *d, int fd, enum sc_name_kind kind,
                                 uint64_t serial)
{
    struct sockaddr_un sun;
    struct sc_name peer;
    if (read_name(fd, get_own, &sun) != 0)
        return false;
    int len = read_name(fd, get_peer, &sun);
    if (len == 0)
        return !is_connected_to_us(d, fd);
    socklen_t all = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
    return len > 0 && sc_name_parse(&sun, all, &peer) && peer.kind == kind && peer.serial == serial;
}

/* A look at everything in the queue stops behind the first descriptors. */
static bool holds_rights(int fd)
{
    static char room[ROOM];
    struct iovec iov[PIECES];
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = PIECES};
    for (size_t i = 0; i < PIECES; i++)
        iov[i] = (struct iovec){room, sizeof room};
    ssize_t n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT);
    return (msg.msg_flags & MSG_CTRUNC) || n == PIECES * ROOM;
}

void sc_handover_refuse_rights(int fd)
{
    int off = 0;
    setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
}

bool sc_handover_fits(struct sc_daemon *d, int fd, int type, enum sc_name_kind kind,
                      uint64_t serial)
{
    if (option(fd, SO_DOMAIN) != AF_UNIX || option(fd, SO_TYPE) != type ||
        option(fd, SO_ACCEPTCONN) != 0 || !has_its_peer_outside(d, fd, kind, serial))
        return false;
    sc_handover_refuse_rights(fd); /* before the look: nothing comes behind it */
    return !holds_rights(fd);
}

uint32_t sc_socket_inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? (uint32_t)st.st_ino : 0;
}

bool sc_handover_hold(struct sc_daemon *d, struct sc_held_end *e, int fd)
{
    e->inode = sc_socket_inode(fd);
    return sc_map_insert(&d->held_ends, &e->node) == 0;
}

void sc_handover_forget(struct sc_daemon *d, struct sc_held_end *e)
{
    sc_map_remove(&d->held_ends, &e->node);
}
