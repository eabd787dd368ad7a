#include <errno.h>

#include "client/call/calls.h"
#include "client/datagram/datagram.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/owner.h"
#include "client/process/real.h"

int sc_shutdown(int fd, int how)
{
    struct sc_identity id;
    if (sc_is_datagram(fd))
        return sc_datagram_shutdown(fd, how);
    bool valid = how == SHUT_RD || how == SHUT_WR || how == SHUT_RDWR;
    if (valid && sc_any_service_socket() && sc_identify(fd, &id) != SC_STATE_PLAIN &&
        (id.state == SC_STATE_BOUND || id.state == SC_STATE_FAILED ||
         (id.state == SC_STATE_OPEN && sc_flow_is_over(fd))))
        return sc_fail(ENOTCONN);
    int result = sc_next.shutdown(fd, how);
    if (result < 0 || !sc_mark_is_set(fd, SC_MARK_LOCAL))
        return result;
    if (how != SHUT_WR)
        sc_mark_set(fd, SC_MARK_SHUT_RD);
    if (how != SHUT_RD)
        sc_mark_set(fd, SC_MARK_SHUT_WR);
    return result;
}
