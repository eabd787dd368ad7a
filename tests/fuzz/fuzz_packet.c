/* One datagram from a stranger, through every reader: what reads well must be written back to the
 * same bytes, no field may point outside the datagram, and no writer may pass the end of its room.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/control.h"
#include "wire/frame.h"
#include "wire/packet.h"

/* Inputs beyond this teach nothing new: no UDP payload is longer. */
#define INPUT_MAX 65535

struct input {
    const uint8_t *data;
    size_t size;
    struct sc_header header;
};

static void require_inside(const struct input *in, const uint8_t *data, size_t len)
{
    if (len > 0)
        require(data >= in->data && len <= (size_t)(in->data + in->size - data));
}

/* Whoever compares underlays compares all their bytes. */
static void require_canonical(const struct sc_underlay *u)
{
    size_t used = u->family == 6 ? 16 : u->family;
    require(u->family == 0 || u->family == 4 || u->family == 6);
    require(u->family != 0 || u->port == 0);
    for (size_t i = used; i < sizeof u->ip; i++)
        require(u->ip[i] == 0);
}

/* --- packets ---------------------------------------------------------------------------------- */

typedef void write_fn(struct sc_writer *w, const struct sc_header *h, const void *p);

static void write_open(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    sc_open_write(w, h, p);
}

static void write_answer(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    sc_answer_write(w, h, p);
}

static void write_confirm(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    const struct sc_confirm *c = p;
    sc_confirm_write(w, h, c);
    sc_write_copy(w, c->frames.data, c->frames.len);
}

static void write_refuse(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    sc_refuse_write(w, h, p);
}

static void write_retry(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    sc_retry_write(w, h, p);
}

static void write_reset(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    sc_reset_write(w, h, p);
}

static void write_fragment(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    sc_fragment_write(w, h, p);
}

/* A message's header is its writer's own: the fuzzer's header is put back for the comparison. */
static void write_control(struct sc_writer *w, const struct sc_header *h, const void *p)
{
    sc_control_write(w, p);
    if (!w->bad) {
        struct sc_writer head = sc_writer(w->start, SC_HEADER_LEN);
        sc_header_write(&head, h);
    }
}

/* Room for one byte less than is needed, exactly allocated so that a sanitizer sees an overflow. */
static void write_short(const struct input *in, write_fn *write, const void *p, size_t len)
{
    uint8_t *out = malloc(len);
    require(out != NULL);
    struct sc_writer w = sc_writer(out, len - 1);
    write(&w, &in->header, p);
    require(w.bad && sc_writer_len(&w) < len);
    free(out);
}

/* Written again it is the input, but for zeros that padded it beyond what its writer pads to. */
static void write_back(const struct input *in, write_fn *write, const void *p)
{
    size_t room = in->size > SC_DATAGRAM_BASE ? in->size : SC_DATAGRAM_BASE;
    uint8_t *out = malloc(room);
    require(out != NULL);
    struct sc_writer w = sc_writer(out, room);
    write(&w, &in->header, p);
    size_t len = sc_writer_len(&w);
    require(!w.bad && len <= in->size && memcmp(out, in->data, len) == 0);
    for (size_t i = len; i < in->size; i++)
        require(in->data[i] == 0);
    free(out);
    write_short(in, write, p, len);
}

/* --- frames ----------------------------------------------------------------------------------- */

static void write_ack(struct sc_writer *w, const struct sc_ack *a)
{
    size_t before = sc_writer_len(w);
    require(a->count >= 1 && a->count <= SC_ACK_FRAME_RANGES);
    require(a->range[0].to == a->largest + 1);
    for (size_t i = 0; i < a->count; i++) {
        require(a->range[i].from < a->range[i].to);
        require(i == 0 || a->range[i].to < a->range[i - 1].from);
    }
    sc_ack_write(w, a);
    require(sc_writer_len(w) - before == sc_ack_room(a->count, a->has_ecn));
}

