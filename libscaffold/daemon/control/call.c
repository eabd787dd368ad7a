#include "daemon/control/call.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/closer.h"
#include "daemon/control/server.h"

/* --- what it holds ---------------------------------------------------------------------------- */

void sc_ctl_drop_kept(struct sc_ctl_call *c)
{
    if (c->kept >= 0)
        close(c->kept);
    c->kept = -1;
}

/* --- its queue -------------------------------------------------------------------------------- */

/* Packets that are passed over in one turn. A queue holds what the caller's SO_SNDBUF lets it: 768
 * bytes at least are charged for each. */
#define PASSED_OVER_TURN 256

enum queue {
    QUEUE_EMPTY,
    QUEUE_OVER, /* and nothing can come any more */
    QUEUE_MORE,
    QUEUE_RIGHTS,
    QUEUE_ENDED
};

/* The next packet: taken, or left where it is (MSG_PEEK). An empty one differs from the end by the
 * credentials, for which there is room, and for nothing beside. */
static enum queue look(int fd, int flags)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    char byte;
    struct iovec iov = {&byte, sizeof byte};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof control.room};
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | flags);
    if (n < 0)
        return errno == EAGAIN ? QUEUE_EMPTY : QUEUE_ENDED;
    if (msg.msg_flags & MSG_CTRUNC)
        return QUEUE_RIGHTS;
    return n == 0 && msg.msg_controllen == 0 ? QUEUE_OVER : QUEUE_MORE;
}

/* That the caller has gone is told once, whatever he has left. */
static enum queue look_ahead(const struct sc_ctl_call *c)
{
    enum queue queue = look(c->watch.fd, MSG_PEEK);
    return queue == QUEUE_ENDED ? look(c->watch.fd, MSG_PEEK) : queue;
}

/* Only what was looked at is taken: something may come between the two. */
ssize_t sc_ctl_receive(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    enum queue queue = sc_rights_are_kept_out(&d->loop) ? QUEUE_MORE : look_ahead(c);
    d->unwanted_descriptors += queue == QUEUE_RIGHTS;
    if (queue == QUEUE_EMPTY || queue == QUEUE_RIGHTS) {
        errno = queue == QUEUE_EMPTY ? EAGAIN : EPERM;
        return -1;
    }
    return recv(c->watch.fd, &c->request, sizeof c->request, MSG_DONTWAIT);
}

bool sc_ctl_shut_out(struct sc_ctl_call *c)
{
    if (c->shut || sc_rights_are_kept_out(&c->server->daemon->loop))
        return true;
    c->shut = shutdown(c->watch.fd, SHUT_RD) == 0 && look_ahead(c) == QUEUE_OVER;
    return c->shut;
}

void sc_ctl_let_go(struct sc_ctl_call *c)
{
    struct sc_loop *l = &c->server->daemon->loop;
    if (sc_ctl_shut_out(c))
        sc_loop_close(l, &c->watch);
    else
        sc_closer_take(l, &c->watch);
}

/* --- its connection --------------------------------------------------------------------------- */

static bool owes_reply(const struct sc_ctl_call *c)
{
    return c->waits.linked || c->waiter.session.other || c->registration.timer.at != SC_NEVER ||
           c->address.timer.at != SC_NEVER;
}

static void enter(struct sc_ctl_call *c, enum sc_ctl_stage stage)
{
    sc_list_remove(&c->link);
    sc_list_append(&c->server->calls[stage], &c->link);
    c->stage = stage;
}

void sc_ctl_begin(struct sc_ctl_call *c)
{
    sc_list_init(&c->link);
    sc_alarm_init(&c->registration, NULL);
    sc_alarm_init(&c->address, NULL);
    sc_alarm_init(&c->hold, NULL);
    enter(c, SC_CTL_ASKED_NOTHING);
}

/* EPOLL* bits that are looked out for from now on. False: the kernel has no room for it. */
static bool watch(struct sc_ctl_call *c, uint32_t events)
{
    struct sc_loop *l = &c->server->daemon->loop;
    if (c->watched)
        sc_loop_rewatch(l, &c->watch, events);
    else
        c->watched = sc_loop_watch(l, &c->watch, events) == 0;
    return c->watched;
}

/* Whatever the call waits for, and holds beside its connection. */
static void release(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    sc_untie(&c->waiter.session);
    sc_ctl_drop_kept(c);
    sc_loop_alarm(&s->daemon->loop, &c->hold, SC_NEVER);
    if (c->offered >= 0)
        close(c->offered);
    c->offered = -1;
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
    sc_ctl_let_go(c);
    sc_list_remove(&c->link);
    sc_share_give(&s->daemon->shares, &c->share);
    sc_loop_dispose(&s->daemon->loop, c);
    sc_daemon_on_activity(s->daemon);
}

