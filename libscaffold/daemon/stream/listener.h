/* A program's listening socket: a real AF_UNIX listener that scaffoldd connects to for each
 * arriving flow, so that accept, its queue and its sharing are the kernel's (D2). */
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
    struct sc_alarm retry;
    sc_time retry_after;
    uint64_t accepted;
};

/* A flow on its way into a listener's queue. Embedded in whoever waits. */
struct sc_arrival {
    struct sc_list link; /* in the listener's list while it waits */
    struct sc_listener *listener;
    struct sc_end *end; /* to be initialised with the connected socket */
    const struct sc_end_ops *ops;
    void *owner;
    struct sc_address peer; /* as the program sees the client */
    /* error 0: `end` is connected and QUEUED. Otherwise a positive errno: not delivered. */
    void (*done)(struct sc_arrival *a, int error);
};

/* Makes the bound socket an instance; again: a new backlog. Returns 0 or a positive errno with a
 * line in `why`. */
int sc_listener_open(struct sc_bound *b, uint32_t backlog, pid_t pid, uid_t uid,
                     char why[SC_CTL_TEXT]);

/* Deregisters; waiting arrivals fail with ECONNREFUSED. The socket stays bound. */
void sc_listener_close(struct sc_listener *l);

/* Its queue may have got shorter without a word of who accepted. */
void sc_listener_update(struct sc_listener *l);

/* The next listener of this service on this host, in turn, or NULL. Of a loopback port only those
 * that are reached at `target`; NULL: any. */
struct sc_listener *sc_listeners_choose(struct sc_daemon *d, const struct sc_service_id *service,
                                        const struct sc_address *target);

/* Puts a flow into the queue, at once or when there is room; a->done follows, perhaps before this
 * returns. */
void sc_listener_deliver(struct sc_listener *l, struct sc_arrival *a);
void sc_arrival_cancel(struct sc_arrival *a);

/* The end left the queue: its acceptor has spoken, or it is gone. */
void sc_listener_on_accepted(struct sc_end *e);

/* The service that an address shown to a program stands for, if that is what it means by it; NULL:
 * the socket was there before us and says nothing. Returns 0, ENOENT (not known here: ask the
 * router), ENETUNREACH (it stands for another one now) or EINVAL. */
int sc_listener_service(struct sc_daemon *d, const struct sc_address *a, const uint8_t *meaning,
                        struct sc_service_id *out);

/* Service of loopback port `port` under --all-local: it exists on this host only. */
struct sc_service_id sc_loopback_service(const struct sc_daemon *d, uint16_t port);

#endif
