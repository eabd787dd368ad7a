/* The relay's socket among services, one of the shim's. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "client/supervise.h"
#include "trap/relay/parts.h"
#include "trap/relay/place.h"

/* A socket that is bound to no more than an address, as after connect to nobody. */
static int bind_to_address(int fd, struct sc_address a, enum sc_family family)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    a.port = 0;
    int err = sc_place_bind(fd, &a, family);
    return err == 0 && connect(fd, &nobody, sizeof nobody) < 0 ? -errno : err;
}

/* `like`: the program's socket, whose name is an address or the wildcard. */
int sc_relay_make_service(struct sc_relay *r, int like)
{
    int on = 1;
    int family = r->family == SC_FAMILY_INET6 ? AF_INET6 : AF_INET;
    r->service = sc_socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->service < 0)
        return -errno;
    /* Whom a datagram did not reach is read from the queue of errors. */
    if (family == AF_INET6) {
        int only = sc_place_is_v6_only(like);
        sc_setsockopt(r->service, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        sc_setsockopt(r->service, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    } else {
        sc_setsockopt(r->service, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    }
    struct sc_address own;
    int same, err = sc_place_read(like, &own, &same);
    if (!err && sc_address_is_loopback(&own))
        err = bind_to_address(r->service, own, r->family);
    return err;
}

bool sc_relay_is_service(const struct sc_relay *r)
{
    return r->service >= 0 && sc_supervise_is_joined(r->service);
}

int sc_relay_watch_service(const struct sc_relay *r)
{
    return sc_relay_is_service(r) ? sc_relay_watch(r, NULL, SC_RELAY_SERVICE, r->service) : 0;
}
