/* What a program's socket and its counterpart have to do with each other, from the first word of
 * the client to the last byte: one session per application end that scaffoldd serves. It has the
 * life cycle; how the bytes travel is its plane's (daemon/stream/plane.h).
 *
 * The daemon's table owns sessions, and sc_session_end is the one end of each. A session owns its
 * ends and what its plane keeps of it. Who refers to it meanwhile is a flow by `app`, a waiting
 * call by a tie, a listener while the session's arrival waits, and alarms: all of them forget it
 * there. Its memory lives until the end of the turn, with `over` set. */
#ifndef SC_DAEMON_STREAM_SESSION_H
#define SC_DAEMON_STREAM_SESSION_H

#include "base/tie.h"
#include "daemon/daemon.h"
#include "daemon/stream/end.h"
#include "daemon/stream/plane.h"
#include "local/ctl.h"

struct sc_session;

/* What a client asked for with PREPARE. */
struct sc_request {
    struct sc_service_id service; /* with port */
    struct sc_address target;     /* as the program named it */
    struct sc_address own;        /* its local address, already handed out */
    enum sc_family family;
    uint64_t own_serial;
    uint32_t uid;
    int32_t pid;
    bool loopback;
    size_t plug_len;
    bool abort_on_close;
    sc_time timeout; /* of the opening; 0: default */
    uint32_t user_timeout_ms;
    uint8_t congestion; /* local/tcp_congestion.h; 0: default */
};

/* Whoever waits for the opening: told once how it ended, with 0 or a positive errno, unless it
 * unties itself before. */
struct sc_waiter {
    struct sc_tie session;
    void (*opened)(struct sc_waiter *w, int error);
};

/* Those that wait have their turns, once per turn of the loop. */
void sc_sessions_run(struct sc_daemon *d);

/* Ends every session as a death of scaffoldd would: readers get an error. */
void sc_sessions_end(struct sc_daemon *d);

/* Of the session that an end belongs to: FLOW_SET, FLOW_GET. Return 0 or a positive errno. 0 is
 * got of SC_OPT_CONGESTION where the plane has none, and the program has not chosen. */
int sc_session_set(struct sc_end *e, uint32_t option, uint32_t value);
int sc_session_get(struct sc_end *e, uint32_t option, uint32_t *value, struct sc_ctl_info *info);

/* Everything status shows of a session. */
struct sc_session_status {
    uint64_t id;
    struct sc_service_id service;
    uint32_t uid;
    int32_t pid;
    const char *state; /* "opening", "queued", "open", "closing" */
    struct sc_address peer;
    uint64_t tx, rx; /* bytes from and to the program */
    bool uncounted;  /* nobody knows these, nor round trips and losses: they do not pass here */
    sc_time age;     /* ... but since when it is open */
    uint64_t rtt_us;
    uint64_t lost;
    bool relayed;
    bool same_host; /* both ends on this one */
    const char *plane;
};

/* `planes`: those that an opening asks, in this order; NULL is the last. They outlive the sessions.
 */
void sc_sessions_init(struct sc_daemon *d, const struct sc_plane_ops *const *planes);
void sc_sessions_fini(struct sc_daemon *d);

/* Every application end, in pieces between which sessions may come and go (sc_map_scan). */
void sc_sessions_scan(struct sc_daemon *d, size_t *cursor,
                      void (*each)(void *arg, const struct sc_session_status *s), void *arg);

#endif
