/* How a program's UDP socket becomes a socket of ours: PREPARE or BIND, whose reply brings one that
 * takes part already, under the program's number. Only then is the program's socket given up: a
 * failure leaves it as it was. */
#include <errno.h>
#include <netinet/in.h>

#include "client/datagram/address.h"
#include "client/datagram/datagram.h"
#include "client/datagram/state.h"
#include "client/names/meanings.h"
#include "client/names/reservation.h"
#include "client/names/target.h"
#include "client/options/carry.h"
#include "client/options/datagram.h"
#include "client/options/shadow.h"
#include "client/process/control.h"
#include "client/process/cookies.h"
#include "client/process/descriptors.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/fork_gate.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/owner.h"
#include "client/process/policy.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"
#include "client/socket/fresh.h"
#include "client/socket/swap.h"
#include "scaffold/scaffold.h"

/* --- the program's socket --------------------------------------------------------------------- */

/* A UDP socket of the kernel's. */
struct plain {
    enum sc_family family;
    struct sc_address local; /* port 0: it has sent nothing and was bound to nothing */
};

static int integer_option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    return sc_real.getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static bool read_plain(int fd, struct plain *p)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    int family, kept = errno;
    bool udp = integer_option(fd, SO_PROTOCOL) == IPPROTO_UDP &&
               sc_real.getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
               sc_address_from_sockaddr((struct sockaddr *)&ss, len, &p->local) == 0;
    errno = kept;
    if (!udp)
        return false;
    p->family = ss.ss_family == AF_INET6 ? SC_FAMILY_INET6 : SC_FAMILY_INET;
    if (sc_any_service_socket() && sc_shadow_get(sc_cookie(fd), SC_SHADOW_FAMILY, &family))
        p->family = (enum sc_family)family;
    return true;
}

static bool fits(enum sc_family socket, sa_family_t address)
{
    if (socket == SC_FAMILY_SCAFFOLD || address == AF_SCAFFOLD)
        return true;
    return socket == SC_FAMILY_INET6 || address == AF_INET;
}

/* --- the exchange ----------------------------------------------------------------------------- */

struct joining {
    int fd;
    bool port_given; /* the program chose the port, which outlives connections */
};

/* What the program asked for; 0: nothing. */
static uint32_t receive_buffer(int fd)
{
    struct sc_options_told told;
    sc_options_tell(fd, &told);
    return told.rcvbuf;
}

static void mark_all(int fd, unsigned set, unsigned clear)
{
    int all[33] = {fd};
    size_t count = 1 + sc_duplicates(fd, all + 1, sizeof all / sizeof *all - 1);
    for (size_t i = 0; i < count; i++) {
        sc_mark_set(all[i], set);
        sc_mark_clear(all[i], clear);
    }
}

/* Puts the new socket under the program's number and those of its duplicates. */
static int put_in_place(void *arg, int own)
{
    const struct joining *j = arg;
    if (sc_options_admit(j->fd) < 0) {
        sc_real.close(own);
        return sc_fail(EOPNOTSUPP);
    }
    sc_options_carry(j->fd, own);
    sc_datagram_mark(own);
    unsigned marks = sc_marks(own) & SC_MARKS_OF_DATAGRAM;
    sc_marks_forget(own);
    int err = sc_swap(j->fd, own);
    if (err < 0)
        return sc_fail(-err);
    mark_all(j->fd, marks | (j->port_given ? SC_MARK_PORT_GIVEN : 0u),
             SC_MARK_SENT_IP | (j->port_given ? 0u : SC_MARK_PORT_GIVEN));
    return 0;
}

/* One conversation. */
static int join(struct joining *j, const struct sc_ctl_request *q)
{
    struct sc_ctl_reply r;
    int control = sc_control_open(false);
    if (control < 0)
        return -1;
    int result = sc_control_ask_for(control, q, &r, put_in_place, j);
    sc_control_close(control);
    if (result == 0)
        sc_options_tell_datagram(j->fd);
    return result;
}

