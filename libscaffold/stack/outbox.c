#include "stack/internal.h"

#include <stdlib.h>

void sc_outbox_put(struct sc_stack *s, const struct sc_underlay *to, const uint8_t *data,
                   size_t len)
{
    if (to->family == 0)
        return;
    struct sc_packet_out *p = s->outbox_count < SC_OUTBOX_MAX ? malloc(sizeof *p + len) : NULL;
    if (!p) {
        s->counters.dropped_memory++;
        return;
    }
    *p = (struct sc_packet_out){.to = *to, .len = len};
    memcpy(p->data, data, len);
    sc_list_append(&s->outbox, &p->link);
    s->outbox_count++;
}

/* What a train of fragments is given room for, at most: a few system calls' worth. */
#define TRAIN_ROOM (16u * 1024)

/* The train at the end of the outbox, if this packet may leave with it. */
static struct sc_packet_out *open_train(struct sc_stack *s, const struct sc_underlay *to,
                                        size_t len)
{
    if (sc_list_empty(&s->outbox))
        return NULL;
    struct sc_packet_out *p = sc_container(s->outbox.prev, struct sc_packet_out, link);
    bool whole = p->segment && p->len % p->segment == 0; /* no smaller one ends it */
    bool fits = whole && len <= p->segment && p->len + len <= p->room &&
                p->len / p->segment < SC_TRAIN_SEGMENTS;
    return fits && sc_underlay_equal(&p->to, to) ? p : NULL;
}

static struct sc_packet_out *new_train(struct sc_stack *s, const struct sc_underlay *to,
                                       size_t segment)
{
    struct sc_packet_out *p =
        s->outbox_count < SC_OUTBOX_MAX ? malloc(sizeof *p + TRAIN_ROOM) : NULL;
    if (!p)
        return NULL;
    *p = (struct sc_packet_out){.to = *to, .segment = segment, .room = TRAIN_ROOM};
    sc_list_append(&s->outbox, &p->link);
    s->outbox_count++;
    return p;
}

bool sc_outbox_fragment(struct sc_stack *s, const struct sc_underlay *to, const uint8_t *data,
                        size_t len)
{
    bool room = to->family != 0 && s->outbox_datagrams + len <= SC_DATAGRAMS_WAITING_MAX;
    struct sc_packet_out *p = room ? open_train(s, to, len) : NULL;
    if (room && !p)
        p = new_train(s, to, len);
    if (!p)
        return false;
    memcpy(p->data + p->len, data, len);
    p->len += len;
    s->outbox_datagrams += len;
    return true;
}

void sc_outbox_control(struct sc_stack *s, const struct sc_underlay *to, uint64_t dst,
                       const struct sc_control *c)
{
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    sc_control_write(&w, c);
    if (w.bad)
        return;
    struct sc_writer at = sc_writer(packet + 2, 8); /* the header's destination */
    sc_write_u64(&at, dst);
    sc_outbox_put(s, to, packet, sc_writer_len(&w));
}

/* The train points into the packet, which lives until the next one is drained. */
bool sc_outbox_drain(struct sc_stack *s, struct sc_train *t)
{
    free(s->in_flight);
    s->in_flight = NULL;
    struct sc_list *first = sc_list_first(&s->outbox);
    if (!first)
        return false;
    struct sc_packet_out *p = sc_container(first, struct sc_packet_out, link);
    sc_list_remove(&p->link);
    s->outbox_count--;
    s->in_flight = p;
    t->to = p->to;
    t->dst = 0;
    t->len = p->len;
    t->segment = p->segment ? p->segment : p->len;
    if (p->segment)
        s->outbox_datagrams -= p->len;
    t->ect = t->probe_mtu = false;
    t->iov_count = 1;
    t->iov[0] = (struct iovec){p->data, p->len};
    return true;
}

void sc_outbox_fini(struct sc_stack *s)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &s->outbox) free(sc_container(it, struct sc_packet_out, link));
    free(s->in_flight);
}
