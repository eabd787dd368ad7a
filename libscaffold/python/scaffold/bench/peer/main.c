/* The traffic of `scaffold bench`, on plain sockets: the same binary runs over the kernel's TCP and
 * UDP and, under the shim, over SCAFFOLD.
 *
 *   scaffold-bench-peer server ADDRESS PORT        prints "ready" and its port, and serves streams
 *   scaffold-bench-peer echo ADDRESS PORT          the same for datagrams
 *   scaffold-bench-peer throughput CLIENT...       prints {"bytes", "seconds", "flows"}
 *   scaffold-bench-peer latency CLIENT...          prints {"count", "seconds", "mean_us", ...}
 *   scaffold-bench-peer requests CLIENT...         prints {"count", "seconds"}
 *   scaffold-bench-peer opens CLIENT...            prints {"count", "seconds"}; ended by resets
 *   scaffold-bench-peer opens-closed CLIENT...     the same, closed by the server
 *   scaffold-bench-peer datagrams CLIENT...        prints {"count", "lost", "seconds"}
 *   scaffold-bench-peer hold HOST PORT COUNT       opens COUNT flows, prints "ready", waits for the
 *                                                  end of its standard input
 *
 * CLIENT is HOST PORT SECONDS [COUNT [SIZE]]: of how many flows, or datagrams in flight, and of how
 * many bytes a message is. Where SECONDS is `turns` the client measures whenever it is told to: it
 * prints "ready" once its flows are open, reads a line with seconds, prints its answer, and begins
 * anew. Whoever measures several of them in turn has nothing but the traffic between the lines. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "peer.h"

static const struct peer_traffic *const kinds[] = {
    &peer_bulk, &peer_latency, &peer_requests, &peer_opens, &peer_opens_closed, &peer_datagrams};

/* A soft limit below the hard one is a habit of login shells, not a wish. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

static int once(const struct peer_traffic *kind, const struct peer_order *order, double seconds)
{
    void *traffic = kind->open(order);
    if (traffic == NULL)
        return 1;
    bool good = kind->run(traffic, seconds);
    kind->close(traffic);
    return good ? 0 : 1;
}

static int in_turns(const struct peer_traffic *kind, const struct peer_order *order)
{
    for (;;) {
        char line[32];
        void *traffic = kind->open(order);
        if (traffic == NULL)
            return 1;
        say_ready();
        if (fgets(line, sizeof(line), stdin) == NULL)
            return 0;
        if (!kind->run(traffic, atof(line)))
            return 1;
        fflush(stdout);
        kind->close(traffic);
    }
}

static int client(const struct peer_traffic *kind, int count, char **words)
{
    const char *seconds = words[2];
    struct peer_order order = {
        .host = words[0],
        .port = words[1],
        .count = count > 3 ? atoi(words[3]) : 1,
        .size = count > 4 ? (size_t)atoi(words[4]) : 1,
    };
    if (order.count < 1 || order.size < 1 || order.size > PEER_BLOCK) {
        fprintf(stderr, "scaffold-bench-peer: COUNT from 1, SIZE from 1 to %d\n", PEER_BLOCK);
        return 2;
    }
    if (strcmp(seconds, "turns") == 0)
        return in_turns(kind, &order);
    return once(kind, &order, atof(seconds));
}

static int hold(const char *host, const char *port, const char *count)
{
    struct peer_order order = {.host = host, .port = port, .count = atoi(count)};
    if (peer_connect_all(&order, PEER_HOLD) == NULL)
        return 1;
    say_ready();
    while (read(STDIN_FILENO, peer_block, 1) > 0)
        ;
    return 0;
}

static const struct peer_traffic *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

int main(int argc, char **argv)
{
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    const struct peer_traffic *kind = argc >= 5 && argc <= 7 ? kind_of(argv[1]) : NULL;
    if (kind != NULL)
        return client(kind, argc - 2, argv + 2);
    if (argc == 4 && strcmp(argv[1], "server") == 0)
        return peer_serve(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "echo") == 0)
        return peer_serve_datagrams(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argv[3], argv[4]);
    fprintf(stderr,
            "usage: scaffold-bench-peer server|echo ADDRESS PORT | throughput|latency|"
            "requests|opens|opens-closed|datagrams HOST PORT SECONDS|turns [COUNT [SIZE]] | "
            "hold HOST PORT COUNT\n");
    return 2;
}
