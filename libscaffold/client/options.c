#include "client/options.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "client/client.h"
#include "client/control.h"
#include "client/datagram.h"
#include "client/datagram_error.h"
#include "client/flow_error.h"
#include "client/identity.h"
#include "client/kernel.h"
#include "client/log.h"
#include "client/memory.h"
#include "client/protocol.h"
#include "client/real.h"
#include "client/shadow.h"
#include "scaffold/scaffold.h"

/* Newer than the oldest libc headers that build this. */
#ifndef TCP_AO_ADD_KEY
#define TCP_AO_ADD_KEY 38
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

enum treatment {
    KERNEL, /* AF_UNIX keeps it, with the effect that TCP has */
    SHADOW, /* remembered and reported; the effect, if any, is the flow's */
};

struct option {
    int level;
    int name;
    enum treatment treatment;
    int initial; /* reported when it was never set */
    int least;   /* smaller values are EINVAL */
    enum sc_ctl_option tell;
};

/* What is not listed here is refused: an option that is reported as set and is not can be a hole
 * (TCP_ULP "tls" would send plaintext). At most SC_SHADOW_FAMILY entries. */
static const struct option options[] = {
    {SOL_SOCKET, SO_SNDBUF, SHADOW, 0, INT32_MIN, SC_OPT_SNDBUF},
    {SOL_SOCKET, SO_RCVBUF, SHADOW, 0, INT32_MIN, SC_OPT_RCVBUF},
    {SOL_SOCKET, SO_REUSEPORT, SHADOW, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_KEEPALIVE, KERNEL, 0, INT32_MIN, SC_OPT_KEEPALIVE},
    {SOL_SOCKET, SO_LINGER, KERNEL, 0, INT32_MIN, SC_OPT_ABORT_ON_CLOSE},
    {SOL_SOCKET, SO_REUSEADDR, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_RCVTIMEO, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_SNDTIMEO, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_OOBINLINE, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_RCVLOWAT, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_PRIORITY, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_DONTROUTE, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_BROADCAST, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_MARK, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_BUSY_POLL, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_MAX_PACING_RATE, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_TIMESTAMP, KERNEL, 0, INT32_MIN, 0},
    {SOL_SOCKET, SO_TIMESTAMPNS, KERNEL, 0, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_NODELAY, SHADOW, 0, INT32_MIN, SC_OPT_NODELAY},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, SHADOW, 0, 0, SC_OPT_USER_TIMEOUT_MS},
    {IPPROTO_TCP, TCP_MAXSEG, SHADOW, 1448, 0, 0},
    {IPPROTO_TCP, TCP_CORK, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_CONGESTION, SHADOW, 0, INT32_MIN, 0}, /* text: set_congestion */
    {IPPROTO_TCP, TCP_KEEPIDLE, SHADOW, 7200, 1, 0},
    {IPPROTO_TCP, TCP_KEEPINTVL, SHADOW, 75, 1, 0},
    {IPPROTO_TCP, TCP_KEEPCNT, SHADOW, 9, 1, 0},
    {IPPROTO_TCP, TCP_SYNCNT, SHADOW, 6, 1, 0},
    {IPPROTO_TCP, TCP_LINGER2, SHADOW, 60, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, SHADOW, 0, 0, 0},
    {IPPROTO_TCP, TCP_QUICKACK, SHADOW, 1, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_THIN_DUPACK, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_TCP, TCP_FASTOPEN, SHADOW, 0, 0, 0},
    {IPPROTO_IP, IP_TOS, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IP, IP_TTL, SHADOW, 64, -1, 0},
    {IPPROTO_IP, IP_MTU_DISCOVER, SHADOW, 1, 0, 0},
    {IPPROTO_IP, IP_RECVTOS, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IP, IP_RECVTTL, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IP, IP_MULTICAST_TTL, SHADOW, 1, -1, 0},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SHADOW, 1, INT32_MIN, 0},
    {IPPROTO_IP, IP_PKTINFO, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IP, IP_FREEBIND, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IP, IP_RECVERR, SHADOW, 0, INT32_MIN, SC_OPT_RECVERR},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IPV6, IPV6_V6ONLY, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IPV6, IPV6_TCLASS, SHADOW, 0, -1, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, SHADOW, 64, -1, 0},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, SHADOW, 1, 0, 0},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, SHADOW, 0, INT32_MIN, 0},
    {IPPROTO_IPV6, IPV6_RECVERR, SHADOW, 0, INT32_MIN, SC_OPT_RECVERR},
    {IPPROTO_IPV6, IPV6_FREEBIND, SHADOW, 0, INT32_MIN, 0},
};

