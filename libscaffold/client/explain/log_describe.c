#include "client/explain/log_describe.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client/explain/log_line.h"
#include "client/explain/log_note.h"
#include "client/explain/log_reason.h"
#include "client/explain/log_socket.h"
#include "client/explain/why.h"
#include "client/names/ask.h"
#include "client/options/carry.h"
#include "client/options/table.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/real.h"

/* The address that scaffoldd knows the socket's service by. */
static const struct sc_address *service_address(const struct sc_log_socket *s)
{
    const struct sc_address *target = s->note && s->note->is_peer ? &s->note->target : NULL;
    if (s->service && s->own.kind == SC_SOCKET_BOUND)
        return &s->local;
    if (s->service && s->own.kind == SC_SOCKET_DATAGRAM)
        return target ? target : &s->local;
    return s->has_peer || !target ? &s->peer : target;
}

/* NAME:PORT, with /udp for datagrams; `name` gets NAME alone. False when nobody knows it. */
static bool read_service(const struct sc_log_socket *s, char name[SC_CTL_NAME], char *full,
                         size_t size)
{
    const struct sc_address *a = service_address(s);
    if (!s->service && !(s->note && s->note->attempted))
        return false;
    if (!sc_reverse(a, name))
        return false;
    snprintf(full, size, s->type == SOCK_DGRAM ? "%s:%u/udp" : "%s:%u", name, a->port);
    return true;
}

static void flow_bytes(const struct sc_log_socket *s, struct sc_log_line *line)
{
    struct sc_ctl_reply r;
    if (!sc_flow_get(s->fd, SC_OPT_INFO, &r))
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
static void tcp_bytes(const struct sc_log_socket *s, struct sc_log_line *line)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    size_t least = offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans;
    if (sc_real.getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || len < least)
        return;
    line->tx_bytes = (int64_t)(info.tcpi_bytes_sent - info.tcpi_bytes_retrans);
    line->rx_bytes = (int64_t)info.tcpi_bytes_received - has_end(info.tcpi_state);
    if (info.tcpi_state == STATE_CLOSE && info.tcpi_bytes_received > 0)
        line->rx_bytes = -1;
}

static void read_bytes(const struct sc_log_socket *s, struct sc_log_line *line)
{
    line->tx_bytes = line->rx_bytes = -1;
    if (s->type != SOCK_STREAM && !s->service)
        return;
    if (s->service && s->type == SOCK_STREAM && !s->has_peer)
        line->tx_bytes = line->rx_bytes = 0;
    else if (s->service)
        flow_bytes(s, line);
    else if (s->protocol == IPPROTO_TCP)
        tcp_bytes(s, line);
}

static const char *kind_of(const struct sc_log_socket *s)
{
    if (s->type == SOCK_RAW)
        return "raw";
    return s->protocol == IPPROTO_TCP ? "tcp" : s->protocol == IPPROTO_UDP ? "udp" : "other";
}

static const char *role_of(const struct sc_log_socket *s)
{
    if (sc_log_number_option(s->fd, SO_ACCEPTCONN) == 1)
        return "listener";
    if (s->service && s->own.kind == SC_SOCKET_BOUND && s->has_peer)
        return "accepted";
    if (s->note && (s->note->why == SC_WHY_ACCEPTED || s->note->why == SC_WHY_ACCEPTED_IP))
        return "accepted";
    return s->has_peer || (s->note && s->note->is_peer) ? "client" : "bound";
}

/* Of the call that put the socket to use; 0: none. */
static int error_of(const struct sc_log_socket *s)
{
    if (s->note && s->note->error)
        return s->note->error;
    return s->service && s->id.state == SC_STATE_FAILED ? s->id.peer.address.port : 0;
}

/* What sort of a service's socket it is. */
static unsigned kinds_of(const struct sc_log_socket *s)
{
    unsigned kind = s->type == SOCK_DGRAM ? SC_EFFECT_DATAGRAM : SC_EFFECT_STREAM;
    bool loopback = s->has_local && sc_address_is_loopback(&s->local);
    return kind | (loopback ? SC_EFFECT_LOOPBACK : 0u);
}

/* "; connect failed: ECONNREFUSED", or the option that was in its way. */
static void add_failure(const struct sc_log_socket *s, int error, char *text, size_t n, size_t size)
{
    const struct sc_log_note *note = s->note;
    const char *call = note && note->failed_call ? note->failed_call : "connect";
    const char *obstacle = error == EOPNOTSUPP && !s->service ? sc_options_obstacle(s->fd) : NULL;
    if (error == ENETDOWN && !s->service && note && note->attempted)
        snprintf(text + n, size - n, "; no scaffoldd answers");
    else if (obstacle)
        snprintf(text + n, size - n,
                 "; %s failed: %s: %s is set, which a service's socket does not have", call,
                 strerrorname_np(error), obstacle);
    else
        snprintf(text + n, size - n, "; %s failed: %s", call, strerrorname_np(error));
}

static const char *plane_of(const struct sc_log_socket *s)
{
    if (s->service && sc_identity_is_local(&s->id))
        return "local";
    return s->service || (s->note && s->note->attempted) ? "user" : "ip";
}

void sc_log_describe(const struct sc_log_socket *s, const char *state)
{
    char name[SC_CTL_NAME], service[SC_CTL_NAME + 16], why[SC_CTL_NAME + 192];
    struct sc_address decided;
    enum sc_why reason = sc_log_why_of_state(s, &decided);
    if (s->note && s->note->why) {
        reason = s->note->why;
        decided = s->note->target;
    }
    bool known = read_service(s, name, service, sizeof service);
    size_t n = sc_why_text(reason, &decided, known ? name : NULL, why, sizeof why);
    int error = error_of(s);
    if (error)
        add_failure(s, error, why, n, sizeof why);
    else if (s->note && s->note->unreset)
        snprintf(why + n, sizeof why - n,
                 "; SO_LINGER of 0 s was refused: the local plane does not reset");
    bool towards = s->note && s->note->is_peer;
    struct sc_log_line line = {.state = state,
                               .socket = s->cookie,
                               .fd = s->fd,
                               .kind = kind_of(s),
                               .role = role_of(s),
                               .error = error ? strerrorname_np(error) : NULL,
                               .plane = plane_of(s),
                               .reason = sc_why_code(reason),
                               .why = why,
                               .service = known ? service : NULL,
                               .local = s->has_local ? &s->local : NULL,
                               .peer = s->has_peer ? &s->peer
                                       : towards   ? &s->note->target
                                                   : NULL,
                               .unrepaired = s->note && s->note->unrepaired,
                               .kinds = kinds_of(s),
                               .options = s->service ? s->cookie : 0};
    read_bytes(s, &line);
    sc_log_write(&line);
}
