#include "client/datagram/control.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <string.h>

#include "client/options/datagram.h"
#include "client/process/cookies.h"
#include "client/process/fail.h"
#include "client/process/marks.h"
#include "client/process/memory.h"

/* Every service is reached through the one interface that a program always has. */
#define LOOPBACK_INDEX 1
#define DEFAULT_TTL 64

/* --- from the program ------------------------------------------------------------------------- */

static bool read_int(const struct cmsghdr *c, int least, int most, int *out)
{
    if (c->cmsg_len != CMSG_LEN(sizeof *out))
        return false;
    memcpy(out, CMSG_DATA(c), sizeof *out);
    return *out >= least && *out <= most;
}

static int read_inet(const struct cmsghdr *c, struct sc_datagram_head *head)
{
    struct in_pktinfo info;
    int value;
    switch (c->cmsg_type) {
    case IP_PKTINFO:
        if (c->cmsg_len != CMSG_LEN(sizeof info))
            return sc_fail(EINVAL);
        memcpy(&info, CMSG_DATA(c), sizeof info);
        head->own = sc_address_v4(ntohl(info.ipi_spec_dst.s_addr), 0);
        head->has_own = info.ipi_spec_dst.s_addr != 0;
        return 0;
    case IP_TTL:
        if (!read_int(c, 1, 255, &value))
            return sc_fail(EINVAL);
        head->ttl = (uint8_t)value;
        return 0;
    case IP_TOS:
        if (c->cmsg_len == CMSG_LEN(1))
            value = *CMSG_DATA(c);
        else if (!read_int(c, 0, 255, &value))
            return sc_fail(EINVAL);
        head->tos = (uint8_t)value;
        return 0;
    default:
        return sc_fail(EINVAL);
    }
}

static int read_inet6(const struct cmsghdr *c, struct sc_datagram_head *head)
{
    struct in6_pktinfo info;
    int value;
    switch (c->cmsg_type) {
    case IPV6_PKTINFO:
        if (c->cmsg_len < CMSG_LEN(sizeof info))
            return sc_fail(EINVAL);
        memcpy(&info, CMSG_DATA(c), sizeof info);
        memcpy(head->own.ip, &info.ipi6_addr, sizeof head->own.ip);
        head->has_own = !sc_address_is_wildcard(&head->own);
        return 0;
    case IPV6_HOPLIMIT:
        if (!read_int(c, -1, 255, &value))
            return sc_fail(EINVAL);
        head->ttl = value < 0 ? 0 : (uint8_t)value;
        return 0;
    case IPV6_TCLASS:
        if (!read_int(c, -1, 255, &value))
            return sc_fail(EINVAL);
        head->tos = value < 0 ? 0 : (uint8_t)value;
        return 0;
    default:
        return sc_fail(EINVAL);
    }
}

/* 16 bits, as Linux wants them. */
static int read_udp(const struct cmsghdr *c, struct sc_datagram_head *head)
{
    uint16_t segment;
    if (c->cmsg_type != UDP_SEGMENT || c->cmsg_len != CMSG_LEN(sizeof segment))
        return sc_fail(EINVAL);
    memcpy(&segment, CMSG_DATA(c), sizeof segment);
    head->segment = segment;
    return 0;
}

static int read_socket(const struct cmsghdr *c)
{
    /* UDP takes these, and sends neither. */
    return c->cmsg_type == SCM_RIGHTS || c->cmsg_type == SCM_CREDENTIALS ? 0 : sc_fail(EINVAL);
}

int sc_datagram_read_control(const struct msghdr *msg, struct sc_datagram_head *head)
{
    struct msghdr *m =
        (struct msghdr *)(uintptr_t)msg; /* CMSG_NXTHDR takes it so, and reads only */
    if (!msg->msg_control || msg->msg_controllen == 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        size_t left = (size_t)((char *)msg->msg_control + msg->msg_controllen - (char *)c);
        if (c->cmsg_len < CMSG_LEN(0) || c->cmsg_len > left)
            return sc_fail(EINVAL);
        int r = c->cmsg_level == SOL_SOCKET     ? read_socket(c)
                : c->cmsg_level == IPPROTO_IP   ? read_inet(c, head)
                : c->cmsg_level == IPPROTO_IPV6 ? read_inet6(c, head)
                : c->cmsg_level == IPPROTO_UDP  ? read_udp(c, head)
                                                : sc_fail(EINVAL);
        if (r < 0)
            return -1;
    }
    return 0;
}