/* --- sending, connecting ---------------------------------------------------------------------- */

/* True when the program, not the kernel, chose the port. */
static bool has_own_port(int fd, const struct plain *p)
{
    return p->local.port != 0 && sc_mark_is_set(fd, SC_MARK_PORT_GIVEN);
}

static bool is_v6only(int fd, enum sc_family family)
{
    int only = 0;
    socklen_t len = sizeof only;
    return family == SC_FAMILY_INET6 &&
           sc_real.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only;
}

static int join_towards(int fd, const struct plain *p, const struct sc_address *to)
{
    struct joining j = {.fd = fd, .port_given = has_own_port(fd, p)};
    struct sc_ctl_request q = sc_control_request(SC_CTL_PREPARE);
    q.prepare.datagram = 1;
    q.prepare.wildcard =
        sc_address_is_wildcard(&p->local) && p->family != SC_FAMILY_SCAFFOLD; /* which has none */
    q.prepare.rcvbuf = receive_buffer(fd);
    q.prepare.family = (uint8_t)p->family;
    q.prepare.local_port = j.port_given ? p->local.port : 0;
    q.prepare.address = *to;
    q.prepare.here = sc_policy_is_here(to);
    q.prepare.v6only = is_v6only(fd, p->family);
    return join(&j, &q);
}

/* A socket that plain IP knows by its port stays there. */
static bool stays_ip(int fd, const struct plain *p)
{
    if (p->local.port == 0 || !sc_mark_is_set(fd, SC_MARK_SENT_IP))
        return false;
    sc_explain(EADDRNOTAVAIL, "this socket has sent datagrams to plain IP; datagrams to "
                              "services need a socket of their own");
    errno = EADDRNOTAVAIL;
    return true;
}

/* A socket that plain IP knows, or that has an address of its own, goes on there. */
static enum sc_route route_here(int fd, const struct sc_address *a)
{
    struct plain p;
    if (sc_mark_is_set(fd, SC_MARK_SENT_IP) || !read_plain(fd, &p) ||
        (p.family == SC_FAMILY_INET && !sc_address_is_v4(a)) ||
        (p.local.port != 0 && !sc_address_is_wildcard(&p.local)))
        return SC_ROUTE_IP;
    if (join_towards(fd, &p, a) == 0)
        return SC_ROUTE_SERVICE;
    return errno == ENOENT ? SC_ROUTE_IP : SC_ROUTE_NONE;
}

static enum sc_route route_service(int fd, const struct sc_target *to)
{
    struct plain p;
    struct sc_address a;
    if (!read_plain(fd, &p) || !fits(p.family, to->family))
        return SC_ROUTE_IP;
    if (stays_ip(fd, &p) || sc_datagram_read_peer(p.family, to, &a) < 0)
        return SC_ROUTE_NONE;
    if (a.port == 0) /* nobody: the kernel knows what that means */
        return SC_ROUTE_IP;
    return join_towards(fd, &p, &a) < 0 ? SC_ROUTE_NONE : SC_ROUTE_SERVICE;
}

void sc_datagram_note_ip(int fd)
{
    if (!sc_mark_is_set(fd, SC_MARK_SENT_IP))
        sc_mark_set(fd, SC_MARK_SENT_IP);
}

enum sc_route sc_datagram_route(int fd, const struct sc_target *to)
{
    if (sc_target_names_service(to))
        return route_service(fd, to);
    if (sc_target_is_here(to)) /* asked each time: a service may come */
        return route_here(fd, &to->address);
    sc_datagram_note_ip(fd);
    return SC_ROUTE_IP;
}

/* --- connect ---------------------------------------------------------------------------------- */

