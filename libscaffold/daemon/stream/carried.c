#include "daemon/stream/carried.h"

#include <errno.h>

#include "daemon/journal.h"
#include "daemon/stream/arrival.h"
#include "daemon/stream/connecting.h"
#include "daemon/stream/serving.h"
#include "daemon/stream/session_parts.h"

static void on_end(struct sc_end *e)
{
    sc_turns_wait(e->owner);
}

static void on_delivered(struct sc_arrival *a, int error)
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
        s->plane->abort(s, SC_CUT_REFUSED, error);
        sc_session_end(s);
        return;
    }
    s->open = true;
    sc_journal_opened(s);
    sc_stack_accept(d->stack, s->flow, s);
    sc_session_run(s);
}

static void refuse(struct sc_daemon *d, struct sc_flow *f)
{
    sc_flow_abort(f, SC_ABORT_NO_MEMORY, ENOMEM, d->loop.now);
    sc_stack_touch(d->stack, f, d->loop.now);
    sc_stack_release(d->stack, f, d->loop.now);
}

/* How the client's host appears to the program. */
static struct sc_address peer_address(const struct sc_flow_info *flow)
{
    return sc_address_v4(flow->peer_pool, flow->peer_port);
}

static struct sc_session *new_session(struct sc_daemon *d, uint32_t uid)
{
    struct sc_share share = {0};
    struct sc_session *s = NULL;
    if (sc_share_take(&d->shares, &share, uid, SC_SHARE_ARRIVALS))
        s = sc_session_new(d);
    if (s)
        s->share = share;
    else
        sc_share_give(&d->shares, &share);
    return s;
}

void sc_carried_arrive(struct sc_daemon *d, struct sc_flow *f, struct sc_listener *l)
{
    struct sc_session *s = new_session(d, l->uid);
    if (!s) {
        refuse(d, f);
        return;
    }
    s->plane = &sc_carry;
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
                                     .done = on_delivered};
    sc_arrival_deliver(l, &s->arrival);
}

void sc_carried_on_event(struct sc_session *s, unsigned bits)
{
    if (s->over)
        return;
    if (bits & SC_FLOW_ESTABLISHED && !s->open && !s->is_server) {
        sc_connecting_done(s, 0);
        if (s->over)
            return;
    }
    if (bits & SC_FLOW_ENDED && !s->open) {
        if (s->is_server)
            sc_session_end(s); /* it died while it waited for room in the queue */
        else
            sc_connecting_done(s, sc_flow_error(s->flow) ? sc_flow_error(s->flow) : ECONNRESET);
        return;
    }
    if (s->open)
        sc_session_run(s);
}
