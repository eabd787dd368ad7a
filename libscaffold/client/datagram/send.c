/* Sending: a head in front, the program's own memory behind it. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "client/datagram/address.h"
#include "client/datagram/control.h"
#include "client/datagram/datagram.h"
#include "client/datagram/error.h"
#include "client/datagram/gather.h"
#include "client/names/meanings.h"
#include "client/names/target.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/real.h"

/* The kernel's name for what libc calls MSG_PROXY. */
#ifndef MSG_PROBE
#define MSG_PROBE MSG_PROXY
#endif

/* Pieces that are passed on as they are; of more, which no program of ours sends, a copy is made.
 */
#define PIECES 16

/* Most datagrams: what a path of 1,500 bytes carries, and more. */
#define SMALL 1500

static ssize_t on_failure(int fd, int flags)
{
    switch (errno) {
    case EPIPE:
        if (!sc_datagram_is_shut(fd, SHUT_WR))
            break;
        if (!(flags & MSG_NOSIGNAL))
            sc_kernel_raise(SIGPIPE);
        return sc_fail(EPIPE);
    case ECONNRESET:
    case ENOTCONN:
        break;
    default:
        return -1;
    }
    sc_explain(ENETDOWN, "scaffoldd has ended; the socket has no service any more");
    return sc_fail(ENETDOWN);
}

/* Of a packet: head and datagram. */
static ssize_t sent(int fd, ssize_t n, int flags)
{
    return n < 0 ? on_failure(fd, flags) : n - (ssize_t)sizeof(struct sc_datagram_head);
}

static int flags_of_packet(int flags)
{
    return (flags & MSG_DONTWAIT) | MSG_NOSIGNAL;
}

static ssize_t send_whole(int fd, const void *packet, size_t len, int flags)
{
    size_t all = sizeof(struct sc_datagram_head) + len;
    return sent(fd, sc_next.sendto(fd, packet, all, flags_of_packet(flags), NULL, 0), flags);
}

__attribute__((noinline)) static ssize_t send_copy(int fd, const struct sc_datagram_head *head,
                                                   const struct msghdr *msg, size_t len, int flags)
{
    struct {
        struct sc_datagram_head head;
        char data[SC_DATAGRAM_PAYLOAD_MAX];
    } packet;
    size_t at = 0;
    packet.head = *head;
    for (size_t i = 0; i < msg->msg_iovlen; i++) {
        if (!sc_memory_reads(msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len))
            return sc_fail(EFAULT);
        memcpy(packet.data + at, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
        at += msg->msg_iov[i].iov_len;
    }
    return send_whole(fd, &packet, len, flags);
}

/* One piece of memory that is certainly there: a copy costs less than two pieces cost the kernel.
 */
static bool is_small(const struct msghdr *msg, size_t len)
{
    return msg->msg_iovlen == 1 && len > 0 && len <= SMALL &&
           sc_memory_is_certain(msg->msg_iov->iov_base, len);
}

static ssize_t send_small(int fd, const struct sc_datagram_head *head, const struct msghdr *msg,
                          size_t len, int flags)
{
    struct {
        struct sc_datagram_head head;
        char data[SMALL];
    } packet;
    packet.head = *head;
    memcpy(packet.data, msg->msg_iov->iov_base, len);
    return send_whole(fd, &packet, len, flags);
}

static ssize_t send_pieces(int fd, const struct sc_datagram_head *head, const struct msghdr *msg,
                           int flags)
{
    struct iovec iov[PIECES + 1];
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = msg->msg_iovlen + 1};
    iov[0] = (struct iovec){(void *)(uintptr_t)head, sizeof *head};
    for (size_t i = 0; i < msg->msg_iovlen; i++)
        iov[i + 1] = msg->msg_iov[i];
    return sent(fd, sc_next.sendmsg(fd, &m, flags_of_packet(flags)), flags);
}

static ssize_t send_packet(int fd, const struct sc_datagram_head *head, const struct msghdr *msg,
                           size_t len, int flags)
{
    int error =
        sc_mark_is_set(fd, SC_MARK_CONNECTED | SC_MARK_ASKS) ? sc_datagram_take_error(fd) : 0;
    if (error)
        return sc_fail(error);
    if (flags & MSG_PROBE) /* all but the sending */
        return (ssize_t)len;
    if (!sc_mark_is_set(fd, SC_MARK_SPOKEN))
        sc_mark_set(fd, SC_MARK_SPOKEN);
    if (is_small(msg, len))
        return send_small(fd, head, msg, len, flags);
    return msg->msg_iovlen <= PIECES ? send_pieces(fd, head, msg, flags)
                                     : send_copy(fd, head, msg, len, flags);
}

