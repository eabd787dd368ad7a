#include "client/log.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/control.h"
#include "client/descriptors.h"
#include "client/identity.h"
#include "client/log_line.h"
#include "client/names.h"
#include "client/real.h"
#include "client/shadow.h"
#include "client/why.h"
#include "scaffold/scaffold.h"

bool sc_log_wanted;

__attribute__((constructor(103))) static void want_log(void)
{
    sc_log_wanted = sc_log_find_file();
}

/* --- what a socket does not tell itself ---------------------------------------------------------
 * Keyed by cookie, as in shadow.c: nothing to be taken out when a descriptor is closed behind our
 * back. What is forgotten here, or was known to another program before exec, stands in an earlier
 * line of the log. */

struct note {
    uint64_t cookie;
    struct sc_address target; /* what decided: connected, sent or bound to */
    bool is_peer;             /* ... not bound to */
    enum sc_why why;
    const char *failed_call; /* with `error` */
    int error;
    bool attempted; /* went for a service, and did not become its socket */
    bool ended;
};

#define NOTES 4096 /* open sockets of one process; a power of two */
#define NEIGHBOURS 8

static struct note notes[NOTES];

static struct note *slot(uint64_t cookie, unsigned n)
{
    uint64_t hash = (cookie * 0x9e3779b97f4a7c15u) >> 32;
    return &notes[(hash + n) & (NOTES - 1)];
}

static struct note *find_note(uint64_t cookie)
{
    for (unsigned n = 0; n < NEIGHBOURS; n++)
        if (__atomic_load_n(&slot(cookie, n)->cookie, __ATOMIC_ACQUIRE) == cookie)
            return slot(cookie, n);
    return NULL;
}

/* The oldest of the neighbourhood, which has the lowest cookie, gives way. */
static struct note *make_note(uint64_t cookie)
{
    struct note *oldest = slot(cookie, 0);
    for (unsigned n = 1; n < NEIGHBOURS; n++)
        if (slot(cookie, n)->cookie < oldest->cookie)
            oldest = slot(cookie, n);
    __atomic_store_n(&oldest->cookie, 0, __ATOMIC_RELEASE);
    *oldest = (struct note){0};
    __atomic_store_n(&oldest->cookie, cookie, __ATOMIC_RELEASE);
    return oldest;
}

/* --- what a socket is --------------------------------------------------------------------------*/

struct view {
    int fd;
    uint64_t cookie;
    int type; /* SOCK_... as the program made it */
    int protocol;
    bool service;
    struct sc_identity id; /* of a service's stream */
    struct sc_name own;    /* of a service's socket */
    bool has_local;
    bool has_peer;
    struct sc_address local;
    struct sc_address peer;
    struct note *note; /* may be NULL */
};

static int number_option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    return sc_real.getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static bool read_address(int (*call)(int, struct sockaddr *, socklen_t *), int fd,
                         struct sc_address *out)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    return call(fd, (struct sockaddr *)&ss, &len) == 0 &&
           sc_address_from_sockaddr((struct sockaddr *)&ss, len, out) == 0;
}

static void view_plain(struct view *v)
{
    v->type = number_option(v->fd, SO_TYPE);
    v->protocol = number_option(v->fd, SO_PROTOCOL);
    v->has_local = read_address(sc_real.getsockname, v->fd, &v->local) &&
                   (v->local.port || !sc_address_is_wildcard(&v->local));
    v->has_peer = read_address(sc_real.getpeername, v->fd, &v->peer);
}

/* AF_UNIX sockets that are not ours are nobody's business here. */
static bool view_service(struct view *v)
{
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    if (sc_real.getsockname(v->fd, (struct sockaddr *)&sun, &len) < 0 ||
        !sc_name_parse(&sun, len, &v->own))
        return false;
    bool datagram = v->own.kind == SC_NAME_DATAGRAM;
    if (!datagram && sc_identify(v->fd, &v->id) == SC_STATE_PLAIN)
        return false;
    v->service = true;
    v->type = datagram ? SOCK_DGRAM : SOCK_STREAM;
    v->protocol = datagram ? IPPROTO_UDP : IPPROTO_TCP;
    v->has_local = true;
    v->local = v->own.address;
    v->has_peer = !datagram && v->id.state == SC_STATE_OPEN;
    if (v->has_peer)
        v->peer = v->id.peer.address;
    return true;
}

