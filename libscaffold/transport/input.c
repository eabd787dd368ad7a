#include "transport/input.h"

#include <errno.h>

#include "transport/close.h"
#include "transport/flow_impl.h"
#include "transport/head.h"
#include "transport/verdict.h"

/* --- acknowledgement -------------------------------------------------------------------------- */

static int on_ack(struct sc_flow *f, const struct sc_ack *ack, sc_time now)
{
    struct sc_verdicts v = {f, now};
    struct sc_recovery_news news;
    uint64_t in_flight = f->recovery.in_flight, acked = f->send.acked;
    if (sc_recovery_on_ack(&f->recovery, ack, &f->path.rtt, &sc_verdict_ops, &v, &news, now))
        return -EPROTO;
    sc_path_on_ack(&f->path, &f->recovery, ack, &news, in_flight, now);
    if (news.any_eliciting) {
        f->opening.confirming = f->opening.want_confirm = false;
        f->probes = 0;
    }
    if (f->send.acked != acked)
        f->progress_at = now;
    return 0;
}

/* A probe timeout: the oldest packet's contents go out again, whatever the window says. */
static void probe(struct sc_flow *f)
{
    const struct sc_sent *p = sc_recovery_oldest(&f->recovery);
    f->probes = 1;
    if (p && p->flags & (SC_SENT_STREAM | SC_SENT_FIN))
        sc_send_on_lost(&f->send, p->offset, p->len, p->flags & SC_SENT_FIN);
    else if (p && p->flags & SC_SENT_WINDOW)
        f->recv.want_window = true;
    else if (p && p->flags & SC_SENT_URGENT)
        f->urgent_sent = false;
    if (!sc_send_pending(&f->send) && !f->recv.want_window)
        f->want_ping = true;
}

void sc_input_on_recovery_timer(struct sc_flow *f, sc_time now)
{
    struct sc_verdicts v = {f, now};
    struct sc_recovery_news news;
    if (sc_recovery_on_timer(&f->recovery, &f->path.rtt, &sc_verdict_ops, &v, &news, now)) {
        f->stats.probe_timeouts++;
        sc_path_on_timeout(&f->path, f->recovery.timeouts, now);
        probe(f);
    } else if (news.lost_packets > 0) {
        sc_path_on_lost(&f->path, &news, now);
    }
}

/* --- frames ----------------------------------------------------------------------------------- */

static int on_stream(struct sc_flow *f, const struct sc_frame *frame)
{
    uint64_t next = f->recv.next;
    bool complete = sc_recv_complete(&f->recv);
    int rc = sc_recv_on_stream(&f->recv, frame->stream.offset, frame->stream.data,
                               frame->stream.len, frame->stream.fin);
    if (rc)
        return rc;
    f->stats.bytes_received += f->recv.next - next;
    if (f->recv.next != next || complete != sc_recv_complete(&f->recv))
        sc_flow_raise(f, SC_FLOW_READABLE);
    if (sc_recv_complete(&f->recv) || f->recv.ahead.count > 0)
        sc_ack_promptly(&f->ack); /* holes and ends cannot wait */
    return 0;
}

static void on_urgent(struct sc_flow *f, uint64_t offset)
{
    if (f->peer_urgent && offset <= f->peer_urgent_offset)
        return;
    f->peer_urgent = true;
    f->peer_urgent_offset = offset;
    sc_flow_raise(f, SC_FLOW_READABLE);
}

/* Returns 0; -EPROTO; -ENOBUFS when the packet must count as not received. */
static int on_frame(struct sc_flow *f, const struct sc_frame *frame, sc_time now)
{
    switch (frame->type) {
    case SC_FRAME_ACK:
    case SC_FRAME_ACK_ECN:
        return on_ack(f, &frame->ack, now);
    case SC_FRAME_STREAM:
        return on_stream(f, frame);
    case SC_FRAME_WINDOW:
        sc_flow_note_dry(f, now);
        sc_send_on_window(&f->send, frame->window);
        return 0;
    case SC_FRAME_ABORT:
        sc_close_on_abort(f, now);
        return 0;
    case SC_FRAME_URGENT:
        on_urgent(f, frame->urgent);
        return 0;
    default:
        return 0; /* PADDING and PING have said all; ECHO and ECHOED are reserved */
    }
}

