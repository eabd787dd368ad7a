#include "client/call/flow_error.h"

#include <errno.h>
#include <poll.h>

#include "client/process/control.h"
#include "client/process/identity.h"

static int ask(int fd, int error)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_ERROR);
    struct sc_ctl_reply r;
    sc_flow_name(fd, &q.flow.flow);
    if (sc_control_call(&q, &r, true) == 0 && r.value != 0)
        return (int)r.value;
    return error;
}

int sc_flow_error(int fd, int error)
{
    struct sc_identity id;
    int kept = errno;
    if (error == ECONNRESET) {
        sc_identify(fd, &id);
        if (id.state == SC_STATE_FAILED)
            sc_control_explain(error = id.peer.address.port, "");
        else if (id.state == SC_STATE_OPEN)
            error = ask(fd, error);
    }
    errno = kept;
    return error;
}

int sc_flow_untold(int fd)
{
    struct sc_identity id;
    int kept = errno;
    int error = sc_identify(fd, &id) == SC_STATE_OPEN ? ask(fd, 0) : 0;
    errno = kept;
    return error;
}

static bool is_known(int fd)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_GET);
    struct sc_ctl_reply r;
    sc_flow_name(fd, &q.flow.flow);
    q.flow.option = SC_OPT_OUTQ;
    return sc_control_call(&q, &r, true) == 0;
}

bool sc_flow_is_over(int fd)
{
    int kept = errno;
    /* Hung up is also who has shut down both directions itself: then the flow may live on. */
    bool over = sc_is_hung_up(fd) && !is_known(fd);
    errno = kept;
    return over;
}
