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

static void on_sent(struct sc_endpoint *e, size_t len)
{
    e->tx += len - sizeof(struct sc_datagram_head);
    e->daemon->datagrams.counters.to_programs++;
}

/* No room, or it is closing. */
static void on_unsent(struct sc_endpoint *e)
{
    e->dropped++;
    e->daemon->datagrams.counters.dropped_queue++;
}

void sc_inbox_hand_over(struct sc_inbox *in)
{
    struct mmsghdr m[SC_INBOX_MAX];
    struct iovec iov[SC_INBOX_MAX];
    uint8_t *at = in->room;
    for (size_t i = 0; i < in->count; at += in->len[i++]) {
        iov[i] = (struct iovec){at, in->len[i]};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    for (size_t done = 0; done < in->count;) {
        int n = sendmmsg(in->to->watch.fd, m + done, (unsigned)(in->count - done),
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            on_unsent(in->to);
            done++; /* a shorter one may find room */
        }
        for (; n > 0; n--)
            on_sent(in->to, in->len[done++]);
    }
    in->count = in->bytes = 0;
}

void sc_inbox_deliver(struct sc_endpoint *e, const struct sc_datagram_head *head,
                      const uint8_t *data, size_t len)
{
    struct sc_inbox *in = &e->daemon->datagrams.inbox;
    size_t all = sizeof *head + len;
    if (in->to != e || in->count == SC_INBOX_MAX || in->bytes + all > sizeof in->room)
        sc_inbox_hand_over(in);
    in->to = e;
    memcpy(in->room + in->bytes, head, sizeof *head);
    if (len)
        memcpy(in->room + in->bytes + sizeof *head, data, len);
    in->bytes += all;
    in->len[in->count++] = all;
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
    if (!e->connected && !e->wants_errors)
        return;
    sc_inbox_hand_over(&e->daemon->datagrams.inbox); /* it comes behind them */
    if (send(e->watch.fd, &head, sizeof head, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        on_unsent(e);
}
