/* How a flow ends. Cleanly: both ends were acknowledged; it lingers to repeat its last
 * acknowledgement. Otherwise it has failed: the owner gets an errno, the peer an ABORT, which is
 * repeated until it is acknowledged (an idle peer would never learn of it by sending). */
#include "transport/close.h"

#include <errno.h>

#include "base/secret.h"
#include "transport/flow_impl.h"
#include "transport/head.h"

/* Repetitions of an ABORT, at doubling probe timeouts: at half of all packets lost, 1 in 256 peers
 * learns by silence or by its next packet instead. */
#define ABORTS_MAX 8
/* To a peer that was given up. These take 10 s at least: its host may have moved, and gives us up
 * later than we did, by the 5 s between two probes; until then it may find us. */
#define ABORTS_SILENT_MAX 12
/* Whenever its host says to be elsewhere, 8 s more, up to 70 s. By then it has said so 14 times, of
 * which one has to get through with what it draws: at a fifth of all packets lost every other one
 * does, so 1 in 16,384 peers is not told. */
#define ABORTS_SOUGHT 4
#define ABORTS_SOUGHT_MAX 40
#define ABORT_INTERVAL_MAX (2 * SC_SECOND)
/* A flow whose probes draw no word for this long is over, though its peer's host is alive: it may
 * be forgotten there, and the reset that says so does not pass relays. */
#define STUCK_AFTER (60 * SC_SECOND)
#define STUCK_TIMEOUTS 8

static sc_time linger_time(const struct sc_flow *f)
{
    return sc_time_max(3 * sc_rtt_pto(&f->path.rtt), SC_LINGER); /* RFC 9000 10.2 */
}

/* --- failing ---------------------------------------------------------------------------------- */

static bool is_over(const struct sc_flow *f)
{
    return f->state == SC_FLOW_LINGER || f->state == SC_FLOW_FAILED || f->state == SC_FLOW_DEAD;
}

static void fail(struct sc_flow *f, int error, sc_time now)
{
    f->error = error;
    f->linger_until = now + linger_time(f);
    sc_send_abandon(&f->send);
    sc_recovery_abandon(&f->recovery);
    sc_flow_change_state(f, SC_FLOW_FAILED, now);
}

void sc_close_silently(struct sc_flow *f, int error, sc_time now)
{
    if (!is_over(f))
        fail(f, error, now);
}

void sc_close_telling(struct sc_flow *f, enum sc_abort_reason reason, int error, sc_time now)
{
    if (is_over(f))
        return;
    if (f->peer_address != 0) {
        f->abort_reason = (uint16_t)reason;
        f->want_abort = true;
        f->aborting.number = f->recovery.next;
        f->aborting.most = ABORTS_MAX;
    }
    fail(f, error, now);
}

void sc_flow_abort(struct sc_flow *f, enum sc_abort_reason reason, int error, sc_time now)
{
    bool over = is_over(f);
    sc_close_telling(f, reason, error, now);
    if (!over)
        sc_recv_discard(&f->recv); /* the owner wants no more */
}

void sc_close_on_abort(struct sc_flow *f, sc_time now)
{
    if (is_over(f))
        return;
    f->want_ack = true;
    fail(f, ECONNRESET, now);
}

/* The peer knows nothing of this flow any more. One that has all of our bytes and has ended itself
 * may have lingered long enough: only its acknowledgement of our end is missing. */
static bool end_without_ack(struct sc_flow *f, sc_time now)
{
    if (!sc_recv_complete(&f->recv) || !f->send.fin || f->send.acked < f->send.end)
        return false;
    f->linger_until = now;
    sc_flow_change_state(f, SC_FLOW_LINGER, now);
    return true;
}

void sc_flow_on_reset(struct sc_flow *f, const struct sc_reset *p, sc_time now)
{
    if (f->peer_epoch == 0 || !sc_secret_equal(p->token, f->peer_token, SC_TOKEN_LEN))
        return; /* before the peer's token is known, too */
    if (f->state == SC_FLOW_FAILED) {
        f->want_abort = f->want_ack = false; /* nobody is left to be told */
        f->aborting.again_at = SC_NEVER;
    }
    if (f->state == SC_FLOW_OPEN && !end_without_ack(f, now))
        sc_close_silently(f, ECONNRESET, now);
}

void sc_close_if_stuck(struct sc_flow *f, sc_time now)
{
    if (f->state != SC_FLOW_OPEN || f->recovery.timeouts < STUCK_TIMEOUTS ||
        now - f->last_heard < STUCK_AFTER || end_without_ack(f, now))
        return;
    sc_close_telling(f, SC_ABORT_TIMEOUT, ETIMEDOUT, now);
}

