/* Opens: flows one after another, with one byte there and back on each. They end by a reset, which
 * leaves no TIME_WAIT behind, or by the server's close, after which it is the server's. Either way
 * the client's ports do not run out. */
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

static void end_by_reset(int fd)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static bool open_once(const struct addrinfo *to, bool is_reset)
{
    char bytes[] = {is_reset ? PEER_ECHO : PEER_ONCE, 'x'};
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (is_reset)
        end_by_reset(fd);
    bool done = connect(fd, to->ai_addr, to->ai_addrlen) == 0 &&
                peer_write(fd, bytes, sizeof(bytes)) && recv(fd, bytes, 1, 0) == 1 &&
                (is_reset || recv(fd, bytes, 1, 0) == 0);
    close(fd);
    return done;
}

static bool run(const struct addrinfo *to, double seconds, bool is_reset)
{
    double start = peer_seconds(), now = start;
    size_t count = 0;
    for (; now - start < seconds; now = peer_seconds(), count++) {
        if (!open_once(to, is_reset)) {
            peer_fail("connect");
            return false;
        }
    }
    printf("{\"count\": %zu, \"seconds\": %.6f}\n", count, now - start);
    return true;
}

static bool run_reset(void *traffic, double seconds)
{
    return run(traffic, seconds, true);
}

static bool run_closed(void *traffic, double seconds)
{
    return run(traffic, seconds, false);
}

const struct peer_traffic peer_opens = {"opens", opens_open, run_reset, opens_close};
const struct peer_traffic peer_opens_closed = {"opens-closed", opens_open, run_closed, opens_close};
