/* A carry: bytes between an application's end and a flow of the stack. */
#include <errno.h>
#include <string.h>

#include "daemon/stream/session_parts.h"
#include "local/tcp_congestion.h"
#include "transport/congestion/congestion.h"

/* Pieces of one write to the program: those of a train. */
#define PIECES 128

/* Pieces of one read: those of a session's share, of which the first need not begin with a block.
 */
#define PIECES_READ 9

/* Bytes that it may take now: whole trains in its turn, and all that a program has left behind, so
 * that the end is known before anything arrives for nobody. */
static size_t share_of(const struct sc_session *s)
{
    return s->client.hup ? SC_SEND_AHEAD : sc_flow_send_share(s->flow, s->daemon->turns.share);
}

/* From the program into the flow. Returns 0; 1 when there may be more, in its next turn; or a
 * negative errno when the program reset. */
static int send_up(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    sc_time now = s->daemon->loop.now;
    if (s->fin_sent || !s->client.readable)
        return 0;
    for (size_t share = share_of(s); share > 0;) {
        struct iovec iov[PIECES_READ];
        size_t n = sc_flow_send_space(f, share, iov, PIECES_READ);
        if (n == 0)
            return 0; /* SC_FLOW_WRITABLE follows */
        ssize_t got = sc_end_read(&s->client, iov, n);
        sc_flow_send_commit(f, got > 0 ? (size_t)got : 0, now);
        if (got == -EPIPE) {
            sc_flow_send_fin(f, now);
            s->fin_sent = true;
        }
        if (got <= 0)
            return got == -EPIPE ? 0 : (int)got;
        sc_turns_took(&s->daemon->turns, (size_t)got);
        share -= (size_t)got;
    }
    return 1;
}

/* The urgent byte, after those before it: a read ends in front of it. True when it was its turn:
 * what follows it raised no event of its own. */
static bool send_urgent(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    sc_time now = s->daemon->loop.now;
    struct iovec iov[1];
    if (!s->client.urgent || s->fin_sent || sc_flow_send_room(f) == 0 ||
        !sc_end_at_urgent(&s->client) || sc_flow_send_space(f, 1, iov, 1) == 0)
        return false;
    bool got = sc_end_read_urgent(&s->client, iov[0].iov_base);
    sc_flow_send_commit(f, got, now);
    if (got)
        sc_flow_send_urgent(f, now);
    return true;
}

/* Cuts the pieces to `most` bytes; returns how many are left. */
static size_t cut(struct iovec *iov, size_t n, uint64_t most)
{
    for (size_t i = 0; i < n; i++) {
        if (iov[i].iov_len >= most) {
            iov[i].iov_len = (size_t)most;
            return i + (most > 0);
        }
        most -= iov[i].iov_len;
    }
    return n;
}

/* Up to the urgent byte as usual, then that one out of band. Returns as sc_end_write. */
static ssize_t deliver_urgent(struct sc_session *s, struct iovec *iov, size_t n, uint64_t before)
{
    if (before > 0)
        return sc_end_write(&s->client, iov, cut(iov, n, before));
    return sc_end_write_urgent(&s->client, *(const uint8_t *)iov[0].iov_base);
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
        uint64_t before;
        ssize_t took = sc_flow_urgent(f, &before) ? deliver_urgent(s, iov, n, before)
                                                  : sc_end_write(&s->client, iov, n);
        if (took <= 0)
            return (int)took;
        sc_flow_recv_consume(f, (size_t)took, now);
    }
    if (sc_flow_recv_eof(f))
        sc_end_finish(&s->client);
    return 0;
}

/* The program has closed and its last byte is on its way: what still arrives for it resets the
 * peer, as TCP does. */
static bool arrives_for_nobody(const struct sc_session *s)
{
    struct iovec iov[1];
    return s->client.hup && !s->client.finished && s->fin_sent &&
           sc_flow_recv_peek(s->flow, iov, 1) > 0;
}

static int run(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    struct iovec iov[1];
    int more = s->client.error ? -ECONNRESET : send_up(s);
    if (more < 0)
        return -ECONNRESET;
    int turn = send_urgent(s) || more > 0 ? SC_TURN_MORE : SC_TURN_WAITS;
    int err = deliver_down(s);
    if (sc_flow_error(f)) { /* FAILED, or DEAD by now */
        bool over = err < 0 || s->client.hup || sc_flow_recv_peek(f, iov, 1) == 0;
        /* What arrived before the failure is still read, as after TCP's reset. */
        return over ? -sc_flow_error(f) : turn;
    }
    bool aborted_late = s->client.hup && s->client.abort_on_close && s->fin_sent;
    if (arrives_for_nobody(s) || (aborted_late && !s->client.finished))
        return -ECONNRESET;
    sc_stack_touch(s->daemon->stack, f, s->daemon->loop.now);
    /* The stack delivers what is on its way. */
    return s->client.finished && s->fin_sent ? SC_TURN_OVER : turn;
}

