/* Trains of an open flow: what is due goes into the first packet, then stream bytes, lost ones
 * first, as far as window, pacing and the peer allow. All segments but the last are full. */
#include "transport/output.h"

#include "transport/flow_impl.h"
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
    return sc_send_backlog(&f->send) + sc_head_len(f->opening.confirming) + SC_STREAM_SIZED_HEAD;
}

/* Packets of stream bytes that may leave now. */
static size_t segments_allowed(const struct sc_flow *f, sc_time now)
{
    if (!sc_send_pending(&f->send))
        return 0;
    size_t n = sc_path_allowance(&f->path, f->recovery.in_flight, waiting(f), now);
    return n < f->probes ? f->probes : n;
}

static bool confirm_due(const struct sc_flow *f, sc_time now)
{
    return f->opening.want_confirm && now >= f->opening.confirm_at;
}

static bool control_due(const struct sc_flow *f, sc_time now)
{
    return f->ack.due || f->recv.want_window || !f->urgent_sent || f->want_ping ||
           confirm_due(f, now);
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
    return control_due(f, now) || segments_allowed(f, now) > 0 || mtu_probe_due(f, now) > 0;
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

/* The head of a frame that leaves `left` bytes of the packet unused. What may be padded behind it
 * has a length; a single byte goes before it, so that a packet is full or may be padded. */
static void write_stream_head(struct sc_writer *w, const struct sc_send_piece *piece, size_t left)
{
    const size_t len_of_len = SC_STREAM_SIZED_HEAD - SC_STREAM_HEAD;
    if (left < len_of_len)
        sc_write_zeros(w, left);
    sc_stream_head_write(w, piece->offset, piece->fin, left >= len_of_len, piece->len);
}

/* The next stream bytes into what is left of the packet. Returns their number. */
static size_t write_stream(struct build *b, struct sc_writer *w, struct sc_sent *sent,
                           struct sc_send_piece *piece)
{
    size_t used = sc_writer_len(w) + SC_STREAM_HEAD;
    if (used >= b->size || !sc_send_take(&b->f->send, b->size - used, piece))
        return 0;
    write_stream_head(w, piece, b->size - used - piece->len);
    sent->offset = piece->offset & SC_STREAM_OFFSET_MAX;
    sent->len = (uint16_t)piece->len;
    sent->flags |= SC_SENT_STREAM;
    if (piece->fin)
        sent->flags |= SC_SENT_FIN;
    count_piece(b->f, piece);
    b->more = sc_writer_len(w) + piece->len == b->size;
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
    if (b->t->ect)
        sent->flags |= SC_SENT_ECT;
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

/* --- a flow's part of a train ----------------------------------------------------------------- */

static void add_mtu_probe(struct build *b, size_t size)
{
    struct sc_writer w;
    struct sc_sent *sent = &sc_head_begin(b->f, b->t, &w)->sent;
    sc_write_u8(&w, SC_FRAME_PING);
    sent->flags = SC_SENT_MTU_PROBE;
    sc_train_written(b->t, &w);
    sc_train_pad(b->t, size);
    b->t->probe_mtu = true;
    sc_path_on_probe_sent(&b->f->path, size);
    end_packet(b, sent);
}

/* The packet before was full. In a crowd what is left stays for another train, unless it fills a
 * packet, too: behind a short one nobody could be. */
static bool goes_on(const struct build *b)
{
    return b->more && sc_send_pending(&b->f->send) && (!b->t->crowded || waiting(b->f) >= b->size);
}

static void add_packets(struct build *b, size_t count)
{
    add_packet(b, true, count > 0);
    for (size_t i = 1; i < count && goes_on(b); i++)
        add_packet(b, false, true);
    note_limit(b);
    sc_flow_check_room(b->f); /* for what has been sent */
}

/* What write_control will write. */
static size_t control_len(const struct sc_flow *f)
{
    size_t ack = f->ack.pending > 0 ? sc_ack_len(&f->ack) : 0;
    return ack + (f->recv.want_window ? SC_WINDOW_LEN : 0) + (f->urgent_sent ? 0 : SC_URGENT_LEN) +
           f->want_ping + (f->recovery.timeouts > 0 ? PROBE_PADDING : 0);
}

/* What the first packet will be. */
static size_t first_len(const struct sc_flow *f, size_t stream)
{
    uint64_t len = control_len(f) + (stream ? waiting(f) : sc_head_len(f->opening.confirming));
    return len < f->path.pmtu.size ? (size_t)len : f->path.pmtu.size;
}

/* What its packets may be padded to: padding is in flight, too. */
static size_t padding_limit(const struct sc_flow *f, size_t stream)
{
    uint64_t window = sc_path_window(&f->path, f->recovery.in_flight, waiting(f));
    return stream && window < f->path.pmtu.size ? (size_t)window : f->path.pmtu.size;
}

/* Packets that only acknowledge are neither marked, nor is what marks they get reported. */
static bool is_marked(const struct sc_flow *f, size_t stream)
{
    bool eliciting = stream > 0 || f->recv.want_window || !f->urgent_sent || f->want_ping;
    return eliciting && !f->path.ecn.off && !f->opening.confirming;
}

bool sc_output_produce(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    size_t probe = mtu_probe_due(f, now), stream = segments_allowed(f, now);
    if (!sc_recovery_has_room(&f->recovery, SC_TRAIN_SEGMENTS) ||
        (probe == 0 && stream == 0 && !control_due(f, now)))
        return false;
    struct sc_run run = {.count = stream,
                         .size = first_len(f, stream),
                         .limit = padding_limit(f, stream),
                         .ect = is_marked(f, probe + stream),
                         .alone = probe > 0};
    if (!sc_train_takes(t, &run) || !sc_recovery_reserve(&f->recovery, stream ? stream : 1))
        return false; /* no memory: a timer will bring us back */
    struct build b = {
        .f = f, .t = t, .now = now, .size = f->path.pmtu.size, .in_flight = f->recovery.in_flight};
    stream = sc_train_begin_run(t, &run);
    if (probe > 0)
        add_mtu_probe(&b, probe);
    else
        add_packets(&b, stream);
    return true;
}
