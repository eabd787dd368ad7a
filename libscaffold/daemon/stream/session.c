#include "daemon/stream/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "daemon/stream/arrival.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/serving.h"
#include "daemon/stream/session_parts.h"
#include "daemon/stream/unix_end.h"

static void on_end(struct sc_end *e);
static void run(struct sc_session *s);

/* --- life ------------------------------------------------------------------------------------- */

static void on_orphaned(struct sc_alarm *a);

static struct sc_session *new_session(struct sc_daemon *d, struct sc_list *list,
                                      void (*on_alarm)(struct sc_alarm *a))
{
    struct sc_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->daemon = d;
    s->client.watch.fd = s->server.watch.fd = -1;
    sc_list_init(&s->arrival.link);
    sc_alarm_init(&s->alarm, on_alarm);
    sc_alarm_init(&s->orphan, on_orphaned);
    s->id = ++d->session_ids;
    if (sc_map_insert(&d->sessions, &s->by_id) < 0) {
        free(s);
        return NULL;
    }
    sc_list_append(list, &s->link);
    return s;
}

static void free_direction(struct sc_direction *dir)
{
    free(dir->rest);
    *dir = (struct sc_direction){0};
}

static void tell_waiter(struct sc_session *s, int error)
{
    struct sc_tie *t = sc_untie(&s->waiter);
    struct sc_waiter *w = t ? sc_container(t, struct sc_waiter, session) : NULL;
    if (w)
        w->opened(w, error);
}

void sc_session_end(struct sc_session *s)
{
    struct sc_daemon *d = s->daemon;
    if (s->over)
        return;
    s->over = true;
    tell_waiter(s, ECONNABORTED); /* who still waits: the program has closed what it was opening */
    sc_loop_alarm(&d->loop, &s->alarm, SC_NEVER);
    sc_loop_alarm(&d->loop, &s->orphan, SC_NEVER);
    sc_share_give(&d->shares, &s->share);
    sc_listener_cancel(&s->arrival);
    sc_registry_keep_counts(d, &s->client);
    sc_registry_keep_counts(d, &s->server);
    sc_registry_remove(d, &s->client);
    sc_registry_remove(d, &s->server);
    if (s->request.own_serial)
        sc_client_port_give(d, s->request.own.port);
    if (s->flow) {
        s->flow->app = NULL;
        sc_stack_release(d->stack, s->flow, d->loop.now);
    }
    s->flow = NULL;
    free_direction(&s->up);
    free_direction(&s->down);
    sc_map_remove(&d->sessions, &s->by_id);
    sc_list_remove(&s->link);
    sc_loop_dispose(&d->loop, s);
    sc_daemon_on_activity(d);
}

/* --- orphans: a program has closed, and the flow goes on without it ----------------------------
 */

/* A program that has closed may still be sent to for so long, as in Linux's FIN_WAIT2
 * (tcp_fin_timeout); for what it had written see SC_ORPHAN_TIMEOUT. */
#define ORPHAN_AFTER (60 * SC_SECOND)

static bool is_orphaned(const struct sc_session *s)
{
    return s->client.hup || (sc_end_is_open(&s->server) && s->server.hup);
}

/* Everything that the program had written is where it should be. */
static bool is_delivered(const struct sc_session *s)
{
    if (s->is_join)
        return !s->up.rest_len && !s->down.rest_len;
    return s->fin_sent && sc_flow_send_finished(s->flow);
}

/* Changes when bytes move, and when the last of them has arrived. */
static uint64_t progress(const struct sc_session *s)
{
    struct sc_flow_info flow = {0};
    uint64_t moved = s->client.rx + s->client.tx + s->server.rx + s->server.tx;
    if (s->flow)
        sc_flow_info(s->flow, &flow);
    return (moved + flow.moved) << 1 | is_delivered(s);
}

void sc_session_watch_orphan(struct sc_session *s)
{
    struct sc_loop *l = &s->daemon->loop;
    if (s->over || !is_orphaned(s))
        return;
    uint64_t now = progress(s);
    if (s->orphan.timer.at != SC_NEVER && now == s->orphan_progress)
        return;
    s->orphan_progress = now;
    sc_loop_alarm(l, &s->orphan, l->now + (is_delivered(s) ? ORPHAN_AFTER : SC_ORPHAN_TIMEOUT));
}

