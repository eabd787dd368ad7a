#include "client/options/set.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client/options/datagram.h"
#include "client/options/shadow.h"
#include "client/options/table.h"
#include "client/process/cookies.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/real.h"
#include "local/tcp_congestion.h"

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
#define NAME_LENGTH_MAX (SC_TCP_CONGESTION_LEN - 1)

static int set_congestion(int fd, const void *value, socklen_t len)
{
    unsigned key = (unsigned)sc_option_kept_key(IPPROTO_TCP, TCP_CONGESTION);
    if (len == 0)
        return sc_fail(EINVAL);
    uint32_t number = sc_tcp_congestion_find(value, len < NAME_LENGTH_MAX ? len : NAME_LENGTH_MAX);
    if (number == 0)
        return sc_fail(ENOENT);
    sc_shadow_set(sc_cookie(fd), key, (int)number);
    if (has_flow(fd))
        sc_flow_set(fd, SC_OPT_CONGESTION, number);
    return 0;
}

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

/* A stream's buffer stays as large as the model needs (A1). */
static bool is_told(int fd, const struct sc_option *o)
{
    return o->tell && (o->tell != SC_OPT_RCVBUF || sc_is_datagram(fd));
}

static int set_shadow(int fd, unsigned key, int value)
{
    const struct sc_option *o = sc_option_at(key);
    if (sc_is_datagram(fd))
        sc_options_mark(fd, o->level, o->name);
    if (is_out_of_range(o, value) || is_too_late(fd, o))
        return sc_fail(EINVAL);
    if (sc_option_is_buffer(o)) {
        int reported = reported_buffer(o->name, value);
        sc_shadow_set(sc_cookie(fd), key, reported);
        value = reported / 2;
    } else {
        sc_shadow_set(sc_cookie(fd), key, is_flag(o) && value ? 1 : value);
    }
    if (is_told(fd, o) && has_flow(fd))
        sc_flow_set(fd, o->tell, (uint32_t)value);
    return 0;
}

/* Buffers are limits of the flow; the socket's own stay as large as the model needs (A1, A2). */
static int plain_name(int level, int name)
{
    if (level == SOL_SOCKET && name == SO_SNDBUFFORCE)
        return SO_SNDBUF;
    return level == SOL_SOCKET && name == SO_RCVBUFFORCE ? SO_RCVBUF : name;
}

/* A close of AF_UNIX is a clean end where nothing is unread: whoever is connected to the peer
 * itself has no other. */
static int refuse_reset(void)
{
    sc_explain(EOPNOTSUPP,
               "a flow of the local plane cannot be reset; set SO_LINGER before connect "
               "or listen, or plane = \"user\" for scaffoldd");
    return sc_fail(EOPNOTSUPP);
}

static int set_kernel(int fd, unsigned key, const void *value, socklen_t len)
{
    const struct sc_option *o = sc_option_at(key);
    int r = sc_next.setsockopt(fd, o->level, o->name, value, len);
    if (r == 0)
        sc_shadow_set(sc_cookie(fd), key, 1);
    return r;
}

/* Of a flow; and of a socket that is bound or listens, for what it will accept. */
static int set_linger(int fd, unsigned key, const void *value, socklen_t len)
{
    struct sc_identity id;
    bool reset = sc_options_ask_reset(value, len), stream = !sc_is_datagram(fd);
    enum sc_identity_state state = stream ? sc_identify(fd, &id) : SC_STATE_PLAIN;
    if (reset && stream && sc_identity_is_local(&id))
        return refuse_reset();
    int r = set_kernel(fd, key, value, len);
    if (r == 0 && state != SC_STATE_PLAIN && state != SC_STATE_FAILED)
        sc_flow_set(fd, SC_OPT_ABORT_ON_CLOSE, reset);
    return r;
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
    int error = sc_option_refusal(level, name);
    if (key >= 0)
        snprintf(line, sizeof line, "a service's socket has no %s",
                 sc_option_at((unsigned)key)->text);
    else
        snprintf(line, sizeof line, "a service's socket has no option %d of level %d", name, level);
    sc_explain(error, line);
    return sc_fail(error);
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
        return sc_fail(EINVAL);
    if (!sc_memory_reads(value, len < sizeof(struct timeval) ? len : sizeof(struct timeval)))
        return sc_fail(EFAULT);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return set_congestion(fd, value, len);
    int key = sc_option_kept_key(level, plain_name(level, name));
    if (key < 0)
        return set_other(fd, level, name, value, len);
    const struct sc_option *o = sc_option_at((unsigned)key);
    if (o->tell == SC_OPT_ABORT_ON_CLOSE)
        return set_linger(fd, (unsigned)key, value, len);
    if (o->verdict == SC_OPTION_CARRIED)
        return set_kernel(fd, (unsigned)key, value, len);
    int v = 0;
    if (len < sizeof v && level != IPPROTO_IP)
        return sc_fail(EINVAL);
    if (len >= sizeof v)
        memcpy(&v, value, sizeof v);
    else if (len > 0)
        v = *(const uint8_t *)value; /* ip(7) takes a byte as well, and none for 0 */
    return set_shadow(fd, (unsigned)key, v);
}

/* A plain socket was given what undoes another option. */
static void note_undone(int fd, int level, int name)
{
    bool filter = level == SOL_SOCKET && name == SO_DETACH_FILTER;
    bool chooser = level == SOL_SOCKET && name == SO_DETACH_REUSEPORT_BPF;
    int classic = filter ? SO_ATTACH_FILTER : SO_ATTACH_REUSEPORT_CBPF;
    int extended = filter ? SO_ATTACH_BPF : SO_ATTACH_REUSEPORT_EBPF;
    if (!filter && !chooser)
        return;
    sc_touched_undo(fd, (unsigned)sc_option_key(SOL_SOCKET, classic));
    sc_touched_undo(fd, (unsigned)sc_option_key(SOL_SOCKET, extended));
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
        note_undone(fd, level, name);
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
        return sc_fail(ENOPROTOOPT);
    if (level == IPPROTO_IPV6 && sc_datagram_family(fd) != SC_FAMILY_INET6)
        return sc_fail(ENOPROTOOPT);
    return set_on_service(fd, level, name, value, len);
}

int sc_options_set(int fd, int level, int name, const void *value, socklen_t len)
{
    struct sc_socket_name own;
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
    if (r < 0 && ip_level && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own))
        return set_on_service(fd, level, name, value, len);
    if (r < 0 && level != SOL_SOCKET && errno == EOPNOTSUPP && sc_is_service_socket(fd, &own))
        return sc_fail(ENOPROTOOPT); /* no such level */
    if (r == 0 && level == SOL_SOCKET && sc_any_service_socket() &&
        sc_is_service_socket(fd, &own)) {
        int key = sc_option_kept_key(level, name);
        if (key >= 0)
            sc_shadow_set(sc_cookie(fd), (unsigned)key, 1);
        return 0;
    }
    return note(fd, level, name, r);
}
