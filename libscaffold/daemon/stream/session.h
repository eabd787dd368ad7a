/* What a program's socket and its counterpart have to do with each other, from the first word of
 * the client to the last byte: one session per application end that scaffoldd serves.
 *
 *   join    two ends on this host, bytes handed over directly (D3)
 *   carry   an end here and a flow of the stack
 *
 * A client's session starts as neither: it looks for an instance, local first, then through the
 * network. */
#ifndef SC_DAEMON_STREAM_SESSION_H
#define SC_DAEMON_STREAM_SESSION_H

#include "base/tie.h"
#include "daemon/daemon.h"
#include "daemon/stream/end.h"
#include "local/ctl.h"

struct sc_session;

/* What a client asked for with PREPARE and HANDOVER. */
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
};

/* Who waits for the opening: told once how it ended, with 0 or a positive errno, unless it unties
 * itself before. */
struct sc_waiter {
    struct sc_tie session;
    void (*opened)(struct sc_waiter *w, int error);
};

/* Opens a flow for a program's socket, of which `fd` is scaffoldd's end (daemon/pair.h), plugged;
 * it is taken over whatever is returned. The request's local port is taken over with 0; then `w`,
 * which may be NULL, is told, perhaps before this returns. Otherwise a positive errno: no session.
 */
int sc_session_open(struct sc_daemon *d, const struct sc_request *r, int fd, struct sc_waiter *w);

/* The stack reported a flow that was confirmed by its client. */
void sc_session_arrive(struct sc_daemon *d, struct sc_flow *f, struct sc_listener *l);

/* The stack reported events for a flow of ours (flow->app is the session). */
void sc_session_on_flow(struct sc_session *s, unsigned bits);

/* Ends every session as a death of scaffoldd would: readers get an error. */
void sc_sessions_end(struct sc_daemon *d);

/* Of the session that an end belongs to: FLOW_SET, FLOW_GET. Return 0 or a positive errno. */
int sc_session_set(struct sc_end *e, uint32_t option, uint32_t value);
int sc_session_get(struct sc_end *e, uint32_t option, uint32_t *value, struct sc_ctl_info *info);

/* Everything status shows of a session. */
struct sc_session_status {
    uint64_t id;
    struct sc_service_id service;
    int32_t pid;
    const char *state; /* "opening", "queued", "open", "closing" */
    struct sc_address peer;
    uint64_t tx, rx; /* bytes from and to the program */
    uint64_t rtt_us;
    uint64_t lost;
    bool relayed;
    bool joined; /* both ends on this host */
};

void sc_sessions_init(struct sc_daemon *d);
void sc_sessions_fini(struct sc_daemon *d);

/* Every application end, in pieces between which sessions may come and go (sc_map_scan). */
void sc_sessions_scan(struct sc_daemon *d, size_t *cursor,
                      void (*each)(void *arg, const struct sc_session_status *s), void *arg);

#endif