#define OPTIONS ((int)(sizeof options / sizeof *options))
_Static_assert(sizeof options / sizeof *options <= SC_SHADOW_FAMILY, "one bit per option");

/* By level and name: where an option stands in the table, plus one. Programs set options on every
 * connection. */
#define NAMES 128
static uint8_t places[4][NAMES];

static uint8_t *place_of(int level, int name)
{
    if (name < 0 || name >= NAMES)
        return NULL;
    switch (level) {
    case SOL_SOCKET:
        return &places[0][name];
    case IPPROTO_TCP:
        return &places[1][name];
    case IPPROTO_IP:
        return &places[2][name];
    case IPPROTO_IPV6:
        return &places[3][name];
    default:
        return NULL;
    }
}

__attribute__((constructor(102))) static void place_options(void)
{
    for (int i = 0; i < OPTIONS; i++)
        *place_of(options[i].level, options[i].name) = (uint8_t)(i + 1);
}

static int find_option(int level, int name)
{
    const uint8_t *place = place_of(level, name);
    return place ? *place - 1 : -1;
}

/* Those of the table that do nothing on a service's socket, by name. All others have their effect,
 * or what they ask for holds anyway: nothing has to wait for SO_REUSEADDR, hosts are watched
 * without SO_KEEPALIVE. */
