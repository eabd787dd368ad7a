#include "daemon/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/listener.h"
#include "daemon/registry.h"

/* Bytes moved per turn before other descriptors get theirs. */
#define TURN_BYTES (1024 * 1024)
/* Pieces of one read or write. */
#define PIECES 128

/* One direction of a join: what was read from the source and did not fit into the sink yet. */
struct direction {
    uint8_t *rest;
    size_t rest_at;
    size_t rest_len;
    bool done; /* end of stream passed on */
};

struct sc_session {
    struct sc_list link; /* the daemon's joins or carries */
    struct sc_daemon *daemon;
    struct sc_request request; /* of the client; for arrivals only service, own and target */
    struct sc_end client;      /* join: the client's end. carry: the only end */
    struct sc_end server;      /* join: the instance's end; fd -1 otherwise */
    struct direction up;       /* client to server */
    struct direction down;
    struct sc_flow *flow; /* carry */
    struct sc_arrival arrival;
    struct sc_waiter *waiter;
    bool is_join;
    bool is_server;   /* carry: the end belongs to an instance */
    bool open;        /* established on the client's side */
    bool over;        /* being taken apart */
    bool fin_sent;    /* carry: towards the flow */
    bool local_tried; /* the local instance refused */
    sc_time give_up;  /* local opening */
    struct sc_alarm alarm;
};

static void client_ready(struct sc_end *e);
static void client_gone(struct sc_end *e);
static void server_ready(struct sc_end *e);
static void end_gone(struct sc_end *e);

static const struct sc_end_ops client_ops = {.ready = client_ready, .gone = client_gone};
static const struct sc_end_ops server_ops = {.ready = server_ready, .gone = end_gone};

/* --- life ------------------------------------------------------------------------------------- */

static struct sc_session *new_session(struct sc_daemon *d, struct sc_list *list)
{
    struct sc_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->daemon = d;
    s->client.watch.fd = s->server.watch.fd = -1;
    sc_list_append(list, &s->link);
    return s;
}

static void free_direction(struct direction *dir)
{
    free(dir->rest);
    *dir = (struct direction){0};
}

static void tell_waiter(struct sc_session *s, int error)
{
    struct sc_waiter *w = s->waiter;
    s->waiter = NULL;
    if (w)
        w->opened(w, error);
}

/* Frees the session; its ends are closed or aborted by now. */
static void end_session(struct sc_session *s)
{
    struct sc_daemon *d = s->daemon;
    if (s->over)
        return;
    s->over = true;
    sc_loop_alarm(&d->loop, &s->alarm, SC_NEVER);
    sc_arrival_cancel(&s->arrival);
    sc_registry_remove(d, &s->client);
    sc_registry_remove(d, &s->server);
    if (s->request.own_serial)
        sc_registry_give_port(d, s->request.own.port);
    if (s->flow) {
        s->flow->app = NULL;
        sc_stack_release(d->stack, s->flow, d->loop.now);
    }
    s->flow = NULL;
    free_direction(&s->up);
    free_direction(&s->down);
    sc_list_remove(&s->link);
    sc_loop_dispose(&d->loop, s);
    sc_daemon_on_activity(d);
}

void sc_session_forget(struct sc_session *s)
{
    s->waiter = NULL;
}

/* --- opening, the client's side ----------------------------------------------------------------*/

static void open_failed(struct sc_session *s, int error)
{
    struct sc_name name = {.daemon = s->daemon->id,
                           .kind = SC_NAME_ERROR,
                           .family = s->request.family,
                           .address = s->request.target,
                           .serial = sc_daemon_serial(s->daemon)};
    name.address.port = (uint16_t)error;
    sc_end_name(&s->client, &name);
    sc_registry_keep_error(s->daemon, &s->client, error);
    sc_end_abort(&s->client); /* the plug is unread: the program polls an error */
    tell_waiter(s, error);
    end_session(s);
}

static void opened(struct sc_session *s)
{
    struct sc_name name = {.daemon = s->daemon->id,
                           .kind = SC_NAME_PEER,
                           .family = s->request.family,
                           .address = s->request.target,
                           .serial = sc_daemon_serial(s->daemon)};
    s->open = true;
    sc_end_name(&s->client, &name);
    sc_registry_add(s->daemon, &s->client);
    sc_end_unplug(&s->client);
    tell_waiter(s, 0);
    client_ready(&s->client);
}

