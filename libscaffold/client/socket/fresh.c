#include "client/socket/fresh.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "client/options/carry.h"
#include "client/options/protocol.h"
#include "client/options/shadow.h"
#include "client/process/cookies.h"
#include "client/process/explain.h"
#include "client/process/identity.h"
#include "client/process/owner.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"

/* The state that the kernel's TCP is in; -1 for everything that is not a TCP socket. */
static int tcp_state(int fd)
{
    uint8_t state = 0; /* tcpi_state is the first byte of TCP_INFO */
    socklen_t len = sizeof state;
    if (sc_real.getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) < 0)
        return -1;
    return state;
}

static bool read_plain(int fd, struct sc_candidate *c)
{
    struct sockaddr_storage ss;
    struct sc_address a;
    socklen_t len = sizeof ss;
    int family;
    if (tcp_state(fd) != TCP_CLOSE || sc_real.getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
        sc_address_from_sockaddr((struct sockaddr *)&ss, len, &a) < 0)
        return false;
    c->state = SC_STATE_PLAIN;
    c->family = ss.ss_family == AF_INET6 ? SC_FAMILY_INET6 : SC_FAMILY_INET;
    if (sc_any_service_socket() && sc_shadow_get(sc_cookie(fd), SC_SHADOW_FAMILY, &family))
        c->family = (enum sc_family)family;
    c->local_port = a.port;
    return true;
}

bool sc_candidate_read(int fd, struct sc_candidate *c)
{
    int kept = errno;
    *c = (struct sc_candidate){0};
    bool known = true;
    sc_meet_passed(fd);
    if (sc_identify(fd, &c->id) == SC_STATE_PLAIN) {
        known = read_plain(fd, c);
    } else {
        c->state = c->id.state;
        c->family = c->id.own.family;
        c->local_port = c->state == SC_STATE_BOUND ? c->id.own.address.port : 0;
    }
    errno = kept;
    return known;
}

int sc_fresh_failed(void)
{
    if (errno == EMFILE || errno == ENFILE) {
        sc_explain(ENOBUFS, "no descriptor is left for the service's socket; raise the "
                            "limit (ulimit -n)");
        errno = ENOBUFS;
    }
    return -1;
}

int sc_fresh_plain(int fd, enum sc_family family)
{
    int fresh = sc_real.socket(family == SC_FAMILY_INET6 ? AF_INET6 : AF_INET,
                               SOCK_STREAM | SOCK_CLOEXEC, sc_protocol_of(fd));
    if (fresh < 0)
        return sc_fresh_failed();
    sc_options_give_back(fd, fresh);
    if (family == SC_FAMILY_SCAFFOLD)
        sc_shadow_set(sc_cookie(fresh), SC_SHADOW_FAMILY, SC_FAMILY_SCAFFOLD);
    return fresh;
}
