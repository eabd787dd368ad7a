#include "daemon/trust/denial.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/daemon.h"
#include "daemon/show.h"
#include "daemon/trust/wall.h"

/* Ours, if by it none of our grants is good; else it was the router's. */
static void blame_clock(const struct sc_daemon *d, const struct sc_service_id *id,
                        enum sc_denial why, char *out, size_t size)
{
    const char *what = why == SC_DENIAL_EARLY ? "is not good yet" : "is over";
    char clock[96];
    sc_wall_blame(clock, sizeof clock);
    if (sc_stack_may_serve(d->stack, id, d->loop.now))
        snprintf(out, size, "its grant %s by the service router's clock; set one of the two", what);
    else if (why == SC_DENIAL_EARLY)
        snprintf(out, size, "its grant %s %s", what, clock);
    else
        snprintf(out, size, "its grant %s %s; `scaffold key grant` makes another", what, clock);
}

void sc_denial_explain(const struct sc_daemon *d, const struct sc_service_id *id,
                       enum sc_denial why, char *line, size_t size)
{
    char name[SC_SHOWN], clock[160];
    sc_show_service(d, id, name, sizeof name);
    switch (why) {
    case SC_DENIAL_EARLY:
    case SC_DENIAL_OVER:
        blame_clock(d, id, why, clock, sizeof clock);
        snprintf(line, size, "%.80s: %s", name, clock);
        break;
    case SC_DENIAL_NOT_LISTED:
        snprintf(line, size, "%.80s: [grants] of the service router does not list it for host %s",
                 name, d->config.host_name);
        break;
    case SC_DENIAL_OTHER_HOST:
        snprintf(line, size, "%.80s: it is another host's own name; serve it there", name);
        break;
    case SC_DENIAL_NO_ROOM:
        snprintf(line, size, "%.80s: the service router has as many instances as it can", name);
        break;
    default:
        snprintf(line, size,
                 "%.80s: not granted to this host; whoever has its provider's key runs `scaffold "
                 "key grant` for the key that `scaffold key show` prints here",
                 name);
    }
}

const char *sc_denial_of_host(enum sc_denial why)
{
    switch (why) {
    case SC_DENIAL_EARLY:
        return "its grant is not good yet by this router's clock";
    case SC_DENIAL_OVER:
        return "its grant is over by this router's clock";
    case SC_DENIAL_NOT_LISTED:
        return "[grants] does not list it";
    case SC_DENIAL_OTHER_HOST:
        return "it is another host's own name";
    default:
        return "it has shown no grant of the name's provider";
    }
}

int sc_denial_error(enum sc_denial why)
{
    return why == SC_DENIAL_NONE ? 0 : why == SC_DENIAL_NO_ROOM ? ENOBUFS : EACCES;
}
