#include "trap/relay/place.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "client/supervise.h"

int sc_place_read(int fd, struct sc_address *a, int *family)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
        return -errno;
    *family = ss.ss_family;
    return sc_address_from_sockaddr((struct sockaddr *)&ss, len, a);
}

bool sc_place_is_v6_only(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, &len) == 0 && on;
}

struct sc_address sc_place_loopback(bool v4, uint16_t port)
{
    return v4 ? sc_address_v4(INADDR_LOOPBACK, port)
              : (struct sc_address){.ip = {[15] = 1}, .port = port};
}

int sc_place_bind(int fd, const struct sc_address *a, enum sc_family family)
{
    struct sockaddr_storage ss;
    socklen_t len = sc_address_to_sockaddr(a, family, &ss);
    return bind(fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
}

int sc_place_connect(int fd, const struct sc_address *a, enum sc_family family)
{
    struct sockaddr_storage ss;
    socklen_t len = sc_address_to_sockaddr(a, family, &ss);
    return connect(fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
}

int sc_place_disconnect(int fd)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return sc_connect(fd, &nobody, sizeof nobody) < 0 ? -errno : 0;
}
