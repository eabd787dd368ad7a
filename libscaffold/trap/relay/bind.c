/* bind: the service's name, and a place for the program's socket. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "client/supervise.h"
#include "trap/relay/parts.h"
#include "trap/relay/place.h"

/* Ports of the kernel's choice that scaffoldd has given away already: tried anew so often. */
#define PORTS_TRIED 8

static int get_option(int fd, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : 0;
}

static void copy_option(int from, int to, int name)
{
    int value = get_option(from, name);
    sc_setsockopt(to, SOL_SOCKET, name, &value, sizeof value);
}

static int bind_service(const struct sc_relay_socket *s, struct sc_relay *r,
                        const struct sockaddr *addr, socklen_t len)
{
    int err = sc_relay_make_service(r, s->fd);
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

/* The service's name is taken before the program's socket gets its place. */
static int bind_both(const struct sc_relay_socket *s, struct sc_relay *r,
                     const struct sockaddr *addr, socklen_t len, const struct sc_address *here)
{
    int err = bind_service(s, r, addr, len);
    if (err)
        return err;
    err = sc_place_bind(s->fd, here, r->family);
    if (err) {
        sc_close(r->service);
        r->service = -1;
    }
    return err;
}

/* The kernel chooses a port, and the service gets the same. */
static int bind_anywhere(const struct sc_relay_socket *s, struct sc_relay *r,
                         const struct sc_address *a)
{
    struct sockaddr_storage ss;
    int family, err = -EADDRINUSE;
    for (int i = 0; i < PORTS_TRIED && err == -EADDRINUSE; i++) {
        struct sc_address own;
        err = sc_place_bind(s->fd, a, r->family);
        err = err ? err : sc_place_read(s->fd, &own, &family);
        if (err)
            return err;
        socklen_t len = sc_address_to_sockaddr(&own, r->family, &ss);
        err = bind_service(s, r, (struct sockaddr *)&ss, len);
        if (err)
            sc_place_disconnect(s->fd); /* gives the port up */
    }
    return err;
}

static int bind_fresh(const struct sc_relay_socket *s, struct sc_relay *fresh,
                      const struct sockaddr *addr, socklen_t len, bool plain_too)
{
    int family;
    struct sc_address wanted, here;
    int err = sc_place_read(s->fd, &fresh->program, &family);
    err = err ? err : sc_address_from_sockaddr(addr, len, &wanted);
    if (err || fresh->program.port != 0)
        return err ? err : -EINVAL;
    fresh->family = family == AF_INET6 ? SC_FAMILY_INET6 : SC_FAMILY_INET;
    /* Of a port that several sockets share the kernel would give each one the others' datagrams. */
    plain_too = plain_too && !get_option(s->fd, SO_REUSEPORT);
    if (plain_too && wanted.port == 0)
        return bind_anywhere(s, fresh, &wanted);
    here = sc_place_loopback(family == AF_INET || !sc_place_is_v6_only(s->fd), 0);
    return bind_both(s, fresh, addr, len, plain_too ? &wanted : &here);
}

static int bind_unlocked(const struct sc_relay_socket *s, const struct sockaddr *addr,
                         socklen_t len, bool plain_too)
{
    struct sc_relay fresh = {.service = -1};
    sc_relay_sweep(); /* whose name may be free by now */
    int err = bind_fresh(s, &fresh, addr, len, plain_too);
    if (err)
        return err;
    struct sc_relay *r = sc_relay_claim(s);
    if (!r) {
        err = -errno;
        sc_close(fresh.service);
        return err;
    }
    r->service = fresh.service;
    return sc_relay_watch_service(r);
}

int sc_relay_bind(const struct sc_relay_socket *s, const struct sockaddr *addr, socklen_t len,
                  bool plain_too)
{
    pthread_mutex_lock(&sc_relays.lock);
    int err = bind_unlocked(s, addr, len, plain_too);
    pthread_mutex_unlock(&sc_relays.lock);
    return err;
}