static void write_stream(const struct input *in, struct sc_writer *w, const struct sc_frame *f,
                         bool with_len)
{
    require_inside(in, f->stream.data, f->stream.len);
    require(f->stream.offset + f->stream.len <= SC_STREAM_OFFSET_MAX);
    sc_stream_head_write(w, f->stream.offset, f->stream.fin, with_len, f->stream.len);
    sc_write_copy(w, f->stream.data, f->stream.len);
}

/* `type` is the type byte as it came, `len` the frame's length there. */
static void write_frame(const struct input *in, struct sc_writer *w, const struct sc_frame *f,
                        uint8_t type, size_t len)
{
    switch (f->type) {
    case SC_FRAME_STREAM:
        write_stream(in, w, f, (type & SC_STREAM_LEN) != 0);
        break;
    case SC_FRAME_ACK:
    case SC_FRAME_ACK_ECN:
        write_ack(w, &f->ack);
        break;
    case SC_FRAME_WINDOW:
        sc_window_write(w, f->window);
        break;
    case SC_FRAME_ABORT:
        sc_abort_write(w, f->abort_reason);
        break;
    case SC_FRAME_URGENT:
        sc_urgent_write(w, f->urgent);
        break;
    case SC_FRAME_PADDING:
        sc_write_zeros(w, len);
        break;
    default: /* PING, ECHO, ECHOED have no encoder */
        sc_write_u8(w, f->type);
        if (f->type != SC_FRAME_PING)
            sc_write_u64(w, f->echo);
        break;
    }
}

static void try_frames(const struct input *in, const struct sc_field *frames)
{
    uint8_t *out = malloc(frames->len ? frames->len : 1);
    require(out != NULL);
    struct sc_reader r = sc_reader(frames->data, frames->len);
    while (sc_reader_left(&r) > 0) {
        const uint8_t *start = r.at;
        struct sc_frame f;
        sc_frame_read(&r, &f);
        if (r.bad)
            break;
        size_t len = (size_t)(r.at - start);
        require(len > 0); /* or a reader of frames would never end */
        struct sc_writer w = sc_writer(out, len);
        write_frame(in, &w, &f, *start, len);
        require(!w.bad && sc_writer_len(&w) == len && memcmp(out, start, len) == 0);
        require(sc_frame_elicits_ack(&f) == (*start != 0 && *start != 2 && *start != 3));
    }
    free(out);
}

/* --- each type -------------------------------------------------------------------------------- */

static void try_open(const struct input *in, struct sc_reader *r)
{
    struct sc_open p;
    sc_open_read(r, &p);
    if (r->bad)
        return;
    require(p.src_flow != 0 && p.exclude_count <= SC_OPEN_EXCLUDE && p.cookie.len <= 32);
    require_inside(in, p.cookie.data, p.cookie.len);
    require_inside(in, p.handshake.data, p.handshake.len);
    require_canonical(&p.origin);
    write_back(in, write_open, &p);
}

static void try_answer(const struct input *in, struct sc_reader *r)
{
    struct sc_answer p;
    sc_answer_read(r, &p);
    if (r->bad)
        return;
    require_inside(in, p.handshake.data, p.handshake.len);
    write_back(in, write_answer, &p);
}

static void try_confirm(const struct input *in, struct sc_reader *r)
{
    struct sc_confirm p;
    sc_confirm_read(r, &p);
    if (r->bad)
        return;
    require_inside(in, p.handshake.data, p.handshake.len);
    require_inside(in, p.frames.data, p.frames.len);
    write_back(in, write_confirm, &p);
    try_frames(in, &p.frames);
}

static void try_refuse(const struct input *in, struct sc_reader *r)
{
    struct sc_refuse p;
    sc_refuse_read(r, &p);
    if (!r->bad)
        write_back(in, write_refuse, &p);
}