static const struct {
    int level;
    int name;
    const char *text;
    bool of_streams; /* with datagrams it has its effect */
} without_effect[] = {
#define NONE(level, name)                                                                          \
    {                                                                                              \
        level, name, #name, false                                                                  \
    }
#define STREAM(level, name)                                                                        \
    {                                                                                              \
        level, name, #name, true                                                                   \
    }
    NONE(SOL_SOCKET, SO_SNDBUF),
    NONE(SOL_SOCKET, SO_RCVBUF),
    NONE(SOL_SOCKET, SO_RCVLOWAT),
    NONE(SOL_SOCKET, SO_PRIORITY),
    NONE(SOL_SOCKET, SO_DONTROUTE),
    NONE(SOL_SOCKET, SO_MARK),
    NONE(SOL_SOCKET, SO_BUSY_POLL),
    NONE(SOL_SOCKET, SO_MAX_PACING_RATE),
    NONE(IPPROTO_TCP, TCP_CONGESTION),
    NONE(IPPROTO_TCP, TCP_MAXSEG),
    NONE(IPPROTO_TCP, TCP_CORK),
    NONE(IPPROTO_TCP, TCP_KEEPIDLE),
    NONE(IPPROTO_TCP, TCP_KEEPINTVL),
    NONE(IPPROTO_TCP, TCP_KEEPCNT),
    NONE(IPPROTO_TCP, TCP_SYNCNT),
    NONE(IPPROTO_TCP, TCP_LINGER2),
    NONE(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    NONE(IPPROTO_TCP, TCP_WINDOW_CLAMP),
    NONE(IPPROTO_TCP, TCP_QUICKACK),
    NONE(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    NONE(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
    NONE(IPPROTO_TCP, TCP_THIN_DUPACK),
    NONE(IPPROTO_TCP, TCP_FASTOPEN),
    STREAM(IPPROTO_IP, IP_TOS),
    STREAM(IPPROTO_IP, IP_TTL),
    NONE(IPPROTO_IP, IP_MTU_DISCOVER),
    NONE(IPPROTO_IP, IP_MULTICAST_TTL),
    NONE(IPPROTO_IP, IP_MULTICAST_LOOP),
    STREAM(IPPROTO_IP, IP_RECVTOS),
    STREAM(IPPROTO_IP, IP_RECVTTL),
    STREAM(IPPROTO_IP, IP_PKTINFO),
    STREAM(IPPROTO_IP, IP_RECVERR),
    NONE(IPPROTO_IPV6, IPV6_V6ONLY),
    STREAM(IPPROTO_IPV6, IPV6_TCLASS),
    STREAM(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
    NONE(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    STREAM(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    STREAM(IPPROTO_IPV6, IPV6_RECVTCLASS),
    STREAM(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
    STREAM(IPPROTO_IPV6, IPV6_RECVERR),
#undef NONE
#undef STREAM
};

static int fail(int error)
{
    errno = error;
    return -1;
}

int sc_option_remembered(uint64_t cookie, int level, int name)
{
    int index = find_option(level, name);
    int value = index < 0 ? 0 : options[index].initial;
    if (index >= 0)
        sc_shadow_get(cookie, (unsigned)index, &value);
    return value;
}

/* --- telling the flow ---------------------------------------------------------------------------
 */

/* scaffoldd may be gone, or know better: the option then has no effect, which is no error. */
static void tell_flow(int fd, enum sc_ctl_option option, uint32_t value)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_SET);
    struct sc_ctl_reply r;
    int kept = errno;
    sc_flow_name(fd, &q.flow.flow);
    q.flow.option = option;
    q.flow.value = value;
    sc_control_call(&q, &r, true);
    errno = kept;
}

static bool ask_flow(int fd, enum sc_ctl_option option, struct sc_ctl_reply *r)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_FLOW_GET);
    int kept = errno;
    sc_flow_name(fd, &q.flow.flow);
    q.flow.option = option;
    bool known = sc_control_call(&q, r, true) == 0;
    errno = kept;
    return known;
}

static bool has_flow(int fd)
{
    struct sc_identity id;
    if (sc_is_datagram(fd))
        return true;
    sc_identify(fd, &id);
    return id.state == SC_STATE_OPEN || id.state == SC_STATE_CONNECTING;
}

static bool is_abort(const void *value, socklen_t len)
{
    struct linger l;
    if (len < sizeof l)
        return false;
    memcpy(&l, value, sizeof l);
    return l.l_onoff && l.l_linger == 0;
}

void sc_options_reset_on_close(int fd)
{
    tell_flow(fd, SC_OPT_ABORT_ON_CLOSE, 1);
}

/* --- setsockopt ---------------------------------------------------------------------------------
 */

/* Names of SOL_SOCKET for which a service socket must not do what AF_UNIX would. */
static bool is_touchy(int name)
{
    switch (name) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
    case SO_REUSEPORT:
    case SO_KEEPALIVE:
    case SO_LINGER:
    case SO_PASSCRED:
    case SO_PASSSEC:
    case SO_PASSPIDFD:
    case SO_ATTACH_FILTER:
    case SO_ATTACH_BPF:
    case SO_ATTACH_REUSEPORT_CBPF:
    case SO_ATTACH_REUSEPORT_EBPF:
    case SO_BINDTODEVICE:
    case SO_TXTIME:
    case SO_ZEROCOPY:
    case SO_PEEK_OFF:
        return true;
    default:
        return false;
    }
}

/* What TCP would report: twice what was asked for, within the bounds of this machine. A TCP socket
 * is asked. */
static int reported_buffer(int name, int value)
{
    int reported = 2 * value, kept = errno;
    socklen_t len = sizeof reported;
    int fd = sc_real.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        errno = kept;
        return reported;
    }
    sc_real.setsockopt(fd, SOL_SOCKET, name, &value, sizeof value);
    sc_real.getsockopt(fd, SOL_SOCKET, name, &reported, &len);
    sc_real.close(fd);
    errno = kept;
    return reported;
}

static int set_congestion(int fd, const void *value, socklen_t len)
{
    static const char *const known[] = {"cubic", "reno", "bbr"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strnlen(value, len) == strlen(known[i]) &&
            memcmp(value, known[i], strlen(known[i])) == 0) {
            int start;
            memcpy(&start, known[i], sizeof start);
            sc_shadow_set(sc_cookie(fd), (unsigned)find_option(IPPROTO_TCP, TCP_CONGESTION), start);
            return 0;
        }
    return fail(ENOENT);
}

static void mark_datagram(int fd, int level, int name);

static int set_shadow(int fd, int index, int value)
{
    const struct option *o = &options[index];
    if (sc_is_datagram(fd))
        mark_datagram(fd, o->level, o->name);
    if (value < o->least || (o->level == IPPROTO_IPV6 && o->name == IPV6_V6ONLY))
        return fail(EINVAL); /* of the latter, too late: what is ours is bound */
    if (o->tell == SC_OPT_SNDBUF || o->tell == SC_OPT_RCVBUF) {
        int reported = reported_buffer(o->name, value);
        sc_shadow_set(sc_cookie(fd), (unsigned)index, reported);
        value = reported / 2;
    } else {
        bool flag = (o->level == IPPROTO_TCP && (o->name == TCP_NODELAY || o->name == TCP_CORK)) ||
                    (o->level == SOL_SOCKET && o->name == SO_REUSEPORT);
        sc_shadow_set(sc_cookie(fd), (unsigned)index, flag && value ? 1 : value);
    }
    if (o->tell && has_flow(fd))
        tell_flow(fd, o->tell, (uint32_t)value);
    return 0;
}

/* Buffers are limits of the flow; the socket's own stay as large as the model needs (A1, A2). */
static int plain_name(int level, int name)
{
    if (level == SOL_SOCKET && name == SO_SNDBUFFORCE)
        return SO_SNDBUF;
    return level == SOL_SOCKET && name == SO_RCVBUFFORCE ? SO_RCVBUF : name;
}

static int set_kernel(int fd, int index, const void *value, socklen_t len)
{
    const struct option *o = &options[index];
    int r = sc_next.setsockopt(fd, o->level, o->name, value, len);
    if (r < 0)
        return r;
    sc_shadow_set(sc_cookie(fd), (unsigned)index, 1);
    if (o->tell == SC_OPT_ABORT_ON_CLOSE && has_flow(fd))
        tell_flow(fd, o->tell, is_abort(value, len));
    else if (o->tell == SC_OPT_KEEPALIVE && has_flow(fd))
        tell_flow(fd, o->tell, *(const int *)value != 0);
    return 0;
}

/* What the kernel refuses with another errno than options that it does not know: zero copy on what
 * cannot do it, and what belongs to AF_UNIX and would reveal scaffoldd. */
static bool is_unsupported(int name)
{
    return name == SO_ZEROCOPY || name == SO_PASSCRED || name == SO_PASSSEC || name == SO_PASSPIDFD;
}

/* What a datagram socket was given that each call has to look at. */
static void mark_datagram(int fd, int level, int name)
{
    bool shapes = level == IPPROTO_IP ? name == IP_TTL || name == IP_TOS
                                      : name == IPV6_UNICAST_HOPS || name == IPV6_TCLASS;
    bool asks = level == IPPROTO_IP ? name == IP_PKTINFO || name == IP_RECVTTL ||
                                          name == IP_RECVTOS || name == IP_RECVERR
                                    : name == IPV6_RECVPKTINFO || name == IPV6_RECVHOPLIMIT ||
                                          name == IPV6_RECVTCLASS || name == IPV6_RECVERR;
    if (level == IPPROTO_IP || level == IPPROTO_IPV6)
        sc_mark_set(fd, (shapes ? SC_MARK_SHAPED : 0u) | (asks ? SC_MARK_ASKS : 0u));
}

void sc_options_mark_datagram(int fd)
{
    uint64_t cookie = sc_cookie(fd);
    uint64_t mask = sc_shadow_mask(cookie);
    for (int i = 0; i < OPTIONS; i++) {
        const struct option *o = &options[i];
        if (!(mask >> i & 1))
            continue;
        mark_datagram(fd, o->level, o->name);
    }
}

void sc_options_tell_datagram(int fd)
{
    uint64_t cookie = sc_cookie(fd);
    uint64_t mask = sc_shadow_mask(cookie);
    for (int i = 0; i < OPTIONS; i++) {
        const struct option *o = &options[i];
        if ((mask >> i & 1) && o->tell == SC_OPT_RECVERR &&
            sc_option_remembered(cookie, o->level, o->name))
            tell_flow(fd, o->tell, 1);
    }
}

static int set_on_service(int fd, int level, int name, const void *value, socklen_t len)
{
    if (!sc_memory_reads(value, len < sizeof(struct timeval) ? len : sizeof(struct timeval)))
        return fail(EFAULT);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return set_congestion(fd, value, len);
    int index = find_option(level, plain_name(level, name));
    if (index < 0)
        return fail(level == SOL_SOCKET && is_unsupported(name) ? EOPNOTSUPP : ENOPROTOOPT);
    if (options[index].treatment == KERNEL)
        return set_kernel(fd, index, value, len);
    int v = 0;
    if (len == 0 || (len < sizeof v && level != IPPROTO_IP))
        return fail(EINVAL);
    if (len < sizeof v)
        v = *(const uint8_t *)value; /* ip(7) takes a byte as well */
    else
        memcpy(&v, value, sizeof v);
    return set_shadow(fd, index, v);
}

/* A plain socket was given an option: remembered in case it becomes ours. */
void sc_options_note_elsewhere(int fd, int level, int name)
{
    int index = find_option(level, plain_name(level, name));
    if (index >= 0)
        sc_touched_note(fd, (unsigned)index);
}

static int note(int fd, int level, int name, int result)
{
    if (result == 0)
        sc_options_note_elsewhere(fd, level, name);
    return result;
}

/* A datagram socket of ours: UDP's options. The kernel's AF_UNIX is asked for none of IP's. */
static int set_on_datagram(int fd, int level, int name, const void *value, socklen_t len)
{
    if (level == IPPROTO_UDP)
        return fail(ENOPROTOOPT);
    if (level != SOL_SOCKET && level != IPPROTO_IP && level != IPPROTO_IPV6)
        return fail(ENOPROTOOPT);
    if (level == IPPROTO_IPV6 && sc_datagram_family(fd) != SC_FAMILY_INET6)
        return fail(ENOPROTOOPT);
    return set_on_service(fd, level, name, value, len);
}

int sc_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct sc_name own;
    if (sc_is_datagram(fd))
        return set_on_datagram(fd, level, name, value, len);
    if (sc_mark_is_set(fd, SC_MARK_PLAIN))
        return note(fd, level, name, sc_next.setsockopt(fd, level, name, value, len));
    if (level == SOL_SOCKET && is_touchy(name) && sc_is_service_socket(fd, &own))
        return set_on_service(fd, level, name, value, len);
    int r = sc_next.setsockopt(fd, level, name, value, len);
    bool ip_level = level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
    if (r < 0 && ip_level && errno == EOPNOTSUPP && sc_meet_passed(fd))
        return sc_setsockopt(fd, level, name, value, len);
    if (r < 0 && ip_level && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own))
        return set_on_service(fd, level, name, value, len);
    if (r < 0 && level != SOL_SOCKET && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own))
        return fail(ENOPROTOOPT); /* no such level */
    if (r == 0 && level == SOL_SOCKET && sc_any_service_socket() &&
        sc_is_service_socket(fd, &own)) {
        int index = find_option(level, name);
        if (index >= 0)
            sc_shadow_set(sc_cookie(fd), (unsigned)index, 1);
        return 0;
    }
    return note(fd, level, name, r);
}

