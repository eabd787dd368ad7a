/* scaffoldd's end of an application's socket, whatever it is made of: a const struct of functions
 * says how. AF_UNIX sockets (daemon/stream/unix_end.h) are the first implementation.
 *
 * An end lies within the object that owns it, a session, and is closed before that goes. Who refers
 * to it meanwhile is the registry, from which its owner takes it, and the listener in whose queue
 * it is: both forget each other when it leaves the queue, or when the listener closes. */
#ifndef SC_DAEMON_STREAM_END_H
#define SC_DAEMON_STREAM_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/list.h"
#include "base/map.h"
#include "daemon/loop.h"
#include "local/socket_name.h"

enum sc_end_stage {
    SC_END_PLUGGED, /* of a connecting client: the plug keeps its socket not writable */
    SC_END_QUEUED,  /* in the queue of a listener; whether its acceptor marks it is not known yet */
    SC_END_FLOWING,
};

struct sc_end;

struct sc_end_ops {
    /* Gives this end its name: the peer's address, or the errno of a failed open. Returns 0 or a
     * negative errno. */
    int (*name)(struct sc_end *e, const struct sc_socket_name *name);

    /* The flow is open: takes the plug away, which makes the application's socket writable. */
    void (*unplug)(struct sc_end *e);

    /* Bytes from the application into `iov`. Returns the number, 0 for none now, -EPIPE for the end
     * of its writing (after the last byte), or another negative errno: a reset. */
    ssize_t (*read)(struct sc_end *e, const struct iovec *iov, size_t count);

    /* Bytes that the application has written and `read` has not given yet. */
    size_t (*unread)(const struct sc_end *e);

    /* Bytes to the application. Returns how many it took (all of them when it reads no more), 0
     * when it has no room (then `ready` follows), or a negative errno: it is gone. */
    ssize_t (*write)(struct sc_end *e, const struct iovec *iov, size_t count);

    /* One urgent byte to the application. Returns as `write`. */
    ssize_t (*write_urgent)(struct sc_end *e, uint8_t byte);

    /* True when everything before the urgent byte has been read: it is to be passed on now. */
    bool (*at_urgent)(struct sc_end *e);

    /* Takes the urgent byte that waits; false when there is none. */
    bool (*read_urgent)(struct sc_end *e, uint8_t *byte);

    /* The peer writes no more: the application reads the end of the stream. */
    void (*finish)(struct sc_end *e);

    /* The clean end: nothing is owed in either direction. Closes. */
    void (*close)(struct sc_end *e);

    /* The other end: whoever reads gets ECONNRESET. Closes. */
    void (*abort)(struct sc_end *e);
};

/* What an AF_UNIX end keeps for itself. */
struct sc_unix_end {
    size_t plug_len;
    size_t held;    /* bytes at the head of the queue that have been forwarded already */
    unsigned peeks; /* reads that left all their bytes there */
    bool bulk;      /* the last read was large */
    bool rights;    /* descriptors are in the queue */
    bool blocked;   /* the last write found no room */
    bool discard;   /* it reads no more (SHUT_RD): bytes are dropped */
};

struct sc_end {
    struct sc_watch watch; /* fd -1: not open */
    struct sc_loop *loop;
    const struct sc_end_ops *ops;
    /* Something may be possible now: bytes or the end to read, room to write, the application gone.
     * While it is PLUGGED nothing but that: the application closed, or reset. */
    void (*ready)(struct sc_end *e);
    void *owner;
    enum sc_end_stage stage;
    bool readable;       /* there may be bytes, or the end, to read */
    bool rdhup;          /* the application writes no more */
    bool hup;            /* ... and reads no more, or is gone */
    bool error;          /* it closed with unread bytes: a reset */
    bool urgent;         /* an out-of-band byte waits */
    bool finished;       /* `finish` was done here */
    bool abort_on_close; /* SO_LINGER {1, 0} */
    uint8_t congestion;  /* as the program has chosen (local/tcp_congestion.h); 0: it has not */
    uint32_t uid;
    int32_t pid;
    uint64_t rx;                        /* bytes read from the application */
    uint64_t tx;                        /* bytes written to it */
    struct sc_listener *listener;       /* QUEUED: whose queue it is in */
    struct sc_list in_queue;            /* ... as one of these */
    void (*accepted)(struct sc_end *e); /* QUEUED: told once when its acceptor has spoken */
    uint64_t own_serial;                /* of the application's name; 0 for accepted ends */
    uint64_t peer_serial;               /* of this end's name; 0 while unnamed */
    struct sc_map_node by_own, by_peer; /* tables of registry.h */
    struct sc_unix_end own;             /* its implementation's, and nobody else's */
};

static inline bool sc_end_is_open(const struct sc_end *e)
{
    return e->watch.fd >= 0;
}

/* The functions above, of an end that is open; the last two of any. */
static inline int sc_end_name(struct sc_end *e, const struct sc_socket_name *name)
{
    return e->ops->name(e, name);
}

static inline void sc_end_unplug(struct sc_end *e)
{
    e->ops->unplug(e);
}

static inline ssize_t sc_end_read(struct sc_end *e, const struct iovec *iov, size_t count)
{
    return e->ops->read(e, iov, count);
}

static inline size_t sc_end_unread(const struct sc_end *e)
{
    return e->ops->unread(e);
}

static inline ssize_t sc_end_write(struct sc_end *e, const struct iovec *iov, size_t count)
{
    return e->ops->write(e, iov, count);
}

static inline ssize_t sc_end_write_urgent(struct sc_end *e, uint8_t byte)
{
    return e->ops->write_urgent(e, byte);
}

static inline bool sc_end_at_urgent(struct sc_end *e)
{
    return e->ops->at_urgent(e);
}

static inline bool sc_end_read_urgent(struct sc_end *e, uint8_t *byte)
{
    return e->ops->read_urgent(e, byte);
}

static inline void sc_end_finish(struct sc_end *e)
{
    e->ops->finish(e);
}

static inline void sc_end_close(struct sc_end *e)
{
    if (sc_end_is_open(e))
        e->ops->close(e);
}

static inline void sc_end_abort(struct sc_end *e)
{
    if (sc_end_is_open(e))
        e->ops->abort(e);
}

#endif
