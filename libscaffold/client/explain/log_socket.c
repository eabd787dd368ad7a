#include "client/explain/log_socket.h"

#include <netinet/in.h>

#include "client/explain/log_note.h"
#include "client/process/cookies.h"
#include "client/process/identity.h"
#include "client/process/real.h"

int sc_log_number_option(int fd, int name)
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

static void look_at_plain(struct sc_log_socket *s)
{
    s->type = sc_log_number_option(s->fd, SO_TYPE);
    s->protocol = sc_log_number_option(s->fd, SO_PROTOCOL);
    s->has_local = read_address(sc_real.getsockname, s->fd, &s->local) &&
                   (s->local.port || !sc_address_is_wildcard(&s->local));
    s->has_peer = read_address(sc_real.getpeername, s->fd, &s->peer);
}

/* AF_UNIX sockets that are not ours are nobody's business here. */
static bool look_at_service(struct sc_log_socket *s)
{
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    if (sc_real.getsockname(s->fd, (struct sockaddr *)&sun, &len) < 0 ||
        !sc_socket_name_parse(&sun, len, &s->own))
        return false;
    bool datagram = s->own.kind == SC_SOCKET_DATAGRAM;
    if (!datagram && sc_identify(s->fd, &s->id) == SC_STATE_PLAIN)
        return false;
    s->service = true;
    s->type = datagram ? SOCK_DGRAM : SOCK_STREAM;
    s->protocol = datagram ? IPPROTO_UDP : IPPROTO_TCP;
    s->has_local = true;
    s->local = s->own.address;
    s->has_peer = !datagram && s->id.state == SC_STATE_OPEN;
    if (s->has_peer)
        s->peer = s->id.peer.address;
    return true;
}

bool sc_log_look(int fd, struct sc_log_socket *s)
{
    *s = (struct sc_log_socket){.fd = fd};
    int domain = sc_log_number_option(fd, SO_DOMAIN);
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return false;
    if (domain == AF_UNIX && !look_at_service(s))
        return false;
    if (domain != AF_UNIX)
        look_at_plain(s);
    s->cookie = sc_cookie(fd);
    s->note = sc_log_find_note(s->cookie);
    return s->cookie != 0;
}
