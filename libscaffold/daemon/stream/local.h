/* The local plane: a client's socket that is connected to the server's own, made and named here,
 * and given away. What two programs of this host say to each other then passes nobody, and goes on
 * when scaffoldd ends.
 *
 * What is left of such a flow here is a line in a table, for status, with the client's local port,
 * until the socket's name is free again: nothing tells of it, so some are looked at whenever others
 * are opened, and by the sweep. A line may be forgotten while its flow lives on; nothing is lost by
 * that but the sight of it. */
#ifndef SC_DAEMON_STREAM_LOCAL_H
#define SC_DAEMON_STREAM_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"

struct sc_daemon;
struct sc_request;
struct sc_session_status;

struct sc_local_table {
    struct sc_list all;    /* those looked at longest ago first */
    struct sc_map by_port; /* of the client */
    int probe;             /* a socket without a name, to try one with; -1: none yet */
};

void sc_local_init(struct sc_daemon *d);
void sc_local_fini(struct sc_daemon *d);

/* Opens a flow for the request, whose options allow it; then its local port is taken over. Returns
 * the client's end, which is the caller's to give away, or -1: it has to go by another plane, and
 * nobody has heard of it. */
int sc_local_open(struct sc_daemon *d, const struct sc_request *r);

/* Looks at some, and forgets those that are over. */
void sc_local_sweep(struct sc_daemon *d);

/* Looks at the one with this local port, if there is one: somebody else wants it. */
void sc_local_look(struct sc_daemon *d, uint16_t port);

/* A user has his share of flows: those of his that were not looked at lately are looked at, and the
 * first of them forgotten when none is over. False: there was none. */
bool sc_local_yield(struct sc_daemon *d, uint32_t uid);

/* Both ends of every flow, in pieces as sc_sessions_scan; what is over is forgotten meanwhile. */
void sc_local_scan(struct sc_daemon *d, size_t *cursor,
                   void (*each)(void *arg, const struct sc_session_status *s), void *arg);

#endif