/* --- getsockopt ---------------------------------------------------------------------------------
 */

static int give(const void *from, socklen_t size, void *value, socklen_t *len)
{
    if (!sc_memory_writes(len, sizeof *len))
        return fail(EFAULT);
    if ((int)*len < 0)
        return fail(EINVAL);
    if (*len > size)
        *len = size;
    if (!sc_memory_writes(value, *len))
        return fail(EFAULT);
    memcpy(value, from, *len);
    return 0;
}

static int give_int(int v, void *value, socklen_t *len)
{
    return give(&v, sizeof v, value, len);
}

static uint8_t tcp_state(int fd, const struct sc_identity *id)
{
    switch (id->state) {
    case SC_STATE_LISTENING:
        return TCP_LISTEN;
    case SC_STATE_CONNECTING:
        return TCP_SYN_SENT;
    case SC_STATE_OPEN:
        break;
    default:
        return TCP_CLOSE;
    }
    short polled = sc_kernel_poll_now(fd, POLLRDHUP);
    return polled & POLLHUP ? TCP_CLOSE : polled & POLLRDHUP ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
}

/* From the flow's own figures; what it does not have stays 0. */
static int get_tcp_info(int fd, void *value, socklen_t *len)
{
    struct tcp_info info = {0};
    struct sc_identity id;
    struct sc_ctl_reply r;
    sc_identify(fd, &id);
    info.tcpi_state = tcp_state(fd, &id);
    if (id.state == SC_STATE_OPEN && ask_flow(fd, SC_OPT_INFO, &r)) {
        uint32_t mss = r.info.mss ? r.info.mss : 1448;
        info.tcpi_rtt = r.info.rtt_us;
        info.tcpi_rttvar = r.info.rtt_var_us;
        info.tcpi_snd_mss = info.tcpi_rcv_mss = info.tcpi_advmss = mss;
        info.tcpi_snd_cwnd = r.info.cwnd_bytes / mss;
        info.tcpi_lost = r.info.lost_packets;
        info.tcpi_retrans = info.tcpi_total_retrans = r.info.retransmitted_packets;
    }
    return give(&info, sizeof info, value, len);
}

