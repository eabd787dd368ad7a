/* Trains of an open flow: what is due goes into the first packet, then stream bytes, lost ones
 * first, as far as window, pacing and the peer allow. All segments but the last are full. */
#include "transport/output.h"

#include "transport/head.h"

/* Stream bytes waiting, in packets, that make a path-MTU probe worth its bytes: idle and chatty
 * flows never probe. */
#define PROBE_WORTH 4

/* SC_FRAME_PADDING of a packet after a probe timeout: a peer that has forgotten the flow answers
 * with a reset, but never with more bytes than it got (a RESET has 46, a header 22). */
#define PROBE_PADDING 25

/* --- what may be sent ------------------------------------------------------------------------- */

/* Bytes of stream that wait, with the head of a packet for them. */
static uint64_t waiting(const struct sc_flow *f)
{
    return sc_send_backlog(&f->send) + sc_head_len(f->opening.confirming) + SC_STREAM_HEAD;
}

/* Packets of stream bytes that may leave now. */
static size_t segments_allowed(const struct sc_flow *f, sc_time now)
{
    if (!sc_send_pending(&f->send))
        return 0;
    size_t n = sc_path_allowance(&f->path, f->recovery.in_flight, waiting(f), now);
    return n < f->probes ? f->probes : n;
}

static bool control_due(const struct sc_flow *f)
{
    return f->ack.due || f->recv.want_window || !f->urgent_sent || f->want_ping ||
           f->opening.want_confirm;
}

static size_t mtu_probe_due(const struct sc_flow *f, sc_time now)
{
    uint64_t worth = PROBE_WORTH * f->path.pmtu.size;
    if (f->opening.confirming || sc_send_top(&f->send) - f->send.acked < worth)
        return 0;
    return sc_path_probe(&f->path, now);
}

bool sc_output_wants_send(const struct sc_flow *f, sc_time now)
{
    if (!sc_recovery_has_room(&f->recovery, SC_TRAIN_SEGMENTS))
        return false;
    return control_due(f) || segments_allowed(f, now) > 0 || mtu_probe_due(f, now) > 0;
}

sc_time sc_output_paced_at(const struct sc_flow *f)
{
    if (!sc_send_pending(&f->send))
        return SC_NEVER;
    return sc_path_paced_at(&f->path, f->recovery.in_flight, waiting(f));
}

/* --- one train -------------------------------------------------------------------------------- */

/* What the packets of one train share. */
struct build {
    struct sc_flow *f;
    struct sc_train *t;
    sc_time now;
    size_t size;        /* of a full packet */
    uint64_t in_flight; /* bytes, those of this train included */
    bool more;          /* the next packet may follow: this one was full */
};

static void write_ack(struct build *b, struct sc_writer *w)
{
    struct sc_flow *f = b->f;
    struct sc_ack ack;
    if (f->ack.pending > 0 && sc_ack_fill(&f->ack, &ack, f->path.rtt.smoothed, b->now))
        sc_ack_write(w, &ack);
}

/* What is due besides stream bytes. */
static void write_control(struct build *b, struct sc_writer *w, struct sc_sent *sent)
{
    struct sc_flow *f = b->f;
    write_ack(b, w);
    if (f->recv.want_window) {
        sc_window_write(w, sc_recv_announce(&f->recv));
        sent->flags |= SC_SENT_WINDOW;
    }
    if (!f->urgent_sent) {
        sc_urgent_write(w, f->urgent_offset);
        f->urgent_sent = true;
        sent->flags |= SC_SENT_URGENT;
    }
    if (f->want_ping) {
        sc_write_u8(w, SC_FRAME_PING);
        f->want_ping = false;
        sent->flags |= SC_SENT_PING;
    }
    if (f->recovery.timeouts > 0)
        sc_write_zeros(w, PROBE_PADDING);
}

static void count_piece(struct sc_flow *f, const struct sc_send_piece *piece)
{
    if (piece->again)
        f->stats.packets_retransmitted++;
    else
        f->stats.bytes_sent += piece->len;
}

