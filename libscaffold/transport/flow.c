#include "transport/flow_impl.h"

#include <assert.h>

#include "transport/head.h"
#include "wire/frame.h"

/* A flow always may have this much on the way, so that small windows do not starve the path. */
#define SEND_BUFFER_MIN (128u * 1024)

/* --- states ----------------------------------------------------------------------------------- */

#define BIT(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next; /* allowed from here */
} states[] = {
    [SC_FLOW_OPENING] = {"OPENING", BIT(SC_FLOW_OPEN) | BIT(SC_FLOW_FAILED)},
    [SC_FLOW_ANSWERED] = {"ANSWERED", BIT(SC_FLOW_OPEN) | BIT(SC_FLOW_FAILED) | BIT(SC_FLOW_DEAD)},
    [SC_FLOW_OPEN] = {"OPEN", BIT(SC_FLOW_LINGER) | BIT(SC_FLOW_FAILED)},
    [SC_FLOW_LINGER] = {"LINGER", BIT(SC_FLOW_DEAD)},
    [SC_FLOW_FAILED] = {"FAILED", BIT(SC_FLOW_DEAD)},
    [SC_FLOW_DEAD] = {"DEAD", 0},
};

void sc_flow_change_state(struct sc_flow *f, enum sc_flow_state state, sc_time now)
{
    assert(states[f->state].next & BIT(state));
    sc_trace_state(&f->env->trace, f->id, states[f->state].name, states[state].name, now);
    f->state = state;
    if (state == SC_FLOW_OPEN) {
        sc_flow_raise(f, SC_FLOW_ESTABLISHED);
        sc_flow_check_room(f);
    }
    if (state == SC_FLOW_FAILED || state == SC_FLOW_LINGER)
        sc_flow_raise(f, SC_FLOW_ENDED);
}

void sc_flow_raise(struct sc_flow *f, unsigned events)
{
    f->events |= events;
}

void sc_flow_fini(struct sc_flow *f)
{
    sc_send_fini(&f->send);
    sc_recv_fini(&f->recv);
    sc_ack_fini(&f->ack);
    sc_recovery_fini(&f->recovery);
}

/* --- for the application: sending ------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What is sent counts whatever the window is; what is not sent yet is the program's to hold. */
static size_t send_buffer(const struct sc_flow *f)
{
    uint64_t window = 2 * f->path.congestion.cwnd;
    uint64_t ahead = f->send.next - f->send.acked + SC_SEND_AHEAD;
    if (window < SEND_BUFFER_MIN)
        window = SEND_BUFFER_MIN;
    return (size_t)least(least(window, ahead), SC_SEND_BUFFER_MAX);
}

static size_t room(const struct sc_flow *f)
{
    return f->state == SC_FLOW_OPEN ? sc_send_room(&f->send, send_buffer(f)) : 0;
}

/* Room that is worth telling of: the owner is not woken for every acknowledgement. */
static size_t worthwhile(const struct sc_flow *f)
{
    return (size_t)least(send_buffer(f) / 8, SC_SEND_AHEAD / 2);
}

static void starve(struct sc_flow *f)
{
    f->send.starved = true;
    f->send.short_of_memory = sc_flow_unacknowledged(f) + worthwhile(f) <= send_buffer(f);
}

size_t sc_flow_send_room(struct sc_flow *f)
{
    size_t n = room(f);
    if (n == 0)
        starve(f);
    return n;
}

void sc_flow_check_room(struct sc_flow *f)
{
    if (!f->send.starved)
        return;
    size_t n = room(f);
    bool idle = f->send.acked == f->send.end;
    if (n == 0 || (!idle && n < worthwhile(f))) {
        starve(f);
        return;
    }
    f->send.starved = f->send.short_of_memory = false;
    sc_flow_raise(f, SC_FLOW_WRITABLE);
}

/* Stream bytes of a full one. */
static uint64_t train_bytes(const struct sc_flow *f)
{
    size_t size = f->path.pmtu.size;
    return sc_train_packets(size) * (size - sc_head_len(f->opening.confirming) - SC_STREAM_HEAD);
}

size_t sc_flow_send_share(const struct sc_flow *f, size_t most)
{
    uint64_t train = train_bytes(f), waiting = f->send.end - f->send.next;
    uint64_t full = (waiting + most) / train * train;
    return full > waiting ? (size_t)(full - waiting) : most;
}

