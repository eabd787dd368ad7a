/* A program's listening socket: a real AF_UNIX listener that scaffoldd connects to for each
 * arriving flow, so that accept, its queue and its sharing are the kernel's.
 *
 * Its bound socket owns it, and closes it when it goes. Arrivals that wait and ends in its queue
 * are their sessions': each knows the listener until it is closed, or until they leave, whatever is
 * first; then both forget. */
#ifndef SC_DAEMON_STREAM_LISTENER_H
#define SC_DAEMON_STREAM_LISTENER_H

#include "base/tie.h"
#include "daemon/daemon.h"
#include "daemon/stream/bound.h"
#include "daemon/stream/end.h"
#include "local/ctl.h"

struct sc_listener {
    struct sc_daemon *daemon;
    struct sc_bound *bound; /* the socket; it closes its listener when it goes */
    bool loopback;          /* of --all-local: seen by this host only */
    uint32_t backlog;
    int32_t pid; /* 0: it survived a crash, and nobody has connected yet */
    uint32_t uid;
    char program[32];
    struct sc_watch binder;       /* pidfd of the process that bound: a hint to look */
    struct sc_tie twin;           /* of the same process, for the other family: one instance */
    struct sc_instance *instance; /* in the stack; NULL for loopback ones, and for one twin */
    struct sc_list arrivals;      /* waiting for room in the queue */
    size_t arrival_count;
    struct sc_list queue; /* ends that were delivered and not yet accepted */
    size_t queued;
    size_t direct; /* connections of the local plane that may be in the queue beside them: as the
                      kernel said last, and since */
    struct sc_alarm retry;
    sc_time retry_after;
    uint64_t accepted;
};

/* A flow on its way into a listener's queue. Embedded in whoever waits. */
struct sc_arrival {
    struct sc_list link; /* in the listener's list while it waits */
    struct sc_listener *listener;
    struct sc_end *end;              /* to be initialised with the connected socket */
    void (*ready)(struct sc_end *e); /* ... with these (daemon/stream/end.h) */
    void *owner;
    struct sc_address peer; /* as the program sees the client */
    /* error 0: `end` is connected and QUEUED. Otherwise a positive errno: not delivered. */
    void (*done)(struct sc_arrival *a, int error);
};

/* Deregisters; waiting arrivals fail with ECONNREFUSED. The socket stays bound. Its memory lives
 * until the end of the turn. */
void sc_listener_close(struct sc_listener *l);

/* Makes it the instance of its service, unless it is loopback's. Returns 0 or a negative errno. */
int sc_listener_serve(struct sc_listener *l);

/* No room for one more. Linux's rule: a queue of backlog + 1 (the listener's own socket has the
 * largest backlog). Acceptors without the shim leave no mark; then the kernel knows the length. */
bool sc_listener_is_full(struct sc_listener *l);

/* Whether its flows have to go through scaffoldd, whoever connects: they may be cut from outside,
 * or are to be reset. */
bool sc_listener_needs_user_plane(const struct sc_listener *l);

/* Its queue may have got shorter without a word from whoever accepted. */
void sc_listener_update(struct sc_listener *l);

/* It waits no more, if it does; nobody is told. */
void sc_listener_cancel(struct sc_arrival *a);

#endif
