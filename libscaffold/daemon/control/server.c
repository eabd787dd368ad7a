#include "daemon/control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/control/call.h"
#include "daemon/control/reply.h"
#include "daemon/control/request.h"
#include "daemon/pair.h"

/* Connections that are looked at for one of a certain user. */
#define LOOKED_AT 64

/* Calls that are taken from each control socket at most before others get their turn. */
#define ACCEPT_TURN 8

/* Calls before them that are seen off first: more than come, mostly. */
#define SEEN_OFF_TURN (2 * ACCEPT_TURN)

/* A caller takes what he was given within microseconds, unless he is kept from running. */
#define PATIENCE (10 * SC_MS)
/* Nearly all outcomes of flows come sooner. A timer that is nearer than the kernel's next tick
 * would cost more (docs/decisions/0040). */
#define HOLD (10 * SC_MS)

#define STAGES (sizeof((struct sc_ctl_server *)0)->calls / sizeof(struct sc_list))

/* --- connections ------------------------------------------------------------------------------ */

static int spare_descriptor(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* One that asks nothing, of this user, or, when all have too many, of anybody: the oldest. */
static struct sc_ctl_call *oldest_idle(struct sc_ctl_server *s, uid_t uid, bool any)
{
    struct sc_list *it, *tmp;
    int looked = 0;
    sc_list_each(it, tmp, &s->calls[SC_CTL_ASKED_NOTHING])
    {
        struct sc_ctl_call *c = sc_container(it, struct sc_ctl_call, link);
        if (any || c->peer.uid == uid)
            return c;
        if (++looked == LOOKED_AT)
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
    sc_ctl_see_off(s, SC_CTL_LEAVES, LOOKED_AT);
    sc_ctl_see_off(s, SC_CTL_OUTSTAYS, LOOKED_AT);
    if (sc_share_take(&d->shares, share, uid, SC_SHARE_CALLS))
        return true;
    struct sc_ctl_call *idle = oldest_idle(s, uid, any);
    if (!idle)
        return false;
    sc_ctl_hang_up(idle);
    return sc_share_take(&d->shares, share, uid, SC_SHARE_CALLS);
}

/* The answer to whatever will be asked: it waits for the caller, whose request finds nobody. */
static void refuse_connection(struct sc_ctl_call *c, const char *line)
{
    sc_ctl_receive(c); /* else close is a reset */
    c->request.op = SC_CTL_ANY;
    sc_ctl_send_error(c, ENOBUFS, line);
    sc_ctl_let_go(c);
}

static void add_connection(struct sc_ctl_server *s, int fd)
{
    struct sc_ctl_call now = {.server = s, .kept = -1, .offered = -1, .watch = {.fd = fd}};
    socklen_t len = sizeof now.peer;
    struct sc_ctl_call *c = calloc(1, sizeof *c);
    if (!c || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &now.peer, &len) < 0 ||
        !take_share(s, &now.share, now.peer.uid)) {
        refuse_connection(&now, "this user has too many calls of scaffoldd open");
        free(c);
        return;
    }
    *c = now;
    c->watch.ready = sc_ctl_on_request;
    sc_ctl_begin(c);
    sc_ctl_on_request(&c->watch, EPOLLIN); /* the request is usually there already */
}

/* No descriptor is left: whoever calls is told so, with the one kept for that. Returns false when
 * there is nobody. */
static bool turn_away(struct sc_ctl_server *s, int listener)
{
    struct sc_ctl_call c = {.server = s};
    close(s->spare);
    c.watch.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool somebody = c.watch.fd >= 0;
    if (somebody)
        refuse_connection(&c, "scaffoldd has no descriptor left; raise its limit");
    s->spare = spare_descriptor();
    return somebody;
}

/* One, for a second look would mostly be in vain: the kernel reports whoever is left. Where it does
 * so turn after turn, twice as many each time. */
static unsigned callers_of_turn(struct sc_ctl_server *s)
{
    uint64_t turn = s->daemon->loop.wakeups;
    bool again = s->callers > 0 && turn <= s->accepted_at + 1;
    s->callers = !again ? 1 : s->callers < ACCEPT_TURN ? 2 * s->callers : ACCEPT_TURN;
    s->accepted_at = turn;
    return s->callers;
}

/* Whoever waits for a reply and calls again at once would never let a turn end. */
static void accept_some(struct sc_ctl_server *s, int fd)
{
    sc_ctl_see_off(s, SC_CTL_LEAVES, SEEN_OFF_TURN);
    for (unsigned left = callers_of_turn(s); left > 0; left--) {
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

/* What is accepted inherits either: nobody passes descriptors to scaffoldd, or they are seen. */
static void keep_rights_out(int listener)
{
    int on = 1;
    if (!sc_pair_refuse_rights(listener))
        setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on); /* call.c, look() */
}

static int listen_on(struct sc_daemon *d, struct sc_watch *w, const struct sockaddr_un *sun,
                     socklen_t len)
{
    w->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return -errno;
    keep_rights_out(w->fd);
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
    socklen_t len = sc_socket_name_control(d->id, &sun);
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
    for (size_t i = 0; i < STAGES; i++)
        sc_list_init(&s->calls[i]);
    sc_alarm_init(&s->parting, sc_ctl_on_parting);
    s->patience = PATIENCE;
    s->hold = HOLD;
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
    for (size_t i = 0; i < STAGES; i++)
        while (!sc_list_empty(&s->calls[i]))
            sc_ctl_hang_up(sc_container(sc_list_first(&s->calls[i]), struct sc_ctl_call, link));
    sc_loop_alarm(&d->loop, &s->parting, SC_NEVER);
    sc_map_fini(&s->waiting);
    struct sc_watch *w[] = {&s->abstract, &s->path};
    for (size_t i = 0; i < 2; i++) {
        int fd = w[i]->fd;
        sc_loop_unwatch(&d->loop, w[i]);
        if (fd >= 0 && sc_rights_are_kept_out(&d->loop)) /* else the process's end does */
            close(fd);
    }
    unlink(s->file);
    close(s->spare);
    free(s);
    d->ctl = NULL;
}