/* The errno that the kernel's one stands for, once: the kernel forgets it when asked. */
static int get_error(int fd, void *value, socklen_t *len)
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

static int get_domain(const struct sc_name *own)
{
    switch (own->family) {
    case SC_FAMILY_INET6:
        return AF_INET6;
    case SC_FAMILY_SCAFFOLD:
        return AF_SCAFFOLD;
    default:
        return AF_INET;
    }
}

/* As a TCP socket answers: it has no peer process. */
static int get_peer_credentials(void *value, socklen_t *len)
{
    struct ucred nobody = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    return give(&nobody, sizeof nobody, value, len);
}

static int get_shadow(int fd, int index, void *value, socklen_t *len)
{
    const struct option *o = &options[index];
    int v = o->initial;
    bool set = sc_shadow_get(sc_cookie(fd), (unsigned)index, &v);
    if (!set && o->level == SOL_SOCKET && o->name != SO_REUSEPORT)
        return sc_next.getsockopt(fd, o->level, o->name, value, len); /* the buffers as they are */
    return give_int(v, value, len);
}

static int get_on_service(int fd, const struct sc_name *own, int level, int name, void *value,
                          socklen_t *len)
{
    if (level == IPPROTO_TCP && name == TCP_INFO)
        return get_tcp_info(fd, value, len);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return give("cubic\0\0\0\0\0\0\0\0\0\0", 16, value, len);
    if (level == SOL_SOCKET && name == SO_DOMAIN)
        return give_int(get_domain(own), value, len);
    if (level == SOL_SOCKET && name == SO_PROTOCOL)
        return give_int(sc_protocol_of(fd), value, len);
    if (level == SOL_SOCKET && name == SO_PEERCRED)
        return get_peer_credentials(value, len);
    if (level == SOL_SOCKET && (name == SO_PEERSEC || name == SO_PEERGROUPS))
        return fail(name == SO_PEERSEC ? ENOPROTOOPT : ENODATA);
    if (level == IPPROTO_IP && name == IP_MTU)
        return give_int(1500, value, len);
    int index = find_option(level, name);
    if (index < 0)
        return fail(level == SOL_SOCKET && is_unsupported(name) ? EOPNOTSUPP : ENOPROTOOPT);
    return get_shadow(fd, index, value, len);
}

