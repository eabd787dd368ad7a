#include "transport/train.h"

#include <assert.h>

#include "transport/flow.h"

void sc_train_begin(struct sc_train *t, uint64_t dst)
{
    t->dst = dst;
    t->segment = t->len = 0;
    t->ect = t->probe_mtu = false;
    t->packet_count = t->iov_count = 0;
    t->scratch_used = 0;
}

/* Numbers are given by recovery when packets are finished, one after the other. */
static uint64_t next_number(const struct sc_train *t, const struct sc_flow *f)
{
    const struct sc_packet *last = t->packet + t->packet_count - 1;
    return t->packet_count > 0 && last->flow == f ? last->number + 1 : f->recovery.next;
}

struct sc_packet *sc_train_add(struct sc_train *t, struct sc_flow *f, enum sc_packet_type type,
                               struct sc_writer *w)
{
    assert(t->packet_count < SC_TRAIN_SEGMENTS);
    uint64_t number = next_number(t, f);
    struct sc_packet *p = &t->packet[t->packet_count++];
    *p = (struct sc_packet){.flow = f, .type = type, .number = number};
    *w = sc_writer(t->scratch + t->scratch_used, sizeof t->scratch - t->scratch_used);
    return p;
}

void sc_train_written(struct sc_train *t, const struct sc_writer *w)
{
    size_t len = sc_writer_len(w);
    assert(!w->bad);
    t->iov[t->iov_count] = (struct iovec){.iov_base = w->start, .iov_len = len};
    t->scratch_used += len;
    sc_train_extend(t, 1, len);
}

void sc_train_extend(struct sc_train *t, size_t pieces, size_t len)
{
    struct sc_packet *p = &t->packet[t->packet_count - 1];
    p->sent.size = (uint16_t)(p->sent.size + len);
    t->iov_count += pieces;
    t->len += len;
}

/* What opens a flow has none. */
static bool has_number(const struct sc_packet *p)
{
    return p->type == SC_PKT_CONFIRM || p->type == SC_PKT_DATA;
}

static void account(const struct sc_packet *p)
{
    struct sc_flow *f = p->flow;
    if (p->sent.flags & SC_SENT_ELICITING)
        sc_path_on_sent(&f->path, p->sent.size, p->sent.at);
    sc_recovery_on_sent(&f->recovery, &p->sent);
    f->stats.packets_sent++;
}

static void trace_sent(const struct sc_packet *p, sc_time now)
{
    const struct sc_trace *t = &p->flow->env->trace;
    if (!sc_trace_is_watched(t))
        return;
    struct sc_trace_packet sent = {
        .flow = p->flow->id, .type = (uint8_t)p->type, .number = p->number, .size = p->sent.size};
    sc_trace_sent(t, &sent, now);
}

/* The one end of every packet of a flow, where it would be padded and sealed: its train is closed,
 * so that nothing about it changes any more. */
static void finish_packet(struct sc_packet *p, sc_time now)
{
    p->sent.at = now;
    if (has_number(p))
        account(p);
    trace_sent(p, now);
}

void sc_train_close(struct sc_train *t, sc_time now)
{
    t->segment = t->packet[0].sent.size;
    for (size_t i = 0; i < t->packet_count; i++)
        finish_packet(&t->packet[i], now);
}