/* Length of what is to be sent. -1: EMSGSIZE or EINVAL. */
static ssize_t length_of(const struct msghdr *msg)
{
    size_t len = 0;
    if (msg->msg_iovlen > IOV_MAX)
        return sc_fail(EMSGSIZE);
    for (size_t i = 0; i < msg->msg_iovlen; i++) {
        if (msg->msg_iov[i].iov_len > SSIZE_MAX - len)
            return sc_fail(EINVAL);
        len += msg->msg_iov[i].iov_len;
    }
    return len > SC_DATAGRAM_PAYLOAD_MAX ? sc_fail(EMSGSIZE) : (ssize_t)len;
}

/* Whom a datagram without an address goes to. A socket that came from another program may be
 * connected without a mark. */
static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int kept = errno;
    if (sc_mark_is_set(fd, SC_MARK_CONNECTED))
        return true;
    bool connected = sc_datagram_getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
    errno = kept;
    if (connected)
        sc_mark_set(fd, SC_MARK_CONNECTED);
    return connected;
}

static int read_destination(int fd, const struct sc_target *to, struct sc_datagram_head *head)
{
    if (!to->addr)
        return is_connected(fd) ? 0 : sc_fail(EDESTADDRREQ);
    if (sc_datagram_read_address(sc_datagram_family(fd), to, &head->peer) < 0)
        return -1;
    sc_meanings_of(&head->peer, head->meaning);
    return 0;
}

/* UDP over IPv6 takes MSG_OOB for nothing, over IPv4 not at all. */
static bool goes_to_v4(int fd, const struct sc_datagram_head *head)
{
    struct sockaddr_storage ss;
    struct sc_address peer = head->peer;
    socklen_t len = sizeof ss;
    if (peer.port == 0 && sc_datagram_getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
        sc_address_from_sockaddr((struct sockaddr *)&ss, len, &peer);
    return sc_address_is_v4(&peer);
}

static int check_flags(int fd, const struct sc_datagram_head *head, int flags)
{
    return (flags & MSG_OOB) && goes_to_v4(fd, head) ? sc_fail(EOPNOTSUPP) : 0;
}

/* Whom it goes to, and how: of a datagram in pieces the first says so. */
static int describe(int fd, const struct msghdr *msg, const struct sc_target *to,
                    const struct sc_gathering *g, struct sc_datagram_head *head)
{
    if (g && g->state.gathers)
        return 0;
    if (read_destination(fd, to, head) < 0)
        return -1;
    if (sc_mark_is_set(fd, SC_MARK_SHAPED))
        sc_datagram_shape(fd, head);
    if (g)
        head->segment = g->segment;
    return sc_datagram_read_control(msg, head);
}

static ssize_t send_gathered(int fd, const struct msghdr *msg, const struct sc_target *to,
                             size_t len, int flags)
{
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_DATA};
    struct sc_gathering g;
    sc_gather_look(fd, flags, &g);
    if (describe(fd, msg, to, &g, &head) < 0 || check_flags(fd, &head, flags) < 0 ||
        sc_gather_add(fd, &g, len, &head) < 0)
        return -1;
    ssize_t n = send_packet(fd, &head, msg, len, flags);
    if (n >= 0)
        sc_gather_added(&g, len, &head);
    return n;
}

ssize_t sc_datagram_send(int fd, const struct msghdr *msg, const struct sc_target *to, int flags)
{
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_DATA};
    if (!sc_memory_reads_message(msg))
        return sc_fail(EFAULT);
    ssize_t len = length_of(msg);
    if (len < 0)
        return -1;
    if (!sc_mark_is_set(fd, SC_MARK_SPOKEN) && to->addr && sc_datagram_leave(fd, to))
        return sc_next.sendmsg(fd, msg, flags);
    if ((flags & MSG_MORE) || sc_mark_is_set(fd, SC_MARK_GATHERS))
        return send_gathered(fd, msg, to, (size_t)len, flags);
    if (describe(fd, msg, to, NULL, &head) < 0 || check_flags(fd, &head, flags) < 0)
        return -1;
    if (!sc_datagram_may_be_cut((size_t)len, head.segment))
        return sc_fail(EINVAL);
    return send_packet(fd, &head, msg, (size_t)len, flags);
}
