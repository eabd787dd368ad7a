/* The traffic of `scaffold bench`, on plain sockets: the same binary runs over the kernel's TCP
 * and, under the shim, over SCAFFOLD.
 *
 *   scaffold-bench-peer server ADDRESS PORT              prints "ready" and its port, and serves
 *   scaffold-bench-peer throughput HOST PORT SECONDS     prints {"bytes", "seconds"}
 *   scaffold-bench-peer latency HOST PORT SECONDS        prints {"count", "mean_us", ...}
 *   scaffold-bench-peer connections HOST PORT SECONDS    prints {"count", "seconds"}
 *   scaffold-bench-peer turns CLIENT...                  one of the three, once for each byte that
 *                                                        comes on its standard input
 *   scaffold-bench-peer hold HOST PORT COUNT             opens COUNT flows, prints "ready", waits
 *                                                        for the end of its standard input
 *
 * The client's first byte says what it wants: 't' the server counts what comes and answers with the
 * count, 'l' it returns every byte, 'h' it keeps the flow. One process, one poll loop: thousands of
 * idle flows need no thread each. */
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 128 * 1024, EVENTS = 64 };

static char block[BLOCK];

static int fail(const char *what)
{
    fprintf(stderr, "scaffold-bench-peer: %s: %s\n", what, strerror(errno));
    return 1;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A soft limit below the hard one is a habit of login shells, not a wish. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* --- server ----------------------------------------------------------------------------------- */

struct session {
    int fd;
    char mode; /* 0 until the first byte has come */
    uint64_t received;
};

static bool write_all(int fd, const void *data, size_t len)
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

/* One read of a ready flow. False when the flow is over. */
static bool session_step(struct session *s)
{
    ssize_t n = recv(s->fd, block, sizeof(block), 0);
    if (n < 0)
        return errno == EINTR;
    if (n == 0) {
        if (s->mode == 't')
            write_all(s->fd, &s->received, sizeof(s->received));
        return false;
    }
    size_t skip = s->mode == 0 ? 1 : 0;
    if (s->mode == 0)
        s->mode = block[0];
    s->received += (size_t)n - skip;
    if (s->mode == 'l' && (size_t)n > skip)
        return write_all(s->fd, block + skip, (size_t)n - skip);
    return true;
}

static int server_socket(const char *address, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    if (getaddrinfo(address, port, &hints, &list) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, 1024) < 0)
            fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

/* Port 0 leaves the choice to whoever knows what is free. */
static unsigned port_of(int listener)
{
    struct sockaddr_in6 name = {0}; /* the port stands at the same place in both families */
    socklen_t len = sizeof(name);
    getsockname(listener, (struct sockaddr *)&name, &len);
    return ntohs(name.sin6_port);
}

static void server_accept(int epoll, int listener)
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

static int server(const char *address, const char *port)
{
    int listener = server_socket(address, port), epoll = epoll_create1(EPOLL_CLOEXEC);
    if (listener < 0 || epoll < 0)
        return fail("cannot listen");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    printf("ready %u\n", port_of(listener));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct session *s = events[i].data.ptr;
            if (s == NULL) {
                server_accept(epoll, listener);
            } else if (!session_step(s)) {
                close(s->fd);
                free(s);
            }
        }
    }
}

/* --- clients ---------------------------------------------------------------------------------- */

