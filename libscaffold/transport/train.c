#include "transport/train.h"

#include <assert.h>

#include "transport/flow.h"

/* What a run writes, at most: all control frames once, and heads of packets. */
#define SCRATCH_OF_RUN (2 * SC_DATAGRAM_BASE)

static const uint8_t padding[SC_DATAGRAM_MAX]; /* SC_FRAME_PADDING is 0 */

void sc_train_begin(struct sc_train *t, uint64_t dst)
{
    t->dst = dst;
    t->segment = t->len = 0;
    t->ect = t->probe_mtu = t->expendable = false;
    t->crowded = false;
    t->alone = true; /* until a run says otherwise */
    t->packet_count = t->iov_count = 0;
    t->limit = t->shortest = SIZE_MAX;
    t->longest = 0;
    t->scratch_used = 0;
}

/* --- company ---------------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t sc_train_packets(size_t size)
{
    return least(SC_TRAIN_BYTES / size, SC_TRAIN_SEGMENTS);
}

/* Packets of this length that there is room for. */
static size_t room(const struct sc_train *t, size_t size)
{
    size_t all = sc_train_packets(size);
    return all > t->packet_count ? all - t->packet_count : 0;
}

/* Padding costs its bytes, on the way and twice in memory; a packet of its own costs a system call,
 * and its way through two kernels. */
static bool is_worth_padding(size_t shortest, size_t longest)
{
    return longest - shortest <= SC_TRAIN_PADDING;
}

bool sc_train_is_full(const struct sc_train *t)
{
    return t->alone || room(t, t->longest) == 0;
}

bool sc_train_takes(const struct sc_train *t, const struct sc_run *run)
{
    if (t->packet_count == 0)
        return true;
    size_t last = t->packet[t->packet_count - 1].sent.size;
    size_t longest = most(t->longest, run->size);
    size_t shortest = least(least(t->shortest, last), run->size);
    return !t->alone && !run->alone && t->ect == run->ect &&
           longest <= least(t->limit, run->limit) && is_worth_padding(shortest, longest) &&
           room(t, longest) > 0 && sizeof t->scratch - t->scratch_used >= SCRATCH_OF_RUN;
}

/* The last packet so far is not the last of the train: it will be as long as all others. */
static void leave_gap(struct sc_train *t)
{
    struct sc_packet *last = &t->packet[t->packet_count - 1];
    t->shortest = least(t->shortest, last->sent.size);
    last->rest = &t->iov[t->iov_count++];
    *last->rest = (struct iovec){.iov_base = (void *)(uintptr_t)padding};
}

size_t sc_train_begin_run(struct sc_train *t, const struct sc_run *run)
{
    if (t->packet_count > 0)
        leave_gap(t);
    t->ect = run->ect;
    t->alone = run->alone;
    t->limit = least(t->limit, run->limit);
    return least(run->count, room(t, most(t->longest, run->size)));
}

/* --- packets ---------------------------------------------------------------------------------- */

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
    t->longest = most(t->longest, p->sent.size);
    t->iov_count += pieces;
    t->len += len;
}

void sc_train_pad(struct sc_train *t, size_t size)
{
    const struct sc_packet *p = &t->packet[t->packet_count - 1];
    size_t len = size - p->sent.size;
    t->iov[t->iov_count] = (struct iovec){(void *)(uintptr_t)padding, len};
    sc_train_extend(t, 1, len);
}

/* What opens a flow has none. */
static bool has_number(const struct sc_packet *p)
{
    return p->type == SC_PKT_CONFIRM || p->type == SC_PKT_DATA;
}

static void account(struct sc_packet *p)
{
    struct sc_flow *f = p->flow;
    if (p->sent.flags & SC_SENT_ELICITING)
        sc_path_on_sent(&f->path, &p->sent, f->recovery.in_flight, p->sent.at);
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

/* All segments but the last are of one length. */
static void pad(struct sc_train *t, struct sc_packet *p)
{
    size_t len = t->segment - p->sent.size;
    if (len == 0 || p == &t->packet[t->packet_count - 1])
        return;
    p->rest->iov_len = len;
    p->sent.size = (uint16_t)t->segment;
    t->len += len;
}

/* The one end of every packet of a flow, where it would be sealed: its train is closed, so that
 * nothing about it changes any more. */
static void finish_packet(struct sc_train *t, struct sc_packet *p, sc_time now)
{
    pad(t, p);
    p->sent.at = now;
    if (has_number(p))
        account(p);
    trace_sent(p, now);
}

void sc_train_close(struct sc_train *t, sc_time now)
{
    t->segment = t->longest;
    for (size_t i = 0; i < t->packet_count; i++)
        finish_packet(t, &t->packet[i], now);
}
