#include "client/options/get.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#include "client/options/protocol.h"
#include "client/options/shadow.h"
#include "client/options/table.h"
#include "client/process/cookies.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/real.h"
#include "local/tcp_congestion.h"
#include "scaffold/scaffold.h"

/* Newer than the oldest libc headers that build this. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

static int give(const void *from, socklen_t size, void *value, socklen_t *len)
{
    if (!sc_memory_writes(len, sizeof *len))
        return sc_fail(EFAULT);
    if ((int)*len < 0)
        return sc_fail(EINVAL);
    if (*len > size)
        *len = size;
    if (!sc_memory_writes(value, *len))
        return sc_fail(EFAULT);
    memcpy(value, from, *len);
    return 0;
}

int sc_options_give_int(int v, void *value, socklen_t *len)
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
    bool over = id->local ? sc_flow_is_over(fd) : polled & POLLHUP;
    return over ? TCP_CLOSE : polled & POLLRDHUP ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
}

/* From the flow's own figures; what it does not have stays 0: one of the local plane has none. */
static int get_tcp_info(int fd, void *value, socklen_t *len)
{
    struct tcp_info info = {0};
    struct sc_identity id;
    struct sc_ctl_reply r = {0};
    sc_identify(fd, &id);
    info.tcpi_state = tcp_state(fd, &id);
    if (id.state == SC_STATE_OPEN && (id.local || sc_flow_get(fd, SC_OPT_INFO, &r))) {
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

/* A flow's is scaffoldd's to say, who knows the default as well; of one that goes from socket to
 * socket it knows nothing else. Room for all of a name. */
static const char *congestion_of(int fd)
{
    static const char cubic[SC_TCP_CONGESTION_LEN] = "cubic";
    struct sc_identity id;
    struct sc_ctl_reply r;
    int number = 0;
    unsigned key = (unsigned)sc_option_kept_key(IPPROTO_TCP, TCP_CONGESTION);
    sc_identify(fd, &id);
    bool is_open = id.state == SC_STATE_OPEN || id.state == SC_STATE_CONNECTING;
    bool is_flow = is_open && !sc_is_local_flow(fd);
    bool is_chosen = sc_shadow_get(sc_cookie(fd), key, &number) && number;
    if ((is_flow || !is_chosen) && sc_flow_get(fd, SC_OPT_CONGESTION, &r))
        number = (int)r.value;
    const char *name = sc_tcp_congestion_name((uint32_t)number);
    return name ? name : cubic; /* scaffoldd is gone, and its flows with it */
}

static int get_domain(const struct sc_socket_name *own)
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
    if (!set && sc_option_is_buffer(o))
        return sc_next.getsockopt(fd, o->level, o->name, value, len); /* the buffers as they are */
    return sc_options_give_int(v, value, len);
}

static int get_on_service(int fd, const struct sc_socket_name *own, int level, int name,
                          void *value, socklen_t *len)
{
    if (level == IPPROTO_TCP && name == TCP_INFO)
        return get_tcp_info(fd, value, len);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return give(congestion_of(fd), SC_TCP_CONGESTION_LEN, value, len);
    if (level == SOL_SOCKET && name == SO_DOMAIN)
        return sc_options_give_int(get_domain(own), value, len);
    if (level == SOL_SOCKET && name == SO_PROTOCOL)
        return sc_options_give_int(sc_protocol_of(fd), value, len);
    if (level == SOL_SOCKET && name == SO_PEERCRED)
        return get_peer_credentials(value, len);
    if (level == SOL_SOCKET && (name == SO_PEERSEC || name == SO_PEERGROUPS))
        return sc_fail(name == SO_PEERSEC ? ENOPROTOOPT : ENODATA);
    if ((level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU))
        return sc_options_give_int(1500, value, len);
    int key = sc_option_kept_key(level, name);
    if (key < 0)
        return sc_fail(sc_option_refusal(level, name));
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
    case SO_MAX_PACING_RATE:
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
    struct sc_socket_name own;
    if (!sc_is_datagram_socket(fd, &own))
        return sc_next.getsockopt(fd, level, name, value, len);
    if (level == SOL_SOCKET && name == SO_TYPE)
        return sc_options_give_int(SOCK_DGRAM, value, len);
    if (level == SOL_SOCKET && name == SO_PROTOCOL)
        return sc_options_give_int(IPPROTO_UDP, value, len);
    if (level == SOL_SOCKET && !is_answered_here(name))
        return sc_next.getsockopt(fd, level, name, value, len);
    if (level != SOL_SOCKET && level != IPPROTO_UDP && level != IPPROTO_IP &&
        (level != IPPROTO_IPV6 || own.family != SC_FAMILY_INET6))
        return sc_fail(EOPNOTSUPP);
    return get_on_service(fd, &own, level, name, value, len);
}

int sc_options_get(int fd, int level, int name, void *value, socklen_t *len)
{
    struct sc_socket_name own;
    if (sc_is_datagram(fd))
        return get_on_datagram(fd, level, name, value, len);
    if (level == SOL_SOCKET && value && len) {
        if (is_answered_here(name) && sc_is_service_socket(fd, &own))
            return get_on_service(fd, &own, level, name, value, len);
        if (name == SO_DOMAIN && is_placeholder(fd))
            return sc_options_give_int(AF_SCAFFOLD, value, len);
        return sc_next.getsockopt(fd, level, name, value, len);
    }
    int r = sc_next.getsockopt(fd, level, name, value, len);
    bool ip_level = level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
    if (r < 0 && ip_level && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own))
        return get_on_service(fd, &own, level, name, value, len);
    if (r < 0 && level != SOL_SOCKET && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own) &&
        own.family == SC_FAMILY_INET6)
        return sc_fail(ENOPROTOOPT); /* no such level; AF_INET says EOPNOTSUPP, too */
    return r;
}