/* False for what is no socket of IP or of a service. */
static bool view(int fd, struct view *v)
{
    *v = (struct view){.fd = fd};
    int domain = number_option(fd, SO_DOMAIN);
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return false;
    if (domain == AF_UNIX && !view_service(v))
        return false;
    if (domain != AF_UNIX)
        view_plain(v);
    v->cookie = sc_cookie(fd);
    v->note = find_note(v->cookie);
    return v->cookie != 0;
}

/* --- why ---------------------------------------------------------------------------------------*/

static bool in_pool(const struct sc_address *a)
{
    return sc_address_in_pool(a, &sc_policy()->pool);
}

/* Why a socket of this kind stays plain IP wherever it goes. */
static enum sc_why plain_by_kind(const struct view *v)
{
    if (v->type == SOCK_RAW)
        return SC_WHY_RAW;
    return v->protocol != IPPROTO_TCP && v->protocol != IPPROTO_UDP ? SC_WHY_PROTOCOL
                                                                    : SC_WHY_UNKNOWN;
}

static enum sc_why plain_by_address(const struct sc_address *a, bool captured)
{
    if (captured)
        return SC_WHY_PLAIN_BEFORE;
    if (sc_address_is_v4(a) && sc_address_to_v4(a) == INADDR_BROADCAST)
        return SC_WHY_BROADCAST;
    if (sc_address_is_v4(a) ? IN_MULTICAST(sc_address_to_v4(a)) : a->ip[0] == 0xff)
        return SC_WHY_MULTICAST;
    return SC_WHY_UNKNOWN;
}

static enum sc_why why_towards(const struct view *v, const struct sc_address *a)
{
    if (v->service || (v->note && v->note->attempted))
        return in_pool(a) ? SC_WHY_SERVICE_ADDRESS : SC_WHY_ALL_LOCAL;
    enum sc_why why = plain_by_kind(v);
    if (!why)
        why = plain_by_address(a, sc_policy_connects(a));
    if (why)
        return why;
    return sc_address_is_loopback(a) || sc_address_is_wildcard(a) ? SC_WHY_LOOPBACK
                                                                  : SC_WHY_NOT_A_SERVICE;
}

/* `a` is what the program bound, the address that the socket has or the one that it shows. */
static enum sc_why why_bound(const struct view *v, const struct sc_address *a)
{
    char name[256];
    uint16_t port;
    const struct sc_policy *p = sc_policy();
    bool captured = sc_policy_binds(a, v->protocol, name, &port);
    if (v->service || (v->note && v->note->attempted)) {
        if (p->capture_count > 0 && (*name || !sc_address_is_loopback(&v->local)))
            return SC_WHY_CAPTURED;
        return in_pool(a) ? SC_WHY_SERVICE_ADDRESS : SC_WHY_ALL_LOCAL;
    }
    enum sc_why why = plain_by_kind(v);
    if (!why)
        why = plain_by_address(a, captured);
    if (why)
        return why;
    if (sc_address_is_loopback(a))
        return SC_WHY_BOUND_LOOPBACK;
    return p->capture_count > 0 ? SC_WHY_NOT_CAPTURED : SC_WHY_NO_SERVICE;
}

/* What the socket itself says, for one that this program did not put to use. */
static enum sc_why why_of_state(const struct view *v, struct sc_address *decided)
{
    *decided = v->has_peer ? v->peer : v->local;
    if (v->service && v->own.kind == SC_NAME_BOUND && v->has_peer)
        return SC_WHY_ACCEPTED;
    if (v->has_peer)
        return why_towards(v, &v->peer);
    return v->has_local ? why_bound(v, &v->local) : plain_by_kind(v);
}

/* --- lines -------------------------------------------------------------------------------------*/

