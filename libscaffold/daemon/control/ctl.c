#include "daemon/control/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/control/call.h"
#include "daemon/journal.h"
#include "daemon/stream/registry.h"

/* Idle connections that are looked at for one of a certain user. */
#define IDLE_LOOKED_AT 64

/* Calls that are taken from each control socket before others get their turn. */
#define ACCEPT_TURN 8

/* --- connections ------------------------------------------------------------------------------ */

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

/* Whatever the call waits for, and holds beside its connection. */
static void release(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    sc_untie(&c->waiter.session);
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

static void hang_up(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    int fd = c->watch.fd;
    if (fd < 0)
        return;
    release(c);
    sc_loop_unwatch(&s->daemon->loop, &c->watch);
    close(fd);
    sc_list_remove(&c->link);
    sc_share_give(&s->daemon->shares, &c->share);
    sc_loop_dispose(&s->daemon->loop, c);
    sc_daemon_on_activity(s->daemon);
}

/* True while a descriptor waits in the caller's queue. */
static bool is_untaken(struct sc_ctl_call *c)
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
static void end(struct sc_ctl_call *c, uint32_t events)
{
    bool waits = is_untaken(c) && !(events & EPOLLERR);
    if (waits && c->emptied)
        return;
    if (waits && !c->over)
        stop_serving(c);
    enum queue queue = waits ? pass_over(c->watch.fd) : QUEUE_ENDED;
    if (queue == QUEUE_ENDED) {
        hang_up(c);
    } else if (queue == QUEUE_EMPTY) {
        c->emptied = true;
        sc_loop_rewatch(&c->server->daemon->loop, &c->watch, EPOLLET);
    }
}

/* STOP is of every version: who asks is answered in his own. */
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

bool sc_ctl_give(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd)
{
    bool sent = send_reply(c, r, fd);
    close(fd);
    c->gave |= sent;
    if (!sent)
        sc_ctl_send_error(c, ENOBUFS,
                          "too many descriptors are on their way from scaffoldd; raise its limit");
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

/* --- requests --------------------------------------------------------------------------------- */

static void dispatch(struct sc_ctl_call *c)
{
    static void (*const handlers[SC_CTL_OPS])(struct sc_ctl_call * c) = {
        [SC_CTL_HELLO] = sc_ctl_on_hello,
        [SC_CTL_RESOLVE] = sc_ctl_on_resolve,
        [SC_CTL_REVERSE] = sc_ctl_on_reverse,
        [SC_CTL_PREPARE] = sc_ctl_on_prepare,
        [SC_CTL_HANDOVER] = sc_ctl_on_handover,
        [SC_CTL_BIND] = sc_ctl_on_bind,
        [SC_CTL_LISTEN] = sc_ctl_on_listen,
        [SC_CTL_UNLISTEN] = sc_ctl_on_unlisten,
        [SC_CTL_FLOW_ERROR] = sc_ctl_on_flow_error,
        [SC_CTL_FLOW_SET] = sc_ctl_on_flow_option,
        [SC_CTL_FLOW_GET] = sc_ctl_on_flow_option,
        [SC_CTL_STATUS] = sc_ctl_on_status,
        [SC_CTL_STOP] = sc_ctl_on_stop,
    };
    sc_journal_call(c);
    handlers[c->request.op](c);
}

/* Keeps the descriptor that came with the packet; others are closed. */
static void take_descriptors(struct sc_ctl_call *c, struct msghdr *msg)
{
    c->passed_too_many = (msg->msg_flags & MSG_CTRUNC) != 0;
    sc_ctl_drop_passed(c); /* of a request before */
    for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int one;
            memcpy(&one, CMSG_DATA(h) + i * sizeof one, sizeof one);
            if (c->passed < 0)
                c->passed = one;
            else
                close(one);
        }
    }
}

/* Checks who asks and what; replies with one line when it is not acceptable. */
static bool acceptable(struct sc_ctl_call *c, size_t len)
{
    struct sc_daemon *d = c->server->daemon;
    int err = sc_ctl_request_check(&c->request, len);
    char line[SC_CTL_TEXT];
    if (err == -EPROTO && sc_ctl_op_of_every_version(c->request.op))
        return true;
    if (err == -EPROTO) {
        snprintf(line, sizeof line,
                 "this scaffoldd speaks version %d of the control protocol, the program's library "
                 "version %u; install the same release of both",
                 SC_CTL_VERSION, c->request.version);
        sc_ctl_send_error(c, EPROTO, line);
    } else if (err < 0) {
        sc_ctl_send_error(c, -err, "not a request of libscaffold");
    } else if (c->request.netns && c->request.netns != d->netns) {
        d->refused_peers++;
        sc_ctl_send_error(c, EXDEV,
                          "scaffoldd serves another network namespace than this program's");
        err = -EXDEV;
    }
    return err == 0;
}

