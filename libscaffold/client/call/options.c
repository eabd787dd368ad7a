/* setsockopt and getsockopt. Here is what an option does at once: an error is told, a datagram that
 * was held back is sent. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "client/call/calls.h"
#include "client/datagram/datagram.h"
#include "client/datagram/error.h"
#include "client/explain/log_note.h"
#include "client/options/get.h"
#include "client/options/set.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/log_file.h"
#include "client/process/marks.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"

/* The errno that the kernel's one stands for, once: the kernel forgets it when asked. */
static int get_flow_error(int fd, void *value, socklen_t *len)
{
    int error = 0;
    int r = sc_next.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, len);
    if (r < 0 || *len < sizeof error)
        return r;
    memcpy(&error, value, sizeof error);
    if (error == ECONNRESET)
        error = sc_flow_error(fd, error);
    if (error && sc_log_on())
        sc_log_failed(fd, error);
    memcpy(value, &error, sizeof error);
    return 0;
}

static int get_error(int fd, void *value, socklen_t *len)
{
    struct sc_socket_name own;
    if (!sc_is_datagram(fd))
        return get_flow_error(fd, value, len);
    return sc_is_datagram_socket(fd, &own)
               ? sc_options_give_int(sc_datagram_take_error(fd), value, len)
               : sc_next.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, len);
}

/* What kind of socket it is. */
static bool asks_kind(int level, int name)
{
    return level == SOL_SOCKET && (name == SO_DOMAIN || name == SO_TYPE || name == SO_PROTOCOL);
}

static bool asks_error(int fd, int level, int name, const void *value, const socklen_t *len)
{
    return level == SOL_SOCKET && name == SO_ERROR && (sc_is_datagram(fd) || (value && len));
}

/* The kernel says so of a socket that is not IP's: perhaps one of ours that was passed. */
static bool is_met(int fd, int level, int result)
{
    bool ip_level = level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
    return result < 0 && ip_level && errno == EOPNOTSUPP && sc_meet_passed(fd);
}

int sc_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    if (asks_kind(level, name))
        sc_meet_passed(fd);
    if (asks_error(fd, level, name, value, len))
        return get_error(fd, value, len);
    int r = sc_options_get(fd, level, name, value, len);
    return is_met(fd, level, r) ? sc_options_get(fd, level, name, value, len) : r;
}

/* The end of UDP_CORK. */
static bool uncorks(int fd, int level, int name, const void *value)
{
    int on;
    if (level != IPPROTO_UDP || name != UDP_CORK || !sc_is_datagram(fd))
        return false;
    memcpy(&on, value, sizeof on);
    return !on;
}

/* The one value of this option that has nothing to do with what the program may. */
static bool is_unreset(int level, int name, int result)
{
    return result < 0 && errno == EOPNOTSUPP && level == SOL_SOCKET && name == SO_LINGER;
}

int sc_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    int r = sc_options_set(fd, level, name, value, len);
    if (is_met(fd, level, r))
        r = sc_options_set(fd, level, name, value, len);
    if (is_unreset(level, name, r) && sc_log_on())
        sc_log_unreset(fd);
    return r == 0 && uncorks(fd, level, name, value) ? sc_datagram_uncork(fd) : r;
}