static int tell_peer(int fd, const struct sc_address *peer)
{
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_DISCONNECT};
    struct sc_datagram_state s;
    uint64_t cookie = sc_cookie(fd);
    if (peer) {
        head.kind = SC_DATAGRAM_CONNECT;
        head.peer = *peer;
        sc_meanings_of(peer, head.meaning);
    }
    if (sc_real.sendto(fd, &head, sizeof head, MSG_NOSIGNAL, NULL, 0) < 0)
        return sc_fail(errno == EPIPE || errno == ECONNRESET ? ENETDOWN : errno);
    sc_datagram_state_get(cookie, &s);
    s.peer = peer ? *peer : (struct sc_address){0};
    sc_datagram_state_set(cookie, &s);
    mark_all(fd, peer ? SC_MARK_CONNECTED : 0u, peer ? 0u : SC_MARK_CONNECTED);
    return 0;
}

/* Back to the kernel's UDP, bound as the program had bound it: `port` 0 leaves that to the kernel.
 */
static int put_plain(int fd, bool keep_port)
{
    struct sc_socket_name own;
    struct sockaddr_storage ss;
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    if (!sc_is_datagram_socket(fd, &own))
        return sc_fail(EBADF);
    struct sc_address a = own.address;
    a.port = keep_port ? sc_policy_program_port(a.port) : 0;
    if (own.wildcard || !sc_address_is_loopback(&a))
        a = own.family == SC_FAMILY_INET6 ? (struct sc_address){.port = a.port}
                                          : sc_address_v4(INADDR_ANY, a.port);
    socklen_t len = sc_address_to_sockaddr(&a, own.family, &ss);
    int fresh = sc_real.socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fresh < 0)
        return sc_fresh_failed();
    sc_options_give_back(fd, fresh);
    if (own.family == SC_FAMILY_SCAFFOLD)
        sc_shadow_set(sc_cookie(fresh), SC_SHADOW_FAMILY, SC_FAMILY_SCAFFOLD);
    if (sc_real.bind(fresh, (struct sockaddr *)&ss, len) < 0) {
        int kept = errno;
        sc_real.close(fresh);
        return sc_fail(kept);
    }
    if (!keep_port) /* the kernel's own way to give up a port that it chose */
        sc_real.connect(fresh, &nobody, sizeof nobody);
    int err = sc_swap(fd, fresh);
    if (err < 0)
        return sc_fail(-err);
    mark_all(fd, 0, SC_MARKS_OF_DATAGRAM);
    return 0;
}

/* A child that had the fresh socket would keep its port. */
static int make_plain(int fd, bool keep_port)
{
    struct sc_fork_gate gate;
    sc_fork_gate_enter(&gate);
    int result = put_plain(fd, keep_port);
    sc_fork_gate_leave(&gate);
    return result;
}

/* --- leaving ---------------------------------------------------------------------------------- */

/* Whether a service is reached at this address of the host's own: a reservation is asked for, and
 * goes with the conversation. */
static bool is_served_here(enum sc_family family, const struct sc_address *a)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_PREPARE);
    struct sc_ctl_reply r;
    q.prepare.datagram = 1;
    q.prepare.here = 1;
    q.prepare.family = (uint8_t)family;
    q.prepare.address = *a;
    return sc_control_call(&q, &r, true) == 0 || errno != ENOENT;
}

/* Where neither a service nor a socket under --all-local is. */
static bool is_plain(int fd, const struct sc_target *to)
{
    return !sc_target_names_service(to) &&
           (!sc_target_is_here(to) || !is_served_here(sc_datagram_family(fd), &to->address));
}

/* Nobody can know it: its port is of scaffoldd's choice, and nothing went to or fro. */
static bool is_unknown(int fd)
{
    struct sc_socket_name own;
    int others[32];
    if (sc_mark_is_set(fd, SC_MARK_PORT_GIVEN | SC_MARK_CONNECTED | SC_MARK_SPOKEN))
        return false;
    size_t count = sc_duplicates(fd, others, sizeof others / sizeof *others);
    for (size_t i = 0; i < count; i++)
        if (sc_mark_is_set(others[i], SC_MARK_SPOKEN))
            return false;
    return !sc_datagram_waits(fd) && sc_is_datagram_socket(fd, &own) && own.wildcard &&
           sc_address_is_loopback(&own.address);
}