static void try_retry(const struct input *in, struct sc_reader *r)
{
    struct sc_retry p;
    sc_retry_read(r, &p);
    if (r->bad)
        return;
    require_inside(in, p.cookie.data, p.cookie.len);
    write_back(in, write_retry, &p);
}

static void try_reset(const struct input *in, struct sc_reader *r)
{
    struct sc_reset p;
    sc_reset_read(r, &p);
    if (!r->bad)
        write_back(in, write_reset, &p);
}

static void try_fragment(const struct input *in, struct sc_reader *r)
{
    struct sc_fragment p;
    sc_fragment_read(r, &p);
    if (r->bad)
        return;
    require_canonical(&p.origin);
    require(p.total <= SC_DATAGRAM_PAYLOAD_MAX && p.offset + p.data.len <= p.total);
    require_inside(in, p.data.data, p.data.len);
    write_back(in, write_fragment, &p);
}

static void try_control(const struct input *in, struct sc_reader *r)
{
    struct sc_control c;
    sc_control_read(r, &in->header, &c);
    if (r->bad)
        return;
    require(c.transaction == in->header.number && c.service_count <= SC_REGISTER_MAX);
    require(strnlen(c.name, sizeof c.name) < sizeof c.name);
    require_canonical(&c.underlay);
    write_back(in, write_control, &c);
}

static void try_packet(struct input *in)
{
    struct sc_reader r = sc_reader(in->data, in->size);
    sc_header_read(&r, &in->header);
    if (r.bad)
        return;
    struct sc_field rest = {.data = r.at, .len = sc_reader_left(&r)};
    require(in->header.version == SC_WIRE_VERSION);
    require(in->header.number != UINT64_MAX || in->header.type == SC_PKT_CONTROL);
    switch (in->header.type) {
    case SC_PKT_OPEN:
        try_open(in, &r);
        break;
    case SC_PKT_ANSWER:
        try_answer(in, &r);
        break;
    case SC_PKT_CONFIRM:
        try_confirm(in, &r);
        break;
    case SC_PKT_DATA:
        try_frames(in, &rest);
        break;
    case SC_PKT_REFUSE:
        try_refuse(in, &r);
        break;
    case SC_PKT_RETRY:
        try_retry(in, &r);
        break;
    case SC_PKT_RESET:
        try_reset(in, &r);
        break;
    case SC_PKT_CONTROL:
        try_control(in, &r);
        break;
    case SC_PKT_DATAGRAM:
        try_fragment(in, &r);
        break;
    default:
        break;
    }
}

/* --- what a forwarder does in place ----------------------------------------------------------- */

static bool reads_as_open(const uint8_t *data, size_t size, struct sc_open *p)
{
    struct sc_reader r = sc_reader(data, size);
    struct sc_header h;
    sc_header_read(&r, &h);
    if (!r.bad && h.type == SC_PKT_OPEN)
        sc_open_read(&r, p);
    return !r.bad && h.type == SC_PKT_OPEN;
}

static void try_forward(const struct input *in)
{
    static const struct sc_underlay origin = {.family = 6, .port = 7213, .ip = {0xfd, [15] = 1}};
    struct sc_open before, after;
    uint8_t *copy = malloc(in->size ? in->size : 1);
    require(copy != NULL);
    if (in->size > 0)
        memcpy(copy, in->data, in->size);
    bool open = reads_as_open(in->data, in->size, &before);
    bool alive = sc_packet_hop(copy, in->size);
    require(alive == (in->size >= SC_HEADER_LEN && in->data[1] > 0));
    bool set = sc_packet_set_origin(copy, in->size, &origin);
    require(set || !open);
    if (open) {
        require(reads_as_open(copy, in->size, &after));
        require(sc_underlay_equal(&after.origin, before.origin.family ? &before.origin : &origin));
        require(after.open_id == before.open_id && after.exclude_count == before.exclude_count);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.data = data, .size = size};
    if (size > INPUT_MAX)
        return 0;
    try_packet(&in);
    try_forward(&in);
    return 0;
}
