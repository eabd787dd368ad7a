#include "daemon/stream/connecting.h"

#include <errno.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/session_parts.h"
#include "daemon/stream/unix_end.h"

/* Names drawn at random are free; should one be taken all the same, the next is not. */
#define NAMES_TRIED 4

static int name_client(struct sc_session *s, enum sc_socket_name_kind kind, uint16_t port)
{
    struct sc_socket_name name = {.daemon = s->daemon->id,
                                  .kind = kind,
                                  .family = s->request.family,
                                  .address = s->request.target};
    int err = -EADDRINUSE;
    name.address.port = port;
    for (int i = 0; i < NAMES_TRIED && err == -EADDRINUSE; i++) {
        name.serial = sc_serial(&s->daemon->serials);
        err = sc_end_name(&s->client, &name);
    }
    return err;
}

/* Without a name the error is still kept for whoever asks by the program's own name. */
static void fail(struct sc_session *s, int error)
{
    sc_journal_failed(s, error);
    name_client(s, SC_SOCKET_ERROR, (uint16_t)error);
    sc_registry_keep_error(s->daemon, &s->client, error);
    sc_end_abort(&s->client); /* the plug is unread: the program polls an error */
    sc_session_tell_waiter(s, error);
    sc_session_end(s);
}

static void cut(struct sc_session *s)
{
    if (s->plane->abort)
        s->plane->abort(s, SC_CUT_RESET, ECONNABORTED);
    sc_end_abort(&s->server);
}

/* A program must not get a connected socket that cannot say whom it is connected to. */
static void fail_unnamed(struct sc_session *s)
{
    cut(s);
    fail(s, ENOBUFS);
}

void sc_connecting_done(struct sc_session *s, int error)
{
    if (error) {
        fail(s, error);
        return;
    }
    if (name_client(s, SC_SOCKET_PEER, s->request.target.port) < 0) {
        fail_unnamed(s);
        return;
    }
    s->open = true;
    sc_journal_opened(s);
    sc_registry_add(s->daemon, &s->client);
    sc_end_unplug(&s->client);
    sc_session_tell_waiter(s, 0);
    sc_session_run(s);
}

void sc_connecting_plug_more(struct sc_waiter *w, size_t len)
{
    struct sc_session *s = sc_container(w->session.other, struct sc_session, waiter);
    sc_unix_end_plug(&s->client, s->client.own.plug_len + len);
}

static void take_plane(struct sc_session *s, const struct sc_plane_ops *plane)
{
    if (s->plane && s->plane != plane)
        s->plane->freeze(s);
    s->plane = plane;
}

/* By the first plane that can; what it prepared is its own to give back. */
static int connect_by_some_plane(struct sc_session *s)
{
    for (const struct sc_plane_ops *const *p = s->daemon->planes; *p; p++) {
        int err = (*p)->prepare(s);
        if (err == ENOENT)
            continue;
        if (err)
            return err;
        take_plane(s, *p);
        return s->plane->connect(s);
    }
    return ENETUNREACH;
}

static void connect_somewhere(struct sc_session *s)
{
    int err = connect_by_some_plane(s);
    if (err)
        fail(s, err);
}

static void on_arrived(struct sc_arrival *a, int error)
{
    struct sc_session *s = sc_container(a, struct sc_session, arrival);
    sc_loop_alarm(&s->daemon->loop, &s->alarm, SC_NEVER);
    if (error == 0)
        sc_connecting_done(s, 0);
    else
        connect_somewhere(s); /* a listener that refused is gone from the table */
}

static void on_timeout(struct sc_alarm *a)
{
    struct sc_session *s = sc_container(a, struct sc_session, alarm);
    sc_listener_cancel(&s->arrival);
    fail(s, ETIMEDOUT);
}

/* The program closed its socket before the flow was open. */
static void client_gone(struct sc_session *s)
{
    cut(s);
    sc_end_abort(&s->client);
    sc_session_end(s);
}

static void on_end(struct sc_end *e)
{
    if (e->stage == SC_END_PLUGGED)
        client_gone(e->owner);
    else
        sc_turns_wait(e->owner);
}

/* The client's end; 0 or a positive errno, then `fd` is closed. */
static int take_end(struct sc_session *s, const struct sc_request *r, int fd)
{
    struct sc_end *e = &s->client;
    if (sc_unix_end_init(e, &s->daemon->loop, fd, SC_END_PLUGGED, on_end, s) < 0) {
        close(fd);
        return ENOBUFS;
    }
    sc_unix_end_plug(e, r->plug_len);
    e->own_serial = r->own_serial;
    e->abort_on_close = r->abort_on_close;
    e->congestion = r->congestion;
    e->uid = r->uid;
    e->pid = r->pid;
    return 0;
}

int sc_connecting_start(struct sc_daemon *d, const struct sc_request *r, int fd,
                        struct sc_waiter *w)
{
    struct sc_session *s = sc_session_new(d);
    if (!s) {
        close(fd);
        return ENOBUFS;
    }
    int err = take_end(s, r, fd);
    if (err) {
        sc_session_end(s);
        return err;
    }
    s->request = *r;
    s->alarm.fire = on_timeout;
    s->arrival.ready = on_end;
    s->arrival.done = on_arrived;
    if (w)
        sc_tie(&s->waiter, &w->session);
    sc_registry_add(d, &s->client);
    connect_somewhere(s);
    return 0;
}
