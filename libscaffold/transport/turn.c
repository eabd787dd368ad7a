/* A flow's turn, by state: whether it wants to send, what it sends, when it wants to be called and
 * what it does then. */
#include <errno.h>

#include "transport/close.h"
#include "transport/flow_impl.h"
#include "transport/input.h"
#include "transport/open.h"
#include "transport/output.h"
#include "transport/train.h"

/* How often a flow that found no memory looks again. */
#define MEMORY_RETRY (10 * SC_MS)

/* --- packets ---------------------------------------------------------------------------------- */

void sc_flow_on_confirm(struct sc_flow *f, const struct sc_header *h, const struct sc_confirm *c,
                        sc_time now)
{
    if (!sc_open_on_confirm(f, c, now))
        return;
    struct sc_reader frames = sc_reader(c->frames.data, c->frames.len);
    sc_input_packet(f, h->number, &frames, 0, true, now);
}

bool sc_flow_wants_send(const struct sc_flow *f, sc_time now)
{
    switch (f->state) {
    case SC_FLOW_OPENING:
    case SC_FLOW_ANSWERED:
        return sc_open_wants_send(f);
    case SC_FLOW_OPEN:
    case SC_FLOW_LINGER:
        return sc_output_wants_send(f, now);
    case SC_FLOW_FAILED:
        return sc_close_wants_send(f);
    case SC_FLOW_DEAD:
        break;
    }
    return false;
}

bool sc_flow_produce(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    switch (f->state) {
    case SC_FLOW_OPENING:
    case SC_FLOW_ANSWERED:
        return t->packet_count == 0 && sc_open_produce(f, t, now);
    case SC_FLOW_OPEN:
    case SC_FLOW_LINGER:
        return sc_output_produce(f, t, now);
    case SC_FLOW_FAILED:
        return t->packet_count == 0 && sc_close_produce(f, t, now);
    case SC_FLOW_DEAD:
        break;
    }
    return false;
}

/* --- deadlines -------------------------------------------------------------------------------- */

/* Room is missing for want of blocks, not because the buffer is full: nobody will tell. */
static bool waits_for_memory(const struct sc_flow *f)
{
    return f->state == SC_FLOW_OPEN && f->send.short_of_memory && !f->send.fin;
}

static bool waits_for_peer(const struct sc_flow *f)
{
    return f->user_timeout != 0 && f->state == SC_FLOW_OPEN && sc_flow_has_unacknowledged(f);
}

static sc_time open_deadline(const struct sc_flow *f)
{
    sc_time at = sc_recovery_deadline(&f->recovery, &f->path.rtt);
    at = sc_time_min(at, sc_output_paced_at(f));
    if (f->opening.want_confirm)
        at = sc_time_min(at, f->opening.confirm_at);
    if (f->ack.pending > 0 && !f->ack.due)
        at = sc_time_min(at, f->ack.deadline);
    if (waits_for_peer(f))
        at = sc_time_min(at, f->progress_at + f->user_timeout);
    if (waits_for_memory(f))
        at = sc_time_min(at, f->memory_at);
    return sc_time_min(at, sc_close_deadline(f));
}

sc_time sc_flow_deadline(const struct sc_flow *f)
{
    switch (f->state) {
    case SC_FLOW_OPENING:
    case SC_FLOW_ANSWERED:
        return sc_open_deadline(f);
    case SC_FLOW_OPEN:
    case SC_FLOW_LINGER:
        return open_deadline(f);
    case SC_FLOW_FAILED:
        return sc_close_deadline(f);
    case SC_FLOW_DEAD:
        break;
    }
    return SC_NEVER;
}

static void on_open_timer(struct sc_flow *f, sc_time now)
{
    sc_input_on_recovery_timer(f, now);
    sc_close_if_stuck(f, now);
    sc_ack_on_timer(&f->ack, now);
    if (waits_for_memory(f) && now >= f->memory_at) {
        f->memory_at = now + MEMORY_RETRY;
        sc_flow_check_room(f);
    }
    if (waits_for_peer(f) && now >= f->progress_at + f->user_timeout)
        sc_close_telling(f, SC_ABORT_TIMEOUT, ETIMEDOUT, now);
}

void sc_flow_on_timer(struct sc_flow *f, sc_time now)
{
    if (f->state == SC_FLOW_OPENING || f->state == SC_FLOW_ANSWERED)
        sc_open_on_timer(f, now);
    else if (f->state == SC_FLOW_OPEN || f->state == SC_FLOW_LINGER)
        on_open_timer(f, now);
    if (f->state == SC_FLOW_LINGER || f->state == SC_FLOW_FAILED)
        sc_close_on_timer(f, now);
}
