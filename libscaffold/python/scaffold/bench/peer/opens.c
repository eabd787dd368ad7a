/* Opens: flows one after another, with one byte there and back on each. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

static void *opens_open(const struct peer_order *order)
{
    return peer_resolve(order->host, order->port, SOCK_STREAM, false);
}

static void opens_close(void *traffic)
{
    freeaddrinfo(traffic);
}

static bool open_once(const struct addrinfo *to)
{
    /* A close that is a reset leaves no TIME_WAIT behind: ports do not run out. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    char bytes[] = {PEER_ECHO, 'x'};
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    bool done = connect(fd, to->ai_addr, to->ai_addrlen) == 0 &&
                peer_write(fd, bytes, sizeof(bytes)) && recv(fd, bytes, 1, 0) == 1;
    close(fd);
    return done;
}

static bool opens_run(void *traffic, double seconds)
{
    double start = peer_seconds(), now = start;
    size_t count = 0;
    for (; now - start < seconds; now = peer_seconds(), count++) {
        if (!open_once(traffic)) {
            peer_fail("connect");
            return false;
        }
    }
    printf("{\"count\": %zu, \"seconds\": %.6f}\n", count, now - start);
    return true;
}

const struct peer_traffic peer_opens = {"opens", opens_open, opens_run, opens_close};
