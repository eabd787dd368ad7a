/* Datagrams: some in flight, each returned by the server, and the next one as soon as one is
 * back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "peer.h"

enum { DATAGRAMS_PATIENCE_US = 100 * 1000 }; /* then what is in flight is lost */

struct datagrams {
    int fd;
    int in_flight; /* at most */
    size_t size;
};

static void datagrams_close(void *traffic)
{
    struct datagrams *d = traffic;
    close(d->fd);
    free(d);
}

static int connected(const struct peer_order *order)
{
    struct addrinfo *to = peer_resolve(order->host, order->port, SOCK_DGRAM, false);
    if (to == NULL)
        return -1;
    struct timeval patience = {.tv_usec = DATAGRAMS_PATIENCE_US};
    int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (connect(fd, to->ai_addr, to->ai_addrlen) < 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)) {
        peer_fail(order->host);
        close(fd);
        fd = -1;
    }
    freeaddrinfo(to);
    return fd;
}

static void *datagrams_open(const struct peer_order *order)
{
    struct datagrams *d = calloc(1, sizeof(*d));
    int fd = connected(order);
    if (d == NULL || fd < 0)
        return NULL; /* and the program ends */
    *d = (struct datagrams){.fd = fd, .in_flight = order->count, .size = order->size};
    return d;
}

static bool send_some(struct datagrams *d, int count)
{
    for (int i = 0; i < count; i++)
        if (send(d->fd, peer_block, d->size, 0) < 0)
            return false;
    return true;
}

/* What is still on its way would be counted in the next run. */
static void drain(struct datagrams *d)
{
    while (recv(d->fd, peer_block, PEER_BLOCK, 0) >= 0)
        ;
}

static bool datagrams_run(void *traffic, double seconds)
{
    struct datagrams *d = traffic;
    double start = peer_seconds(), now = start;
    size_t count = 0, lost = 0;
    bool good = send_some(d, d->in_flight);
    for (; good && now - start < seconds; now = peer_seconds()) {
        if (recv(d->fd, peer_block, PEER_BLOCK, 0) >= 0) {
            count++;
            good = send_some(d, 1);
        } else if (errno == EAGAIN) {
            lost += (size_t)d->in_flight;
            good = send_some(d, d->in_flight);
        } else {
            good = errno == EINTR;
        }
    }
    if (!good) {
        peer_fail("datagram");
        return false;
    }
    printf("{\"count\": %zu, \"lost\": %zu, \"seconds\": %.6f}\n", count, lost, now - start);
    fflush(stdout);
    drain(d);
    return true;
}

const struct peer_traffic peer_datagrams = {"datagrams", datagrams_open, datagrams_run,
                                            datagrams_close};
