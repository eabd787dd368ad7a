#include "daemon/stream/diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef UDIAG_SHOW_UID
#define UDIAG_SHOW_UID 0x40
#define UNIX_DIAG_UID 7
#endif

/* TCP_LISTEN; AF_UNIX listeners report the same number (net/unix/diag.c). */
#define STATE_LISTEN 10

/* A table that changes while it is read is read again, as often as this. The kernel does not say
 * that it passed over a socket because another went (net/unix/diag.c counts within a bucket, from
 * answer to answer), so that one reading is never believed. */
#define DUMPS_MIN 2
#define DUMPS_MAX 8

uint32_t sc_socket_inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? (uint32_t)st.st_ino : 0;
}

struct question {
    struct nlmsghdr header;
    struct unix_diag_req body;
};

static int open_netlink(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    struct timeval limit = {.tv_sec = 1}; /* the kernel answers at once or not at all */
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/* Sends the question over `fd`. Returns 0 or a negative errno. */
static int ask(int fd, const struct question *q)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return sendto(fd, q, sizeof *q, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0 ? -errno : 0;
}

static struct question question(uint16_t flags, uint32_t inode)
{
    return (struct question){
        .header = {.nlmsg_len = sizeof(struct question),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = 1u << STATE_LISTEN,
                 .udiag_ino = inode,
                 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID,
                 .udiag_cookie = {~0u, ~0u}}};
}

union answer {
    struct nlmsghdr header;
    char room[4096];
};

/* Asks about one socket. Returns 0 and the answer, or a negative errno: the kernel's or ours. */
static int ask_one(uint32_t inode, union answer *out)
{
    struct question q = question(0, inode);
    q.body.udiag_states = ~0u;
    int fd = open_netlink();
    int err = fd < 0 ? -errno : ask(fd, &q);
    ssize_t n = err < 0 ? -1 : recv(fd, out, sizeof *out, 0);
    if (fd >= 0)
        close(fd);
    if (n < (ssize_t)sizeof out->header)
        return -EIO;
    if (out->header.nlmsg_type != NLMSG_ERROR)
        return 0;
    const struct nlmsgerr *e = NLMSG_DATA(&out->header);
    return e->error;
}

/* Less the final zero; of abstract names, which anybody can take, nothing. */
static void copy_path(char *out, const char *name, size_t len)
{
    if (*name)
        memcpy(out, name, strnlen(name, len));
}

static struct sc_diag_socket read_socket(const struct nlmsghdr *h)
{
    const struct unix_diag_msg *m = NLMSG_DATA(h);
    struct sc_diag_socket s = {.inode = m->udiag_ino, .uid = (uint32_t)-1};
    unsigned left = (unsigned)(h->nlmsg_len - NLMSG_LENGTH(sizeof *m));
    for (const struct rtattr *a = (const void *)(m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        size_t len = RTA_PAYLOAD(a);
        if (a->rta_type == UNIX_DIAG_NAME && len > 0 && len <= sizeof s.path)
            copy_path(s.path, RTA_DATA(a), len);
        if (a->rta_type == UNIX_DIAG_RQLEN && len >= sizeof(struct unix_diag_rqlen))
            s.queue = ((const struct unix_diag_rqlen *)RTA_DATA(a))->udiag_rqueue;
        if (a->rta_type == UNIX_DIAG_UID && len >= sizeof s.uid)
            memcpy(&s.uid, RTA_DATA(a), sizeof s.uid);
    }
    return s;
}

uint32_t sc_diag_queue(uint32_t inode)
{
    union answer a;
    return ask_one(inode, &a) == 0 ? read_socket(&a.header).queue : 0;
}

/* Takes one answer's messages. Returns -EAGAIN when more follow, 0 at the end, or the kernel's
 * error. *torn: the table changed while it was read. */
static int take_answer(const struct nlmsghdr *h, unsigned left, const char *prefix,
                       void (*each)(void *arg, const struct sc_diag_socket *s), void *arg,
                       bool *torn)
{
    for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
        *torn |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (h->nlmsg_type == NLMSG_DONE)
            return 0;
        if (h->nlmsg_type == NLMSG_ERROR)
            return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
        if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
            continue;
        struct sc_diag_socket s = read_socket(h);
        if (strncmp(s.path, prefix, strlen(prefix)) == 0)
            each(arg, &s);
    }
    return -EAGAIN;
}

/* One reading of the whole table. */
static int dump(const char *prefix, void (*each)(void *arg, const struct sc_diag_socket *s),
                void *arg, bool *torn)
{
    struct question q = question(NLM_F_DUMP, 0);
    static union {
        struct nlmsghdr header;
        char room[65536]; /* the kernel fills at most half of it at a time */
    } answer;
    int fd = open_netlink();
    int err = fd < 0 ? -errno : ask(fd, &q);
    if (err == 0)
        err = -EAGAIN;
    while (err == -EAGAIN) {
        ssize_t n = recv(fd, &answer, sizeof answer, 0);
        if (n > 0)
            err = take_answer(&answer.header, (unsigned)n, prefix, each, arg, torn);
        else if (n == 0 || errno != EINTR)
            err = n == 0 ? -EIO : errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    if (fd >= 0)
        close(fd);
    return err;
}

int sc_diag_listeners(const char *prefix, void (*each)(void *arg, const struct sc_diag_socket *s),
                      void *arg)
{
    int err = 0;
    bool torn = true;
    for (int i = 0; i < DUMPS_MAX && (torn || i < DUMPS_MIN) && err == 0; i++) {
        torn = false;
        err = dump(prefix, each, arg, &torn);
    }
    return err < 0 ? err : torn ? -EAGAIN : 0;
}