static int client_connect(const char *host, const char *port, char mode)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int error = getaddrinfo(host, port, &hints, &list);
    if (error != 0) {
        fprintf(stderr, "scaffold-bench-peer: %s: %s\n", host, gai_strerror(error));
        return -1;
    }
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd >= 0 && (connect(fd, list->ai_addr, list->ai_addrlen) < 0 || !write_all(fd, &mode, 1))) {
        fail(host);
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* Until the server's count has come back: bytes in a buffer are not yet bytes received. */
static int throughput(int fd, double duration)
{
    double start = seconds_now(), now = start;
    uint64_t sent = 0, received = 0;
    while (now - start < duration) {
        if (!write_all(fd, block, sizeof(block)))
            return fail("send");
        sent += sizeof(block);
        now = seconds_now();
    }
    shutdown(fd, SHUT_WR);
    if (recv(fd, &received, sizeof(received), MSG_WAITALL) != sizeof(received))
        return fail("no count from the server");
    now = seconds_now();
    if (received != sent) {
        fprintf(stderr, "scaffold-bench-peer: sent %llu bytes, %llu arrived\n",
                (unsigned long long)sent, (unsigned long long)received);
        return 1;
    }
    printf("{\"bytes\": %llu, \"seconds\": %.6f}\n", (unsigned long long)received, now - start);
    return 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int print_latencies(double *us, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += us[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (us[i] - mean) * (us[i] - mean);
    qsort(us, count, sizeof(*us), compare_doubles);
    printf("{\"count\": %zu, \"mean_us\": %.3f, \"stdev_us\": %.3f, \"median_us\": %.3f, "
           "\"p99_us\": %.3f}\n",
           count, mean, sqrt(squares / (double)count), us[count / 2], us[count * 99 / 100]);
    return 0;
}

static int latency(int fd, double duration)
{
    size_t count = 0, room = 1 << 22;
    double *us = malloc(room * sizeof(*us));
    if (us == NULL)
        return fail("memory");
    double start = seconds_now(), before = start;
    while (before - start < duration && count < room) {
        char byte = 'x';
        if (!write_all(fd, &byte, 1) || recv(fd, &byte, 1, 0) != 1) {
            free(us);
            return fail("round trip");
        }
        double now = seconds_now();
        us[count++] = (now - before) * 1e6;
        before = now;
    }
    int result = print_latencies(us, count);
    free(us);
    return result;
}

static bool connect_once(const struct addrinfo *to)
{
    /* A close that is a reset leaves no TIME_WAIT behind: ports do not run out. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    char bytes[] = {'l', 'x'};
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    bool done = connect(fd, to->ai_addr, to->ai_addrlen) == 0 &&
                write_all(fd, bytes, sizeof(bytes)) && recv(fd, bytes, 1, 0) == 1;
    close(fd);
    return done;
}

/* Connections one after another, with one byte there and back on each. */
static int connections(const char *host, const char *port, double duration)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return fail(host);
    double start = seconds_now(), now = start;
    size_t count = 0;
    for (; now - start < duration; now = seconds_now(), count++)
        if (!connect_once(list))
            return fail("connect");
    freeaddrinfo(list);
    printf("{\"count\": %zu, \"seconds\": %.6f}\n", count, now - start);
    return 0;
}

static int hold(const char *host, const char *port, int count)
{
    for (int i = 0; i < count; i++)
        if (client_connect(host, port, 'h') < 0)
            return 1;
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, block, 1) > 0)
        ;
    return 0;
}

/* One measurement of that kind. */
static int client(char **words)
{
    const char *mode = words[0], *host = words[1], *port = words[2];
    double duration = atof(words[3]);
    if (strcmp(mode, "connections") == 0)
        return connections(host, port, duration);
    bool is_throughput = strcmp(mode, "throughput") == 0;
    int fd = client_connect(host, port, is_throughput ? 't' : 'l');
    if (fd < 0)
        return 1;
    int result = is_throughput ? throughput(fd, duration) : latency(fd, duration);
    close(fd);
    return result;
}

/* One measurement for every byte on the standard input: whoever measures something else in between
 * says when. */
static int turns(char **words)
{
    char byte;
    int result = 0;
    while (result == 0 && read(STDIN_FILENO, &byte, 1) > 0) {
        result = client(words);
        fflush(stdout);
    }
    return result;
}

static bool is_client(int count, char **words)
{
    return count == 4 && (strcmp(words[0], "throughput") == 0 || strcmp(words[0], "latency") == 0 ||
                          strcmp(words[0], "connections") == 0);
}

int main(int argc, char **argv)
{
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    if (argc == 4 && strcmp(argv[1], "server") == 0)
        return server(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argv[3], atoi(argv[4]));
    if (is_client(argc - 1, argv + 1))
        return client(argv + 1);
    if (argc > 2 && strcmp(argv[1], "turns") == 0 && is_client(argc - 2, argv + 2))
        return turns(argv + 2);
    fprintf(stderr, "usage: scaffold-bench-peer server ADDRESS PORT | [turns] "
                    "throughput|latency|connections HOST PORT SECONDS | hold HOST PORT COUNT\n");
    return 2;
}