static void connect_remote(struct sc_session *s)
{
    struct sc_daemon *d = s->daemon;
    if (s->request.loopback) {
        open_failed(s, ECONNREFUSED);
        return;
    }
    s->is_join = false;
    int err = sc_stack_connect(d->stack, &s->request.service, s->request.own.port,
                               s->request.timeout, s->local_tried, s, &s->flow, d->loop.now);
    if (err < 0) {
        s->flow = NULL;
        open_failed(s, -err);
        return;
    }
    if (s->request.user_timeout_ms)
        s->flow->user_timeout = s->request.user_timeout_ms * SC_MS;
    sc_list_remove(&s->link);
    sc_list_append(&d->carries, &s->link);
    sc_stack_touch(d->stack, s->flow, d->loop.now);
}

static void local_done(struct sc_arrival *a, int error)
{
    struct sc_session *s = sc_container(a, struct sc_session, arrival);
    sc_loop_alarm(&s->daemon->loop, &s->alarm, SC_NEVER);
    if (error == 0) {
        opened(s);
        return;
    }
    s->server.watch.fd = -1;
    s->local_tried = true;
    connect_remote(s);
}

static void local_timeout(struct sc_alarm *a)
{
    struct sc_session *s = sc_container(a, struct sc_session, alarm);
    sc_arrival_cancel(&s->arrival);
    open_failed(s, ETIMEDOUT);
}

static void connect_local(struct sc_session *s, struct sc_listener *l)
{
    struct sc_daemon *d = s->daemon;
    s->is_join = true;
    s->arrival = (struct sc_arrival){.end = &s->server,
                                     .ops = &server_ops,
                                     .owner = s,
                                     .peer = s->request.own,
                                     .done = local_done};
    sc_time timeout = s->request.timeout ? s->request.timeout : SC_OPEN_TIMEOUT;
    sc_loop_alarm(&d->loop, &s->alarm, d->loop.now + timeout);
    sc_listener_deliver(l, &s->arrival);
}

struct sc_session *sc_session_open(struct sc_daemon *d, const struct sc_request *r, int fd,
                                   struct sc_waiter *w)
{
    struct sc_session *s = new_session(d, &d->joins);
    if (!s || sc_end_init(&s->client, &d->loop, fd, SC_END_PLUGGED, &client_ops, s) < 0) {
        close(fd);
        if (s) {
            sc_list_remove(&s->link);
            free(s);
        }
        return NULL;
    }
    s->request = *r;
    s->waiter = w;
    sc_alarm_init(&s->alarm, local_timeout);
    s->client.plug_len = r->plug_len;
    s->client.own_serial = r->own_serial;
    s->client.abort_on_close = r->abort_on_close;
    s->client.uid = r->uid;
    s->client.pid = r->pid;
    sc_registry_add(d, &s->client);
    struct sc_listener *l = sc_listeners_choose(d, &r->service);
    if (l)
        connect_local(s, l);
    else
        connect_remote(s);
    return s->over ? NULL : s;
}

/* The program closed its socket before the flow was open. */
static void client_gone(struct sc_end *e)
{
    struct sc_session *s = e->owner;
    if (s->flow) {
        sc_flow_abort(s->flow, SC_ABORT_RESET, ECONNABORTED, s->daemon->loop.now);
        sc_stack_touch(s->daemon->stack, s->flow, s->daemon->loop.now);
    }
    if (s->server.watch.fd >= 0)
        sc_end_abort(&s->server);
    sc_end_abort(&s->client);
    end_session(s);
}

static void end_gone(struct sc_end *e)
{
    (void)e; /* an end in a queue reports through `ready` */
}

/* --- a join: bytes from end to end ----------------------------------------------------------------*/

static void reset_join(struct sc_session *s, int error)
{
    sc_registry_keep_error(s->daemon, &s->client, error);
    sc_registry_keep_error(s->daemon, &s->server, error);
    sc_end_abort(&s->client);
    sc_end_abort(&s->server);
    end_session(s);
}