/* The next stream bytes into what is left of the packet. Returns their number. */
static size_t write_stream(struct build *b, struct sc_writer *w, struct sc_sent *sent,
                           struct sc_send_piece *piece)
{
    size_t used = sc_writer_len(w) + SC_STREAM_HEAD;
    if (used >= b->size || !sc_send_take(&b->f->send, b->size - used, piece))
        return 0;
    sc_stream_head_write(w, piece->offset, piece->fin, false, piece->len);
    sent->offset = piece->offset & SC_STREAM_OFFSET_MAX;
    sent->len = (uint16_t)piece->len;
    sent->flags |= SC_SENT_STREAM;
    if (piece->fin)
        sent->flags |= SC_SENT_FIN;
    count_piece(b->f, piece);
    b->more = used + piece->len == b->size;
    return piece->len;
}

static void borrow(struct build *b, const struct sc_send_piece *piece)
{
    struct sc_train *t = b->t;
    size_t pieces = sc_store_pieces(&b->f->send.store, piece->offset, piece->offset + piece->len,
                                    t->iov + t->iov_count, 3);
    sc_train_extend(t, pieces, piece->len);
}

/* The packet has all that it will have. */
static void end_packet(struct build *b, struct sc_sent *sent)
{
    struct sc_flow *f = b->f;
    if (!(sent->flags & SC_SENT_ELICITING))
        return;
    if (!f->path.ecn.off && !f->opening.confirming) {
        sent->flags |= SC_SENT_ECT;
        b->t->ect = true;
    }
    if (f->probes > 0)
        f->probes--;
    b->in_flight += sent->size;
}

static void add_packet(struct build *b, bool first, bool stream)
{
    struct sc_flow *f = b->f;
    struct sc_writer w;
    struct sc_sent *sent = &sc_head_begin(f, b->t, &w)->sent;
    struct sc_send_piece piece = {0};
    b->more = false;
    f->opening.want_confirm = false;
    if (f->opening.confirming)
        sent->flags |= SC_SENT_CONFIRM;
    if (first)
        write_control(b, &w, sent);
    size_t len = stream ? write_stream(b, &w, sent, &piece) : 0;
    sc_train_written(b->t, &w);
    if (len > 0)
        borrow(b, &piece);
    end_packet(b, sent);
}

/* RFC 9002 7.8: whether it was the window that ended this train. */
static void note_limit(const struct build *b)
{
    struct sc_flow *f = b->f;
    if (!sc_send_pending(&f->send))
        f->path.congestion.limited = false;
    else if (sc_path_window(&f->path, b->in_flight, waiting(f)) == 0)
        f->path.congestion.limited = true;
}

static bool produce_mtu_probe(struct build *b, size_t size)
{
    struct sc_flow *f = b->f;
    struct sc_train *t = b->t;
    if (!sc_recovery_reserve(&f->recovery, 1))
        return false;
    static const uint8_t padding[SC_DATAGRAM_MAX]; /* SC_FRAME_PADDING is 0 */
    struct sc_writer w;
    struct sc_sent *sent = &sc_head_begin(f, t, &w)->sent;
    sc_write_u8(&w, SC_FRAME_PING);
    sent->flags = SC_SENT_MTU_PROBE;
    sc_train_written(t, &w);
    size_t rest = size - t->len;
    t->iov[t->iov_count] = (struct iovec){(void *)(uintptr_t)padding, rest};
    sc_train_extend(t, 1, rest);
    t->probe_mtu = true;
    sc_path_on_probe_sent(&f->path, size);
    end_packet(b, sent);
    return true;
}

bool sc_output_produce(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    if (!sc_recovery_has_room(&f->recovery, SC_TRAIN_SEGMENTS))
        return false;
    struct build b = {
        .f = f, .t = t, .now = now, .size = f->path.pmtu.size, .in_flight = f->recovery.in_flight};
    size_t probe = mtu_probe_due(f, now);
    if (probe > 0)
        return produce_mtu_probe(&b, probe);
    size_t count = segments_allowed(f, now);
    if (count == 0 && !control_due(f))
        return false;
    if (!sc_recovery_reserve(&f->recovery, count ? count : 1))
        return false; /* no memory: a timer will bring us back */
    add_packet(&b, true, count > 0);
    for (size_t i = 1; i < count && b.more && sc_send_pending(&f->send); i++)
        add_packet(&b, false, true);
    note_limit(&b);
    return true;
}