/* A reply is owed. Whoever goes on talking meanwhile is no library of ours. */
static bool is_busy(const struct sc_ctl_call *c)
{
    return c->over || c->waits.linked || c->waiter.session.other ||
           c->registration.timer.at != SC_NEVER || c->address.timer.at != SC_NEVER;
}

/* The lists follow what the last event has made of it. */
static void file(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    sc_list_remove(&c->link);
    sc_list_append(is_busy(c) ? &s->busy : &s->idle, &c->link);
}

/* False when the connection is over. */
static bool read_request(struct sc_ctl_call *c)
{
    struct iovec iov = {&c->request, sizeof c->request};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof control.room};
    ssize_t n = recvmsg(c->watch.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN;
    take_descriptors(c, &msg);
    if (n > 0 && acceptable(c, (size_t)n))
        dispatch(c);
    if (!is_busy(c) && c->passed >= 0) { /* nobody wanted it */
        c->server->daemon->unwanted_descriptors++;
        sc_ctl_drop_passed(c);
    }
    return n > 0;
}

static void on_connection(struct sc_watch *w, uint32_t events)
{
    struct sc_ctl_call *c = sc_container(w, struct sc_ctl_call, watch);
    if ((events & EPOLLIN) && !is_busy(c) && !is_untaken(c) && read_request(c) &&
        !(events & (EPOLLHUP | EPOLLERR)))
        file(c);
    else
        end(c, events);
}

static int spare_descriptor(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* One that asks nothing, of this user, or, when all have too many, of anybody: the oldest. Not one
 * whose caller has to take a descriptor first. */
static struct sc_ctl_call *oldest_idle(struct sc_ctl_server *s, uid_t uid, bool any)
{
    struct sc_list *it, *tmp;
    int looked = 0;
    sc_list_each(it, tmp, &s->idle)
    {
        struct sc_ctl_call *c = sc_container(it, struct sc_ctl_call, link);
        bool eligible = any || c->peer.uid == uid;
        if (eligible && !is_untaken(c))
            return c;
        if (eligible) {
            sc_list_remove(&c->link);
            sc_list_append(&s->busy, &c->link);
        }
        if (++looked == IDLE_LOOKED_AT)
            return NULL;
    }
    return NULL;
}

/* Whoever has too many connections loses its oldest idle one; root and the owner, whom the others
 * together may not lock out, anybody's. */
static bool take_share(struct sc_ctl_server *s, struct sc_share *share, uid_t uid)
{
    struct sc_daemon *d = s->daemon;
    bool any = uid == 0 || uid == d->id.uid;
    if (sc_share_take(&d->shares, share, uid, SC_SHARE_CALLS))
        return true;
    struct sc_ctl_call *idle = oldest_idle(s, uid, any);
    if (!idle)
        return false;
    hang_up(idle);
    return sc_share_take(&d->shares, share, uid, SC_SHARE_CALLS);
}

/* The answer to whatever will be asked: it waits for the caller, whose request finds nobody. */
static void refuse_connection(struct sc_ctl_call *c, const char *line)
{
    recv(c->watch.fd, &c->request, sizeof c->request, MSG_DONTWAIT); /* else close is a reset */
    c->request.op = SC_CTL_ANY;
    sc_ctl_send_error(c, ENOBUFS, line);
    close(c->watch.fd);
}

static void add_connection(struct sc_ctl_server *s, int fd)
{
    struct sc_ctl_call now = {
        .server = s, .prepared = -1, .offered = -1, .passed = -1, .watch = {.fd = fd}};
    socklen_t len = sizeof now.peer;
    struct sc_ctl_call *c = calloc(1, sizeof *c);
    if (!c || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &now.peer, &len) < 0 ||
        !take_share(s, &now.share, now.peer.uid)) {
        refuse_connection(&now, "this user has too many calls of scaffoldd open");
        free(c);
        return;
    }
    *c = now;
    c->watch.ready = on_connection;
    sc_alarm_init(&c->registration, sc_ctl_on_registration_wait);
    sc_alarm_init(&c->address, sc_ctl_on_address_wait);
    sc_list_append(&s->idle, &c->link);
    if (sc_loop_watch(&s->daemon->loop, &c->watch, EPOLLIN) < 0) {
        hang_up(c);
        return;
    }
    on_connection(&c->watch, EPOLLIN); /* the request is usually there already */
}

/* No descriptor is left: who calls is told so, with the one kept for that. Returns false when there
 * is nobody. */
static bool turn_away(struct sc_ctl_server *s, int listener)
{
    struct sc_ctl_call c = {.server = s, .passed = -1};
    close(s->spare);
    c.watch.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool somebody = c.watch.fd >= 0;
    if (somebody)
        refuse_connection(&c, "scaffoldd has no descriptor left; raise its limit");
    s->spare = spare_descriptor();
    return somebody;
}