/* The address that scaffoldd knows the socket's service by. */
static const struct sc_address *service_address(const struct view *v)
{
    bool serves = v->service && v->own.kind != SC_NAME_CLIENT &&
                  !(v->note && v->note->why == SC_WHY_SERVICE_ADDRESS);
    if (serves)
        return &v->local;
    return v->has_peer || !v->note ? &v->peer : &v->note->target;
}

/* NAME:PORT, with /udp for datagrams; `name` gets NAME alone. False when nobody knows it. */
static bool read_service(const struct view *v, char name[SC_CTL_NAME], char *full, size_t size)
{
    const struct sc_address *a = service_address(v);
    if (!v->service && !(v->note && v->note->attempted))
        return false;
    if (!sc_reverse(a, name))
        return false;
    snprintf(full, size, v->type == SOCK_DGRAM ? "%s:%u/udp" : "%s:%u", name, a->port);
    return true;
}

static void flow_bytes(const struct view *v, struct sc_log_line *line)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_GET);
    struct sc_ctl_reply r;
    sc_flow_name(v->fd, &q.flow.flow);
    q.flow.option = SC_OPT_INFO;
    if (sc_control_call(&q, &r, true) < 0)
        return;
    line->tx_bytes = (int64_t)r.info.tx_bytes;
    line->rx_bytes = (int64_t)r.info.rx_bytes;
}

/* Linux's numbers of TCP's states (RFC 9293, section 3.3.2): <netinet/tcp.h> has their names, but
 * an older struct tcp_info. */
enum {
    STATE_TIME_WAIT = 6,
    STATE_CLOSE = 7,
    STATE_CLOSE_WAIT = 8,
    STATE_LAST_ACK = 9,
    STATE_CLOSING = 11,
};

/* True when the peer's end of stream has arrived, which the kernel counts as one byte received. */
static bool has_end(uint8_t state)
{
    return state == STATE_CLOSE_WAIT || state == STATE_LAST_ACK || state == STATE_CLOSING ||
           state == STATE_TIME_WAIT;
}

/* What was sent again does not count. After the close nobody can tell whether an end of stream is
 * among the bytes received. */
static void tcp_bytes(const struct view *v, struct sc_log_line *line)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    size_t least = offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans;
    if (sc_real.getsockopt(v->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || len < least)
        return;
    line->tx_bytes = (int64_t)(info.tcpi_bytes_sent - info.tcpi_bytes_retrans);
    line->rx_bytes = (int64_t)info.tcpi_bytes_received - has_end(info.tcpi_state);
    if (info.tcpi_state == STATE_CLOSE && info.tcpi_bytes_received > 0)
        line->rx_bytes = -1;
}

static void read_bytes(const struct view *v, struct sc_log_line *line)
{
    line->tx_bytes = line->rx_bytes = -1;
    if (v->type != SOCK_STREAM)
        return;
    if (v->service && !v->has_peer)
        line->tx_bytes = line->rx_bytes = 0;
    else if (v->service)
        flow_bytes(v, line);
    else if (v->protocol == IPPROTO_TCP)
        tcp_bytes(v, line);
}

static const char *kind_of(const struct view *v)
{
    if (v->type == SOCK_RAW)
        return "raw";
    return v->protocol == IPPROTO_TCP ? "tcp" : v->protocol == IPPROTO_UDP ? "udp" : "other";
}

static const char *role_of(const struct view *v)
{
    if (number_option(v->fd, SO_ACCEPTCONN) == 1)
        return "listener";
    if (v->service && v->own.kind == SC_NAME_BOUND && v->has_peer)
        return "accepted";
    if (v->note && v->note->why == SC_WHY_ACCEPTED_IP)
        return "accepted";
    return v->has_peer || (v->note && v->note->is_peer) ? "client" : "bound";
}

/* Of the call that put the socket to use; 0: none. */
static int error_of(const struct view *v)
{
    if (v->note && v->note->error)
        return v->note->error;
    return v->service && v->id.state == SC_STATE_FAILED ? v->id.peer.address.port : 0;
}

