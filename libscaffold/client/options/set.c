#include "client/options/options.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "client/call/flow_error.h"
#include "client/client.h"
#include "client/datagram/datagram.h"
#include "client/datagram/error.h"
#include "client/explain/log.h"
#include "client/options/protocol.h"
#include "client/options/shadow.h"
#include "client/options/table.h"
#include "client/process/control.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/memory.h"
#include "client/process/real.h"
#include "scaffold/scaffold.h"

/* Newer than the oldest libc headers that build this. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

static int fail(int error)
{
    errno = error;
    return -1;
}

int sc_option_remembered(uint64_t cookie, int level, int name)
{
    int key = sc_option_key(level, name);
    const struct sc_option *o = key < 0 ? NULL : sc_option_at((unsigned)key);
    int value = o ? o->initial : 0;
    if (o && key < SC_SHADOW_OPTIONS)
        sc_shadow_get(cookie, (unsigned)key, &value);
    return value;
}

/* The key of an option that a service's socket keeps; -1 for all others. */
static int kept_key(int level, int name)
{
    int key = sc_option_key(level, name);
    return key < SC_SHADOW_OPTIONS ? key : -1;
}

/* --- telling the flow ---------------------------------------------------------------------------
 */

/* scaffoldd may be gone, or know better: the option then has no effect, which is no error. */
void sc_options_tell_flow(int fd, enum sc_ctl_option option, uint32_t value)
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

bool sc_options_ask_reset(const void *value, socklen_t len)
{
    struct linger l;
    if (len < sizeof l)
        return false;
    memcpy(&l, value, sizeof l);
    return l.l_onoff && l.l_linger == 0;
}

void sc_options_reset_on_close(int fd)
{
    sc_options_tell_flow(fd, SC_OPT_ABORT_ON_CLOSE, 1);
}

/* --- setsockopt ---------------------------------------------------------------------------------
 */

