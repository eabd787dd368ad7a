/* The end of relays whose programs' sockets are closed. */
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trap/relay/parts.h"

/* Marks the relays whose program's socket stands in this file. */
static void mark_listed(const char *path, bool alive[SC_RELAYS_MAX])
{
    char line[512];
    uint64_t one; /* the tenth column */
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64, &one) == 1)
            for (size_t i = 0; i < SC_RELAYS_MAX; i++)
                alive[i] |= sc_relays.list[i].inode == one;
    if (file)
        fclose(file);
}

static bool is_held(const struct sc_relay *r)
{
    int fd = sc_relay_reach(r);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool is_any_missing(const bool alive[SC_RELAYS_MAX])
{
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode && !alive[i])
            return true;
    return false;
}

/* The lists are not of one moment: where others come and go while they are read, one that is there
 * may be missing. Whoever had the socket last is asked, too, and they are read once more for those
 * that somebody else may have. */
void sc_relay_sweep(void)
{
    bool alive[SC_RELAYS_MAX] = {0};
    for (int look = 0; look < 2 && is_any_missing(alive); look++) {
        mark_listed("/proc/net/udp", alive);
        mark_listed("/proc/net/udp6", alive);
        for (size_t i = 0; i < SC_RELAYS_MAX; i++)
            alive[i] = alive[i] || (sc_relays.list[i].inode && is_held(&sc_relays.list[i]));
    }
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode && !alive[i])
            sc_relay_close(&sc_relays.list[i]);
}

static void close_of(uint64_t cookie)
{
    for (size_t i = 0; i < SC_RELAYS_MAX; i++)
        if (sc_relays.list[i].inode && sc_relays.list[i].cookie == cookie)
            sc_relay_close(&sc_relays.list[i]);
}

int sc_relay_hear_ends(void)
{
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                 .nl_groups = 1u << (SKNLGRP_INET_UDP_DESTROY - 1) |
                                              1u << (SKNLGRP_INET6_UDP_DESTROY - 1)};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&groups, sizeof groups) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

void sc_relay_on_end(int ends)
{
    _Alignas(struct nlmsghdr) char room[4096];
    ssize_t n = recv(ends, room, sizeof room, MSG_DONTWAIT);
    if (n < 0 && errno == ENOBUFS) { /* more than could be told */
        sc_relay_sweep();
        return;
    }
    size_t left = n < 0 ? 0 : (size_t)n;
    for (const struct nlmsghdr *h = (void *)room; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
        struct inet_diag_msg m;
        if (h->nlmsg_len < NLMSG_LENGTH(sizeof m))
            continue;
        memcpy(&m, NLMSG_DATA(h), sizeof m);
        close_of((uint64_t)m.id.idiag_cookie[1] << 32 | m.id.idiag_cookie[0]);
    }
}