/* "; connect failed: ECONNREFUSED" */
static void add_failure(const struct view *v, int error, char *text, size_t n, size_t size)
{
    const struct note *note = v->note;
    const char *call = note && note->failed_call ? note->failed_call : "connect";
    if (error == ENETDOWN && !v->service && note && note->attempted)
        snprintf(text + n, size - n, "; no scaffoldd answers");
    else
        snprintf(text + n, size - n, "; %s failed: %s", call, strerrorname_np(error));
}

static void write_line(const struct view *v, const char *state)
{
    char name[SC_CTL_NAME], service[SC_CTL_NAME + 16], why[SC_CTL_NAME + 192];
    struct sc_address decided;
    enum sc_why reason = why_of_state(v, &decided);
    if (v->note && v->note->why) {
        reason = v->note->why;
        decided = v->note->target;
    }
    bool known = read_service(v, name, service, sizeof service);
    size_t n = sc_why_text(reason, &decided, known ? name : NULL, why, sizeof why);
    int error = error_of(v);
    if (error)
        add_failure(v, error, why, n, sizeof why);
    bool ours = v->service || (v->note && v->note->attempted);
    bool towards = v->note && v->note->is_peer;
    struct sc_log_line line = {.state = state,
                               .socket = v->cookie,
                               .fd = v->fd,
                               .kind = kind_of(v),
                               .role = role_of(v),
                               .error = error ? strerrorname_np(error) : NULL,
                               .plane = ours ? "user" : "ip",
                               .reason = sc_why_code(reason),
                               .why = why,
                               .service = known ? service : NULL,
                               .local = v->has_local ? &v->local : NULL,
                               .peer = v->has_peer ? &v->peer
                                       : towards   ? &v->note->target
                                                   : NULL,
                               .options = v->service ? v->cookie : 0};
    read_bytes(v, &line);
    sc_log_write(&line);
}

/* --- a socket is put to use --------------------------------------------------------------------*/

/* What a program's address is; zeros for an AF_SCAFFOLD one, which the socket knows better. */
static struct sc_address read_target(const struct sockaddr *addr, socklen_t len)
{
    struct sc_address a;
    if (!addr || sc_address_from_sockaddr(addr, len, &a) < 0)
        a = sc_address_v4(INADDR_ANY, 0);
    return a;
}

static bool names_service(const struct sockaddr *addr, socklen_t len)
{
    return addr && len >= sizeof addr->sa_family && addr->sa_family == AF_SCAFFOLD;
}

/* A socket's note, all new when it has none yet. */
static struct note *take_note(struct view *v)
{
    if (!v->note)
        v->note = make_note(v->cookie);
    return v->note;
}

/* Errors that say nothing new about the socket. */
static bool is_repetition(int error)
{
    return error == EISCONN || error == EALREADY || error == EINVAL || error == EBADF ||
           error == ENOTSOCK || error == EFAULT || error == EAFNOSUPPORT;
}

void sc_log_connected(int fd, const struct sockaddr *to, socklen_t len, int result)
{
    struct view v;
    int kept = errno, error = result < 0 && errno != EINPROGRESS ? errno : 0;
    struct sc_address target = read_target(to, len);
    bool unspecific = !to || len < sizeof to->sa_family || to->sa_family == AF_UNSPEC;
    if (!unspecific && !is_repetition(error) && view(fd, &v)) {
        struct note *n = take_note(&v);
        bool stream = v.type == SOCK_STREAM;
        n->target = v.has_peer && names_service(to, len) ? v.peer : target;
        n->is_peer = true;
        n->error = error;
        n->failed_call = "connect";
        n->attempted = stream && error && (names_service(to, len) || sc_policy_connects(&target));
        n->why = names_service(to, len) ? SC_WHY_SERVICE_NAMED : why_towards(&v, &n->target);
        write_line(&v, "open");
    }
    errno = kept;
}

