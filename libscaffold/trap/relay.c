#include "trap/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "client/datagram.h"
#include "trap/clock.h"
#include "trap/relay_parts.h"

/* What waits for the program, or for us, while the other side is not scheduled. */
#define RECEIVE_BUFFER (4 << 20)

struct sc_relay_table sc_relays = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static struct sc_relay *find(int fd)
{
    uint64_t inode = inode_of(fd);
    for (size_t i = 0; inode && i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode == inode)
            return &sc_relays.list[i];
    return NULL;
}

static void note_change(void)
{
    uint64_t one = 1;
    sc_relays.version++;
    if (write(sc_relays.wake, &one, sizeof one) < 0)
        return; /* it is awake already */
}

/* --- the program's socket --------------------------------------------------------------------- */

static int read_own(int fd, struct sc_address *a, int *family)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
        return -errno;
    *family = ss.ss_family;
    return sc_address_from_sockaddr((struct sockaddr *)&ss, len, a);
}

static bool is_v6_only(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, &len) == 0 && on;
}

static struct sc_address loopback(bool v4, uint16_t port)
{
    return v4 ? sc_address_v4(INADDR_LOOPBACK, port)
              : (struct sc_address){.ip = {[15] = 1}, .port = port};
}

static int bind_to(int fd, const struct sc_address *a, enum sc_family family)
{
    struct sockaddr_storage ss;
    socklen_t len = sc_address_to_sockaddr(a, family, &ss);
    return bind(fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
}

/* Where far ends reach it. A socket that has no port yet gets one, as by its first datagram. */
static int locate(int fd, struct sc_relay *r)
{
    int family;
    int err = read_own(fd, &r->program, &family);
    if (err)
        return err;
    r->family = family == AF_INET6 ? SC_FAMILY_INET6 : SC_FAMILY_INET;
    if (r->program.port == 0) {
        err = bind_to(fd, &r->program, r->family);
        err = err ? err : read_own(fd, &r->program, &family);
    }
    if (!err && sc_address_is_wildcard(&r->program))
        r->program = loopback(family == AF_INET || !is_v6_only(fd), r->program.port);
    return err;
}

/* The socket's relay; NULL with errno. */
static struct sc_relay *claim(const struct sc_relay_socket *s)
{
    struct sc_relay *r = find(s->fd);
    for (size_t i = 0; !r && i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode == 0)
            r = &sc_relays.list[i];
    if (!r || r->inode) {
        errno = ENOBUFS;
        return r;
    }
    *r = (struct sc_relay){.holder = *s, .service = -1};
    r->holder.fd = -1;
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        r->ends[i].own = r->ends[i].upstream = -1;
    int err = locate(s->fd, r);
    if (!err && sc_relays.wake == 0) {
        sc_relays.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        err = sc_relays.wake < 0 ? -errno : sc_relay_carry();
    }
    if (err) {
        errno = -err;
        return NULL;
    }
    r->inode = inode_of(s->fd);
    return r;
}

/* --- far ends --------------------------------------------------------------------------------- */

int sc_far_end_open(const struct sc_relay *r, struct sc_far_end *e)
{
    struct sockaddr_storage ss;
    int size = RECEIVE_BUFFER, family;
    bool v4 = sc_address_is_v4(&r->program);
    e->own = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->own < 0)
        return -errno;
    setsockopt(e->own, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    enum sc_family shape = v4 ? SC_FAMILY_INET : SC_FAMILY_INET6;
    struct sc_address at = loopback(v4, e->at.port);
    int err = bind_to(e->own, &at, shape);
    socklen_t len = sc_address_to_sockaddr(&r->program, shape, &ss);
    if (!err && connect(e->own, (struct sockaddr *)&ss, len) < 0)
        err = -errno;
    err = err ? err : read_own(e->own, &e->at, &family);
    if (err)
        sc_far_end_close(e);
    return err;
}

void sc_far_end_close(struct sc_far_end *e)
{
    if (e->own >= 0)
        close(e->own);
    e->own = -1;
}

void sc_far_end_forget(struct sc_far_end *e)
{
    sc_far_end_close(e);
    if (e->upstream >= 0)
        close(e->upstream);
    e->upstream = -1;
}

static int connect_upstream(struct sc_far_end *e, const struct sc_address *far)
{
    struct sockaddr_storage ss;
    bool v4 = sc_address_is_v4(far);
    socklen_t len = sc_address_to_sockaddr(far, v4 ? SC_FAMILY_INET : SC_FAMILY_INET6, &ss);
    e->upstream = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->upstream < 0 || connect(e->upstream, (struct sockaddr *)&ss, len) < 0)
        return -errno;
    return 0;
}

static struct sc_far_end *oldest_of(struct sc_relay *r)
{
    struct sc_far_end *best = &r->ends[0];
    for (size_t i = 0; i < SC_FAR_ENDS_MAX && best->own >= 0; i++)
        if (r->ends[i].own < 0 || r->ends[i].used < best->used)
            best = &r->ends[i];
    sc_far_end_forget(best);
    return best;
}

