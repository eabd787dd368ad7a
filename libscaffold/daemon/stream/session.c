#include "daemon/stream/session.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/journal.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/session_parts.h"
#include "local/tcp_congestion.h"

/* --- life ------------------------------------------------------------------------------------- */

static void on_orphaned(struct sc_alarm *a);

struct sc_session *sc_session_new(struct sc_daemon *d)
{
    struct sc_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->daemon = d;
    s->client.watch.fd = s->server.watch.fd = -1;
    sc_list_init(&s->arrival.link);
    sc_list_init(&s->turn);
    sc_alarm_init(&s->alarm, NULL);
    sc_alarm_init(&s->orphan, on_orphaned);
    s->id = ++d->session_ids;
    if (sc_map_insert(&d->sessions, &s->by_id) < 0) {
        free(s);
        return NULL;
    }
    sc_list_append(&d->session_list, &s->link);
    return s;
}

void sc_session_tell_waiter(struct sc_session *s, int error)
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
    /* Who still waits: the program has closed what it was opening. */
    sc_session_tell_waiter(s, ECONNABORTED);
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
    if (s->plane)
        s->plane->freeze(s);
    sc_map_remove(&d->sessions, &s->by_id);
    sc_list_remove(&s->link);
    sc_list_remove(&s->turn);
    sc_loop_dispose(&d->loop, s);
    sc_daemon_on_activity(d);
}

/* --- orphans: a program has closed, and the flow goes on without it --------------------------- */

/* A program that has closed may still be sent to for so long, as in Linux's FIN_WAIT2
 * (tcp_fin_timeout); for what it had written see SC_ORPHAN_TIMEOUT. */
#define ORPHAN_AFTER (60 * SC_SECOND)

static bool is_orphaned(const struct sc_session *s)
{
    return s->client.hup || (sc_end_is_open(&s->server) && s->server.hup);
}

/* Changes when bytes move, and when the last of them has arrived. */
static uint64_t progress(const struct sc_session *s, const struct sc_plane_status *p)
{
    uint64_t moved = s->client.rx + s->client.tx + s->server.rx + s->server.tx + p->moved;
    return moved << 1 | p->delivered;
}

/* To be called when bytes or events were seen: once a program has closed, a flow that moves nothing
 * more is ended after a while. */
static void watch_orphan(struct sc_session *s)
{
    struct sc_loop *l = &s->daemon->loop;
    if (!is_orphaned(s))
        return;
    struct sc_plane_status p = sc_session_on_plane(s);
    uint64_t now = progress(s, &p);
    if (s->orphan.timer.at != SC_NEVER && now == s->orphan_progress)
        return;
    s->orphan_progress = now;
    sc_loop_alarm(l, &s->orphan, l->now + (p.delivered ? ORPHAN_AFTER : SC_ORPHAN_TIMEOUT));
}

/* --- ending ----------------------------------------------------------------------------------- */

static void cut(struct sc_session *s, enum sc_cut why, int error)
{
    if (s->plane && s->plane->abort)
        s->plane->abort(s, why, error);
}

static void abort_ends(struct sc_session *s)
{
    sc_end_abort(&s->client);
    sc_end_abort(&s->server);
    sc_session_end(s);
}

static void fail(struct sc_session *s, enum sc_cut why, int error)
{
    sc_journal_failed(s, error);
    cut(s, why, error);
    sc_registry_keep_error(s->daemon, &s->client, error);
    if (sc_end_is_open(&s->server))
        sc_registry_keep_error(s->daemon, &s->server, error);
    abort_ends(s);
}

/* A peer on another host that keeps a flow half-open to a program that is gone is forgotten in
 * silence, as in TCP. One that does not read what the program wrote is told. */
static void give_up(struct sc_session *s, const struct sc_plane_status *p)
{
    if (p->same_host || !p->delivered) {
        fail(s, SC_CUT_TIMEOUT, ECONNRESET);
        return;
    }
    cut(s, SC_CUT_FORGOTTEN, ECONNRESET);
    abort_ends(s);
}

static void on_orphaned(struct sc_alarm *a)
{
    struct sc_session *s = sc_container(a, struct sc_session, orphan);
    struct sc_plane_status p = sc_session_on_plane(s);
    if (progress(s, &p) != s->orphan_progress)
        watch_orphan(s);
    else
        give_up(s, &p);
}

static void finish(struct sc_session *s)
{
    sc_end_close(&s->client);
    sc_end_close(&s->server);
    sc_session_end(s);
}

/* --- turns ------------------------------------------------------------------------------------ */

