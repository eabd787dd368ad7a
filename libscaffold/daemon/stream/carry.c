/* A carry: bytes between an application's end and a flow of the stack. */
#include <errno.h>

#include "daemon/stream/registry.h"
#include "daemon/stream/session_parts.h"

/* Pieces of one write to the program: those of a train. */
#define PIECES 128

static void abort_flow(struct sc_session *s, enum sc_abort_reason why)
{
    struct sc_daemon *d = s->daemon;
    sc_journal_failed(s, ECONNRESET);
    sc_flow_abort(s->flow, why, ECONNRESET, d->loop.now);
    sc_stack_touch(d->stack, s->flow, d->loop.now);
    sc_registry_keep_error(d, &s->client, ECONNRESET);
    sc_end_abort(&s->client);
    sc_session_end(s);
}

/* From the program into the flow. Returns 0; 1 when there may be more and no event will tell; or a
 * negative errno when the program reset. */
static int send_up(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    sc_time now = s->daemon->loop.now;
    if (s->fin_sent || !s->client.readable)
        return 0;
    for (size_t moved = 0; moved < SC_TURN_BYTES;) {
        struct iovec iov[8];
        size_t room = sc_flow_send_room(f);
        size_t n = room ? sc_flow_send_space(f, room, iov, 8) : 0;
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
        moved += (size_t)got;
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

static void flow_failed(struct sc_session *s, int error)
{
    sc_journal_failed(s, error);
    sc_registry_keep_error(s->daemon, &s->client, error);
    sc_end_abort(&s->client);
    sc_session_end(s);
}

/* The program has closed and its last byte is on its way: what still arrives for it resets the
 * peer, as TCP does. */
static bool arrives_for_nobody(const struct sc_session *s)
{
    struct iovec iov[1];
    return s->client.hup && !s->client.finished && s->fin_sent &&
           sc_flow_recv_peek(s->flow, iov, 1) > 0;
}

/* The peer keeps a flow half-open to a program that is gone. It is forgotten in silence: a peer
 * that does not write never learns of it, as in TCP. One that does not read what the program wrote
 * is told. */
void sc_carry_give_up(struct sc_session *s, bool delivered)
{
    sc_time now = s->daemon->loop.now;
    if (!delivered) {
        abort_flow(s, SC_ABORT_TIMEOUT);
        return;
    }
    sc_flow_on_peer_gone(s->flow, ECONNRESET, now);
    sc_stack_touch(s->daemon->stack, s->flow, now);
    sc_end_abort(&s->client);
    sc_session_end(s);
}

void sc_carry_run(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    struct iovec iov[1];
    int more = s->client.error ? -ECONNRESET : send_up(s);
    if (more < 0) {
        abort_flow(s, SC_ABORT_RESET);
        return;
    }
    if (send_urgent(s) || more > 0)
        sc_session_again(s);
    int err = deliver_down(s);
    if (sc_flow_error(f)) { /* FAILED, or DEAD by now */
        if (err < 0 || s->client.hup || sc_flow_recv_peek(f, iov, 1) == 0)
            flow_failed(s, sc_flow_error(f));
        return; /* what arrived before the failure is still read, as after TCP's reset */
    }
    bool aborted_late = s->client.hup && s->client.abort_on_close && s->fin_sent;
    if (arrives_for_nobody(s) || (aborted_late && !s->client.finished)) {
        abort_flow(s, SC_ABORT_RESET);
        return;
    }
    if (s->client.finished && s->fin_sent) { /* the stack delivers what is on its way */
        sc_stack_touch(s->daemon->stack, f, s->daemon->loop.now);
        sc_end_close(&s->client);
        sc_session_end(s);
        return;
    }
    sc_session_watch_orphan(s);
    sc_stack_touch(s->daemon->stack, f, s->daemon->loop.now);
}
