/* One end of a connection that is full in both directions before either end reads; then both move
 * the rest through select, without blocking. The caller ends its direction when all is sent; the
 * server does so once it has seen that.
 *
 *   both_ways serve HOST SIZE BUFFER       prints its port
 *   both_ways call HOST PORT SIZE BUFFER
 *
 * Sends SIZE bytes and reads to the end. BUFFER is what it asks for to send from and to receive in;
 * 0: nothing. Prints "full" once there has been no room for a while, and reads nothing before a
 * line comes on its standard input. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define STUCK_MS 60000 /* where nothing happens for so long, nothing will */
#define FULL_MS 200    /* where there is no room for so long, all buffers on the way are full */
#define PIECE 4001     /* of no size that a buffer or a packet has */

struct end {
    int fd;
    size_t size, sent, received;
    bool ends_last, ended, peer_ended;
};

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

/* --- the connection --------------------------------------------------------------------------- */

static int make_socket(const char *host, const char *port, int buffer, struct addrinfo **found)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    check(getaddrinfo(host, port, &hints, found) == 0, host);
    int fd = socket((*found)->ai_family, (*found)->ai_socktype, 0);
    check(fd >= 0, "socket");
    if (buffer > 0) {
        check(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer) == 0, "SO_SNDBUF");
        check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) == 0, "SO_RCVBUF");
    }
    return fd;
}

static int serve(const char *host, int buffer)
{
    struct addrinfo *found;
    struct sockaddr_in bound;
    socklen_t len = sizeof bound;
    int fd = make_socket(host, "0", buffer, &found);
    check(bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0, host);
    check(getsockname(fd, (struct sockaddr *)&bound, &len) == 0, "getsockname");
    printf("%d\n", ntohs(bound.sin_port));
    fflush(stdout);
    int accepted = accept(fd, NULL, NULL);
    check(accepted >= 0, "accept");
    close(fd);
    return accepted;
}

static int call(const char *host, const char *port, int buffer)
{
    struct addrinfo *found;
    int fd = make_socket(host, port, buffer, &found);
    check(connect(fd, found->ai_addr, found->ai_addrlen) == 0, "connect");
    return fd;
}

/* --- what it carries -------------------------------------------------------------------------- */

/* Of each place in the stream, so that none is lost, doubled or moved. */
static uint8_t byte_at(size_t place)
{
    return (uint8_t)((uint32_t)place * 2654435761u >> 24);
}

static void on_writable(struct end *e)
{
    uint8_t piece[PIECE];
    while (e->sent < e->size) {
        size_t len = e->size - e->sent < sizeof piece ? e->size - e->sent : sizeof piece;
        for (size_t i = 0; i < len; i++)
            piece[i] = byte_at(e->sent + i);
        ssize_t n = send(e->fd, piece, len, MSG_NOSIGNAL);
        check(n > 0 || errno == EAGAIN, "send");
        if (n < 0)
            return;
        e->sent += (size_t)n;
    }
}

static void on_readable(struct end *e)
{
    static uint8_t bytes[1 << 16];
    ssize_t n = recv(e->fd, bytes, sizeof bytes, 0);
    check(n >= 0 || errno == EAGAIN, "recv");
    e->peer_ended = n == 0;
    for (ssize_t i = 0; i < n; i++)
        check(bytes[i] == byte_at(e->received + (size_t)i), "another byte than was sent");
    e->received += n > 0 ? (size_t)n : 0;
}

static void end_when_due(struct end *e)
{
    if (e->ended || e->sent < e->size || (e->ends_last && !e->peer_ended))
        return;
    check(shutdown(e->fd, SHUT_WR) == 0, "shutdown");
    e->ended = true;
}

/* Sends what there is room for, and reads what there is. False: neither came within `ms`. */
static bool move(struct end *e, bool reads, int ms)
{
    struct timeval patience = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    if (reads && !e->peer_ended)
        FD_SET(e->fd, &readable);
    if (e->sent < e->size)
        FD_SET(e->fd, &writable);
    int n = select(e->fd + 1, &readable, &writable, NULL, &patience);
    check(n >= 0, "select");
    if (FD_ISSET(e->fd, &writable))
        on_writable(e);
    if (FD_ISSET(e->fd, &readable))
        on_readable(e);
    end_when_due(e);
    return n > 0;
}

int main(int argc, char **argv)
{
    bool serves = argc == 5 && strcmp(argv[1], "serve") == 0;
    if (!serves && !(argc == 6 && strcmp(argv[1], "call") == 0))
        return 2;
    int buffer = atoi(argv[argc - 1]);
    struct end e = {.size = strtoul(argv[argc - 2], NULL, 10), .ends_last = serves};
    e.fd = serves ? serve(argv[2], buffer) : call(argv[2], argv[3], buffer);
    check(fcntl(e.fd, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
    while (move(&e, false, FULL_MS))
        ;
    puts("full");
    fflush(stdout);
    check(getchar() == '\n', "standard input");
    while (!e.ended || !e.peer_ended)
        check(move(&e, true, STUCK_MS), "nothing happens");
    close(e.fd);
    printf("%zu sent, %zu received\n", e.sent, e.received);
    return 0;
}