size_t sc_flow_send_space(struct sc_flow *f, size_t want, struct iovec *iov, size_t max)
{
    size_t n = sc_flow_send_room(f);
    if (n == 0)
        return 0;
    size_t pieces = sc_send_space(&f->send, want < n ? want : n, iov, max);
    if (pieces == 0 && want > 0 && max > 0)
        starve(f);
    return pieces;
}

bool sc_flow_has_unacknowledged(const struct sc_flow *f)
{
    return f->send.acked < sc_send_top(&f->send);
}

void sc_flow_note_dry(struct sc_flow *f, sc_time now)
{
    if (!sc_send_pending(&f->send))
        sc_path_on_dry(&f->path, f->recovery.in_flight, now);
}

static void on_written(struct sc_flow *f, bool was_waiting, sc_time now)
{
    if (!was_waiting && sc_flow_has_unacknowledged(f))
        f->progress_at = now;
}

void sc_flow_send_commit(struct sc_flow *f, size_t len, sc_time now)
{
    if (f->state != SC_FLOW_OPEN)
        return; /* failed while the owner was reading into our room */
    bool waiting = sc_flow_has_unacknowledged(f);
    sc_flow_note_dry(f, now);
    sc_send_commit(&f->send, len);
    on_written(f, waiting, now);
}

void sc_flow_send_fin(struct sc_flow *f, sc_time now)
{
    if (f->state != SC_FLOW_OPEN || f->send.fin)
        return;
    bool waiting = sc_flow_has_unacknowledged(f);
    sc_send_close(&f->send);
    on_written(f, waiting, now);
}

void sc_flow_send_urgent(struct sc_flow *f, sc_time now)
{
    (void)now;
    f->urgent_offset = f->send.end;
    f->urgent_sent = false;
}

uint64_t sc_flow_unacknowledged(const struct sc_flow *f)
{
    return f->send.end > f->send.acked ? f->send.end - f->send.acked : 0;
}

bool sc_flow_send_finished(const struct sc_flow *f)
{
    return f->sent_reported;
}

/* --- for the application: receiving ----------------------------------------------------------- */

size_t sc_flow_recv_peek(const struct sc_flow *f, struct iovec *iov, size_t max)
{
    return sc_recv_peek(&f->recv, iov, max);
}

void sc_flow_recv_consume(struct sc_flow *f, size_t len, sc_time now)
{
    sc_recv_consume(&f->recv, len, f->path.rtt.sampled ? f->path.rtt.smoothed : 0, now);
}

bool sc_flow_recv_eof(const struct sc_flow *f)
{
    return sc_recv_eof(&f->recv);
}

void sc_flow_recv_discard(struct sc_flow *f, sc_time now)
{
    (void)now;
    sc_recv_discard(&f->recv);
}

bool sc_flow_urgent(const struct sc_flow *f, uint64_t *before)
{
    if (!f->peer_urgent || f->peer_urgent_offset <= f->recv.consumed)
        return false;
    *before = f->peer_urgent_offset - 1 - f->recv.consumed;
    return true;
}

/* --- for the application: the flow itself ----------------------------------------------------- */

void sc_flow_set_user_timeout(struct sc_flow *f, sc_time timeout)
{
    f->user_timeout = timeout;
}

void sc_flow_set_congestion(struct sc_flow *f, const struct sc_congestion_ops *ops, sc_time now)
{
    sc_path_set_congestion(&f->path, ops, now);
}

int sc_flow_error(const struct sc_flow *f)
{
    return f->error;
}

void sc_flow_info(const struct sc_flow *f, struct sc_flow_info *info)
{
    *info = (struct sc_flow_info){.service = f->service,
                                  .peer_address = f->peer_address,
                                  .peer_pool = f->peer_pool,
                                  .peer_port = f->peer_port,
                                  .relayed = f->relayed,
                                  .rtt = f->path.rtt.smoothed,
                                  .rtt_variation = f->path.rtt.variation,
                                  .mss = f->path.pmtu.size,
                                  .congestion = f->path.congestion.ops->name,
                                  .cwnd = f->path.congestion.cwnd,
                                  .moved = f->recv.consumed + f->send.acked,
                                  .packets_lost = f->stats.packets_lost,
                                  .packets_retransmitted = f->stats.packets_retransmitted};
}
