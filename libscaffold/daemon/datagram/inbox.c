#include "daemon/datagram/inbox.h"

#include <string.h>
#include <sys/socket.h>

#include "daemon/datagram/endpoint.h"

/* What a program's queue holds, as the kernel counts it (twice this): 15 ms of 1,400-byte datagrams
 * at 1 Gbit/s, for a program that is not scheduled. */
#define QUEUE_BYTES (2 * 1024 * 1024)
/* Without root the kernel grants wmem_max, by default this much. */
#define QUEUE_BYTES_UNPRIVILEGED 212992

void sc_inbox_size(int fd, uint32_t rcvbuf)
{
    int size = rcvbuf && rcvbuf < QUEUE_BYTES ? (int)rcvbuf : QUEUE_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == 0)
        return;
    if (size > QUEUE_BYTES_UNPRIVILEGED)
        size = QUEUE_BYTES_UNPRIVILEGED;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static bool send_to_program(struct sc_endpoint *e, const struct sc_datagram_head *head,
                            const uint8_t *data, size_t len)
{
    struct iovec iov[2] = {{(void *)(uintptr_t)head, sizeof *head}, {(void *)(uintptr_t)data, len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = len ? 2 : 1};
    if (sendmsg(e->watch.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    e->dropped++; /* no room, or it is closing */
    e->daemon->datagrams.counters.dropped_queue++;
    return false;
}

void sc_inbox_deliver(struct sc_endpoint *e, const struct sc_datagram_head *head,
                      const uint8_t *data, size_t len)
{
    if (!send_to_program(e, head, data, len))
        return;
    e->tx += len;
    e->daemon->datagrams.counters.to_programs++;
}

void sc_inbox_tell(struct sc_endpoint *e, const struct sc_address *peer, int error)
{
    /* As the kernel: a connected socket hears of its peer alone. */
    if (e->connected && peer->port && memcmp(peer, &e->peer, sizeof *peer) != 0)
        return;
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_ERROR,
                                    .error = error,
                                    .peer = peer->port || !e->connected ? *peer : e->peer,
                                    .own = e->own};
    /* Whoever is not told by UDP must not be woken: poll announces whatever is in the queue. */
    if (e->connected || e->wants_errors)
        send_to_program(e, &head, NULL, 0);
}