/* Writes what is left over from before. False when the sink is still full. */
static bool flush_rest(struct direction *dir, struct sc_end *to)
{
    while (dir->rest_len > 0) {
        struct iovec iov = {dir->rest + dir->rest_at, dir->rest_len};
        ssize_t n = sc_end_write(to, &iov, 1);
        if (n < 0) { /* the sink is gone: its own events say so */
            dir->rest_len = 0;
            break;
        }
        if (n == 0)
            return false;
        dir->rest_at += (size_t)n;
        dir->rest_len -= (size_t)n;
    }
    free(dir->rest);
    dir->rest = NULL;
    return true;
}

static bool keep_rest(struct direction *dir, const uint8_t *data, size_t len)
{
    dir->rest = malloc(len);
    if (!dir->rest)
        return false;
    memcpy(dir->rest, data, len);
    dir->rest_at = 0;
    dir->rest_len = len;
    return true;
}

static void pass_urgent(struct sc_end *from, struct sc_end *to)
{
    uint8_t byte;
    if (from->urgent && sc_end_read_urgent(from, &byte))
        sc_end_write_urgent(to, byte);
}

/* Moves what can be moved now. Returns 0, or a negative errno when the source was reset. */
static int pump(struct direction *dir, struct sc_end *from, struct sc_end *to)
{
    static uint8_t buffer[256 * 1024];
    if (!flush_rest(dir, to))
        return 0;
    for (size_t moved = 0; moved < TURN_BYTES && !dir->done;) {
        struct iovec iov = {buffer, sizeof buffer};
        ssize_t n = sc_end_read(from, &iov, 1);
        if (n == -EPIPE) {
            dir->done = true;
            sc_end_finish(to);
        }
        if (n <= 0)
            return n == -EPIPE ? 0 : (int)n;
        moved += (size_t)n;
        iov.iov_len = (size_t)n;
        ssize_t sent = sc_end_write(to, &iov, 1);
        if (sent < 0)
            sent = n; /* nobody reads it; the sink's own events decide */
        if (sent < n)
            return keep_rest(dir, buffer + sent, (size_t)(n - sent)) ? 0 : -ENOMEM;
    }
    return 0;
}

static void run_join(struct sc_session *s)
{
    uint64_t up_before = s->client.rx, down_before = s->server.rx;
    bool client_was_gone = s->client.hup, server_was_gone = s->server.hup;
    if (s->client.error || s->server.error) {
        reset_join(s, ECONNRESET);
        return;
    }
    pass_urgent(&s->client, &s->server);
    pass_urgent(&s->server, &s->client);
    if (pump(&s->up, &s->client, &s->server) < 0 || pump(&s->down, &s->server, &s->client) < 0) {
        reset_join(s, ECONNRESET);
        return;
    }
    bool into_void = (server_was_gone && !s->server.finished && s->client.rx > up_before) ||
                     (client_was_gone && !s->client.finished && s->server.rx > down_before);
    if (into_void) {
        reset_join(s, ECONNRESET);
        return;
    }
    if (s->up.done && s->down.done && !s->up.rest_len && !s->down.rest_len) {
        sc_end_close(&s->client);
        sc_end_close(&s->server);
        end_session(s);
    }
}

/* --- a carry: bytes between an end and a flow ---------------------------------------------------- */

static void abort_flow(struct sc_session *s, enum sc_abort_reason why)
{
    struct sc_daemon *d = s->daemon;
    sc_flow_abort(s->flow, why, ECONNRESET, d->loop.now);
    sc_stack_touch(d->stack, s->flow, d->loop.now);
    sc_registry_keep_error(d, &s->client, ECONNRESET);
    sc_end_abort(&s->client);
    end_session(s);
}

/* From the program into the flow. Returns 0, or a negative errno when the program reset. */
static int send_up(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    sc_time now = s->daemon->loop.now;
    size_t moved = 0;
    while (!s->fin_sent && moved < TURN_BYTES) {
        struct iovec iov[8];
        size_t room = sc_flow_send_room(f);
        size_t n = room ? sc_flow_send_space(f, room, iov, 8) : 0;
        if (n == 0)
            break;
        ssize_t got = sc_end_read(&s->client, iov, n);
        sc_flow_send_commit(f, got > 0 ? (size_t)got : 0, now);
        if (got == -EPIPE) {
            sc_flow_send_fin(f, now);
            s->fin_sent = true;
        }
        if (got <= 0)
            return got == -EPIPE ? 0 : (int)got;
        moved += (size_t)got;
    }
    return 0;
}