static void on_orphaned(struct sc_alarm *a)
{
    struct sc_session *s = sc_container(a, struct sc_session, orphan);
    if (progress(s) != s->orphan_progress)
        sc_session_watch_orphan(s);
    else if (s->is_join)
        sc_join_give_up(s);
    else
        sc_carry_give_up(s, is_delivered(s));
}

/* --- opening, the client's side ----------------------------------------------------------------*/

/* Names drawn at random are free; should one be taken all the same, the next is not. */
#define NAMES_TRIED 4

static int name_client(struct sc_session *s, enum sc_name_kind kind, uint16_t port)
{
    struct sc_name name = {.daemon = s->daemon->id,
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

/* Without a name the error is still kept for who asks by the program's own name. */
static void open_failed(struct sc_session *s, int error)
{
    sc_journal_failed(s, error);
    name_client(s, SC_NAME_ERROR, (uint16_t)error);
    sc_registry_keep_error(s->daemon, &s->client, error);
    sc_end_abort(&s->client); /* the plug is unread: the program polls an error */
    tell_waiter(s, error);
    sc_session_end(s);
}

/* A program must not get a connected socket that cannot say whom it is connected to. */
static void fail_unnamed(struct sc_session *s)
{
    if (s->flow) {
        sc_flow_abort(s->flow, SC_ABORT_RESET, ECONNABORTED, s->daemon->loop.now);
        sc_stack_touch(s->daemon->stack, s->flow, s->daemon->loop.now);
    }
    if (sc_end_is_open(&s->server))
        sc_end_abort(&s->server);
    open_failed(s, ENOBUFS);
}

static void opened(struct sc_session *s)
{
    if (name_client(s, SC_NAME_PEER, s->request.target.port) < 0) {
        fail_unnamed(s);
        return;
    }
    s->open = true;
    sc_journal_opened(s);
    sc_registry_add(s->daemon, &s->client);
    sc_end_unplug(&s->client);
    tell_waiter(s, 0);
    run(s);
}

static void connect_remote(struct sc_session *s)
{
    struct sc_daemon *d = s->daemon;
    if (s->request.loopback) {
        open_failed(s, ECONNREFUSED);
        return;
    }
    s->is_join = false;
    sc_share_give(&d->shares, &s->share);
    int err = sc_stack_connect(d->stack, &s->request.service, s->request.own.port,
                               s->request.timeout, s, &s->flow, d->loop.now);
    if (err < 0) {
        s->flow = NULL;
        open_failed(s, -err);
        return;
    }
    if (s->request.user_timeout_ms)
        sc_flow_set_user_timeout(s->flow, s->request.user_timeout_ms * SC_MS);
    sc_list_remove(&s->link);
    sc_list_append(&d->carries, &s->link);
    sc_stack_touch(d->stack, s->flow, d->loop.now);
}

static void connect_somewhere(struct sc_session *s);

static void local_done(struct sc_arrival *a, int error)
{
    struct sc_session *s = sc_container(a, struct sc_session, arrival);
    sc_loop_alarm(&s->daemon->loop, &s->alarm, SC_NEVER);
    if (error == 0) {
        opened(s);
        return;
    }
    s->server.watch.fd = -1;
    connect_somewhere(s); /* a listener that refused is gone from the table */
}

static void local_timeout(struct sc_alarm *a)
{
    struct sc_session *s = sc_container(a, struct sc_session, alarm);
    sc_listener_cancel(&s->arrival);
    open_failed(s, ETIMEDOUT);
}

static void connect_local(struct sc_session *s, struct sc_listener *l)
{
    struct sc_daemon *d = s->daemon;
    if (!s->share.user &&
        !sc_share_take(&d->shares, &s->share, s->request.uid, SC_SHARE_ARRIVALS)) {
        open_failed(s, ENOBUFS);
        return;
    }
    s->is_join = true;
    s->arrival = (struct sc_arrival){
        .end = &s->server, .ready = on_end, .owner = s, .peer = s->request.own, .done = local_done};
    sc_time timeout = s->request.timeout ? s->request.timeout : SC_OPEN_TIMEOUT;
    sc_loop_alarm(&d->loop, &s->alarm, d->loop.now + timeout);
    sc_arrival_deliver(l, &s->arrival);
}

static void connect_somewhere(struct sc_session *s)
{
    struct sc_listener *l = sc_serving_choose(s->daemon, &s->request.service, &s->request.target);
    if (l)
        connect_local(s, l);
    else
        connect_remote(s);
}

/* The client's end; 0 or a positive errno, then `fd` is closed. */
static int take_end(struct sc_session *s, const struct sc_request *r, int fd)
{
    if (sc_unix_end_init(&s->client, &s->daemon->loop, fd, SC_END_PLUGGED, on_end, s) < 0) {
        close(fd);
        return ENOBUFS;
    }
    sc_unix_end_plug(&s->client, r->plug_len);
    s->client.own_serial = r->own_serial;
    s->client.abort_on_close = r->abort_on_close;
    s->client.uid = r->uid;
    s->client.pid = r->pid;
    return 0;
}

int sc_session_open(struct sc_daemon *d, const struct sc_request *r, int fd, struct sc_waiter *w)
{
    struct sc_session *s = new_session(d, &d->joins, local_timeout);
    int err = s ? take_end(s, r, fd) : ENOBUFS;
    if (!s)
        close(fd);
    if (s && err) {
        sc_list_remove(&s->link);
        free(s);
    }
    if (err)
        return err;
    s->request = *r;
    if (w)
        sc_tie(&s->waiter, &w->session);
    sc_registry_add(d, &s->client);
    connect_somewhere(s);
    return 0;
}

/* The program closed its socket before the flow was open. */
static void client_gone(struct sc_session *s)
{
    if (s->flow) {
        sc_flow_abort(s->flow, SC_ABORT_RESET, ECONNABORTED, s->daemon->loop.now);
        sc_stack_touch(s->daemon->stack, s->flow, s->daemon->loop.now);
    }
    if (sc_end_is_open(&s->server))
        sc_end_abort(&s->server);
    sc_end_abort(&s->client);
    sc_session_end(s);
}

static void run_again(struct sc_alarm *a)
{
    run(sc_container(a, struct sc_session, alarm));
}

void sc_session_again(struct sc_session *s)
{
    s->alarm.fire = run_again;
    sc_loop_alarm(&s->daemon->loop, &s->alarm, s->daemon->loop.now);
}

static void run(struct sc_session *s)
{
    if (s->over)
        return;
    if (s->is_join)
        sc_join_run(s);
    else if (s->flow)
        sc_carry_run(s);
}

static void on_end(struct sc_end *e)
{
    if (e->stage == SC_END_PLUGGED)
        client_gone(e->owner);
    else
        run(e->owner);
}

/* --- arrivals: the instance's side of a carry
 * ----------------------------------------------------- */

static void arrival_done(struct sc_arrival *a, int error)
{
    struct sc_session *s = sc_container(a, struct sc_session, arrival);
    struct sc_daemon *d = s->daemon;
    struct sc_listener *other =
        error == ECONNREFUSED ? sc_serving_choose(d, &s->request.service, NULL) : NULL;
    if (other) {
        sc_arrival_deliver(other, a);
        return;
    }
    if (error) {
        sc_journal_failed(s, error);
        sc_flow_abort(s->flow, SC_ABORT_REFUSED, error, d->loop.now);
        sc_stack_touch(d->stack, s->flow, d->loop.now);
        sc_session_end(s);
        return;
    }
    s->open = true;
    sc_journal_opened(s);
    sc_stack_accept(d->stack, s->flow, s);
    sc_carry_run(s);
}

/* How the client's host appears to the program. */
static struct sc_address peer_address(const struct sc_flow_info *flow)
{
    return sc_address_v4(flow->peer_pool, flow->peer_port);
}

void sc_session_arrive(struct sc_daemon *d, struct sc_flow *f, struct sc_listener *l)
{
    struct sc_share share = {0};
    struct sc_session *s = NULL;
    if (sc_share_take(&d->shares, &share, l->uid, SC_SHARE_ARRIVALS))
        s = new_session(d, &d->carries, local_timeout);
    if (!s) {
        sc_share_give(&d->shares, &share);
        sc_flow_abort(f, SC_ABORT_NO_MEMORY, ENOMEM, d->loop.now);
        sc_stack_touch(d->stack, f, d->loop.now);
        sc_stack_release(d->stack, f, d->loop.now);
        return;
    }
    s->share = share;
    s->is_server = true;
    s->flow = f;
    f->app = s;
    struct sc_flow_info flow;
    sc_flow_info(f, &flow);
    s->request.service = flow.service;
    s->request.target = peer_address(&flow);
    s->request.family = l->bound->name.family;
    s->arrival = (struct sc_arrival){.end = &s->client,
                                     .ready = on_end,
                                     .owner = s,
                                     .peer = s->request.target,
                                     .done = arrival_done};
    sc_arrival_deliver(l, &s->arrival);
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
            sc_session_end(s); /* it died while it waited for room in the queue */
        else
            open_failed(s, sc_flow_error(s->flow) ? sc_flow_error(s->flow) : ECONNRESET);
        return;
    }
    if (s->open)
        sc_carry_run(s);
}

void sc_sessions_init(struct sc_daemon *d)
{
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    SC_MAP_INIT(&d->sessions, struct sc_session, by_id, id, seed);
}

void sc_sessions_fini(struct sc_daemon *d)
{
    sc_map_fini(&d->sessions);
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
            sc_session_end(s);
        }
    }
}