static bool is_same(const struct sc_address *a, const struct sc_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

struct sc_far_end *sc_relay_end(struct sc_relay *r, const struct sc_address *far)
{
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        if (r->ends[i].own >= 0 && is_same(&r->ends[i].far, far))
            return &r->ends[i];
    struct sc_far_end *e = oldest_of(r);
    *e = (struct sc_far_end){.own = -1, .upstream = -1, .far = *far, .used = sc_clock_ms()};
    int err = sc_policy_connects(far) ? 0 : connect_upstream(e, far);
    err = err ? err : sc_far_end_open(r, e);
    if (err) {
        sc_far_end_forget(e);
        errno = -err;
        return NULL;
    }
    note_change();
    return e;
}

/* --- the socket among services ---------------------------------------------------------------- */

static int make_service(struct sc_relay *r)
{
    int on = 1;
    int family = r->family == SC_FAMILY_INET6 ? AF_INET6 : AF_INET;
    r->service = sc_socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->service < 0)
        return -errno;
    /* Whom a datagram did not reach is read from the queue of errors. */
    if (family == AF_INET6)
        sc_setsockopt(r->service, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    else
        sc_setsockopt(r->service, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    return 0;
}

/* Known among services before the first datagram: the program may ask for its name. */
static int join(struct sc_relay *r, const struct sockaddr *far, socklen_t len)
{
    int err = r->service < 0 ? make_service(r) : 0;
    if (err || sc_is_datagram(r->service))
        return err;
    return sc_datagram_route(r->service, far, len) == SC_ROUTE_SERVICE ? 0 : -errno;
}

/* --- the interface ---------------------------------------------------------------------------- */

bool sc_relay_serves(const struct sockaddr *far, socklen_t len)
{
    struct sc_address a;
    return sc_address_from_sockaddr(far, len, &a) == 0 && a.port != 0 &&
           (sc_policy_connects(&a) || a.port == SC_DNS_PORT);
}

static int open_towards(const struct sc_relay_socket *s, const struct sockaddr *far, socklen_t len,
                        struct sc_address *at, enum sc_family *family)
{
    struct sc_address a;
    struct sc_relay *r = claim(s);
    if (!r)
        return -errno;
    int err = sc_address_from_sockaddr(far, len, &a);
    if (!err && sc_policy_connects(&a))
        err = join(r, far, len);
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

static void copy_option(int from, int to, int name)
{
    int value;
    socklen_t len = sizeof value;
    if (getsockopt(from, SOL_SOCKET, name, &value, &len) == 0)
        sc_setsockopt(to, SOL_SOCKET, name, &value, sizeof value);
}

/* The service's name is taken before the program's socket gets its place on loopback. */
static int bind_service(const struct sc_relay_socket *s, struct sc_relay *r,
                        const struct sockaddr *addr, socklen_t len)
{
    int err = make_service(r);
    if (err)
        return err;
    copy_option(s->fd, r->service, SO_REUSEADDR);
    copy_option(s->fd, r->service, SO_REUSEPORT);
    if (sc_bind(r->service, addr, len) < 0) {
        err = -errno;
        sc_close(r->service);
        r->service = -1;
    }
    return err;
}

static int bind_unlocked(const struct sc_relay_socket *s, const struct sockaddr *addr,
                         socklen_t len)
{
    int family;
    struct sc_relay fresh = {.service = -1};
    int err = read_own(s->fd, &fresh.program, &family);
    if (err || fresh.program.port != 0)
        return err ? err : -EINVAL;
    fresh.family = family == AF_INET6 ? SC_FAMILY_INET6 : SC_FAMILY_INET;
    sc_relay_sweep(); /* whose name may be free by now */
    err = bind_service(s, &fresh, addr, len);
    if (err)
        return err;
    struct sc_address here = loopback(family == AF_INET || !is_v6_only(s->fd), 0);
    err = bind_to(s->fd, &here, fresh.family);
    struct sc_relay *r = err ? NULL : claim(s);
    if (!r) {
        err = err ? err : -errno;
        sc_close(fresh.service);
        return err;
    }
    r->service = fresh.service;
    note_change();
    return 0;
}

int sc_relay_bind(const struct sc_relay_socket *s, const struct sockaddr *addr, socklen_t len)
{
    pthread_mutex_lock(&sc_relays.lock);
    int err = bind_unlocked(s, addr, len);
    pthread_mutex_unlock(&sc_relays.lock);
    return err;
}

bool sc_relay_has(int fd)
{
    pthread_mutex_lock(&sc_relays.lock);
    bool found = find(fd) != NULL;
    pthread_mutex_unlock(&sc_relays.lock);
    return found;
}

bool sc_relay_far(int fd, const struct sockaddr *at, socklen_t at_len, struct sockaddr_storage *far,
                  socklen_t *len)
{
    struct sc_address a;
    bool found = false;
    if (sc_address_from_sockaddr(at, at_len, &a) < 0)
        return false;
    pthread_mutex_lock(&sc_relays.lock);
    const struct sc_relay *r = find(fd);
    for (size_t i = 0; r && !found && i < SC_FAR_ENDS_MAX; i++) {
        found = r->ends[i].own >= 0 && is_same(&r->ends[i].at, &a);
        if (found)
            *len = sc_address_to_sockaddr(&r->ends[i].far, r->family, far);
    }
    pthread_mutex_unlock(&sc_relays.lock);
    return found;
}

bool sc_relay_own(int fd, struct sockaddr_storage *own, socklen_t *len)
{
    pthread_mutex_lock(&sc_relays.lock);
    const struct sc_relay *r = find(fd);
    *len = sizeof *own;
    bool known =
        r && r->service >= 0 && sc_getsockname(r->service, (struct sockaddr *)own, len) == 0;
    pthread_mutex_unlock(&sc_relays.lock);
    return known;
}