void sc_log_bound(int fd, const struct sockaddr *to, socklen_t len, int result)
{
    struct view v;
    int kept = errno, error = result < 0 ? errno : 0;
    char name[256];
    uint16_t port;
    if (!is_repetition(error) && view(fd, &v)) {
        struct note *n = take_note(&v);
        n->target = read_target(to, len);
        n->is_peer = false;
        n->error = error;
        n->failed_call = "bind";
        n->attempted =
            v.type == SOCK_STREAM && error && !v.service &&
            (names_service(to, len) || sc_policy_binds(&n->target, v.protocol, name, &port));
        n->why = names_service(to, len) ? SC_WHY_SERVICE_NAMED : why_bound(&v, &n->target);
        if (n->why != SC_WHY_CAPTURED && v.has_local)
            n->target = v.local;
        if (n->target.port == 0)
            n->target.port = v.local.port;
        write_line(&v, "open");
    }
    errno = kept;
}

void sc_log_listening(int fd, int result)
{
    struct view v;
    int kept = errno;
    if (!is_repetition(result < 0 ? errno : 0) && view(fd, &v)) {
        if (result < 0) {
            take_note(&v)->error = errno;
            v.note->failed_call = "listen";
        }
        write_line(&v, "open");
    }
    errno = kept;
}

void sc_log_accepted(int fd)
{
    struct view v;
    int kept = errno;
    if (view(fd, &v)) {
        struct note *n = take_note(&v);
        n->target = v.peer;
        n->is_peer = true;
        n->why = v.service ? SC_WHY_ACCEPTED : SC_WHY_ACCEPTED_IP;
        write_line(&v, "open");
    }
    errno = kept;
}

void sc_log_sent(int fd, const struct sockaddr *to, socklen_t len)
{
    struct view v;
    int kept = errno;
    int type = number_option(fd, SO_TYPE);
    bool datagram = type != SOCK_STREAM && type >= 0;
    struct note *n = datagram ? find_note(sc_cookie(fd)) : NULL;
    if (datagram && !(n && (n->is_peer || n->error)) && view(fd, &v)) {
        n = take_note(&v);
        n->target = to ? read_target(to, len) : v.peer;
        n->is_peer = true;
        n->why = why_towards(&v, &n->target);
        write_line(&v, "open");
    }
    errno = kept;
}

void sc_log_failed(int fd, int error)
{
    int kept = errno;
    struct note *n = find_note(sc_cookie(fd));
    if (n) {
        n->error = error;
        n->failed_call = "connect";
    }
    errno = kept;
}

/* --- a socket ends -----------------------------------------------------------------------------*/

/* One that was only made, and never got an address, is not worth a line. */
static bool was_used(const struct view *v)
{
    return v->note ? !v->note->ended : v->service || v->has_local || v->has_peer;
}

static void write_end(struct view *v, const char *state)
{
    if (!was_used(v))
        return;
    write_line(v, state);
    if (v->note)
        v->note->ended = true;
}

void sc_log_replaced(int fd)
{
    struct view v;
    int kept = errno;
    if (view(fd, &v) && v.note)
        write_end(&v, "replaced");
    errno = kept;
}

void sc_log_closing(int fd)
{
    struct view v;
    int kept = errno, other;
    if (!sc_is_vfork_child() && view(fd, &v) && sc_duplicates(fd, &other, 1) == 0)
        write_end(&v, "closed");
    errno = kept;
}

struct range {
    unsigned first;
    unsigned last;
};

/* Whatever other numbers a socket has, it gets one line. */
static void end_one(void *arg, int fd)
{
    const struct range *r = arg;
    struct view v;
    if ((unsigned)fd < r->first || (unsigned)fd > r->last || !view(fd, &v) || !was_used(&v))
        return;
    take_note(&v);
    write_end(&v, "closed");
}

void sc_log_closing_range(unsigned first, unsigned last)
{
    int kept = errno;
    struct range r = {first, last};
    if (!sc_is_vfork_child())
        sc_descriptors_each(end_one, &r);
    errno = kept;
}

void sc_log_ending(void)
{
    sc_log_closing_range(0, ~0u);
}

/* The last of this library's: what the program closes in its own is seen before. */
__attribute__((destructor(101))) static void end_log(void)
{
    if (sc_log_on())
        sc_log_ending();
}