/* Reads all frames. *eliciting: one of them asks for an acknowledgement. */
static int read_frames(struct sc_flow *f, struct sc_reader *r, bool *eliciting, sc_time now)
{
    struct sc_frame frame;
    while (sc_reader_left(r) > 0) {
        sc_frame_read(r, &frame);
        if (r->bad)
            return -EPROTO;
        *eliciting |= sc_frame_elicits_ack(&frame);
        int rc = on_frame(f, &frame, now);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- packets ---------------------------------------------------------------------------------- */

static void trace_received(const struct sc_flow *f, uint64_t number, const struct sc_reader *frames,
                           bool confirm, sc_time now)
{
    if (!sc_trace_is_watched(&f->env->trace))
        return;
    struct sc_trace_packet p = {.flow = f->id,
                                .type = confirm ? SC_PKT_CONFIRM : SC_PKT_DATA,
                                .number = number,
                                .size = sc_head_len(confirm) + sc_reader_left(frames)};
    sc_trace_received(&f->env->trace, &p, now);
}

/* A CONFIRM that says nothing else is mostly followed by data in both directions: its
 * acknowledgement rides on them. A handshake whose keys wait for it would have it at once. */
#define CONFIRM_IS_PATIENT true

static void ack_confirm(struct sc_flow *f, bool says_more)
{
    if (!says_more && CONFIRM_IS_PATIENT)
        sc_ack_patiently(&f->ack);
    else if (!CONFIRM_IS_PATIENT)
        sc_ack_promptly(&f->ack);
}

static void take_packet(struct sc_flow *f, uint64_t number, struct sc_reader *frames, unsigned ecn,
                        bool confirm, sc_time now)
{
    bool says_more = false;
    int rc = read_frames(f, frames, &says_more, now);
    if (rc == -ENOBUFS) {
        f->stats.packets_dropped++;
        return;
    }
    if (rc) {
        sc_close_telling(f, SC_ABORT_PROTOCOL, EPROTO, now);
        return;
    }
    bool eliciting = confirm || says_more;
    sc_ack_on_packet(&f->ack, number, eliciting, ecn, now);
    if (confirm)
        ack_confirm(f, says_more);
    if (f->state == SC_FLOW_LINGER && eliciting)
        f->linger_until = sc_time_max(f->linger_until, now + SC_LINGER); /* it had missed our ACK */
    sc_close_if_finished(f, now);
    sc_flow_check_room(f);
}

void sc_input_packet(struct sc_flow *f, uint64_t number, struct sc_reader *frames, unsigned ecn,
                     bool confirm, sc_time now)
{
    if (f->state == SC_FLOW_FAILED) {
        sc_close_on_packet(f, number, frames, confirm, now);
        return;
    }
    if (f->state != SC_FLOW_OPEN && f->state != SC_FLOW_LINGER)
        return;
    f->last_heard = now;
    f->stats.packets_received++;
    trace_received(f, number, frames, confirm, now);
    if (sc_ack_is_duplicate(&f->ack, number))
        f->stats.packets_duplicate++;
    else
        take_packet(f, number, frames, ecn, confirm, now);
}

void sc_flow_on_data(struct sc_flow *f, const struct sc_header *h, struct sc_reader *frames,
                     unsigned ecn, sc_time now)
{
    sc_input_packet(f, h->number, frames, ecn, false, now);
}

void sc_flow_settle(struct sc_flow *f, sc_time now)
{
    if (sc_recv_settle(&f->recv) && f->state == SC_FLOW_OPEN)
        sc_close_telling(f, SC_ABORT_NO_MEMORY, ENOBUFS, now);
    sc_ack_settle(&f->ack);
}

void sc_flow_on_too_large(struct sc_flow *f, size_t size, sc_time now)
{
    sc_path_on_too_large(&f->path, size, now);
}
