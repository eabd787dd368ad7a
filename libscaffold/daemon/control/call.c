#include "daemon/control/call.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/server.h"
#include "daemon/pair.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/connecting.h"

/* --- what it holds ---------------------------------------------------------------------------- */

int sc_ctl_take_passed(struct sc_ctl_call *c)
{
    int fd = c->passed;
    c->passed = -1;
    return fd;
}

void sc_ctl_drop_passed(struct sc_ctl_call *c)
{
    int fd = sc_ctl_take_passed(c);
    if (fd >= 0)
        close(fd);
}

void sc_ctl_refuse_passed(struct sc_ctl_call *c)
{
    c->server->daemon->unwanted_descriptors += c->passed >= 0;
    sc_ctl_drop_passed(c);
}

void sc_ctl_drop_lent(struct sc_ctl_call *c)
{
    if (c->lent >= 0)
        close(c->lent);
    c->lent = -1;
}

void sc_ctl_drop_prepared(struct sc_ctl_call *c)
{
    sc_ctl_drop_lent(c);
    if (c->port_taken)
        sc_client_port_give(c->server->daemon, c->open.own.port);
    if (c->prepared >= 0)
        close(c->prepared);
    c->port_taken = false;
    c->prepared = -1;
}

/* --- its connection --------------------------------------------------------------------------- */

bool sc_ctl_is_busy(const struct sc_ctl_call *c)
{
    return c->over || c->waits.linked || c->waiter.session.other ||
           c->registration.timer.at != SC_NEVER || c->address.timer.at != SC_NEVER;
}

void sc_ctl_file(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    sc_list_remove(&c->link);
    sc_list_append(sc_ctl_is_busy(c) ? &s->busy : &s->idle, &c->link);
}

/* The opening goes on without a program that waits for it. */
static void stop_waiting(struct sc_ctl_call *c)
{
    if (c->lent >= 0 && c->waiter.session.other)
        sc_connecting_plug_more(&c->waiter, sc_pair_plug_fully(c->lent));
    sc_untie(&c->waiter.session);
}

/* Whatever the call waits for, and holds beside its connection. */
static void release(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    stop_waiting(c);
    sc_ctl_drop_prepared(c);
    if (c->offered >= 0)
        close(c->offered);
    c->offered = -1;
    sc_ctl_drop_passed(c);
    sc_map_remove(&s->waiting, &c->waits);
    sc_loop_alarm(&s->daemon->loop, &c->registration, SC_NEVER);
    sc_loop_alarm(&s->daemon->loop, &c->address, SC_NEVER);
    sc_share_give(&s->daemon->shares, &c->name);
}

void sc_ctl_hang_up(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    if (c->watch.fd < 0)
        return;
    release(c);
    sc_loop_close(&c->watch);
    sc_list_remove(&c->link);
    sc_share_give(&s->daemon->shares, &c->share);
    sc_loop_dispose(&s->daemon->loop, c);
    sc_daemon_on_activity(s->daemon);
}

bool sc_ctl_is_untaken(struct sc_ctl_call *c)
{
    int bytes = 0;
    if (c->gave && (ioctl(c->watch.fd, SIOCOUTQ, &bytes) < 0 || bytes == 0))
        c->gave = false;
    return c->gave;
}

/* Packets that are passed over in one turn. A queue holds what the caller's SO_SNDBUF lets it: 768
 * bytes at least are charged for each. */
#define PASSED_OVER_TURN 256

enum queue { QUEUE_EMPTY, QUEUE_MORE, QUEUE_ENDED };

/* Descriptors that wait to be read are closed: the caller's own end may be among them, and would
 * keep itself open. There is no room for them beside the credentials, by which an empty packet
 * differs from the end. ENDED: the caller has closed his end meanwhile; reading is what takes the
 * error that says so, and epoll would not tell it any more. */
static enum queue pass_over(int fd)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    char byte;
    struct iovec iov = {&byte, sizeof byte};
    for (int i = 0; i < PASSED_OVER_TURN; i++) {
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room};
        ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
            return errno == EAGAIN ? QUEUE_EMPTY : QUEUE_ENDED;
        if (n == 0 && msg.msg_controllen == 0)
            return QUEUE_EMPTY;
    }
    return QUEUE_MORE;
}

/* Nothing more comes in, and nothing is answered. */
static void stop_serving(struct sc_ctl_call *c)
{
    int on = 1;
    setsockopt(c->watch.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    shutdown(c->watch.fd, SHUT_RD);
    release(c);
    c->over = true;
    sc_list_remove(&c->link);
    sc_list_append(&c->server->busy, &c->link);
}

/* What waits there is charged to whoever runs scaffoldd, and lasts as long as the caller's socket.
 * So the connection stays, charged to the caller, until he has closed that: an error says so,
 * whatever he has shut down before. His queue is emptied in turns; until then its end is an event
 * that repeats. */
void sc_ctl_end(struct sc_ctl_call *c, uint32_t events)
{
    bool waits = sc_ctl_is_untaken(c) && !(events & EPOLLERR);
    if (waits && c->emptied)
        return;
    if (waits && !c->over)
        stop_serving(c);
    enum queue queue = waits ? pass_over(c->watch.fd) : QUEUE_ENDED;
    if (queue == QUEUE_ENDED) {
        sc_ctl_hang_up(c);
    } else if (queue == QUEUE_EMPTY) {
        c->emptied = true;
        sc_loop_rewatch(&c->server->daemon->loop, &c->watch, EPOLLET);
    }
}
