/* What the files of the traffic program share. */
#ifndef SCAFFOLD_BENCH_PEER_H
#define SCAFFOLD_BENCH_PEER_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

enum { PEER_BLOCK = 128 * 1024, PEER_EVENTS = 64 };

/* What a client's first byte on a stream asks the server for. */
enum {
    PEER_COUNT = 't', /* count what comes, and answer with the count at its end */
    PEER_ECHO = 'l',  /* return every byte */
    PEER_ONCE = 'o',  /* return what comes first, and close */
    PEER_HOLD = 'h'   /* keep the flow */
};

/* What a client was asked for. */
struct peer_order {
    const char *host;
    const char *port;
    int count;   /* flows, or datagrams in flight */
    size_t size; /* of a message, in bytes; at most PEER_BLOCK */
};

/* One kind of traffic. `open` returns what the others are given, or NULL; `run` prints one line of
 * JSON, or returns false. Whoever fails has said why on stderr. */
struct peer_traffic {
    const char *name;
    void *(*open)(const struct peer_order *order);
    bool (*run)(void *traffic, double seconds);
    void (*close)(void *traffic);
};

extern const struct peer_traffic peer_bulk;
extern const struct peer_traffic peer_latency;
extern const struct peer_traffic peer_requests;
extern const struct peer_traffic peer_opens;
extern const struct peer_traffic peer_opens_closed;
extern const struct peer_traffic peer_datagrams;

/* Bytes that nobody looks at, PEER_BLOCK of them: to send from, and to receive into. */
extern char peer_block[];

/* Says on stderr what failed, with errno's text. Returns 1, an exit code. */
int peer_fail(const char *what);

/* Monotonic. */
double peer_seconds(void);

/* All of it, on a descriptor that blocks. */
bool peer_write(int fd, const void *data, size_t len);

/* Of `type`, passive for a server. The caller frees the list; NULL with a line on stderr. */
struct addrinfo *peer_resolve(const char *host, const char *port, int type, bool is_server);

/* A flow that sends without delay and has told the server what for. The caller closes it; negative
 * with a line on stderr. */
int peer_connect(const struct peer_order *order, char what_for);

/* `count` of those, in memory that the caller frees with peer_disconnect; NULL when one failed. */
int *peer_connect_all(const struct peer_order *order, char what_for);
void peer_disconnect(int *fds, int count);

/* An epoll instance that reports the index of each descriptor's place in `fds`. The caller closes
 * it; negative with a line on stderr. */
int peer_watch(const int *fds, int count, unsigned events);

/* Serves streams at an address until it is killed; returns only when it cannot. */
int peer_serve(const char *address, const char *port);

/* Returns every datagram to its sender; likewise. */
int peer_serve_datagrams(const char *address, const char *port);

#endif