static void persist(struct sc_flow *f, unsigned most)
{
    if (f->aborting.most < most)
        f->aborting.most = most;
}

void sc_flow_on_peer_gone(struct sc_flow *f, int error, sc_time now)
{
    if (error != ETIMEDOUT) {
        sc_close_silently(f, error, now);
        return;
    }
    sc_close_telling(f, SC_ABORT_TIMEOUT, error, now); /* the peer may still hear us */
    persist(f, ABORTS_SILENT_MAX);
}

void sc_flow_on_peer_sought(struct sc_flow *f)
{
    unsigned most = f->aborting.sent + ABORTS_SOUGHT;
    persist(f, most < ABORTS_SOUGHT_MAX ? most : ABORTS_SOUGHT_MAX);
}

/* --- after failing ---------------------------------------------------------------------------- */

/* A peer that acknowledges our ABORT has failed, too: it needs no other, not even for a CONFIRM,
 * which two ends would send each other as fast as the path is. */
void sc_close_on_packet(struct sc_flow *f, uint64_t number, struct sc_reader *frames, bool confirm,
                        sc_time now)
{
    struct sc_frame frame;
    bool eliciting = confirm, aborted = false, known = false;
    while (sc_reader_left(frames) > 0) {
        sc_frame_read(frames, &frame);
        if (frames->bad)
            return;
        eliciting |= sc_frame_elicits_ack(&frame);
        aborted |= frame.type == SC_FRAME_ABORT;
        if (frame.type == SC_FRAME_ACK || frame.type == SC_FRAME_ACK_ECN)
            known |= f->aborting.sent > 0 && frame.ack.largest >= f->aborting.number;
    }
    if (!sc_ack_is_duplicate(&f->ack, number))
        sc_ack_on_packet(&f->ack, number, eliciting, 0, now);
    if (known)
        f->aborting.again_at = SC_NEVER;
    if (aborted)
        f->want_ack = true;
    else if (eliciting && !known && f->abort_reason != 0)
        f->want_abort = true;
}

bool sc_close_wants_send(const struct sc_flow *f)
{
    return f->want_abort || f->want_ack;
}

static sc_time abort_interval(const struct sc_flow *f, unsigned n)
{
    return sc_time_min(sc_rtt_pto(&f->path.rtt) << n, ABORT_INTERVAL_MAX);
}

static void schedule_abort(struct sc_flow *f, sc_time now)
{
    unsigned n = f->aborting.sent++;
    if (n > 0 && f->aborting.again_at == SC_NEVER)
        return; /* the peer knows; this was one for a straggler */
    f->aborting.again_at = n < f->aborting.most ? now + abort_interval(f, n) : SC_NEVER;
}

bool sc_close_produce(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    if (!sc_close_wants_send(f))
        return false;
    struct sc_writer w;
    sc_head_begin(f, t, &w);
    struct sc_ack ack;
    if (f->want_ack && sc_ack_fill(&f->ack, &ack, f->path.rtt.smoothed, now))
        sc_ack_write(&w, &ack);
    if (f->want_abort) {
        sc_abort_write(&w, f->abort_reason);
        schedule_abort(f, now);
    }
    f->want_ack = f->want_abort = false;
    sc_train_written(t, &w);
    return true;
}

/* --- ending well ------------------------------------------------------------------------------ */

void sc_close_if_finished(struct sc_flow *f, sc_time now)
{
    if (f->state != SC_FLOW_OPEN || !sc_send_finished(&f->send))
        return;
    if (!f->sent_reported) {
        f->sent_reported = true;
        sc_flow_raise(f, SC_FLOW_SENT);
    }
    if (!sc_recv_complete(&f->recv))
        return;
    f->linger_until = now + linger_time(f);
    sc_flow_change_state(f, SC_FLOW_LINGER, now);
}

/* --- timers ----------------------------------------------------------------------------------- */

sc_time sc_close_deadline(const struct sc_flow *f)
{
    if (f->state == SC_FLOW_FAILED)
        return f->aborting.again_at != SC_NEVER ? f->aborting.again_at : f->linger_until;
    return f->state == SC_FLOW_LINGER ? f->linger_until : SC_NEVER;
}

void sc_close_on_timer(struct sc_flow *f, sc_time now)
{
    if (f->state == SC_FLOW_FAILED && now >= f->aborting.again_at) {
        f->aborting.again_at = now + SC_LINGER; /* set anew when it has been sent */
        f->want_abort = true;
    } else if (now >= sc_close_deadline(f)) {
        sc_flow_change_state(f, SC_FLOW_DEAD, now);
    }
}