/* From the flow to the program. Returns 0, or a negative errno when the program is gone. */
static int deliver_down(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    sc_time now = s->daemon->loop.now;
    for (;;) {
        struct iovec iov[PIECES];
        size_t n = sc_flow_recv_peek(f, iov, PIECES);
        if (n == 0)
            break;
        ssize_t took = sc_end_write(&s->client, iov, n);
        if (took <= 0)
            return (int)took;
        sc_flow_recv_consume(f, (size_t)took, now);
    }
    if (sc_flow_recv_eof(f))
        sc_end_finish(&s->client);
    return 0;
}

static void flow_failed(struct sc_session *s, int error)
{
    sc_registry_keep_error(s->daemon, &s->client, error);
    sc_end_abort(&s->client);
    end_session(s);
}

/* The program has closed and its last byte is on its way: what still arrives for it resets the peer,
 * as TCP does. */
static bool arrives_for_nobody(const struct sc_session *s)
{
    struct iovec iov[1];
    return s->client.hup && !s->client.finished && s->fin_sent &&
           sc_flow_recv_peek(s->flow, iov, 1) > 0;
}

static void run_carry(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    struct iovec iov[1];
    if (s->client.error || send_up(s) < 0) {
        abort_flow(s, SC_ABORT_RESET);
        return;
    }
    int err = deliver_down(s);
    if (f->state == SC_FLOW_FAILED) {
        if (err < 0 || s->client.hup || sc_flow_recv_peek(f, iov, 1) == 0)
            flow_failed(s, f->error);
        return; /* what arrived before the failure is still read, as after TCP's reset */
    }
    if (arrives_for_nobody(s)) {
        abort_flow(s, SC_ABORT_RESET);
        return;
    }
    if (s->client.finished && s->fin_sent) { /* the stack delivers what is on its way */
        sc_stack_touch(s->daemon->stack, f, s->daemon->loop.now);
        sc_end_close(&s->client);
        end_session(s);
        return;
    }
    sc_stack_touch(s->daemon->stack, f, s->daemon->loop.now);
}

static void client_ready(struct sc_end *e)
{
    struct sc_session *s = e->owner;
    if (s->over)
        return;
    if (s->is_join)
        run_join(s);
    else if (s->flow)
        run_carry(s);
}

static void server_ready(struct sc_end *e)
{
    client_ready(e);
}

/* --- arrivals: the instance's side of a carry ----------------------------------------------------- */

static void arrival_done(struct sc_arrival *a, int error)
{
    struct sc_session *s = sc_container(a, struct sc_session, arrival);
    struct sc_daemon *d = s->daemon;
    if (error) {
        sc_flow_abort(s->flow, SC_ABORT_REFUSED, error, d->loop.now);
        sc_stack_touch(d->stack, s->flow, d->loop.now);
        end_session(s);
        return;
    }
    s->open = true;
    sc_stack_accept(d->stack, s->flow, s);
    run_carry(s);
}

/* How the client's host appears to the program. */
static struct sc_address peer_address(const struct sc_flow *f)
{
    return sc_address_v4(f->peer_pool, f->peer_port);
}

void sc_session_arrive(struct sc_daemon *d, struct sc_flow *f, struct sc_listener *l)
{
    struct sc_session *s = new_session(d, &d->carries);
    if (!s) {
        sc_flow_abort(f, SC_ABORT_NO_MEMORY, ENOMEM, d->loop.now);
        sc_stack_touch(d->stack, f, d->loop.now);
        sc_stack_release(d->stack, f, d->loop.now);
        return;
    }
    s->is_server = true;
    s->flow = f;
    f->app = s;
    s->request.service = f->service;
    s->request.target = peer_address(f);
    s->request.family = l->name.family;
    sc_alarm_init(&s->alarm, local_timeout);
    s->arrival = (struct sc_arrival){.end = &s->client,
                                     .ops = &client_ops,
                                     .owner = s,
                                     .peer = s->request.target,
                                     .done = arrival_done};
    sc_listener_deliver(l, &s->arrival);
}

void sc_session_on_flow(struct sc_session *s, unsigned bits)
{
    if (s->over)
        return;
    if (bits & SC_FLOW_ESTABLISHED && !s->open && !s->is_server) {
        opened(s);
        if (s->over)
            return;
    }
    if (bits & SC_FLOW_ENDED && !s->open) {
        if (s->is_server)
            end_session(s); /* it died while it waited for room in the queue */
        else
            open_failed(s, s->flow->error ? s->flow->error : ECONNRESET);
        return;
    }
    if (s->open)
        run_carry(s);
}

