#include "client/datagram/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "client/client.h"
#include "client/datagram/address.h"
#include "client/datagram/state.h"
#include "client/options/options.h"
#include "client/options/shadow.h"
#include "client/process/control.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/memory.h"
#include "client/process/real.h"

static int fail(int error)
{
    errno = error;
    return -1;
}

/* --- which descriptors they are -----------------------------------------------------------------
 */

static bool read_name(int fd, struct sc_name *own)
{
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    int kept = errno;
    bool named = sc_real.getsockname(fd, (struct sockaddr *)&sun, &len) == 0;
    errno = kept;
    return named && sun.sun_family == AF_UNIX && sc_name_parse(&sun, len, own);
}

bool sc_datagram_identify(int fd, struct sc_name *own)
{
    return read_name(fd, own) && own->kind == SC_NAME_DATAGRAM;
}

static unsigned marks_of(const struct sc_name *own)
{
    return SC_MARK_DATAGRAM | (own->family == SC_FAMILY_INET6      ? SC_MARK_INET6
                               : own->family == SC_FAMILY_SCAFFOLD ? SC_MARK_SCAFFOLD
                                                                   : 0u);
}

bool sc_datagram_mark(int fd)
{
    struct sc_name own;
    bool ours = read_name(fd, &own);
    if (ours)
        sc_note_service_socket();
    if (!ours || own.kind != SC_NAME_DATAGRAM) {
        sc_mark_clear(fd, SC_MARKS_OF_DATAGRAM);
        return false;
    }
    /* Whether the program chose the port is not known of descriptors from elsewhere: kept. */
    sc_mark_set(fd, marks_of(&own) | SC_MARK_PORT_GIVEN);
    sc_options_mark_datagram(fd);
    return true;
}

void sc_datagram_adopt(int fd)
{
    if (sc_datagram_mark(fd))
        sc_options_tell_datagram(fd);
}

static void adopt_one(void *arg, int fd)
{
    struct stat st;
    (void)arg;
    if (sc_kernel_fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
        sc_datagram_adopt(fd);
}

/* Descriptors that were inherited: an inetd's, a supervisor's. */
__attribute__((constructor(105))) static void adopt_inherited(void)
{
    int kept = errno;
    sc_descriptors_each(adopt_one, NULL);
    errno = kept;
}

enum sc_family sc_datagram_family(int fd)
{
    unsigned marks = sc_marks(fd);
    return marks & SC_MARK_INET6      ? SC_FAMILY_INET6
           : marks & SC_MARK_SCAFFOLD ? SC_FAMILY_SCAFFOLD
                                      : SC_FAMILY_INET;
}

/* --- own address and peer -----------------------------------------------------------------------
 */

/* Whom it is connected to. Asks scaffoldd only about sockets that came from another program. */
static bool find_peer(int fd, struct sc_address *peer)
{
    struct sc_datagram_state s;
    if (sc_datagram_state_get(sc_cookie(fd), &s)) {
        *peer = s.peer;
        return s.peer.port != 0;
    }
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_GET);
    struct sc_ctl_reply r;
    int kept = errno;
    sc_flow_name(fd, &q.flow.flow);
    q.flow.option = SC_OPT_PEER;
    bool connected = sc_control_call(&q, &r, true) == 0 && r.address.port != 0;
    errno = kept;
    if (connected)
        *peer = r.address;
    return connected;
}

/* The answer to a question for an address. */
static int tell_address(const struct sc_address *a, enum sc_family family, struct sockaddr *addr,
                        socklen_t *len)
{
    if (!sc_memory_writes(len, sizeof *len))
        return fail(EFAULT);
    if ((int)*len < 0)
        return fail(EINVAL);
    return sc_datagram_give_address(a, family, addr, len);
}

int sc_datagram_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sc_name own;
    struct sc_address peer;
    if (!sc_datagram_identify(fd, &own))
        return sc_next.getsockname(fd, addr, len);
    struct sc_address a = own.address;
    a.port = sc_policy_program_port(a.port);
    if (own.wildcard && !find_peer(fd, &peer))
        a = own.family == SC_FAMILY_INET6 ? (struct sc_address){.port = a.port}
                                          : sc_address_v4(INADDR_ANY, a.port);
    return tell_address(&a, own.family, addr, len);
}

int sc_datagram_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sc_address peer;
    if (!find_peer(fd, &peer))
        return fail(ENOTCONN);
    return tell_address(&peer, sc_datagram_family(fd), addr, len);
}

/* --- shutdown -----------------------------------------------------------------------------------
 */

/* The kernel's wakes who reads; on an unconnected socket, too, which is told ENOTCONN, as in UDP.
 */
int sc_datagram_shutdown(int fd, int how)
{
    struct sc_address peer;
    struct sc_datagram_state s;
    bool connected = find_peer(fd, &peer);
    if (sc_next.shutdown(fd, how) < 0)
        return -1;
    uint64_t cookie = sc_cookie(fd);
    sc_datagram_state_get(cookie, &s);
    s.shut = (uint8_t)(s.shut | (how + 1)); /* SHUT_RD 1, SHUT_WR 2, SHUT_RDWR 3 */
    sc_datagram_state_set(cookie, &s);
    return connected ? 0 : fail(ENOTCONN);
}

bool sc_datagram_is_shut(int fd, int how)
{
    struct sc_datagram_state s;
    return sc_datagram_state_get(sc_cookie(fd), &s) && (s.shut & (how + 1));
}
