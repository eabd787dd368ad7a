/* Bulk: as many bytes as possible on each of some flows. Over only when the server's counts have
 * come back: bytes in a buffer are not yet bytes received. */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

struct bulk {
    int count;
    int epoll;
    int *fds;
    uint64_t *sent; /* bytes, of each flow */
};

static void bulk_close(void *traffic)
{
    struct bulk *b = traffic;
    close(b->epoll);
    peer_disconnect(b->fds, b->count);
    free(b->sent);
    free(b);
}

static void *bulk_open(const struct peer_order *order)
{
    struct bulk *b = calloc(1, sizeof(*b));
    uint64_t *sent = calloc((size_t)order->count, sizeof(*sent));
    int *fds = peer_connect_all(order, PEER_COUNT);
    int epoll = fds == NULL ? -1 : peer_watch(fds, order->count, EPOLLOUT);
    if (b == NULL || sent == NULL || epoll < 0)
        return NULL; /* and the program ends */
    *b = (struct bulk){.count = order->count, .epoll = epoll, .fds = fds, .sent = sent};
    return b;
}

/* One write to a flow that has room. The only flow there is may as well wait in its call. */
static bool write_some(struct bulk *b, unsigned index)
{
    int flags = MSG_NOSIGNAL | (b->count > 1 ? MSG_DONTWAIT : 0);
    ssize_t n = send(b->fds[index], peer_block, PEER_BLOCK, flags);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    b->sent[index] += (uint64_t)n;
    return true;
}

static bool write_to_ready(struct bulk *b)
{
    struct epoll_event events[PEER_EVENTS];
    int count = epoll_wait(b->epoll, events, PEER_EVENTS, -1);
    for (int i = 0; i < count; i++)
        if (!write_some(b, events[i].data.u32))
            return false;
    return true;
}

/* The server's count must be ours. */
static bool is_received(const struct bulk *b, int index)
{
    uint64_t received = 0;
    if (recv(b->fds[index], &received, sizeof(received), MSG_WAITALL) != sizeof(received)) {
        peer_fail("no count from the server");
        return false;
    }
    if (received != b->sent[index])
        fprintf(stderr, "scaffold-bench-peer: sent %" PRIu64 " bytes, %" PRIu64 " arrived\n",
                b->sent[index], received);
    return received == b->sent[index];
}

static void print(const struct bulk *b, double seconds)
{
    uint64_t sum = 0;
    for (int i = 0; i < b->count; i++)
        sum += b->sent[i];
    printf("{\"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"flows\": [", sum, seconds);
    for (int i = 0; i < b->count; i++)
        printf("%s%" PRIu64, i > 0 ? ", " : "", b->sent[i]);
    printf("]}\n");
}

static bool bulk_run(void *traffic, double seconds)
{
    struct bulk *b = traffic;
    double start = peer_seconds();
    while (peer_seconds() - start < seconds) {
        if (!(b->count > 1 ? write_to_ready(b) : write_some(b, 0))) {
            peer_fail("send");
            return false;
        }
    }
    for (int i = 0; i < b->count; i++)
        shutdown(b->fds[i], SHUT_WR);
    for (int i = 0; i < b->count; i++)
        if (!is_received(b, i))
            return false;
    print(b, peer_seconds() - start);
    return true;
}

const struct peer_traffic peer_bulk = {"throughput", bulk_open, bulk_run, bulk_close};
