#include "trap/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "client/supervise.h"
#include "trap/place.h"
#include "trap/relay_parts.h"

struct sc_relay_table sc_relays = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

struct sc_relay *sc_relay_find(int fd)
{
    uint64_t inode = inode_of(fd);
    for (size_t i = 0; inode && i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode == inode)
            return &sc_relays.list[i];
    return NULL;
}

int sc_relay_locate(int fd, struct sc_relay *r)
{
    int family;
    int err = sc_place_read(fd, &r->program, &family);
    if (err)
        return err;
    r->family = family == AF_INET6 ? SC_FAMILY_INET6 : SC_FAMILY_INET;
    if (r->program.port == 0) {
        err = sc_place_bind(fd, &r->program, r->family);
        err = err ? err : sc_place_read(fd, &r->program, &family);
    }
    if (!err && sc_address_is_wildcard(&r->program))
        r->program =
            sc_place_loopback(family == AF_INET || !sc_place_is_v6_only(fd), r->program.port);
    return err;
}

static struct sc_relay *find_free(void)
{
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode == 0)
            return &sc_relays.list[i];
    return NULL;
}

/* Who has just called with it can be reached through it. */
static void remember_holder(struct sc_relay *r, const struct sc_relay_socket *s)
{
    r->holder = *s;
    r->holder.fd = -1;
}

struct sc_relay *sc_relay_claim(const struct sc_relay_socket *s)
{
    struct sc_relay *r = sc_relay_find(s->fd);
    if (r) {
        remember_holder(r, s);
        return r;
    }
    r = find_free();
    if (!r) {
        sc_relay_sweep();
        r = find_free();
    }
    if (!r) {
        errno = ENOBUFS;
        return NULL;
    }
    *r = (struct sc_relay){.cookie = sc_cookie(s->fd), .service = -1};
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        r->ends[i].own = r->ends[i].upstream = -1;
    int err = sc_relay_locate(s->fd, r);
    if (err) {
        errno = -err;
        return NULL;
    }
    remember_holder(r, s);
    r->inode = inode_of(s->fd);
    return r;
}

/* --- names ------------------------------------------------------------------------------------ */

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