bool sc_ctl_is_untaken(struct sc_ctl_call *c)
{
    int bytes = 0;
    if (c->gave && !c->taken)
        c->taken = ioctl(c->watch.fd, SIOCOUTQ, &bytes) < 0 || bytes == 0;
    return c->gave && !c->taken;
}

/* Nothing waits to be read from now on; his own end may be in it, where descriptors are not kept
 * out, but then nothing is. ENDED: the caller has closed his end meanwhile; reading is what takes
 * the error that says so, and epoll would not tell it any more. */
static enum queue pass_over(int fd)
{
    enum queue queue = QUEUE_MORE;
    for (int i = 0; i < PASSED_OVER_TURN && queue == QUEUE_MORE; i++)
        queue = look(fd, 0);
    return queue;
}

/* Nothing more comes in, and nothing is answered. */
static void stop_serving(struct sc_ctl_call *c)
{
    int on = 1;
    setsockopt(c->watch.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    shutdown(c->watch.fd, SHUT_RD);
    release(c);
    enter(c, SC_CTL_OUTSTAYS);
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
    if (waits && c->stage != SC_CTL_OUTSTAYS)
        stop_serving(c);
    enum queue queue = waits ? pass_over(c->watch.fd) : QUEUE_ENDED;
    c->emptied = queue == QUEUE_EMPTY || queue == QUEUE_OVER;
    if (queue == QUEUE_ENDED || !watch(c, c->emptied ? EPOLLET : EPOLLIN))
        sc_ctl_hang_up(c);
}

/* Once it is there, nothing is looked out for until the call has to wait. */
void sc_ctl_await_request(struct sc_ctl_call *c)
{
    if (!watch(c, EPOLLIN | EPOLLONESHOT))
        sc_ctl_hang_up(c);
}

/* --- its last word ---------------------------------------------------------------------------- */

/* From now on the death of whoever waits is seen; not that of one who is held for a moment. */
static void wait_on(struct sc_ctl_call *c)
{
    bool held = c->hold.timer.at != SC_NEVER;
    if (c->stage != SC_CTL_OWES_REPLY)
        enter(c, SC_CTL_OWES_REPLY);
    if (!held && !watch(c, c->shut ? 0 : EPOLLIN)) /* what is shut would be readable for ever */
        sc_ctl_hang_up(c);
}

/* A caller takes what he is given within microseconds, and to see each one close his end would be
 * a wake-up: he is seen off by the next one, or by an alarm. */
static void leave(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    if (!sc_ctl_is_untaken(c)) {
        sc_ctl_hang_up(c);
        return;
    }
    enter(c, SC_CTL_LEAVES);
    c->left = s->daemon->loop.now;
    if (s->parting.timer.at == SC_NEVER)
        sc_loop_alarm(&s->daemon->loop, &s->parting, c->left + s->patience);
}

void sc_ctl_go_on(struct sc_ctl_call *c)
{
    if (c->watch.fd < 0 || c->stage > SC_CTL_OWES_REPLY)
        return; /* it has gone already */
    if (owes_reply(c))
        wait_on(c);
    else
        leave(c);
}

/* Those that stay go to the back: others are looked at next time. */
void sc_ctl_see_off(struct sc_ctl_server *s, enum sc_ctl_stage stage, size_t looks)
{
    struct sc_list *it, *stays = NULL;
    while (looks-- > 0 && (it = sc_list_first(&s->calls[stage])) != NULL && it != stays) {
        struct sc_ctl_call *c = sc_container(it, struct sc_ctl_call, link);
        if (!sc_ctl_is_untaken(c)) {
            sc_ctl_hang_up(c);
            continue;
        }
        stays = stays ? stays : it;
        enter(c, stage);
    }
}

void sc_ctl_on_parting(struct sc_alarm *a)
{
    struct sc_ctl_server *s = sc_container(a, struct sc_ctl_server, parting);
    struct sc_loop *l = &s->daemon->loop;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->calls[SC_CTL_LEAVES])
    {
        struct sc_ctl_call *c = sc_container(it, struct sc_ctl_call, link);
        if (c->left + s->patience > l->now) {
            sc_loop_alarm(l, a, c->left + s->patience);
            return;
        }
        sc_ctl_end(c, 0);
    }
}
