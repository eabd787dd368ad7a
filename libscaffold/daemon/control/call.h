/* One control call: a connection, a request, and a reply, with which scaffoldd hangs up.
 *
 * The server owns its calls, in one of its lists; sc_ctl_hang_up is the one end of each. What
 * refers to a call meanwhile is cut there: a session that it waits for by `waiter`, a look-up by
 * its ticket, and alarms. So whoever answers never meets one that is gone. */
#ifndef SC_DAEMON_CONTROL_CALL_H
#define SC_DAEMON_CONTROL_CALL_H

#include <sys/socket.h>

#include "daemon/daemon.h"
#include "daemon/shares.h"
#include "daemon/stream/session.h"
#include "local/ctl.h"

struct sc_ctl_server;
struct sc_mapping;

enum sc_ctl_stage {
    SC_CTL_ASKED_NOTHING, /* watched */
    SC_CTL_OWES_REPLY,    /* watched, unless held: its caller may go */
    SC_CTL_LEAVES,        /* all is said; the caller has to take the descriptor that came along */
    SC_CTL_OUTSTAYS       /* ... and has not: watched for his end */
};

struct sc_ctl_call {
    struct sc_watch watch; /* whose descriptor is that of the connection, watched or not */
    bool watched;
    enum sc_ctl_stage stage;
    struct sc_ctl_server *server;
    struct sc_list link; /* the server's list of its stage */
    struct sc_share share;
    struct sc_share name; /* of the name that is looked up, when it is new here */
    struct ucred peer;
    struct sc_ctl_request request;
    struct sc_request open;   /* what PREPARE or a datagram's BIND found out */
    int kept;                 /* PREPARE: the program's end, while its connect waits; -1: none */
    int offered;              /* BIND: goes along with the reply that is waited for; -1: none */
    bool gave;                /* a descriptor went along with a reply */
    bool shut;                /* before: nothing can come from the caller any more */
    bool taken;               /* ... and the caller has it */
    bool emptied;             /* OUTSTAYS: nothing of the caller's waits to be read */
    sc_time left;             /* LEAVES: since then */
    struct sc_map_node waits; /* linked while a look-up is waited for */
    uint64_t ticket;          /* of that look-up */
    void (*mapped)(struct sc_ctl_call *c, const struct sc_mapping *m); /* its answer */
    struct sc_alarm registration;         /* LISTEN, BIND: set while the router is waited for */
    struct sc_alarm address;              /* PREPARE: set while this host has none, see wait.h */
    struct sc_alarm hold;                 /* PREPARE: set while its outcome is expected soon */
    void (*go_on)(struct sc_ctl_call *c); /* after either */
    struct sc_waiter waiter;              /* of a flow: tied while the opening is waited for */
};

/* The program's end is the program's alone from now on, or nobody's. */
void sc_ctl_drop_kept(struct sc_ctl_call *c);

/* One that has just been connected. */
void sc_ctl_begin(struct sc_ctl_call *c);

/* Its request is not there yet. */
void sc_ctl_await_request(struct sc_ctl_call *c);

/* Takes its request, as recv. -1 with EPERM: descriptors came with it, which no program of ours
 * passes; it stays where it is. */
ssize_t sc_ctl_receive(struct sc_ctl_call *c);

/* To be asked before the caller is given a descriptor. Where descriptors are not kept out, nothing
 * comes from him from now on; false: something more has come already, and he is given none. */
bool sc_ctl_shut_out(struct sc_ctl_call *c);

/* Closes the connection, whatever waits in its queue. */
void sc_ctl_let_go(struct sc_ctl_call *c);

/* True while a descriptor waits in the caller's queue: before there is more in it, whoever sends
 * more has to ask. */
bool sc_ctl_is_untaken(struct sc_ctl_call *c);

/* After whatever may have answered it: it waits on while a reply is owed. Otherwise that was the
 * last word; the connection is closed, now or when the caller has taken what was given to him. */
void sc_ctl_go_on(struct sc_ctl_call *c);

/* The caller hung up, or goes on talking, as no library of ours does: ends the call, at once or,
 * where he has yet to take what was given to him, when he closes his end. */
void sc_ctl_end(struct sc_ctl_call *c, uint32_t events);

/* Hangs up on those of a stage, LEAVES or OUTSTAYS, that have taken all; looks at so many at most.
 */
void sc_ctl_see_off(struct sc_ctl_server *s, enum sc_ctl_stage stage, size_t looks);

/* The server's alarm for those that leave. */
void sc_ctl_on_parting(struct sc_alarm *a);

/* Ends the call at once. Its memory lives until the end of the turn. */
void sc_ctl_hang_up(struct sc_ctl_call *c);

#endif
