/* The control socket: what programs and tools ask scaffoldd (local/ctl.h). It accepts connections,
 * each of which becomes a call. */
#ifndef SC_DAEMON_CONTROL_SERVER_H
#define SC_DAEMON_CONTROL_SERVER_H

#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/control/call.h"
#include "daemon/daemon.h"

struct sc_ctl_server {
    struct sc_daemon *daemon;
    struct sc_watch abstract;
    struct sc_watch path;
    char file[sizeof(struct sockaddr_un) - sizeof(sa_family_t)];
    struct sc_list calls[SC_CTL_OUTSTAYS + 1]; /* by stage, oldest first */
    struct sc_alarm parting; /* of those that leave; set while there may be some */
    sc_time patience;        /* they have so long to take what they were given... */
    sc_time hold;            /* ... and whoever waits for a flow to have it told in one reply */
    struct sc_map waiting;   /* for a look-up, by ticket */
    uint64_t tickets;        /* last one given */
    unsigned callers;        /* that were taken from a control socket in the last turn with some */
    uint64_t accepted_at;    /* that turn: the loop's wakeups */
    int spare;               /* a descriptor to turn callers away with when there are no others */
};

/* Listens on the abstract name and on <runtime_dir>/ctl. Returns 0, or -1 with a line in `why`
 * (another scaffoldd runs there, the directory cannot be made ...). */
int sc_ctl_open(struct sc_daemon *d, char *why, size_t size);

/* Hangs up on everybody. */
void sc_ctl_close(struct sc_daemon *d);

#endif
