/* The calls that put a socket to use. Here each forgets what the last failure was about, decodes
 * its address, goes to whom the kind of socket belongs, and tells the log. */
#include <errno.h>

#include "client/call/accept.h"
#include "client/call/bind.h"
#include "client/call/calls.h"
#include "client/call/connect.h"
#include "client/call/listen.h"
#include "client/call/socket.h"
#include "client/datagram/datagram.h"
#include "client/explain/log.h"
#include "client/names/target.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/identity.h"
#include "client/process/log_file.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"

int sc_socket(int domain, int type, int protocol)
{
    sc_explain_forget();
    int fd = sc_socket_make(domain, type, protocol);
    if (fd >= 0 && sc_log_on())
        sc_log_made(fd);
    return fd;
}

/* A datagram socket, ours or to be: the question costs a system call where UDP may be meant. */
static bool is_datagram(int fd, bool may_be)
{
    return sc_is_datagram(fd) || (may_be && sc_is_udp(fd));
}

int sc_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    sc_explain_forget();
    if (!addr || !sc_memory_reads_address(addr, len))
        return sc_next.connect(fd, addr, len);
    struct sc_target to = sc_target_of(addr, len);
    int r = is_datagram(fd, to.error == 0 && sc_target_is_ours(&to)) ? sc_datagram_connect(fd, &to)
                                                                     : sc_connect_stream(fd, &to);
    if (sc_log_on())
        sc_log_connected(fd, &to, r);
    return r;
}

int sc_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    sc_explain_forget();
    if (!sc_memory_reads_address(addr, len))
        return sc_next.bind(fd, addr, len);
    struct sc_target to = sc_target_of(addr, len);
    int r = is_datagram(fd, sc_datagram_binds(&to)) ? sc_datagram_bind(fd, &to)
                                                    : sc_bind_stream(fd, &to);
    if (sc_log_on())
        sc_log_bound(fd, &to, r);
    return r;
}

int sc_listen(int fd, int backlog)
{
    sc_explain_forget();
    sc_meet_passed(fd);
    int r = sc_is_datagram(fd) ? sc_fail(EOPNOTSUPP) : sc_listen_stream(fd, backlog);
    if (sc_log_on())
        sc_log_listening(fd, r);
    return r;
}

static int take(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    int one = sc_accept_flow(fd, addr, len, flags);
    if (one >= 0 && sc_log_on())
        sc_log_accepted(one);
    return one;
}

int sc_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    return take(fd, addr, len, flags);
}

int sc_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return take(fd, addr, len, SC_ACCEPT_NO_FLAGS);
}
