/* Which addresses the program sees: its own, and whom one on loopback stands for. */
#include <sys/socket.h>

#include "client/supervise.h"
#include "trap/relay/place.h"
#include "trap/relay/parts.h"

bool sc_relay_has(int fd)
{
    pthread_mutex_lock(&sc_relays.lock);
    bool found = sc_relay_find(fd) != NULL;
    pthread_mutex_unlock(&sc_relays.lock);
    return found;
}

bool sc_relay_far(int fd, const struct sockaddr *at, socklen_t at_len, struct sockaddr_storage *far,
                  socklen_t *len)
{
    pthread_mutex_lock(&sc_relays.lock);
    const struct sc_relay *r = sc_relay_find(fd);
    const struct sc_far_end *e = sc_relay_end_at(r, at, at_len);
    if (e)
        *len = sc_address_to_sockaddr(&e->far, r->family, far);
    pthread_mutex_unlock(&sc_relays.lock);
    return e != NULL;
}

/* Towards a name server: the address that our socket has there, the port that the program's has. */
static bool read_own_upstream(int fd, const struct sc_relay *r, struct sockaddr_storage *own,
                              socklen_t *len)
{
    struct sockaddr_storage peer;
    struct sc_address a;
    socklen_t peer_len = sizeof peer;
    int family;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
        return false;
    const struct sc_far_end *e = sc_relay_end_at(r, (struct sockaddr *)&peer, peer_len);
    if (!e || e->upstream < 0 || sc_place_read(e->upstream, &a, &family) < 0)
        return false;
    a.port = r->program.port;
    *len = sc_address_to_sockaddr(&a, r->family, own);
    return true;
}

bool sc_relay_own(int fd, struct sockaddr_storage *own, socklen_t *len)
{
    bool known = false;
    pthread_mutex_lock(&sc_relays.lock);
    const struct sc_relay *r = sc_relay_find(fd);
    *len = sizeof *own;
    if (r && sc_relay_is_service(r))
        known = sc_getsockname(r->service, (struct sockaddr *)own, len) == 0;
    else if (r)
        known = read_own_upstream(fd, r, own, len);
    pthread_mutex_unlock(&sc_relays.lock);
    return known;
}
