#include "daemon/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ctl_call.h"
#include "daemon/registry.h"

/* Control connections at a time; each lives for one call. Beyond that the oldest one that asks
 * nothing is cut off. */
#define CONNECTIONS_MAX 4096

/* --- connections ------------------------------------------------------------------------------ */

static void hang_up(struct sc_ctl_call *c)
{
    struct sc_ctl_server *s = c->server;
    int fd = c->watch.fd;
    if (fd < 0)
        return;
    if (c->session)
        sc_session_forget(c->session);
    if (c->port_taken)
        sc_registry_give_port(s->daemon, c->open.own.port);
    sc_ctl_drop_endpoint(c);
    sc_loop_unwatch(&s->daemon->loop, &c->watch);
    sc_loop_alarm(&s->daemon->loop, &c->registration, SC_NEVER);
    close(fd);
    sc_list_remove(&c->link);
    s->count--;
    sc_loop_dispose(&s->daemon->loop, c);
    sc_daemon_on_activity(s->daemon);
}

struct sc_ctl_reply sc_ctl_reply_to(const struct sc_ctl_call *c)
{
    return (struct sc_ctl_reply){
        .magic = SC_CTL_MAGIC, .version = SC_CTL_VERSION, .op = c->request.op};
}

/* Sends the reply; with `fd` >= 0 that descriptor goes along. */
void sc_ctl_send(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd)
{
    struct iovec iov = {(void *)(uintptr_t)r, sizeof *r};
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
    sendmsg(c->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL); /* one packet into an empty queue */
}

void sc_ctl_send_error(struct sc_ctl_call *c, int error, const char *text)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    r.error = error;
    snprintf(r.text, sizeof r.text, "%s", text);
    sc_ctl_send(c, &r, -1);
}

/* --- requests --------------------------------------------------------------------------------- */

static void dispatch(struct sc_ctl_call *c, int fd)
{
    static void (*const handlers[SC_CTL_OPS])(struct sc_ctl_call * c) = {
        [SC_CTL_HELLO] = sc_ctl_on_hello,
        [SC_CTL_RESOLVE] = sc_ctl_on_resolve,
        [SC_CTL_REVERSE] = sc_ctl_on_reverse,
        [SC_CTL_PREPARE] = sc_ctl_on_prepare,
        [SC_CTL_BIND] = sc_ctl_on_bind,
        [SC_CTL_LISTEN] = sc_ctl_on_listen,
        [SC_CTL_UNLISTEN] = sc_ctl_on_unlisten,
        [SC_CTL_FLOW_ERROR] = sc_ctl_on_flow_error,
        [SC_CTL_FLOW_SET] = sc_ctl_on_flow_option,
        [SC_CTL_FLOW_GET] = sc_ctl_on_flow_option,
        [SC_CTL_STATUS] = sc_ctl_on_status,
        [SC_CTL_STOP] = sc_ctl_on_stop,
    };
    if (c->request.op == SC_CTL_HANDOVER) {
        sc_ctl_on_handover(c, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    handlers[c->request.op](c);
}

/* The descriptor that came with the packet, or -1; others are closed. */
static int passed_descriptor(struct msghdr *msg)
{
    int fd = -1;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int one;
            memcpy(&one, CMSG_DATA(h) + i * sizeof one, sizeof one);
            if (fd < 0)
                fd = one;
            else
                close(one);
        }
    }
    return fd;
}

/* Checks who asks and what; replies with one line when it is not acceptable. */
static bool acceptable(struct sc_ctl_call *c, size_t len)
{
    struct sc_daemon *d = c->server->daemon;
    int err = sc_ctl_request_check(&c->request, len);
    char line[SC_CTL_TEXT];
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
    return c->ticket != 0 || c->session || c->registration.timer.at != SC_NEVER;
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
    int fd = passed_descriptor(&msg);
    if (fd < 0 && (msg.msg_flags & MSG_CTRUNC))
        fd = -EMFILE; /* there was one */
    if (n > 0 && acceptable(c, (size_t)n)) {
        dispatch(c, fd);
    } else if (fd >= 0) {
        close(fd);
    }
    return n > 0;
}