/* Names of SOL_SOCKET that AF_UNIX answers otherwise than TCP. */
static bool is_answered_here(int name)
{
    switch (name) {
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_REUSEPORT:
    case SO_PEERCRED:
    case SO_PEERSEC:
    case SO_PEERGROUPS:
    case SO_PASSCRED:
    case SO_PASSSEC:
    case SO_PASSPIDFD:
        return true;
    default:
        return false;
    }
}

/* A socket of scaffold_socket that is not a service socket yet. */
static bool is_placeholder(int fd)
{
    int family;
    return sc_any_service_socket() && sc_shadow_get(sc_cookie(fd), SC_SHADOW_FAMILY, &family);
}

static int get_on_datagram(int fd, int level, int name, void *value, socklen_t *len)
{
    struct sc_name own;
    if (!sc_datagram_identify(fd, &own))
        return sc_next.getsockopt(fd, level, name, value, len);
    if (level == SOL_SOCKET && name == SO_TYPE)
        return give_int(SOCK_DGRAM, value, len);
    if (level == SOL_SOCKET && name == SO_PROTOCOL)
        return give_int(IPPROTO_UDP, value, len);
    if (level == SOL_SOCKET && name == SO_ERROR)
        return give_int(sc_datagram_take_error(fd), value, len);
    if (level == SOL_SOCKET && !is_answered_here(name))
        return sc_next.getsockopt(fd, level, name, value, len);
    if (level == IPPROTO_UDP)
        return fail(ENOPROTOOPT);
    if (level != SOL_SOCKET && level != IPPROTO_IP &&
        (level != IPPROTO_IPV6 || own.family != SC_FAMILY_INET6))
        return fail(EOPNOTSUPP);
    return get_on_service(fd, &own, level, name, value, len);
}

/* What kind of socket it is. */
static bool asks_kind(int level, int name)
{
    return level == SOL_SOCKET && (name == SO_DOMAIN || name == SO_TYPE || name == SO_PROTOCOL);
}

int sc_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct sc_name own;
    if (asks_kind(level, name))
        sc_meet_passed(fd);
    if (sc_is_datagram(fd))
        return get_on_datagram(fd, level, name, value, len);
    if (level == SOL_SOCKET && value && len) {
        if (name == SO_ERROR)
            return get_error(fd, value, len);
        if (is_answered_here(name) && sc_is_service_socket(fd, &own))
            return get_on_service(fd, &own, level, name, value, len);
        if (name == SO_DOMAIN && is_placeholder(fd))
            return give_int(AF_SCAFFOLD, value, len);
        return sc_next.getsockopt(fd, level, name, value, len);
    }
    int r = sc_next.getsockopt(fd, level, name, value, len);
    bool ip_level = level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
    if (r < 0 && ip_level && errno == EOPNOTSUPP && sc_meet_passed(fd))
        return sc_getsockopt(fd, level, name, value, len);
    if (r < 0 && ip_level && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own))
        return get_on_service(fd, &own, level, name, value, len);
    if (r < 0 && level != SOL_SOCKET && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own) &&
        own.family == SC_FAMILY_INET6)
        return fail(ENOPROTOOPT); /* no such level; AF_INET says EOPNOTSUPP, too */
    return r;
}

/* --- options that do nothing ----------------------------------------------------------------- */

