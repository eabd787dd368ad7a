/* What session.c, join.c and carry.c know of a session, and nobody else. */
#ifndef SC_DAEMON_STREAM_SESSION_PARTS_H
#define SC_DAEMON_STREAM_SESSION_PARTS_H

#include "daemon/shares.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/session.h"

/* Bytes moved per turn before other descriptors get theirs. */
#define SC_TURN_BYTES (1024 * 1024)

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
    struct sc_list link; /* the daemon's joins or carries */
    struct sc_map_node by_id;
    uint64_t id;
    struct sc_daemon *daemon;
    struct sc_request request; /* of the client; for arrivals only service, own and target */
    struct sc_end client;      /* join: the client's end. carry: the only end */
    struct sc_end server;      /* join: the instance's end; fd -1 otherwise */
    struct sc_direction up;    /* client to server */
    struct sc_direction down;
    struct sc_flow *flow; /* carry */
    struct sc_arrival arrival;
    struct sc_tie waiter;  /* struct sc_waiter: until the opening has ended */
    struct sc_share share; /* of the server's end */
    bool is_join;
    bool is_server;           /* carry: the end belongs to an instance */
    bool open;                /* established on the client's side */
    bool over;                /* being taken apart */
    bool fin_sent;            /* carry: towards the flow */
    struct sc_alarm alarm;    /* opening: gives up. Open: the next turn, see sc_session_again */
    struct sc_alarm orphan;   /* a program has closed: how long the flow may go on without it */
    uint64_t orphan_progress; /* when that was set */
};

/* Moves what can be moved now and ends the session when it is over. */
void sc_join_run(struct sc_session *s);
void sc_carry_run(struct sc_session *s);

/* An orphan moved nothing for too long; `delivered`: what it had written has arrived. */
void sc_join_give_up(struct sc_session *s);
void sc_carry_give_up(struct sc_session *s, bool delivered);

/* A turn's worth was moved and more may be there, for which no event will come: run once more after
 * the others had their turn. */
void sc_session_again(struct sc_session *s);

/* To be called when bytes or events were seen: once a program has closed, a flow that moves nothing
 * more is ended after a while. */
void sc_session_watch_orphan(struct sc_session *s);

/* Frees the session; its ends are closed or aborted by now. Idempotent. */
void sc_session_end(struct sc_session *s);

#endif