static void on_connection(struct sc_watch *w, uint32_t events)
{
    struct sc_ctl_call *c = sc_container(w, struct sc_ctl_call, watch);
    if ((events & EPOLLIN) && !is_busy(c) && read_request(c) && !(events & (EPOLLHUP | EPOLLERR)))
        return;
    hang_up(c);
}

static int spare_descriptor(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void make_room(struct sc_ctl_server *s)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->connections)
    {
        struct sc_ctl_call *c = sc_container(it, struct sc_ctl_call, link);
        if (s->count < CONNECTIONS_MAX)
            return;
        if (!is_busy(c))
            hang_up(c);
    }
}

static void add_connection(struct sc_ctl_server *s, int fd)
{
    make_room(s);
    struct sc_ctl_call *c = calloc(1, sizeof *c);
    socklen_t len = sizeof c->peer;
    if (!c || s->count >= CONNECTIONS_MAX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->peer, &len) < 0) {
        free(c);
        close(fd);
        return;
    }
    c->watch = (struct sc_watch){.fd = fd, .ready = on_connection};
    c->server = s;
    sc_alarm_init(&c->registration, sc_ctl_on_registration_wait);
    sc_list_append(&s->connections, &c->link);
    s->count++;
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
    struct sc_ctl_call c = {.server = s};
    close(s->spare);
    c.watch.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (c.watch.fd >= 0) {
        if (recv(c.watch.fd, &c.request, sizeof c.request, MSG_DONTWAIT) > 0)
            sc_ctl_send_error(&c, ENOBUFS, "scaffoldd has no descriptor left; raise its limit");
        close(c.watch.fd);
    }
    s->spare = spare_descriptor();
    return c.watch.fd >= 0;
}

static void accept_all(struct sc_ctl_server *s, int fd)
{
    for (;;) {
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
    accept_all(sc_container(w, struct sc_ctl_server, abstract), w->fd);
}

static void on_path(struct sc_watch *w, uint32_t events)
{
    (void)events;
    accept_all(sc_container(w, struct sc_ctl_server, path), w->fd);
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

int sc_ctl_open(struct sc_daemon *d, char *why, size_t size)
{
    struct sc_ctl_server *s = calloc(1, sizeof *s);
    if (!s)
        return -1;
    d->ctl = s;
    s->daemon = d;
    s->spare = spare_descriptor();
    sc_list_init(&s->connections);
    s->abstract = (struct sc_watch){.fd = -1, .ready = on_abstract};
    s->path = (struct sc_watch){.fd = -1, .ready = on_path};
    struct sockaddr_un sun;
    int err = listen_on(d, &s->abstract, &sun, sc_name_control(d->id, &sun));
    if (err < 0) {
        snprintf(why, size,
                 err == -EADDRINUSE
                     ? "%s: another scaffoldd runs there; stop it (scaffold down) or "
                       "give another --runtime-dir"
                     : "%s: %s",
                 d->config.runtime_dir, strerror(-err));
        return -1;
    }
    snprintf(s->file, sizeof s->file, "%s/ctl", d->config.runtime_dir);
    sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(sun.sun_path, s->file, strlen(s->file)); /* the directory is short: config.h */
    unlink(s->file); /* left by a crash: the abstract name says that nobody runs */
    err = listen_on(d, &s->path, &sun, sizeof sun);
    if (err < 0) {
        snprintf(why, size, "%s: %s; give a --runtime-dir that you can write to", s->file,
                 strerror(-err));
        return -1;
    }
    chmod(s->file, 0666); /* who may do what is decided by SO_PEERCRED, call by call */
    return 0;
}

void sc_ctl_close(struct sc_daemon *d)
{
    struct sc_ctl_server *s = d->ctl;
    if (!s)
        return;
    while (!sc_list_empty(&s->connections))
        hang_up(sc_container(sc_list_first(&s->connections), struct sc_ctl_call, link));
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
