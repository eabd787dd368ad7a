/* The server: one process, one poll loop, since thousands of idle flows need no thread each. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

struct session {
    int fd;
    char mode; /* 0 until the first byte has come */
    uint64_t received;
};

/* One read of a ready flow. False when the flow is over. */
static bool session_step(struct session *s)
{
    ssize_t n = recv(s->fd, peer_block, PEER_BLOCK, 0);
    if (n < 0)
        return errno == EINTR;
    if (n == 0) {
        if (s->mode == PEER_COUNT)
            peer_write(s->fd, &s->received, sizeof(s->received));
        return false;
    }
    size_t skip = s->mode == 0 ? 1 : 0;
    if (s->mode == 0)
        s->mode = peer_block[0];
    s->received += (size_t)n - skip;
    bool answers = (s->mode == PEER_ECHO || s->mode == PEER_ONCE) && (size_t)n > skip;
    if (answers && !peer_write(s->fd, peer_block + skip, (size_t)n - skip))
        return false;
    return !answers || s->mode != PEER_ONCE;
}

static int bound(const char *address, const char *port, int type)
{
    struct addrinfo *at = peer_resolve(address, port, type, true);
    if (at == NULL)
        return -1;
    int fd = socket(at->ai_family, type | SOCK_CLOEXEC, 0), one = 1;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, at->ai_addr, at->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(at);
    return fd;
}

/* Port 0 leaves the choice to whoever knows what is free. */
static void say_ready(int fd)
{
    struct sockaddr_in6 name = {0}; /* the port stands at the same place in both families */
    socklen_t len = sizeof(name);
    getsockname(fd, (struct sockaddr *)&name, &len);
    printf("ready %u\n", ntohs(name.sin6_port));
    fflush(stdout);
}

static void accept_one(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(fd);
        return;
    }
    s->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void step(int epoll, int listener, struct session *s)
{
    if (s == NULL) {
        accept_one(epoll, listener);
    } else if (!session_step(s)) {
        close(s->fd);
        free(s);
    }
}

int peer_serve(const char *address, const char *port)
{
    int listener = bound(address, port, SOCK_STREAM), epoll = epoll_create1(EPOLL_CLOEXEC);
    if (listener < 0 || epoll < 0 || listen(listener, 1024) < 0)
        return peer_fail("cannot listen");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    say_ready(listener);
    for (;;) {
        struct epoll_event events[PEER_EVENTS];
        int count = epoll_wait(epoll, events, PEER_EVENTS, -1);
        for (int i = 0; i < count; i++)
            step(epoll, listener, events[i].data.ptr);
    }
}

int peer_serve_datagrams(const char *address, const char *port)
{
    int fd = bound(address, port, SOCK_DGRAM);
    if (fd < 0)
        return peer_fail("cannot bind");
    say_ready(fd);
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, peer_block, PEER_BLOCK, 0, (struct sockaddr *)&from, &len);
        if (n >= 0)
            sendto(fd, peer_block, (size_t)n, 0, (struct sockaddr *)&from, len);
    }
}