/* --- options and status
 * --------------------------------------------------------------------------- */

int sc_session_set(struct sc_end *e, uint32_t option, uint32_t value)
{
    struct sc_session *s = e->owner;
    switch (option) {
    case SC_OPT_ABORT_ON_CLOSE:
        e->abort_on_close = value != 0;
        return 0;
    case SC_OPT_USER_TIMEOUT_MS:
        if (s->flow) {
            sc_flow_set_user_timeout(s->flow, value * SC_MS);
            sc_stack_touch(s->daemon->stack, s->flow, s->daemon->loop.now);
        }
        return 0;
    case SC_OPT_NODELAY:   /* bytes never wait for more bytes here */
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
    struct sc_flow_info flow;
    sc_flow_info(f, &flow);
    info->rtt_us = (uint32_t)flow.rtt;
    info->rtt_var_us = (uint32_t)flow.rtt_variation;
    info->mss = (uint32_t)flow.mss;
    info->cwnd_bytes = (uint32_t)flow.cwnd;
    info->lost_packets = (uint32_t)flow.packets_lost;
    info->retransmitted_packets = (uint32_t)flow.packets_retransmitted;
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
    *info = (struct sc_ctl_info){.tx_bytes = e->rx + sc_end_unread(e), .rx_bytes = e->tx};
    if (s->flow)
        flow_info(s->flow, info);
    return 0;
}

static void describe(const struct sc_session *s, const struct sc_end *e,
                     struct sc_session_status *out)
{
    *out = (struct sc_session_status){.id = e->peer_serial ? e->peer_serial : e->own_serial,
                                      .service = s->request.service,
                                      .pid = e->pid,
                                      .state = !s->open                    ? "opening"
                                               : e->stage == SC_END_QUEUED ? "queued"
                                               : e->finished || e->rdhup   ? "closing"
                                                                           : "open",
                                      .peer = e == &s->server ? s->request.own : s->request.target,
                                      .tx = e->rx,
                                      .rx = e->tx,
                                      .joined = s->is_join};
    if (s->flow) {
        struct sc_flow_info flow;
        sc_flow_info(s->flow, &flow);
        out->rtt_us = flow.rtt;
        out->lost = flow.packets_lost;
        out->relayed = flow.relayed;
    }
}

void sc_sessions_scan(struct sc_daemon *d, size_t *cursor,
                      void (*each)(void *arg, const struct sc_session_status *s), void *arg)
{
    for (struct sc_map_node *n = sc_map_scan(&d->sessions, cursor); n; n = n->next) {
        const struct sc_session *s = sc_container(n, struct sc_session, by_id);
        const struct sc_end *ends[] = {&s->client, &s->server};
        for (size_t i = 0; i < 2; i++) {
            struct sc_session_status status;
            if (ends[i]->watch.fd < 0)
                continue;
            describe(s, ends[i], &status);
            each(arg, &status);
        }
    }
}