/* Other hosts are reached by any service, those of loopback are not. */
static int prepare(struct sc_session *s)
{
    return s->request.loopback ? ECONNREFUSED : 0;
}

/* By what programs call a control, the stack finds it, too. */
static void set_congestion(struct sc_session *s, uint32_t number)
{
    const char *name = sc_tcp_congestion_name(number);
    if (name)
        sc_flow_set_congestion(s->flow, sc_congestion_find(name), s->daemon->loop.now);
}

static int set(struct sc_session *s, uint32_t option, uint32_t value)
{
    if (option == SC_OPT_CONGESTION)
        set_congestion(s, value);
    else if (option == SC_OPT_USER_TIMEOUT_MS)
        sc_flow_set_user_timeout(s->flow, value * SC_MS);
    sc_stack_touch(s->daemon->stack, s->flow, s->daemon->loop.now);
    return 0;
}

static int open_flow(struct sc_session *s)
{
    struct sc_daemon *d = s->daemon;
    int err = sc_stack_connect(d->stack, &s->request.service, s->request.own.port,
                               s->request.timeout, s, &s->flow, d->loop.now);
    if (err < 0) {
        s->flow = NULL;
        return -err;
    }
    set_congestion(s, s->request.congestion);
    if (s->request.user_timeout_ms)
        sc_flow_set_user_timeout(s->flow, s->request.user_timeout_ms * SC_MS);
    sc_stack_touch(d->stack, s->flow, d->loop.now);
    return 0;
}

static void abort_flow(struct sc_session *s, enum sc_cut why, int error)
{
    static const enum sc_abort_reason reasons[] = {[SC_CUT_RESET] = SC_ABORT_RESET,
                                                   [SC_CUT_TIMEOUT] = SC_ABORT_TIMEOUT,
                                                   [SC_CUT_REFUSED] = SC_ABORT_REFUSED};
    struct sc_daemon *d = s->daemon;
    if (!s->flow || sc_flow_error(s->flow))
        return;
    if (why == SC_CUT_FORGOTTEN)
        sc_flow_on_peer_gone(s->flow, error, d->loop.now);
    else
        sc_flow_abort(s->flow, reasons[why], error, d->loop.now);
    sc_stack_touch(d->stack, s->flow, d->loop.now);
}

static void fill_info(const struct sc_flow *f, struct sc_ctl_info *info)
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

static uint32_t congestion_of(const struct sc_flow *f)
{
    struct sc_flow_info flow;
    sc_flow_info(f, &flow);
    return sc_tcp_congestion_find(flow.congestion, strlen(flow.congestion));
}

static void get(const struct sc_session *s, uint32_t option, uint32_t *value,
                struct sc_ctl_info *info)
{
    if (option == SC_OPT_OUTQ)
        *value = (uint32_t)sc_flow_unacknowledged(s->flow);
    else if (option == SC_OPT_CONGESTION)
        *value = congestion_of(s->flow);
    else if (option == SC_OPT_INFO)
        fill_info(s->flow, info);
}

static void describe(const struct sc_session *s, struct sc_plane_status *out)
{
    struct sc_flow_info flow;
    if (!s->flow)
        return;
    sc_flow_info(s->flow, &flow);
    out->moved = flow.moved;
    out->delivered = s->fin_sent && sc_flow_send_finished(s->flow);
    out->host = flow.peer_address;
    out->rtt_us = flow.rtt;
    out->lost = flow.packets_lost;
    out->relayed = flow.relayed;
}

static void freeze(struct sc_session *s)
{
    struct sc_daemon *d = s->daemon;
    if (!s->flow)
        return;
    s->flow->app = NULL;
    sc_stack_release(d->stack, s->flow, d->loop.now);
    s->flow = NULL;
}

const struct sc_plane_ops sc_carry = {.name = "user",
                                      .prepare = prepare,
                                      .connect = open_flow,
                                      .run = run,
                                      .abort = abort_flow,
                                      .set = set,
                                      .get = get,
                                      .describe = describe,
                                      .freeze = freeze};