/* Asks for what flows do by default. */
static bool is_default(int level, int name, uint64_t cookie)
{
    int start = 0;
    return level == IPPROTO_TCP && name == TCP_CONGESTION &&
           sc_shadow_get(cookie, (unsigned)find_option(level, name), &start) &&
           memcmp(&start, "cubic", sizeof start) == 0;
}

size_t sc_options_without_effect(uint64_t cookie, bool datagram, const char *names[], size_t room)
{
    size_t count = 0;
    uint64_t mask = sc_shadow_mask(cookie);
    for (size_t i = 0; i < sizeof without_effect / sizeof *without_effect && count < room; i++) {
        int level = without_effect[i].level, name = without_effect[i].name;
        int index = find_option(level, name);
        if (datagram && without_effect[i].of_streams)
            continue;
        if (index >= 0 && (mask >> index & 1) && !is_default(level, name, cookie))
            names[count++] = without_effect[i].text;
    }
    return count;
}

/* --- carrying over a swap -----------------------------------------------------------------------
 */

union value {
    int number;
    struct linger linger;
    struct timeval time;
    char room[64];
};

static void tell_later(const struct option *o, const union value *v, socklen_t len,
                       struct sc_options_told *told)
{
    uint32_t number = v->number > 0 ? (uint32_t)v->number : 0;
    if (o->level == SOL_SOCKET && o->name == SO_SNDTIMEO)
        told->send_timeout = v->time;
    switch (o->tell) {
    case SC_OPT_NODELAY:
        told->nodelay = number != 0;
        break;
    case SC_OPT_KEEPALIVE:
        told->keepalive = number != 0;
        break;
    case SC_OPT_USER_TIMEOUT_MS:
        told->user_timeout_ms = number;
        break;
    case SC_OPT_ABORT_ON_CLOSE:
        told->abort_on_close = is_abort(v, len);
        break;
    case SC_OPT_SNDBUF:
        told->sndbuf = number / 2;
        break;
    case SC_OPT_RCVBUF:
        told->rcvbuf = number / 2;
        break;
    default:
        break;
    }
}

static bool read_option(int fd, const struct option *o, union value *v, socklen_t *len)
{
    *v = (union value){0};
    *len = sizeof *v;
    return sc_getsockopt(fd, o->level, o->name, v, len) == 0;
}

/* Options that programs set with libc's setsockopt where libscaffold does not stand before it; each
 * is zero until then. */
static bool is_common(const struct option *o)
{
    if (o->level == IPPROTO_TCP)
        return o->name == TCP_NODELAY || o->name == TCP_USER_TIMEOUT;
    return o->level == SOL_SOCKET &&
           (o->name == SO_RCVTIMEO || o->name == SO_SNDTIMEO || o->name == SO_KEEPALIVE ||
            o->name == SO_LINGER || o->name == SO_OOBINLINE || o->name == SO_REUSEADDR);
}

static uint64_t set_elsewhere(int fd)
{
    static const union value zero;
    uint64_t mask = 0;
    int kept = errno;
    for (int i = 0; i < OPTIONS; i++) {
        union value v;
        socklen_t len;
        if (is_common(&options[i]) && read_option(fd, &options[i], &v, &len) &&
            memcmp(&v, &zero, sizeof v) != 0)
            mask |= 1ull << i;
    }
    errno = kept;
    return mask;
}

/* The options that the program has set, whichever kind of socket it is. */
static uint64_t set_by_program(int fd)
{
    struct sc_name own;
    uint64_t mask;
    if (sc_is_datagram(fd) || sc_is_service_socket(fd, &own))
        mask = sc_shadow_mask(sc_cookie(fd));
    else
        mask = sc_touched_mask(fd) | (sc_real_sees_all() ? 0 : set_elsewhere(fd));
    return mask & ~(1ull << SC_SHADOW_FAMILY);
}

void sc_options_tell(int from, struct sc_options_told *told)
{
    uint64_t mask = set_by_program(from);
    int kept = errno;
    *told = (struct sc_options_told){0};
    for (int i = 0; i < OPTIONS; i++) {
        union value v;
        socklen_t len;
        if ((mask >> i & 1) && read_option(from, &options[i], &v, &len))
            tell_later(&options[i], &v, len, told);
    }
    errno = kept;
}

void sc_options_carry(int from, int to, struct sc_options_told *told)
{
    uint64_t mask = set_by_program(from);
    uint64_t cookie = mask ? sc_cookie(to) : 0;
    int kept = errno;
    *told = (struct sc_options_told){0};
    for (int i = 0; i < OPTIONS; i++) {
        union value v;
        socklen_t len;
        if (!(mask >> i & 1) || !read_option(from, &options[i], &v, &len))
            continue;
        if (options[i].treatment == KERNEL)
            sc_real.setsockopt(to, options[i].level, options[i].name, &v, len);
        sc_shadow_set(cookie, (unsigned)i, v.number);
        tell_later(&options[i], &v, len, told);
    }
    errno = kept;
}

