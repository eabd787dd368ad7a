#include "node/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* Packets, or trains of them, in each queue. */
static const size_t room[SC_QUEUES] = {
    [SC_QUEUE_OWN] = SC_OUTBOX_OWN,
    [SC_QUEUE_ANSWERS] = SC_OUTBOX_ANSWERS,
    [SC_QUEUE_STRANGERS] = SC_OUTBOX_STRANGERS,
    [SC_QUEUE_FORWARDS] = SC_OUTBOX_ANSWERS,
    [SC_QUEUE_DATAGRAMS] = SC_OUTBOX_ANSWERS,
};

void sc_outbox_init(struct sc_outbox *o, struct sc_stack_counters *counters)
{
    *o = (struct sc_outbox){.counters = counters};
    sc_list_init(&o->leaving);
    for (size_t q = 0; q < SC_QUEUES; q++)
        sc_list_init(&o->queue[q].packets);
}

enum sc_queue sc_outbox_queue_for(bool known)
{
    return known ? SC_QUEUE_ANSWERS : SC_QUEUE_STRANGERS;
}

static struct sc_packet_out *append(struct sc_outbox *o, enum sc_queue q,
                                    const struct sc_underlay *to, size_t size)
{
    struct sc_outbox_queue *w = &o->queue[q];
    struct sc_packet_out *p = w->count < room[q] ? malloc(sizeof *p + size) : NULL;
    if (!p)
        return NULL;
    *p = (struct sc_packet_out){.to = *to, .room = size};
    sc_list_append(&w->packets, &p->link);
    w->count++;
    return p;
}

static void fill(struct sc_outbox_queue *w, struct sc_packet_out *p, const uint8_t *data,
                 size_t len)
{
    memcpy(p->data + p->len, data, len);
    p->len += len;
    w->bytes += len;
}

void sc_outbox_put(struct sc_outbox *o, enum sc_queue q, const struct sc_underlay *to,
                   const uint8_t *data, size_t len)
{
    if (to->family == 0)
        return;
    struct sc_packet_out *p = append(o, q, to, len);
    if (p)
        fill(&o->queue[q], p, data, len);
    else
        o->counters->dropped_queue++;
}

/* What a train is given room for, at most: a few system calls' worth. */
#define TRAIN_ROOM (16u * 1024)

/* The train at the end of the queue, if this packet may leave with it. */
static struct sc_packet_out *open_train(struct sc_outbox_queue *w, const struct sc_underlay *to,
                                        size_t len)
{
    if (sc_list_empty(&w->packets))
        return NULL;
    struct sc_packet_out *p = sc_container(w->packets.prev, struct sc_packet_out, link);
    bool whole = p->segment && p->len % p->segment == 0; /* no smaller one ends it */
    bool fits = whole && len <= p->segment && p->len + len <= p->room &&
                p->len / p->segment < SC_TRAIN_SEGMENTS;
    return fits && sc_underlay_equal(&p->to, to) ? p : NULL;
}

bool sc_outbox_join(struct sc_outbox *o, enum sc_queue q, const struct sc_underlay *to,
                    const uint8_t *data, size_t len)
{
    struct sc_outbox_queue *w = &o->queue[q];
    if (to->family == 0 || w->bytes + len > SC_DATAGRAMS_WAITING_MAX)
        return false;
    struct sc_packet_out *p = open_train(w, to, len);
    if (!p) {
        p = append(o, q, to, len < TRAIN_ROOM ? TRAIN_ROOM : len);
        if (!p)
            return false;
        p->segment = len;
    }
    fill(w, p, data, len);
    return true;
}

void sc_outbox_control(struct sc_outbox *o, enum sc_queue q, const struct sc_underlay *to,
                       uint64_t dst, const struct sc_control *c)
{
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_control_write(&w, c);
    if (w.bad)
        return;
    struct sc_writer at = sc_writer(packet + 2, 8); /* the header's destination */
    sc_write_u64(&at, dst);
    sc_outbox_put(o, q, to, packet, sc_writer_len(&w));
}

static void free_all(struct sc_list *packets)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, packets) free(sc_container(it, struct sc_packet_out, link));
    sc_list_init(packets);
}

static size_t segment_of(const struct sc_packet_out *p)
{
    return p->segment ? p->segment : p->len;
}

/* Nothing is padded here: it is as long as the others, and they all are whole. */
static bool goes_along(const struct sc_train *t, const struct sc_packet_out *p)
{
    return t->len % t->segment == 0 && segment_of(p) == t->segment &&
           t->len + p->len <= SC_TRAIN_BYTES &&
           (t->len + p->len + t->segment - 1) / t->segment <= SC_TRAIN_SEGMENTS &&
           sc_underlay_equal(&t->to, &p->to);
}

static void take(struct sc_outbox *o, struct sc_outbox_queue *w, struct sc_packet_out *p,
                 struct sc_train *t)
{
    sc_list_remove(&p->link);
    sc_list_append(&o->leaving, &p->link);
    w->count--;
    w->bytes -= p->len;
    t->len += p->len;
    t->iov[t->iov_count++] = (struct iovec){p->data, p->len};
}

bool sc_outbox_drain(struct sc_outbox *o, enum sc_queue q, struct sc_train *t)
{
    struct sc_outbox_queue *w = &o->queue[q];
    struct sc_list *first = sc_list_first(&w->packets);
    if (!first)
        return false;
    struct sc_packet_out *p = sc_container(first, struct sc_packet_out, link);
    free_all(&o->leaving);
    sc_train_begin(t, 0);
    t->to = p->to;
    t->segment = segment_of(p);
    t->expendable = q == SC_QUEUE_STRANGERS;
    do {
        take(o, w, p, t);
        first = sc_list_first(&w->packets);
        p = first ? sc_container(first, struct sc_packet_out, link) : NULL;
    } while (p && goes_along(t, p));
    return true;
}

bool sc_outbox_is_empty(const struct sc_outbox *o)
{
    for (size_t q = 0; q < SC_QUEUES; q++)
        if (!sc_list_empty(&o->queue[q].packets))
            return false;
    return true;
}

void sc_outbox_fini(struct sc_outbox *o)
{
    for (size_t q = 0; q < SC_QUEUES; q++)
        free_all(&o->queue[q].packets);
    free_all(&o->leaving);
}