/* Who waits for a reply and calls again at once would never let a turn end. */
static void accept_some(struct sc_ctl_server *s, int fd)
{
    for (int i = 0; i < ACCEPT_TURN; i++) {
        int one = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (one >= 0)
            add_connection(s, one);
        else if ((errno != EMFILE && errno != ENFILE) || !turn_away(s, fd))
            return;
    }
}

static void on_abstract(struct sc_watch *w, uint32_t events)
{
    (void)events;
    accept_some(sc_container(w, struct sc_ctl_server, abstract), w->fd);
}

static void on_path(struct sc_watch *w, uint32_t events)
{
    (void)events;
    accept_some(sc_container(w, struct sc_ctl_server, path), w->fd);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int listen_on(struct sc_daemon *d, struct sc_watch *w, const struct sockaddr_un *sun,
                     socklen_t len)
{
    w->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return -errno;
    if (bind(w->fd, (const struct sockaddr *)sun, len) < 0 || listen(w->fd, 4096) < 0) {
        int err = -errno;
        close(w->fd);
        w->fd = -1;
        return err;
    }
    return sc_loop_watch(&d->loop, w, EPOLLIN);
}

/* Whether a scaffoldd of this user, or root's, answers there. One that is too busy to is one. */
static bool answers_at(const struct sc_daemon *d, const struct sockaddr_un *sun, socklen_t len)
{
    struct ucred who = {.uid = (uid_t)-1};
    socklen_t who_len = sizeof who;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, (const struct sockaddr *)sun, len) == 0;
    bool busy = fd >= 0 && !connected && errno == EAGAIN && sun->sun_path[0];
    if (connected)
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len);
    if (fd >= 0)
        close(fd);
    return busy || (connected && (who.uid == d->id.uid || who.uid == 0));
}

/* The name can be held by anyone; then programs find us by the directory, which cannot. Returns 0
 * or a negative errno. */
static int listen_at_name(struct sc_daemon *d)
{
    struct sockaddr_un sun;
    socklen_t len = sc_name_control(d->id, &sun);
    int err = listen_on(d, &d->ctl->abstract, &sun, len);
    if (err != -EADDRINUSE || answers_at(d, &sun, len))
        return err;
    sc_log(SC_LOG_WARN, "another user holds the name of the control socket; programs in a chroot "
                        "do not find this scaffoldd");
    return 0;
}

static int listen_at_path(struct sc_daemon *d)
{
    struct sc_ctl_server *s = d->ctl;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(s->file, sizeof s->file, "%s/ctl", d->config.runtime_dir);
    memcpy(sun.sun_path, s->file, strlen(s->file)); /* the directory is short: config.h */
    if (answers_at(d, &sun, sizeof sun))
        return -EADDRINUSE;
    unlink(s->file); /* left by a crash: nobody answers */
    int err = listen_on(d, &s->path, &sun, sizeof sun);
    if (err == 0)
        chmod(s->file, 0666); /* who may do what is decided by SO_PEERCRED, call by call */
    return err;
}

static struct sc_ctl_server *new_server(struct sc_daemon *d)
{
    struct sc_ctl_server *s = calloc(1, sizeof *s);
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    if (!s)
        return NULL;
    s->daemon = d;
    s->spare = spare_descriptor();
    sc_list_init(&s->idle);
    sc_list_init(&s->busy);
    SC_MAP_INIT(&s->waiting, struct sc_ctl_call, waits, ticket, seed);
    s->abstract = (struct sc_watch){.fd = -1, .ready = on_abstract};
    s->path = (struct sc_watch){.fd = -1, .ready = on_path};
    return s;
}

int sc_ctl_open(struct sc_daemon *d, char *why, size_t size)
{
    d->ctl = new_server(d);
    if (!d->ctl)
        return -1;
    int err = listen_at_name(d);
    if (err == 0)
        err = listen_at_path(d);
    if (err == -EADDRINUSE)
        snprintf(why, size,
                 "%s: another scaffoldd runs there; stop it (scaffold down) or give another "
                 "--runtime-dir",
                 d->config.runtime_dir);
    else if (err < 0)
        snprintf(why, size, "%s/ctl: %s; give a --runtime-dir that you can write to",
                 d->config.runtime_dir, strerror(-err));
    return err < 0 ? -1 : 0;
}

void sc_ctl_close(struct sc_daemon *d)
{
    struct sc_ctl_server *s = d->ctl;
    if (!s)
        return;
    struct sc_list *lists[] = {&s->idle, &s->busy};
    for (size_t i = 0; i < 2; i++)
        while (!sc_list_empty(lists[i]))
            hang_up(sc_container(sc_list_first(lists[i]), struct sc_ctl_call, link));
    sc_map_fini(&s->waiting);
    struct sc_watch *w[] = {&s->abstract, &s->path};
    for (size_t i = 0; i < 2; i++) {
        int fd = w[i]->fd;
        sc_loop_unwatch(&d->loop, w[i]);
        if (fd >= 0)
            close(fd);
    }
    unlink(s->file);
    close(s->spare);
    free(s);
    d->ctl = NULL;
}
