#include "client/process/own_addresses.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/process/kernel.h"
#include "client/process/real.h"

/* More than a host has that no software makes addresses for; further ones stay plain IP. */
#define ADDRESSES_MAX 64
#define OLD_AFTER_S 1
/* Answers of the kernel, each of several addresses: interfaces without end are no host's. */
#define ANSWERS_MAX 64

struct list {
    size_t count;
    struct sc_address at[ADDRESSES_MAX];
};

/* The list of an edition is written while the edition before it is the current one, and again when
 * the next but one is made: whoever finds the same edition before and after has read it whole. */
static struct list lists[2];
static uint64_t edition;
static int64_t read_at = -OLD_AFTER_S; /* since the machine started */
static pid_t reader; /* who reads now: a child must not wait for a thread of its parent */

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

/* --- asking the kernel ------------------------------------------------------------------------ */

static void add_address(struct list *l, const struct nlmsghdr *message)
{
    const struct ifaddrmsg *m = NLMSG_DATA(message);
    const struct rtattr *own = NULL;
    int left = (int)IFA_PAYLOAD(message);
    for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, left); left -= (int)RTA_ALIGN(a->rta_len),
                             a = (const void *)((const char *)a + RTA_ALIGN(a->rta_len)))
        if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && !own))
            own = a; /* IFA_ADDRESS is the peer's where there is an IFA_LOCAL */
    bool of_link = m->ifa_family == AF_INET6 && m->ifa_scope == RT_SCOPE_LINK;
    if (!own || of_link || l->count == ADDRESSES_MAX)
        return; /* a link's is no address without its link */
    struct sc_address address = sc_address_v4(0, 0);
    if (m->ifa_family == AF_INET)
        memcpy(address.ip + 12, RTA_DATA(own), 4);
    else
        memcpy(address.ip, RTA_DATA(own), sizeof address.ip);
    if (!sc_address_is_loopback(&address))
        l->at[l->count++] = address;
}

/* False behind the last answer. */
static bool read_answer(int fd, struct list *l)
{
    _Alignas(struct nlmsghdr) char room[8192];
    ssize_t n = sc_real.recvfrom(fd, room, sizeof room, 0, NULL, NULL);
    if (n <= 0)
        return false;
    size_t left = (size_t)n;
    for (struct nlmsghdr *m = (void *)room; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
        if (m->nlmsg_type != RTM_NEWADDR)
            return false; /* done, or an error */
        add_address(l, m);
    }
    return true;
}

static void read_list(struct list *l)
{
    struct {
        struct nlmsghdr head;
        struct ifaddrmsg body;
    } q = {.head = {.nlmsg_len = sizeof q,
                    .nlmsg_type = RTM_GETADDR,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    l->count = 0;
    int fd = sc_real.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return;
    if (sc_real.sendto(fd, &q, sizeof q, 0, NULL, 0) == sizeof q)
        for (int i = 0; i < ANSWERS_MAX && read_answer(fd, l); i++)
            ;
    sc_real.close(fd);
}

static bool may_read(void)
{
    pid_t self = sc_kernel_getpid(), other = LOAD(reader);
    return other != self && __atomic_compare_exchange_n(&reader, &other, self, false,
                                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* One at a time; the others go by the list that there is. */
static void refresh(void)
{
    struct timespec now = sc_kernel_now(CLOCK_MONOTONIC_COARSE);
    if (LOAD(read_at) + OLD_AFTER_S > now.tv_sec || !may_read())
        return;
    int kept = errno;
    uint64_t next = LOAD(edition) + 1;
    read_list(&lists[next & 1]);
    STORE(edition, next);
    STORE(read_at, now.tv_sec);
    STORE(reader, 0);
    errno = kept;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool is_in(const struct list *l, const struct sc_address *a)
{
    for (size_t i = 0; i < l->count; i++)
        if (memcmp(l->at[i].ip, a->ip, sizeof a->ip) == 0)
            return true;
    return false;
}

bool sc_is_own_address(const struct sc_address *a)
{
    uint64_t read;
    bool found;
    refresh();
    do {
        read = LOAD(edition);
        found = is_in(&lists[read & 1], a);
    } while (LOAD(edition) != read);
    return found;
}