/* Names of SOL_SOCKET for which a service socket must not do what AF_UNIX would. */
static bool is_touchy(int name)
{
    int key = sc_option_key(SOL_SOCKET, name);
    if (key < 0 || name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE)
        return true;
    const struct sc_option *o = sc_option_at((unsigned)key);
    return o->tell || (o->verdict != SC_OPTION_CARRIED && o->verdict != SC_OPTION_PASSING);
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

/* As much of a name as Linux looks at. */
#define NAME_LENGTH_MAX 15

static int set_congestion(int fd, const void *value, socklen_t len)
{
    static const char *const known[] = {"cubic", "reno", "bbr"};
    if (len == 0)
        return fail(EINVAL);
    size_t length = strnlen(value, len < NAME_LENGTH_MAX ? len : NAME_LENGTH_MAX);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (length == strlen(known[i]) && memcmp(value, known[i], strlen(known[i])) == 0) {
            int start;
            memcpy(&start, known[i], sizeof start);
            sc_shadow_set(sc_cookie(fd), (unsigned)kept_key(IPPROTO_TCP, TCP_CONGESTION), start);
            return 0;
        }
    return fail(ENOENT);
}

static void mark_datagram(int fd, int level, int name);

/* Those that are on or off, and are reported so whatever they were set to. */
static bool is_flag(const struct sc_option *o)
{
    switch (o->level) {
    case SOL_SOCKET:
        return o->name == SO_REUSEPORT;
    case IPPROTO_TCP:
        return o->name == TCP_NODELAY || o->name == TCP_CORK;
    case IPPROTO_UDP:
        return o->name != UDP_SEGMENT;
    default:
        return false;
    }
}

static bool is_out_of_range(const struct sc_option *o, int value)
{
    return value < o->least ||
           (o->level == IPPROTO_UDP && o->name == UDP_SEGMENT && value > UINT16_MAX);
}

/* What is ours is bound; a flow is opened, or being opened. */
static bool is_too_late(int fd, const struct sc_option *o)
{
    return (o->level == IPPROTO_IPV6 && o->name == IPV6_V6ONLY) ||
           (o->level == IPPROTO_TCP && o->name == TCP_FASTOPEN_CONNECT && has_flow(fd));
}

static int set_shadow(int fd, unsigned key, int value)
{
    const struct sc_option *o = sc_option_at(key);
    if (sc_is_datagram(fd))
        mark_datagram(fd, o->level, o->name);
    if (is_out_of_range(o, value) || is_too_late(fd, o))
        return fail(EINVAL);
    if (o->tell == SC_OPT_SNDBUF || o->tell == SC_OPT_RCVBUF) {
        int reported = reported_buffer(o->name, value);
        sc_shadow_set(sc_cookie(fd), key, reported);
        value = reported / 2;
    } else {
        sc_shadow_set(sc_cookie(fd), key, is_flag(o) && value ? 1 : value);
    }
    if (o->tell && has_flow(fd))
        sc_options_tell_flow(fd, o->tell, (uint32_t)value);
    return o->level == IPPROTO_UDP && o->name == UDP_CORK && value == 0 ? sc_datagram_uncork(fd)
                                                                        : 0;
}

/* Buffers are limits of the flow; the socket's own stay as large as the model needs (A1, A2). */
static int plain_name(int level, int name)
{
    if (level == SOL_SOCKET && name == SO_SNDBUFFORCE)
        return SO_SNDBUF;
    return level == SOL_SOCKET && name == SO_RCVBUFFORCE ? SO_RCVBUF : name;
}

static int set_kernel(int fd, unsigned key, const void *value, socklen_t len)
{
    const struct sc_option *o = sc_option_at(key);
    int r = sc_next.setsockopt(fd, o->level, o->name, value, len);
    if (r < 0)
        return r;
    sc_shadow_set(sc_cookie(fd), key, 1);
    if (o->tell == SC_OPT_ABORT_ON_CLOSE && has_flow(fd))
        sc_options_tell_flow(fd, o->tell, sc_options_ask_reset(value, len));
    else if (o->tell == SC_OPT_KEEPALIVE && has_flow(fd))
        sc_options_tell_flow(fd, o->tell, *(const int *)value != 0);
    return 0;
}

/* What the kernel refuses with another errno than options that it does not know: zero copy on what
 * cannot do it, and what belongs to AF_UNIX and would reveal scaffoldd. */
static bool is_unsupported(int name)
{
    return name == SO_ZEROCOPY || name == SO_PASSCRED || name == SO_PASSSEC || name == SO_PASSPIDFD;
}

/* The marks of what each call on a datagram socket has to look at. */
static unsigned marks_of(int level, int name)
{
    switch (level) {
    case IPPROTO_IP:
        return name == IP_TTL || name == IP_TOS ? SC_MARK_SHAPED
               : name == IP_PKTINFO || name == IP_RECVTTL || name == IP_RECVTOS ||
                       name == IP_RECVERR
                   ? SC_MARK_ASKS
                   : 0u;
    case IPPROTO_IPV6:
        return name == IPV6_UNICAST_HOPS || name == IPV6_TCLASS ? SC_MARK_SHAPED
               : name == IPV6_RECVPKTINFO || name == IPV6_RECVHOPLIMIT || name == IPV6_RECVTCLASS ||
                       name == IPV6_RECVERR
                   ? SC_MARK_ASKS
                   : 0u;
    case IPPROTO_UDP:
        return name == UDP_SEGMENT || name == UDP_CORK ? SC_MARK_GATHERS
               : name == UDP_GRO                       ? SC_MARK_ASKS
                                                       : 0u;
    default:
        return 0;
    }
}

static void mark_datagram(int fd, int level, int name)
{
    unsigned marks = marks_of(level, name);
    if (marks)
        sc_mark_set(fd, marks);
}

void sc_options_mark_datagram(int fd)
{
    uint64_t cookie = sc_cookie(fd);
    struct sc_option_set set = sc_shadow_set_of(cookie);
    sc_option_set_each(key, &set)
    {
        const struct sc_option *o = sc_option_at((unsigned)key);
        if (!o)
            continue;
        mark_datagram(fd, o->level, o->name);
    }
}

void sc_options_tell_datagram(int fd)
{
    uint64_t cookie = sc_cookie(fd);
    struct sc_option_set set = sc_shadow_set_of(cookie);
    sc_option_set_each(key, &set)
    {
        const struct sc_option *o = sc_option_at((unsigned)key);
        if (o && (o->tell == SC_OPT_RECVERR || o->tell == SC_OPT_GRO) &&
            sc_option_remembered(cookie, o->level, o->name))
            sc_options_tell_flow(fd, o->tell, 1);
    }
}

/* An option that no service has is switched off, where it is. */
static bool asks_for_off(const struct sc_option *o, const void *value, socklen_t len)
{
    static const char zero[64];
    int number = 0;
    if (o->verdict != SC_OPTION_REFUSED || len < sizeof number || len > sizeof zero ||
        !sc_memory_reads(value, len))
        return false;
    memcpy(&number, value, sizeof number);
    return o->initial ? number == o->initial : memcmp(value, zero, len) == 0;
}

/* "a service's socket has no TCP_MD5SIG" */
static int refuse(int level, int name)
{
    char line[96];
    int key = sc_option_key(level, name);
    int error = level == SOL_SOCKET && is_unsupported(name) ? EOPNOTSUPP : ENOPROTOOPT;
    if (key >= 0)
        snprintf(line, sizeof line, "a service's socket has no %s",
                 sc_option_at((unsigned)key)->text);
    else
        snprintf(line, sizeof line, "a service's socket has no option %d of level %d", name, level);
    sc_control_explain(error, line);
    return fail(error);
}

/* One that a service's socket does not keep. Acts are the kernel's. */
static int set_other(int fd, int level, int name, const void *value, socklen_t len)
{
    int key = sc_option_key(level, name);
    const struct sc_option *o = key < 0 ? NULL : sc_option_at((unsigned)key);
    if (o && o->verdict == SC_OPTION_PASSING && level == SOL_SOCKET)
        return sc_real.setsockopt(fd, level, name, value, len);
    return o && asks_for_off(o, value, len) ? 0 : refuse(level, name);
}

/* Whose length the kernel looks at before it reads them. */
static bool is_number(int level, int name)
{
    switch (level) {
    case SOL_SOCKET:
        return name != SO_BINDTODEVICE;
    case IPPROTO_TCP:
        return name != TCP_CONGESTION && name != TCP_ULP && name != TCP_FASTOPEN_KEY;
    default:
        return level == IPPROTO_UDP;
    }
}

static int set_on_service(int fd, int level, int name, const void *value, socklen_t len)
{
    if (len < sizeof(int) && is_number(level, name))
        return fail(EINVAL);
    if (!sc_memory_reads(value, len < sizeof(struct timeval) ? len : sizeof(struct timeval)))
        return fail(EFAULT);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return set_congestion(fd, value, len);
    int key = kept_key(level, plain_name(level, name));
    if (key < 0)
        return set_other(fd, level, name, value, len);
    if (sc_option_at((unsigned)key)->verdict == SC_OPTION_CARRIED)
        return set_kernel(fd, (unsigned)key, value, len);
    int v = 0;
    if (len < sizeof v && level != IPPROTO_IP)
        return fail(EINVAL);
    if (len >= sizeof v)
        memcpy(&v, value, sizeof v);
    else if (len > 0)
        v = *(const uint8_t *)value; /* ip(7) takes a byte as well, and none for 0 */
    return set_shadow(fd, (unsigned)key, v);
}

/* A plain socket was given an option: remembered in case it becomes ours. */
void sc_options_note_elsewhere(int fd, int level, int name)
{
    int key = sc_option_key(level, plain_name(level, name));
    if (key < 0)
        sc_touched_note(fd, SC_OPTION_UNKNOWN);
    else if (sc_option_at((unsigned)key)->verdict != SC_OPTION_PASSING)
        sc_touched_note(fd, (unsigned)key);
    else
        sc_options_undone(fd, level, name);
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
    if (level != SOL_SOCKET && level != IPPROTO_UDP && level != IPPROTO_IP && level != IPPROTO_IPV6)
        return fail(ENOPROTOOPT);
    if (level == IPPROTO_IPV6 && sc_datagram_family(fd) != SC_FAMILY_INET6)
        return fail(ENOPROTOOPT);
    return set_on_service(fd, level, name, value, len);
}

int sc_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct sc_name own;
    if ((int)len < 0)
        return sc_next.setsockopt(fd, level, name, value, len); /* which refuses it unread */
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
        int key = kept_key(level, name);
        if (key >= 0)
            sc_shadow_set(sc_cookie(fd), (unsigned)key, 1);
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

static int get_shadow(int fd, unsigned key, void *value, socklen_t *len)
{
    const struct sc_option *o = sc_option_at(key);
    int v = o->initial;
    bool set = sc_shadow_get(sc_cookie(fd), key, &v);
    if (!set && (o->tell == SC_OPT_SNDBUF || o->tell == SC_OPT_RCVBUF))
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
    if ((level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU))
        return give_int(1500, value, len);
    int key = kept_key(level, name);
    if (key < 0)
        return fail(level == SOL_SOCKET && is_unsupported(name) ? EOPNOTSUPP : ENOPROTOOPT);
    return get_shadow(fd, (unsigned)key, value, len);
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
    case SO_BUF_LOCK:
    case SO_RESERVE_MEM:
    case SO_TXREHASH:
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
    if (level != SOL_SOCKET && level != IPPROTO_UDP && level != IPPROTO_IP &&
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