void sc_datagram_shape(int fd, struct sc_datagram_head *head)
{
    uint64_t cookie = sc_cookie(fd);
    bool inet6 = sc_datagram_family(fd) == SC_FAMILY_INET6;
    int ttl = sc_option_remembered(cookie, IPPROTO_IP, IP_TTL);
    int tos = sc_option_remembered(cookie, IPPROTO_IP, IP_TOS);
    if (inet6 && !sc_address_is_v4(&head->peer)) {
        ttl = sc_option_remembered(cookie, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
        tos = sc_option_remembered(cookie, IPPROTO_IPV6, IPV6_TCLASS);
    }
    head->ttl = ttl > 0 ? (uint8_t)ttl : 0;
    head->tos = tos > 0 ? (uint8_t)tos : 0;
}

/* --- to the program --------------------------------------------------------------------------- */

void sc_datagram_put(struct msghdr *msg, size_t room, int level, int type, const void *data,
                     size_t len)
{
    size_t used = msg->msg_controllen;
    size_t left = room > used ? room - used : 0;
    struct cmsghdr head = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len)};
    if (!msg->msg_control || left < sizeof head) {
        msg->msg_flags |= MSG_CTRUNC;
        return;
    }
    if (left < head.cmsg_len) {
        msg->msg_flags |= MSG_CTRUNC;
        head.cmsg_len = left;
    }
    char *at = (char *)msg->msg_control + used;
    if (!sc_memory_writes(at, head.cmsg_len)) /* nothing is told, and nothing said: as in Linux */
        return;
    memcpy(at, &head, sizeof head);
    memcpy(at + CMSG_LEN(0), data, head.cmsg_len - CMSG_LEN(0));
    size_t space = CMSG_SPACE(len);
    msg->msg_controllen = used + (space < left ? space : left);
}

static void write_inet(uint64_t cookie, const struct sc_datagram_head *head, struct msghdr *msg,
                       size_t room)
{
    int ttl = head->ttl ? head->ttl : DEFAULT_TTL;
    if (sc_option_remembered(cookie, IPPROTO_IP, IP_PKTINFO) && sc_address_is_v4(&head->own)) {
        struct in_addr own = {htonl(sc_address_to_v4(&head->own))};
        struct in_pktinfo info = {
            .ipi_ifindex = LOOPBACK_INDEX, .ipi_spec_dst = own, .ipi_addr = own};
        sc_datagram_put(msg, room, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    if (sc_option_remembered(cookie, IPPROTO_IP, IP_RECVTTL))
        sc_datagram_put(msg, room, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    if (sc_option_remembered(cookie, IPPROTO_IP, IP_RECVTOS))
        sc_datagram_put(msg, room, IPPROTO_IP, IP_TOS, &head->tos, sizeof head->tos);
}

static void write_inet6(uint64_t cookie, const struct sc_datagram_head *head, struct msghdr *msg,
                        size_t room)
{
    int ttl = head->ttl ? head->ttl : DEFAULT_TTL, tos = head->tos;
    if (sc_option_remembered(cookie, IPPROTO_IPV6, IPV6_RECVPKTINFO)) {
        struct in6_pktinfo info = {.ipi6_ifindex = LOOPBACK_INDEX};
        memcpy(&info.ipi6_addr, head->own.ip, sizeof info.ipi6_addr);
        sc_datagram_put(msg, room, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    if (sc_option_remembered(cookie, IPPROTO_IPV6, IPV6_RECVHOPLIMIT))
        sc_datagram_put(msg, room, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof ttl);
    if (sc_option_remembered(cookie, IPPROTO_IPV6, IPV6_RECVTCLASS))
        sc_datagram_put(msg, room, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
}

void sc_datagram_write_control(int fd, const struct sc_datagram_head *head, struct msghdr *msg,
                               size_t room)
{
    uint64_t cookie = sc_cookie(fd);
    int segment = head->segment;
    if (segment)
        sc_datagram_put(msg, room, IPPROTO_UDP, UDP_GRO, &segment, sizeof segment);
    if (sc_datagram_family(fd) == SC_FAMILY_INET6)
        write_inet6(cookie, head, msg, room);
    write_inet(cookie, head, msg, room);
}
