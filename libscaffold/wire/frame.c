#include "wire/frame.h"

static void read_ack(struct sc_reader *r, struct sc_ack *a, bool ecn)
{
    a->largest = sc_read_u64(r);
    a->delay_us = sc_read_u32(r);
    a->count = sc_read_u8(r);
    if (a->count == 0 || a->count > SC_ACK_FRAME_RANGES)
        r->bad = true;
    uint64_t top = a->largest + 1; /* one past the highest number of the next range */
    for (size_t i = 0; i < a->count && !r->bad; i++) {
        uint64_t gap = i ? sc_read_u32(r) : 0;
        uint64_t len = sc_read_u32(r);
        if (len == 0 || (i && gap == 0) || gap + len > top)
            r->bad = true;
        a->range[i] = (struct sc_range){top - gap - len, top - gap};
        top -= gap + len;
    }
    a->has_ecn = ecn;
    a->ect0 = ecn ? sc_read_u32(r) : 0;
    a->ect1 = ecn ? sc_read_u32(r) : 0;
    a->ce = ecn ? sc_read_u32(r) : 0;
    if (a->largest == UINT64_MAX || r->bad) {
        r->bad = true;
        a->count = 0;
    }
}

static void read_stream(struct sc_reader *r, struct sc_frame *f, uint8_t type)
{
    f->stream.offset = sc_read_uint(r, 6);
    f->stream.len = type & SC_STREAM_LEN ? sc_read_u16(r) : sc_reader_left(r);
    f->stream.fin = (type & SC_STREAM_FIN) != 0;
    f->stream.data = sc_read_bytes(r, f->stream.len);
    if (!r->bad && f->stream.len > SC_STREAM_OFFSET_MAX - f->stream.offset)
        r->bad = true;
}

static void skip_padding(struct sc_reader *r)
{
    while (r->at < r->end && *r->at == SC_FRAME_PADDING)
        r->at++;
}

void sc_frame_read(struct sc_reader *r, struct sc_frame *f)
{
    uint8_t type = sc_read_u8(r);
    f->type = type;
    switch (type) {
    case SC_FRAME_STREAM:
    case SC_FRAME_STREAM | SC_STREAM_FIN:
    case SC_FRAME_STREAM | SC_STREAM_LEN:
    case SC_FRAME_STREAM | SC_STREAM_LEN | SC_STREAM_FIN:
        f->type = SC_FRAME_STREAM;
        read_stream(r, f, type);
        break;
    case SC_FRAME_PADDING:
        skip_padding(r);
        break;
    case SC_FRAME_PING:
        break;
    case SC_FRAME_ACK:
    case SC_FRAME_ACK_ECN:
        read_ack(r, &f->ack, type == SC_FRAME_ACK_ECN);
        break;
    case SC_FRAME_WINDOW:
        f->window = sc_read_u64(r);
        break;
    case SC_FRAME_ABORT:
        f->abort_reason = sc_read_u16(r);
        break;
    case SC_FRAME_URGENT:
        f->urgent = sc_read_uint(r, 6);
        break;
    case SC_FRAME_ECHO:
    case SC_FRAME_ECHOED:
        f->echo = sc_read_u64(r);
        break;
    default:
        r->bad = true;
    }
}

size_t sc_ack_room(size_t ranges, bool has_ecn)
{
    return 1 + 8 + 4 + 1 + 4 + (ranges - 1) * 8 + (has_ecn ? 12 : 0);
}

void sc_ack_write(struct sc_writer *w, const struct sc_ack *a)
{
    sc_write_u8(w, a->has_ecn ? SC_FRAME_ACK_ECN : SC_FRAME_ACK);
    sc_write_u64(w, a->largest);
    sc_write_u32(w, a->delay_us);
    sc_write_u8(w, (uint8_t)a->count);
    for (size_t i = 0; i < a->count; i++) {
        if (i)
            sc_write_u32(w, (uint32_t)(a->range[i - 1].from - a->range[i].to));
        sc_write_u32(w, (uint32_t)(a->range[i].to - a->range[i].from));
    }
    if (a->has_ecn) {
        sc_write_u32(w, a->ect0);
        sc_write_u32(w, a->ect1);
        sc_write_u32(w, a->ce);
    }
}

void sc_ack_from_ranges(struct sc_ack *a, const struct sc_ranges *received, uint32_t delay_us)
{
    size_t n = received->count;
    *a = (struct sc_ack){.largest = received->range[n - 1].to - 1, .delay_us = delay_us};
    while (a->count < SC_ACK_FRAME_RANGES && a->count < n) {
        struct sc_range r = received->range[n - 1 - a->count];
        bool long_one = r.to - r.from > UINT32_MAX; /* what a frame cannot say is left out */
        if (long_one)
            r.from = r.to - UINT32_MAX;
        if (a->count && a->range[a->count - 1].from - r.to > UINT32_MAX)
            break;
        a->range[a->count++] = r;
        if (long_one)
            break;
    }
}

void sc_stream_head_write(struct sc_writer *w, uint64_t offset, bool fin, bool with_len, size_t len)
{
    sc_write_u8(
        w, (uint8_t)(SC_FRAME_STREAM | (fin ? SC_STREAM_FIN : 0) | (with_len ? SC_STREAM_LEN : 0)));
    sc_write_uint(w, offset, 6);
    if (with_len)
        sc_write_u16(w, (uint16_t)len);
}

void sc_window_write(struct sc_writer *w, uint64_t window)
{
    sc_write_u8(w, SC_FRAME_WINDOW);
    sc_write_u64(w, window);
}

void sc_abort_write(struct sc_writer *w, uint16_t reason)
{
    sc_write_u8(w, SC_FRAME_ABORT);
    sc_write_u16(w, reason);
}

void sc_urgent_write(struct sc_writer *w, uint64_t offset)
{
    sc_write_u8(w, SC_FRAME_URGENT);
    sc_write_uint(w, offset, 6);
}

bool sc_frame_elicits_ack(const struct sc_frame *f)
{
    return f->type != SC_FRAME_PADDING && f->type != SC_FRAME_ACK && f->type != SC_FRAME_ACK_ECN;
}