void sc_sessions_end(struct sc_daemon *d)
{
    struct sc_list *lists[] = {&d->joins, &d->carries};
    for (size_t i = 0; i < 2; i++) {
        while (!sc_list_empty(lists[i])) {
            struct sc_session *s = sc_container(sc_list_first(lists[i]), struct sc_session, link);
            if (s->flow) {
                sc_flow_abort(s->flow, SC_ABORT_RESET, ECONNRESET, d->loop.now);
                sc_stack_touch(d->stack, s->flow, d->loop.now);
            }
            sc_end_abort(&s->client);
            sc_end_abort(&s->server);
            end_session(s);
        }
    }
}

/* --- options and status --------------------------------------------------------------------------- */

int sc_session_set(struct sc_end *e, uint32_t option, uint32_t value)
{
    struct sc_session *s = e->owner;
    switch (option) {
    case SC_OPT_ABORT_ON_CLOSE:
        e->abort_on_close = value != 0;
        return 0;
    case SC_OPT_USER_TIMEOUT_MS:
        if (s->flow) {
            s->flow->user_timeout = value * SC_MS;
            sc_stack_touch(s->daemon->stack, s->flow, s->daemon->loop.now);
        }
        return 0;
    case SC_OPT_NODELAY: /* bytes never wait for more bytes here */
    case SC_OPT_KEEPALIVE: /* hosts are watched in any case */
    case SC_OPT_SNDBUF:
    case SC_OPT_RCVBUF:
        return 0;
    default:
        return ENOPROTOOPT;
    }
}

static void flow_info(const struct sc_flow *f, struct sc_ctl_info *info)
{
    info->rtt_us = (uint32_t)f->rtt.smoothed;
    info->rtt_var_us = (uint32_t)f->rtt.variation;
    info->mss = (uint32_t)f->pmtu.size;
    info->cwnd_bytes = (uint32_t)f->congestion.cwnd;
    info->lost_packets = (uint32_t)f->stats.packets_lost;
    info->retransmitted_packets = (uint32_t)f->stats.packets_retransmitted;
}

int sc_session_get(struct sc_end *e, uint32_t option, uint32_t *value, struct sc_ctl_info *info)
{
    struct sc_session *s = e->owner;
    if (option == SC_OPT_OUTQ) {
        *value = s->flow ? (uint32_t)sc_flow_unacknowledged(s->flow) : 0;
        return 0;
    }
    if (option != SC_OPT_INFO)
        return ENOPROTOOPT;
    *info = (struct sc_ctl_info){.tx_bytes = e->rx, .rx_bytes = e->tx};
    if (s->flow)
        flow_info(s->flow, info);
    return 0;
}

static void describe(const struct sc_session *s, const struct sc_end *e,
                     struct sc_session_status *out)
{
    *out = (struct sc_session_status){
        .id = e->peer_serial ? e->peer_serial : e->own_serial,
        .service = s->request.service,
        .pid = e->pid,
        .state = !s->open                        ? "opening"
                 : e->stage == SC_END_QUEUED     ? "queued"
                 : e->finished || e->rdhup       ? "closing"
                                                 : "open",
        .peer = e == &s->server ? s->request.own : s->request.target,
        .tx = e->rx,
        .rx = e->tx,
        .joined = s->is_join};
    if (s->flow) {
        out->rtt_us = s->flow->rtt.smoothed;
        out->lost = s->flow->stats.packets_lost;
        out->relayed = s->flow->relayed;
    }
}

void sc_sessions_each(struct sc_daemon *d,
                      void (*each)(void *arg, const struct sc_session_status *s), void *arg)
{
    struct sc_list *lists[] = {&d->joins, &d->carries};
    for (size_t i = 0; i < 2; i++) {
        struct sc_list *it, *tmp;
        sc_list_each(it, tmp, lists[i])
        {
            struct sc_session *s = sc_container(it, struct sc_session, link);
            struct sc_session_status status;
            describe(s, &s->client, &status);
            if (s->client.watch.fd >= 0)
                each(arg, &status);
            if (s->server.watch.fd < 0)
                continue;
            describe(s, &s->server, &status);
            each(arg, &status);
        }
    }
}