bool sc_datagram_leave(int fd, const struct sc_target *to)
{
    int kept = errno;
    bool leaves =
        to->is_given && fits(sc_datagram_family(fd), to->family) && !sc_target_names_service(to) &&
        is_unknown(fd) && is_plain(fd, to) &&
        (make_plain(fd, true) == 0 || (errno == EADDRINUSE && make_plain(fd, false) == 0));
    if (leaves)
        mark_all(fd, SC_MARK_SENT_IP, 0);
    errno = kept;
    return leaves;
}

/* connect(AF_UNSPEC). A port that the program did not choose goes with the peer, as in Linux; not
 * as long as datagrams are waiting, which would go, too. */
static int disconnect(int fd)
{
    if (tell_peer(fd, NULL) < 0)
        return -1;
    if (sc_mark_is_set(fd, SC_MARK_PORT_GIVEN) || sc_datagram_waits(fd))
        return 0;
    return make_plain(fd, false);
}

/* One of ours is connected again, to nobody, or to plain IP: what bind reserved is then given up.
 */
static int connect_ours(int fd, const struct sc_target *to)
{
    struct sc_address a;
    enum sc_family family = sc_datagram_family(fd);
    if (!to->is_given)
        return sc_fail(EINVAL);
    if (to->family == AF_UNSPEC)
        return disconnect(fd);
    if (is_plain(fd, to) && fits(family, to->family) && family != SC_FAMILY_SCAFFOLD)
        return make_plain(fd, sc_mark_is_set(fd, SC_MARK_PORT_GIVEN)) < 0
                   ? -1
                   : sc_next.connect(fd, to->addr, to->len);
    if (sc_datagram_read_peer(family, to, &a) < 0)
        return -1;
    return tell_peer(fd, a.port ? &a : NULL);
}

int sc_datagram_connect(int fd, const struct sc_target *to)
{
    if (!sc_is_datagram(fd)) {
        enum sc_route route = sc_target_names_service(to) ? route_service(fd, to)
                              : sc_target_is_here(to)     ? route_here(fd, &to->address)
                                                          : SC_ROUTE_IP;
        if (route == SC_ROUTE_NONE)
            return -1;
        if (route == SC_ROUTE_IP)
            return sc_next.connect(fd, to->addr, to->len);
    }
    return connect_ours(fd, to);
}

/* --- bind ------------------------------------------------------------------------------------- */

bool sc_datagram_binds(const struct sc_target *to)
{
    struct sc_reservation b;
    return sc_target_is_service(to) || sc_reservation_read(to, IPPROTO_UDP, &b);
}

int sc_datagram_bind(int fd, const struct sc_target *to)
{
    struct sc_reservation b;
    struct plain p;
    if (sc_is_datagram(fd))
        return sc_fail(EINVAL); /* it is bound */
    if (!read_plain(fd, &p) || p.local.port != 0 || !fits(p.family, to->family) ||
        (p.family == SC_FAMILY_INET6 && to->family == AF_INET))
        return sc_next.bind(fd, to->addr, to->len);
    if (!sc_reservation_read(to, IPPROTO_UDP, &b))
        return sc_target_is_service(to) ? sc_fail(-to->error) : sc_next.bind(fd, to->addr, to->len);
    struct sc_ctl_request q = sc_reservation_request(&b, p.family);
    q.bind.v6only = is_v6only(fd, p.family);
    q.bind.datagram = 1;
    q.bind.reuseport = integer_option(fd, SO_REUSEPORT) > 0;
    q.bind.reuseaddr = integer_option(fd, SO_REUSEADDR) > 0;
    q.bind.rcvbuf = receive_buffer(fd);
    struct joining j = {.fd = fd, .port_given = b.address.port != 0};
    return join(&j, &q);
}