void sc_options_give_back(int from, int to)
{
    uint64_t mask = set_by_program(from);
    int kept = errno;
    for (int i = 0; i < OPTIONS; i++) {
        union value v;
        socklen_t len;
        if (!(mask >> i & 1) || !read_option(from, &options[i], &v, &len))
            continue;
        if (options[i].tell == SC_OPT_SNDBUF || options[i].tell == SC_OPT_RCVBUF)
            v.number /= 2; /* the kernel doubles what it is given */
        if (sc_real.setsockopt(to, options[i].level, options[i].name, &v, len) == 0)
            sc_touched_note(to, (unsigned)i);
    }
    errno = kept;
}

void sc_options_inherit(int listener, int accepted)
{
    uint64_t from = sc_cookie(listener);
    uint64_t mask = sc_shadow_mask(from) & ~(1ull << SC_SHADOW_FAMILY);
    uint64_t to = mask ? sc_cookie(accepted) : 0;
    for (int i = 0; i < OPTIONS; i++) {
        union value v;
        socklen_t len;
        const struct option *o = &options[i];
        if (!(mask >> i & 1) || !read_option(listener, o, &v, &len))
            continue;
        if (o->treatment == KERNEL)
            sc_real.setsockopt(accepted, o->level, o->name, &v, len);
        sc_shadow_set(to, (unsigned)i, v.number);
        if (o->tell == SC_OPT_ABORT_ON_CLOSE && is_abort(&v, len))
            tell_flow(accepted, o->tell, 1);
        else if (o->tell == SC_OPT_SNDBUF || o->tell == SC_OPT_RCVBUF)
            tell_flow(accepted, o->tell, (uint32_t)v.number / 2);
        else if (o->tell == SC_OPT_USER_TIMEOUT_MS)
            tell_flow(accepted, o->tell, (uint32_t)v.number);
    }
}

/* --- shutdown and ioctl --------------------------------------------------------------------------
 */

/* True when the other end is gone; TCP has then forgotten the connection. */
static bool is_over(int fd)
{
    struct sc_ctl_reply r;
    return sc_is_hung_up(fd) && !ask_flow(fd, SC_OPT_OUTQ, &r);
}

int sc_shutdown(int fd, int how)
{
    struct sc_identity id;
    if (sc_is_datagram(fd))
        return sc_datagram_shutdown(fd, how);
    bool valid = how == SHUT_RD || how == SHUT_WR || how == SHUT_RDWR;
    if (valid && sc_any_service_socket() && sc_identify(fd, &id) != SC_STATE_PLAIN &&
        (id.state == SC_STATE_BOUND || id.state == SC_STATE_FAILED ||
         (id.state == SC_STATE_OPEN && is_over(fd))))
        return fail(ENOTCONN);
    return sc_next.shutdown(fd, how);
}

/* Questions about interfaces: any socket of the family answers them. */
static int ask_interfaces(sa_family_t family, unsigned long request, void *arg)
{
    int fd = sc_real.socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int r = sc_real.ioctl(fd, request, arg);
    int kept = errno;
    sc_real.close(fd);
    errno = kept;
    return r;
}

int sc_ioctl(int fd, unsigned long request, void *arg)
{
    struct sc_name own;
    struct sc_ctl_reply r;
    if (request == FIONREAD && sc_is_datagram(fd) && sc_memory_writes(arg, sizeof(int))) {
        *(int *)arg = sc_datagram_next_length(fd);
        return 0;
    }
    if (request == SIOCOUTQ && sc_is_service_socket(fd, &own) &&
        sc_memory_writes(arg, sizeof(int))) {
        *(int *)arg = ask_flow(fd, SC_OPT_OUTQ, &r) ? (int)r.value : 0;
        return 0;
    }
    int result = sc_next.ioctl(fd, request, arg);
    if (request == FIOSETOWN || request == SIOCSPGRP)
        sc_note_signals();
    if (result < 0 && errno == ENOTTY && request >= SIOCGIFNAME && request <= SIOCGIFCOUNT &&
        sc_any_service_socket() &&
        (sc_datagram_identify(fd, &own) || sc_is_service_socket(fd, &own)))
        return ask_interfaces(own.family == SC_FAMILY_INET6 ? AF_INET6 : AF_INET, request, arg);
    return result;
}
