/* connect, and what is sent without it: towards whom, and from which place. */
#include <errno.h>
#include <sys/socket.h>

#include "client/supervise.h"
#include "trap/relay/parts.h"
#include "trap/relay/place.h"

bool sc_relay_serves(const struct sockaddr *far, socklen_t len)
{
    struct sc_address a;
    return sc_address_from_sockaddr(far, len, &a) == 0 && a.port != 0 &&
           (sc_policy_connects(&a) || a.port == SC_DNS_PORT);
}

/* Known among services before the first datagram: the program may ask for its name. */
static int join(struct sc_relay *r, int like, const struct sockaddr *far, socklen_t len)
{
    int err = r->service < 0 ? sc_relay_make_service(r, like) : 0;
    if (err || sc_supervise_is_joined(r->service))
        return err;
    return sc_supervise_join(r->service, far, len) < 0 ? -errno : sc_relay_watch_service(r);
}

static int open_towards(const struct sc_relay_socket *s, const struct sockaddr *far, socklen_t len,
                        struct sc_address *at, enum sc_family *family)
{
    struct sc_address a;
    struct sc_relay *r = sc_relay_claim(s);
    if (!r)
        return -errno;
    int err = sc_address_from_sockaddr(far, len, &a);
    if (!err && sc_policy_connects(&a))
        err = join(r, s->fd, far, len);
    struct sc_far_end *e = err ? NULL : sc_relay_end(r, &a);
    if (!e)
        return err ? err : -errno;
    *at = e->at;
    *family = r->family;
    return 0;
}

int sc_relay_towards(const struct sc_relay_socket *s, const struct sockaddr *far, socklen_t len,
                     struct sockaddr_storage *at, socklen_t *at_len)
{
    struct sc_address a;
    enum sc_family family = SC_FAMILY_NONE;
    pthread_mutex_lock(&sc_relays.lock);
    int err = open_towards(s, far, len, &a, &family);
    pthread_mutex_unlock(&sc_relays.lock);
    if (!err)
        *at_len = sc_address_to_sockaddr(&a, family, at);
    return err;
}

/* The service's socket has the same peer, and from that its own name. */
static int connect_service(struct sc_relay *r, int like, const struct sockaddr *far, socklen_t len)
{
    int err = r->service < 0 ? sc_relay_make_service(r, like) : 0;
    if (err == 0 && sc_connect(r->service, far, len) < 0)
        err = -errno;
    return err ? err : sc_relay_watch_service(r);
}

static int connect_unlocked(const struct sc_relay_socket *s, const struct sockaddr *far,
                            socklen_t len)
{
    struct sc_address a;
    sc_relay_sweep(); /* whose sockets are closed serve nobody */
    struct sc_relay *r = sc_relay_claim(s);
    if (!r)
        return -errno;
    int err = sc_address_from_sockaddr(far, len, &a);
    if (!err && sc_policy_connects(&a))
        err = connect_service(r, s->fd, far, len);
    if (err)
        return err;
    const struct sc_far_end *e = sc_relay_end(r, &a);
    return e ? sc_place_connect(s->fd, &e->at, r->family) : -errno;
}

int sc_relay_connect(const struct sc_relay_socket *s, const struct sockaddr *far, socklen_t len)
{
    pthread_mutex_lock(&sc_relays.lock);
    int err = connect_unlocked(s, far, len);
    pthread_mutex_unlock(&sc_relays.lock);
    return err;
}

/* The kernel has taken a port that it chose itself away: far ends reach the socket at another. */
static int move(const struct sc_relay_socket *s, struct sc_relay *r)
{
    int family;
    struct sc_address now;
    int err = sc_place_read(s->fd, &now, &family);
    if (err || now.port == r->program.port)
        return err;
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        sc_far_end_forget(&r->ends[i]);
    return sc_relay_locate(s->fd, r);
}

/* What the program had bound stays bound, what its first peer gave it goes, with us. */
static int disconnect_unlocked(const struct sc_relay_socket *s)
{
    struct sc_relay *r = sc_relay_find(s->fd);
    if (!r)
        return SC_RELAY_NOT_OURS;
    int err = sc_relay_is_service(r) ? sc_place_disconnect(r->service) : 0;
    err = err ? err : sc_place_disconnect(s->fd);
    if (err)
        return err;
    if (sc_relay_is_service(r))
        return move(s, r);
    sc_relay_close(r);
    return 0;
}

int sc_relay_disconnect(const struct sc_relay_socket *s)
{
    pthread_mutex_lock(&sc_relays.lock);
    int err = disconnect_unlocked(s);
    pthread_mutex_unlock(&sc_relays.lock);
    return err;
}

int sc_relay_leave_peer(const struct sc_relay_socket *s)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int err = SC_RELAY_NOT_OURS;
    pthread_mutex_lock(&sc_relays.lock);
    const struct sc_relay *r = sc_relay_find(s->fd);
    if (r && sc_relay_is_service(r) &&
        sc_getpeername(r->service, (struct sockaddr *)&peer, &len) == 0)
        err = sc_place_disconnect(r->service);
    pthread_mutex_unlock(&sc_relays.lock);
    return err < 0 ? err : SC_RELAY_NOT_OURS;
}