void sc_session_run(struct sc_session *s)
{
    if (s->over)
        return;
    int turn = s->plane->run(s);
    if (turn < 0) {
        fail(s, SC_CUT_RESET, -turn);
        return;
    }
    if (turn == SC_TURN_OVER) {
        finish(s);
        return;
    }
    if (turn == SC_TURN_MORE)
        sc_turns_wait(s);
    watch_orphan(s);
}

void sc_sessions_run(struct sc_daemon *d)
{
    struct sc_session *s;
    sc_turns_begin(&d->turns);
    while ((s = sc_turns_next(&d->turns)) != NULL)
        sc_session_run(s);
}

/* --- all of them ------------------------------------------------------------------------------ */

void sc_sessions_init(struct sc_daemon *d, const struct sc_plane_ops *const *planes)
{
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    d->planes = planes;
    sc_list_init(&d->session_list);
    sc_turns_init(&d->turns);
    SC_MAP_INIT(&d->sessions, struct sc_session, by_id, id, seed);
}

void sc_sessions_fini(struct sc_daemon *d)
{
    sc_map_fini(&d->sessions);
}

void sc_sessions_end(struct sc_daemon *d)
{
    while (!sc_list_empty(&d->session_list)) {
        struct sc_list *first = sc_list_first(&d->session_list);
        struct sc_session *s = sc_container(first, struct sc_session, link);
        cut(s, SC_CUT_RESET, ECONNRESET);
        abort_ends(s);
    }
}

/* --- options and status ----------------------------------------------------------------------- */

/* Remembered on planes that have none, too: there the choice is reported, as it is by loopback. */
static int set_congestion(struct sc_end *e, uint32_t number)
{
    const struct sc_session *s = e->owner;
    if (!sc_tcp_congestion_name(number))
        return EINVAL;
    e->congestion = (uint8_t)number;
    return s->plane->set ? s->plane->set(e->owner, SC_OPT_CONGESTION, number) : 0;
}

int sc_session_set(struct sc_end *e, uint32_t option, uint32_t value)
{
    struct sc_session *s = e->owner;
    switch (option) {
    case SC_OPT_ABORT_ON_CLOSE:
        e->abort_on_close = value != 0;
        return 0;
    case SC_OPT_CONGESTION:
        return set_congestion(e, value);
    case SC_OPT_USER_TIMEOUT_MS:
        return s->plane->set ? s->plane->set(s, option, value) : 0;
    default:
        return ENOPROTOOPT;
    }
}

int sc_session_get(struct sc_end *e, uint32_t option, uint32_t *value, struct sc_ctl_info *info)
{
    const struct sc_session *s = e->owner;
    if (option != SC_OPT_OUTQ && option != SC_OPT_INFO && option != SC_OPT_CONGESTION)
        return ENOPROTOOPT;
    *value = option == SC_OPT_CONGESTION ? e->congestion : 0;
    if (option == SC_OPT_INFO)
        *info = (struct sc_ctl_info){.tx_bytes = e->rx + sc_end_unread(e), .rx_bytes = e->tx};
    if (s->plane->get)
        s->plane->get(s, option, value, info);
    return 0;
}

static void describe(const struct sc_session *s, const struct sc_end *e,
                     struct sc_session_status *out)
{
    struct sc_plane_status p = sc_session_on_plane(s);
    *out = (struct sc_session_status){.id = e->peer_serial ? e->peer_serial : e->own_serial,
                                      .service = s->request.service,
                                      .uid = e->uid,
                                      .pid = e->pid,
                                      .state = !s->open                    ? "opening"
                                               : e->stage == SC_END_QUEUED ? "queued"
                                               : e->finished || e->rdhup   ? "closing"
                                                                           : "open",
                                      .peer = e == &s->server ? s->request.own : s->request.target,
                                      .tx = e->rx,
                                      .rx = e->tx,
                                      .plane = s->plane->name,
                                      .same_host = p.same_host,
                                      .rtt_us = p.rtt_us,
                                      .lost = p.lost,
                                      .relayed = p.relayed};
}

void sc_sessions_scan(struct sc_daemon *d, size_t *cursor,
                      void (*each)(void *arg, const struct sc_session_status *s), void *arg)
{
    for (struct sc_map_node *n = sc_map_scan(&d->sessions, cursor); n; n = n->next) {
        const struct sc_session *s = sc_container(n, struct sc_session, by_id);
        const struct sc_end *ends[] = {&s->client, &s->server};
        for (size_t i = 0; i < 2; i++) {
            struct sc_session_status status;
            if (!sc_end_is_open(ends[i]))
                continue;
            describe(s, ends[i], &status);
            each(arg, &status);
        }
    }
}
