/* What the parts of a session know of it, its planes among them, and nobody else but those who show
 * it. */
#ifndef SC_DAEMON_STREAM_SESSION_PARTS_H
#define SC_DAEMON_STREAM_SESSION_PARTS_H

#include "daemon/shares.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/session.h"

/* One direction of a join: what was read from the source and did not fit into the sink yet. */
struct sc_direction {
    uint8_t *rest;
    size_t rest_at;
    size_t rest_len;
    bool done;   /* end of stream passed on */
    bool urgent; /* behind the rest: an out-of-band byte that found no room */
    uint8_t urgent_byte;
};

struct sc_session {
    struct sc_list link; /* all of the daemon's */
    struct sc_map_node by_id;
    uint64_t id;
    struct sc_daemon *daemon;
    const struct sc_plane_ops *plane; /* NULL: not found yet */
    struct sc_request request;        /* of the client; for arrivals only service, own and target */
    struct sc_end client;             /* join: the client's end. carry: the only end */
    struct sc_end server;             /* join: the instance's end; fd -1 otherwise */
    struct sc_direction up;           /* client to server */
    struct sc_direction down;
    struct sc_flow *flow; /* carry */
    struct sc_arrival arrival;
    struct sc_tie waiter;     /* struct sc_waiter: until the opening has ended */
    struct sc_share share;    /* of the server's end */
    bool is_server;           /* carry: the end belongs to an instance */
    bool open;                /* established on the client's side */
    bool over;                /* being taken apart */
    bool fin_sent;            /* carry: towards the flow */
    struct sc_list turn;      /* while it waits for its own */
    bool takes_much;          /* it did so in its last one */
    struct sc_alarm alarm;    /* opening: gives up */
    struct sc_alarm orphan;   /* a program has closed: how long the flow may go on without it */
    uint64_t orphan_progress; /* when that was set */
};

/* A new one, in the table, with neither ends nor a plane. NULL: no memory. */
struct sc_session *sc_session_new(struct sc_daemon *d);

/* Has the plane move what can be moved now, and ends the session when it is over or failed. */
void sc_session_run(struct sc_session *s);

/* The opening has ended, with 0 or a positive errno: whoever waits for it is told, once. */
void sc_session_tell_waiter(struct sc_session *s, int error);

/* Frees the session; its ends are closed or aborted by now. Idempotent. */
void sc_session_end(struct sc_session *s);

static inline struct sc_plane_status sc_session_on_plane(const struct sc_session *s)
{
    struct sc_plane_status p = {0};
    if (s->plane)
        s->plane->describe(s, &p);
    return p;
}

#endif
