/* A carry: bytes between an application's end and a flow of the stack. */
#include <errno.h>

#include "daemon/registry.h"
#include "daemon/session_parts.h"

/* Pieces of one write to the program: those of a train. */
#define PIECES 128

static void abort_flow(struct sc_session *s, enum sc_abort_reason why)
{
    struct sc_daemon *d = s->daemon;
    sc_flow_abort(s->flow, why, ECONNRESET, d->loop.now);
    sc_stack_touch(d->stack, s->flow, d->loop.now);
    sc_registry_keep_error(d, &s->client, ECONNRESET);
    sc_end_abort(&s->client);
    sc_session_end(s);
}

/* From the program into the flow. Returns 0, or a negative errno when the program reset. */
static int send_up(struct sc_session *s)
{
    struct sc_flow *f = s->flow;
    sc_time now = s->daemon->loop.now;
    size_t moved = 0;
    while (!s->fin_sent && moved < SC_TURN_BYTES) {
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
    sc_session_end(s);
}

/* The program has closed and its last byte is on its way: what still arrives for it resets the peer,
 * as TCP does. */
static bool arrives_for_nobody(const struct sc_session *s)
{
    struct iovec iov[1];
    return s->client.hup && !s->client.finished && s->fin_sent &&
           sc_flow_recv_peek(s->flow, iov, 1) > 0;
}

void sc_carry_run(struct sc_session *s)
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
        sc_session_end(s);
        return;
    }
    sc_stack_touch(s->daemon->stack, f, s->daemon->loop.now);
}
