#include "client/process/flow.h"

#include <errno.h>
#include <poll.h>

#include "client/process/calm.h"
#include "client/process/control.h"
#include "client/process/explain.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/real.h"

void sc_flow_set(int fd, enum sc_ctl_option option, uint32_t value)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_SET);
    struct sc_ctl_reply r;
    int kept = errno;
    if (sc_is_local_flow(fd))
        return;
    sc_flow_name(fd, &q.flow.flow);
    q.flow.option = option;
    q.flow.value = value;
    sc_control_call(&q, &r, true);
    errno = kept;
}

bool sc_flow_get(int fd, enum sc_ctl_option option, struct sc_ctl_reply *r)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_GET);
    int kept = errno;
    if (option != SC_OPT_CONGESTION && sc_is_local_flow(fd))
        return false; /* scaffoldd knows nothing of it but the default */
    sc_flow_name(fd, &q.flow.flow);
    q.flow.option = option;
    bool known = sc_control_call(&q, r, true) == 0;
    errno = kept;
    return known;
}

/* --- how it ended ----------------------------------------------------------------------------- */

static int ask(int fd, int error)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_ERROR);
    struct sc_ctl_reply r;
    sc_flow_name(fd, &q.flow.flow);
    if (sc_control_call(&q, &r, true) == 0 && r.value != 0)
        return (int)r.value;
    return error;
}

/* That it was told without scaffoldd is kept by the kernel, for every number and process that has
 * the socket: the lock of a filter does nothing else to one that is over. */
static bool note_told(int fd)
{
    int on = 1;
    return sc_real.setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) == 0;
}

static bool was_told(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    return sc_real.getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, &len) == 0 && on;
}

int sc_flow_error(int fd, int error)
{
    struct sc_identity id;
    int kept = errno;
    if (error == ECONNRESET) {
        sc_identify(fd, &id);
        if (id.state == SC_STATE_FAILED)
            sc_explain(error = id.peer.address.port, "");
        else if (sc_identity_is_local(&id))
            sc_mark_set(fd, SC_MARK_ENDED);
        else if (id.state == SC_STATE_OPEN && !(sc_is_calm(&id.own) && note_told(fd)))
            error = ask(fd, error);
    }
    errno = kept;
    return error;
}

int sc_flow_untold(int fd)
{
    struct sc_identity id;
    int kept = errno;
    bool carried = sc_identify(fd, &id) == SC_STATE_OPEN && !id.local;
    int error = carried && !was_told(fd) ? ask(fd, 0) : 0;
    errno = kept;
    return error;
}

/* Of one of the local plane that is hung up, as it is already when its peer has closed: whether it
 * was reset, or had been shut down here before. */
static bool is_local_over(int fd)
{
    bool reset = sc_mark_is_set(fd, SC_MARK_ENDED) || sc_kernel_poll_now(fd, 0) & POLLERR;
    return reset || (sc_marks(fd) & (SC_MARK_SHUT_RD | SC_MARK_SHUT_WR)) == SC_MARK_SHUT_WR;
}

bool sc_flow_is_over(int fd)
{
    struct sc_ctl_reply r;
    if (!sc_is_hung_up(fd))
        return false;
    if (sc_is_local_flow(fd))
        return is_local_over(fd);
    /* Hung up is also who has shut down both directions itself: then the flow may live on. */
    return !sc_flow_get(fd, SC_OPT_OUTQ, &r);
}
