/* scaffoldd's end of an application's socket: an AF_UNIX stream whose other end is, for the
 * application, a TCP-like socket (D1, D3).
 *
 * The last byte that the application wrote always stays unread here, although it has been
 * forwarded: then every way in which this end can go away without sc_end_close, the death of
 * scaffoldd included, is ECONNRESET for every reader, never an end of file. Small messages are only
 * peeked at, one system call each, and taken away a few at a time. */
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
#include "local/names.h"

enum sc_end_stage {
    SC_END_PLUGGED, /* of a connecting client: the plug keeps its socket not writable */
    SC_END_QUEUED,  /* in the queue of a listener; whether its acceptor marks it is not known yet */
    SC_END_FLOWING,
};

struct sc_end;

/* What the owner of an end (a join or a carry) is told. */
struct sc_end_ops {
    /* Something may be possible now: bytes or the end to read, room to write, the application gone.
     * Not called before the stage is FLOWING, except for `gone`. */
    void (*ready)(struct sc_end *e);
    /* The application closed, or reset, while the flow was not open yet. */
    void (*gone)(struct sc_end *e);
};

struct sc_end {
    struct sc_watch watch;
    struct sc_loop *loop;
    const struct sc_end_ops *ops;
    void *owner;
    enum sc_end_stage stage;
    size_t plug_len;
    bool mark_head;      /* the byte at the head of the queue is the acceptor's mark */
    size_t held;         /* bytes at the head of the queue that have been forwarded already */
    unsigned peeks;      /* reads that left all their bytes there */
    bool bulk;           /* the last read was large */
    bool readable;       /* there may be bytes, or the end, to read */
    bool rdhup;          /* the application writes no more */
    bool hup;            /* ... and reads no more, or is gone */
    bool error;          /* it closed with unread bytes: a reset */
    bool urgent;         /* EPOLLPRI: an out-of-band byte waits */
    bool rights;         /* the last read met descriptors */
    bool blocked;        /* the last write found no room */
    bool discard;        /* it reads no more (SHUT_RD): bytes are dropped */
    bool finished;       /* SHUT_WR was done here */
    bool abort_on_close; /* SO_LINGER {1, 0} */
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
};

/* Takes over `fd` (made non-blocking). Returns 0 or a negative errno, then fd is still the
 * caller's. */
int sc_end_init(struct sc_end *e, struct sc_loop *loop, int fd, enum sc_end_stage stage,
                const struct sc_end_ops *ops, void *owner);

/* Gives this end its name: the peer's address, or the errno of a failed open. Returns 0 or a
 * negative errno. */
int sc_end_name(struct sc_end *e, const struct sc_name *name);

/* The flow is open: takes the plug away, which makes the application's socket writable. */
void sc_end_unplug(struct sc_end *e);

/* Bytes from the application into `iov`. Returns the number, 0 for none now, -EPIPE for the end of
 * its writing (after the last byte), or another negative errno: a reset. */
ssize_t sc_end_read(struct sc_end *e, const struct iovec *iov, size_t count);

/* Bytes that the application has written and sc_end_read has not given yet. */
size_t sc_end_unread(const struct sc_end *e);

/* Bytes to the application. Returns how many it took (all of them when it reads no more), 0 when it
 * has no room (then `ready` follows), or a negative errno: it is gone. */
ssize_t sc_end_write(struct sc_end *e, const struct iovec *iov, size_t count);

/* One urgent byte to the application. Returns as sc_end_write. */
ssize_t sc_end_write_urgent(struct sc_end *e, uint8_t byte);

/* True when everything before the urgent byte has been read: it is to be passed on now. */
bool sc_end_at_urgent(struct sc_end *e);

/* Takes the urgent byte that waits; false when there is none. */
bool sc_end_read_urgent(struct sc_end *e, uint8_t *byte);

/* The peer writes no more: the application reads the end of the stream. */
void sc_end_finish(struct sc_end *e);

/* The clean end: nothing is owed in either direction. Closes. */
void sc_end_close(struct sc_end *e);

/* The other end: whoever reads gets ECONNRESET. Closes. */
void sc_end_abort(struct sc_end *e);

#endif
