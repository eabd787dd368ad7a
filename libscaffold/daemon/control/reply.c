#include "daemon/control/reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/call.h"
#include "daemon/control/server.h"
#include "daemon/journal.h"

/* STOP is of every version: whoever asks is answered in his own. */
struct sc_ctl_reply sc_ctl_reply_to(const struct sc_ctl_call *c)
{
    bool stop = c->request.op == SC_CTL_STOP;
    return (struct sc_ctl_reply){.magic = SC_CTL_MAGIC,
                                 .version = stop ? c->request.version : SC_CTL_VERSION,
                                 .op = c->request.op};
}

/* Sends the reply; with `fd` >= 0 that descriptor goes along. */
static bool send_reply(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd)
{
    struct iovec iov = {(void *)(uintptr_t)r, sizeof *r};
    sc_journal_reply(c, r);
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = control.room;
        msg.msg_controllen = sizeof control.room;
        struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(h), &fd, sizeof fd);
    }
    /* one packet into an empty queue */
    return sendmsg(c->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void sc_ctl_send(struct sc_ctl_call *c, const struct sc_ctl_reply *r)
{
    send_reply(c, r, -1);
}

bool sc_ctl_lend(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd)
{
    bool hears = sc_ctl_shut_out(c);
    bool sent = hears && send_reply(c, r, fd);
    c->gave |= sent;
    if (hears && !sent)
        sc_ctl_send_error(c, ENOBUFS,
                          "too many descriptors are on their way from scaffoldd; raise its limit");
    return sent;
}

bool sc_ctl_give(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd)
{
    bool sent = sc_ctl_lend(c, r, fd);
    close(fd);
    return sent;
}

void sc_ctl_send_error(struct sc_ctl_call *c, int error, const char *text)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    r.error = error;
    snprintf(r.text, sizeof r.text, "%s", text);
    sc_ctl_send(c, &r);
}

bool sc_ctl_refuse_share(struct sc_ctl_call *c, struct sc_share *share, enum sc_share_kind kind)
{
    char line[SC_CTL_TEXT];
    if (sc_share_take(&c->server->daemon->shares, share, c->peer.uid, kind))
        return false;
    snprintf(line, sizeof line, "uid %u has its share of scaffoldd's %s", c->peer.uid,
             sc_share_name(kind));
    sc_ctl_send_error(c, ENOBUFS, line);
    return true;
}
