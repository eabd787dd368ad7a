#include "client/datagram/error.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "client/datagram/address.h"
#include "client/datagram/control.h"
#include "client/datagram/state.h"
#include "client/options/datagram.h"
#include "client/process/cookies.h"
#include "client/process/marks.h"
#include "client/process/real.h"

static bool wants_queue(int fd, uint64_t cookie)
{
    return sc_mark_is_set(fd, SC_MARK_ASKS) &&
           (sc_option_remembered(cookie, IPPROTO_IP, IP_RECVERR) > 0 ||
            sc_option_remembered(cookie, IPPROTO_IPV6, IPV6_RECVERR) > 0);
}

/* The error queue of ours holds one: the last. */
static void enqueue(uint64_t cookie, const struct sc_datagram_head *head)
{
    struct sc_datagram_state s;
    sc_datagram_state_get(cookie, &s);
    s.failed = head->peer;
    s.error = head->error;
    sc_datagram_state_set(cookie, &s);
}

int sc_datagram_on_error(int fd, const struct sc_datagram_head *head)
{
    uint64_t cookie = sc_cookie(fd);
    bool queue = wants_queue(fd, cookie);
    if (queue)
        enqueue(cookie, head);
    return queue || sc_mark_is_set(fd, SC_MARK_CONNECTED) ? head->error : 0;
}

int sc_datagram_take_error(int fd)
{
    struct sc_datagram_head head;
    int kept = errno, error = 0;
    ssize_t n = sc_real.recvfrom(fd, &head, sizeof head, MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
    /* Between the look and the reading another thread may have taken it: a datagram that is lost
     * then is lost as datagrams are. */
    if (n == sizeof head && head.kind == SC_DATAGRAM_ERROR &&
        sc_real.recvfrom(fd, &head, sizeof head, MSG_DONTWAIT, NULL, NULL) == sizeof head &&
        head.kind == SC_DATAGRAM_ERROR)
        error = sc_datagram_on_error(fd, &head);
    errno = kept;
    return error;
}

/* --- the error queue -------------------------------------------------------------------------- */

/* What ICMP would have said. */
static struct sock_extended_err explain(const struct sc_datagram_state *s)
{
    bool v4 = sc_address_is_v4(&s->failed);
    struct sock_extended_err e = {.ee_errno = (uint32_t)s->error,
                                  .ee_origin = v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6};
    if (s->error == ECONNREFUSED) {
        e.ee_type = v4 ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH;
        e.ee_code = v4 ? ICMP_PORT_UNREACH : ICMP6_DST_UNREACH_NOPORT;
    } else {
        e.ee_origin = SO_EE_ORIGIN_LOCAL;
    }
    return e;
}

static void put_extended(struct msghdr *msg, size_t room, const struct sc_datagram_state *s,
                         enum sc_family family)
{
    struct {
        struct sock_extended_err e;
        struct sockaddr_storage offender;
    } data = {.e = explain(s)};
    struct sc_address offender = s->failed;
    offender.port = 0;
    socklen_t len = sc_address_to_sockaddr(&offender, family, &data.offender);
    bool inet6 = family == SC_FAMILY_INET6;
    sc_datagram_put(msg, room, inet6 ? IPPROTO_IPV6 : IPPROTO_IP, inet6 ? IPV6_RECVERR : IP_RECVERR,
                    &data, sizeof data.e + len);
}

ssize_t sc_datagram_read_error(int fd, struct msghdr *msg)
{
    struct sc_datagram_state s;
    uint64_t cookie = sc_cookie(fd);
    size_t room = msg->msg_control ? msg->msg_controllen : 0;
    if (wants_queue(fd, cookie))
        sc_datagram_take_error(fd);
    sc_datagram_state_get(cookie, &s);
    if (s.error == 0) {
        errno = EAGAIN;
        return -1;
    }
    enum sc_family family = sc_datagram_family(fd);
    if (msg->msg_name) {
        socklen_t len = msg->msg_namelen;
        if (sc_datagram_give_address(&s.failed, family, msg->msg_name, &len) < 0)
            return -1;
        msg->msg_namelen = len;
    }
    msg->msg_controllen = 0;
    msg->msg_flags = MSG_ERRQUEUE;
    put_extended(msg, room, &s, family);
    s.error = 0;
    s.failed = (struct sc_address){0};
    sc_datagram_state_set(cookie, &s);
    return 0; /* of the datagram itself nothing came back */
}
