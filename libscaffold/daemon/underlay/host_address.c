#include "daemon/underlay/host_address.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As old as a program's own list may be (client/process/own_addresses.c). */
#define OLD_AFTER (1 * SC_SECOND)

struct question {
    struct nlmsghdr head;
    struct rtmsg body;
    struct rtattr to;
    uint8_t ip[16];
};

static struct question question(const struct sc_address *a)
{
    size_t len = sc_address_is_v4(a) ? 4 : 16;
    struct question q = {
        .head = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.rtm_family = len == 4 ? AF_INET : AF_INET6, .rtm_dst_len = (uint8_t)(8 * len)},
        .to = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = RTA_DST}};
    q.head.nlmsg_len = (uint32_t)(sizeof q - sizeof q.ip + len);
    memcpy(q.ip, a->ip + 16 - len, len);
    return q;
}

/* Whether packets to there end here: as the kernel routes them, a bind would also succeed for
 * groups, broadcasts and, by a sysctl, for everybody. */
static bool ask_kernel(const struct sc_address *a)
{
    struct question q = question(a);
    union {
        struct nlmsghdr head;
        char room[4096];
    } answer;
    const struct rtmsg *route = NLMSG_DATA(&answer.head);
    struct timeval limit = {.tv_sec = 1}; /* the kernel answers at once or not at all */
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ssize_t n = send(fd, &q, q.head.nlmsg_len, 0) < 0 ? -1 : recv(fd, &answer, sizeof answer, 0);
    close(fd);
    return n >= (ssize_t)NLMSG_LENGTH(sizeof *route) && answer.head.nlmsg_type == RTM_NEWROUTE &&
           route->rtm_type == RTN_LOCAL;
}

bool sc_host_has_address(struct sc_daemon *d, const struct sc_address *a)
{
    struct sc_host_address *last = &d->host_address;
    if (sc_address_is_loopback(a))
        return true;
    if (sc_address_is_wildcard(a) || sc_address_in_pool(a, &d->config.pool))
        return false;
    if (d->loop.now >= last->until || memcmp(last->ip, a->ip, sizeof last->ip) != 0) {
        memcpy(last->ip, a->ip, sizeof last->ip);
        last->own = ask_kernel(a);
        last->until = d->loop.now + OLD_AFTER;
    }
    return last->own;
}

struct sc_address sc_host_near(const struct sc_address *to, uint16_t port)
{
    struct sc_address a = *to;
    if (sc_address_is_loopback(to))
        a = sc_address_is_v4(to) ? sc_address_v4(INADDR_LOOPBACK, 0)
                                 : (struct sc_address){.ip = {[15] = 1}};
    a.port = port;
    return a;
}
