/* What every kind of traffic is made with. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

char peer_block[PEER_BLOCK];

int peer_fail(const char *what)
{
    fprintf(stderr, "scaffold-bench-peer: %s: %s\n", what, strerror(errno));
    return 1;
}

double peer_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool peer_write(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

struct addrinfo *peer_resolve(const char *host, const char *port, int type, bool is_server)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = is_server ? AI_PASSIVE : 0}, *list;
    int error = getaddrinfo(host, port, &hints, &list);
    if (error == 0)
        return list;
    fprintf(stderr, "scaffold-bench-peer: %s: %s\n", host, gai_strerror(error));
    return NULL;
}

int peer_connect(const struct peer_order *order, char what_for)
{
    struct addrinfo *to = peer_resolve(order->host, order->port, SOCK_STREAM, false);
    if (to == NULL)
        return -1;
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd >= 0 &&
        (connect(fd, to->ai_addr, to->ai_addrlen) < 0 || !peer_write(fd, &what_for, 1))) {
        peer_fail(order->host);
        close(fd);
        fd = -1;
    }
    freeaddrinfo(to);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

int *peer_connect_all(const struct peer_order *order, char what_for)
{
    int *fds = calloc((size_t)order->count, sizeof(*fds));
    for (int i = 0; fds != NULL && i < order->count; i++) {
        fds[i] = peer_connect(order, what_for);
        if (fds[i] < 0) {
            peer_disconnect(fds, i);
            return NULL;
        }
    }
    return fds;
}

void peer_disconnect(int *fds, int count)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
}

int peer_watch(const int *fds, int count, unsigned events)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; epoll >= 0 && i < count; i++) {
        struct epoll_event event = {.events = events, .data.u32 = (unsigned)i};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) < 0) {
            close(epoll);
            epoll = -1;
        }
    }
    if (epoll < 0)
        peer_fail("epoll");
    return epoll;
}
