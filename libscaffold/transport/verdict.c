#include "transport/verdict.h"

static void on_acked(void *owner, const struct sc_sent *p, bool spurious)
{
    (void)spurious;
    const struct sc_verdicts *v = owner;
    struct sc_flow *f = v->flow;
    if (p->flags & (SC_SENT_STREAM | SC_SENT_FIN))
        sc_send_on_acked(&f->send, p->offset, p->len, p->flags & SC_SENT_FIN);
    sc_path_on_packet_acked(&f->path, p, v->now);
}

static void trace_lost(const struct sc_flow *f, uint64_t number, const struct sc_sent *p,
                       sc_time now)
{
    if (!sc_trace_is_watched(&f->env->trace))
        return;
    bool confirm = p->flags & SC_SENT_CONFIRM;
    struct sc_trace_packet lost = {.flow = f->id,
                                   .type = confirm ? SC_PKT_CONFIRM : SC_PKT_DATA,
                                   .number = number,
                                   .size = p->size};
    sc_trace_lost(&f->env->trace, &lost, now);
}

static void on_lost(void *owner, uint64_t number, const struct sc_sent *p)
{
    const struct sc_verdicts *v = owner;
    struct sc_flow *f = v->flow;
    trace_lost(f, number, p, v->now);
    sc_path_on_packet_lost(&f->path, number, p, v->now);
    if (p->flags & SC_SENT_MTU_PROBE)
        return;
    f->stats.packets_lost++;
    if (p->flags & (SC_SENT_STREAM | SC_SENT_FIN))
        sc_send_on_lost(&f->send, p->offset, p->len, p->flags & SC_SENT_FIN);
    if (p->flags & SC_SENT_WINDOW)
        f->recv.want_window = f->recv.final == UINT64_MAX;
    if (p->flags & SC_SENT_URGENT)
        f->urgent_sent = false;
    if (p->flags & SC_SENT_CONFIRM)
        f->opening.want_confirm = f->opening.confirming;
}

const struct sc_recovery_ops sc_verdict_ops = {.acked = on_acked, .lost = on_lost};
