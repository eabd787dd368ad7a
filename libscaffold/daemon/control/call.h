/* One control call under way.
 *
 * The server owns its calls, in one of its two lists; sc_ctl_hang_up is the one end of each. What
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

/* A connection lives for one call (two for PREPARE and HANDOVER of who does not wait). */
struct sc_ctl_call {
    struct sc_watch watch;
    struct sc_ctl_server *server;
    struct sc_list link; /* the server's idle or busy ones */
    struct sc_share share;
    struct sc_share name; /* of the name that is looked up, when it is new here */
    struct ucred peer;
    struct sc_ctl_request request; /* the call under way */
    struct sc_request open;        /* what PREPARE or a datagram's BIND found out */
    bool port_taken;
    int prepared;             /* PREPARE: scaffoldd's end of the pair, until HANDOVER; -1: none */
    int lent;                 /* the program's end of it, while its connect waits; -1: none */
    int offered;              /* BIND: goes along with the reply that is waited for; -1: none */
    int passed;               /* a descriptor that came with the request; -1: none */
    bool passed_too_many;     /* ... and no room for it here */
    bool gave;                /* a descriptor went along with a reply */
    bool over;                /* ... and was not taken when the call was: see call.c */
    bool emptied;             /* ... and nothing of the caller's waits to be read */
    struct sc_map_node waits; /* linked while a look-up is waited for */
    uint64_t ticket;          /* of that look-up */
    void (*mapped)(struct sc_ctl_call *c, const struct sc_mapping *m); /* its answer */
    struct sc_alarm registration; /* LISTEN, BIND: set while the router is waited for */
    struct sc_alarm address;      /* PREPARE: set while this host has none, see wait.h */
    struct sc_waiter waiter;      /* of a flow: tied while the opening is waited for */
};

/* The descriptor that came with the request is the caller's from now on; -1: there was none. */
int sc_ctl_take_passed(struct sc_ctl_call *c);
void sc_ctl_drop_passed(struct sc_ctl_call *c);

/* The same of one that nobody has a use for: it is counted, too. */
void sc_ctl_refuse_passed(struct sc_ctl_call *c);

/* The program's end is the program's alone from now on. */
void sc_ctl_drop_lent(struct sc_ctl_call *c);

/* What PREPARE holds is given up. */
void sc_ctl_drop_prepared(struct sc_ctl_call *c);

/* A reply is owed. Whoever goes on talking meanwhile is no library of ours. */
bool sc_ctl_is_busy(const struct sc_ctl_call *c);

/* True while a descriptor waits in the caller's queue. */
bool sc_ctl_is_untaken(struct sc_ctl_call *c);

/* The server's lists follow what the last event has made of it. */
void sc_ctl_file(struct sc_ctl_call *c);

/* The caller hung up, or talks nonsense: ends the call, at once or when the caller has taken or
 * closed what was given to it. */
void sc_ctl_end(struct sc_ctl_call *c, uint32_t events);

/* Ends the call at once. Its memory lives until the end of the turn. */
void sc_ctl_hang_up(struct sc_ctl_call *c);

#endif
