#include "wire/packet.h"

/* OPEN's fields before the origin: address, flow id, open id, ServiceID, attempt, pool, port. */
#define OPEN_ORIGIN_AT (SC_HEADER_LEN + 8 + 4 + 8 + 32 + 1 + 4 + 2)
/* DATAGRAM's: address, pool, port. */
#define FRAGMENT_ORIGIN_AT (SC_HEADER_LEN + 8 + 4 + 2)
#define HOP_AT 1
#define PROTECTED_BIT 0x10

void sc_header_read(struct sc_reader *r, struct sc_header *h)
{
    const uint8_t *p = sc_read_bytes(r, SC_HEADER_LEN);
    if (!p) {
        *h = (struct sc_header){0};
        return;
    }
    struct sc_reader f = sc_reader(p, SC_HEADER_LEN);
    uint8_t first = sc_read_u8(&f);
    h->version = first >> 5;
    h->is_protected = (first & PROTECTED_BIT) != 0;
    h->type = first & 0x0f;
    h->hop_limit = sc_read_u8(&f);
    h->dst = sc_read_u64(&f);
    h->flow = sc_read_u32(&f);
    h->number = sc_read_u64(&f);
    /* The last number is nobody's: no acknowledgement and no half-open range could hold it. */
    bool no_number = h->number == UINT64_MAX && h->type != SC_PKT_CONTROL;
    if (h->version != SC_WIRE_VERSION || no_number)
        r->bad = true;
}

void sc_header_write(struct sc_writer *w, const struct sc_header *h)
{
    sc_write_u8(w, (uint8_t)(h->version << 5 | (h->is_protected ? PROTECTED_BIT : 0) | h->type));
    sc_write_u8(w, h->hop_limit);
    sc_write_u64(w, h->dst);
    sc_write_u32(w, h->flow);
    sc_write_u64(w, h->number);
}

/* A field behind its own length of `width` bytes. */
static struct sc_field field_read(struct sc_reader *r, size_t width, size_t most)
{
    struct sc_field f = {.len = (size_t)sc_read_uint(r, width)};
    if (f.len > most)
        r->bad = true;
    f.data = sc_read_bytes(r, f.len);
    if (!f.data)
        f.len = 0;
    return f;
}

static void field_write(struct sc_writer *w, size_t width, const struct sc_field *f)
{
    sc_write_uint(w, f->len, width);
    sc_write_copy(w, f->data, f->len);
}

static void service_read(struct sc_reader *r, struct sc_service_id *s)
{
    sc_read_copy(r, s->bytes, sizeof s->bytes);
}

static void service_write(struct sc_writer *w, const struct sc_service_id *s)
{
    sc_write_copy(w, s->bytes, sizeof s->bytes);
}

/* The padding is zeros to the end: nothing can hide in it. */
static void zeros_read(struct sc_reader *r)
{
    while (!r->bad && sc_reader_left(r) > 0)
        if (sc_read_u8(r) != 0)
            r->bad = true;
}

void sc_open_read(struct sc_reader *r, struct sc_open *p)
{
    size_t len = SC_HEADER_LEN + sc_reader_left(r);
    p->src = sc_read_u64(r);
    p->src_flow = sc_read_u32(r);
    p->open_id = sc_read_u64(r);
    service_read(r, &p->service);
    p->attempt = sc_read_u8(r);
    p->src_pool = sc_read_u32(r);
    p->src_port = sc_read_u16(r);
    sc_underlay_read(r, &p->origin);
    p->exclude_count = sc_read_u8(r);
    if (p->exclude_count > SC_OPEN_EXCLUDE) {
        p->exclude_count = 0;
        r->bad = true;
    }
    for (size_t i = 0; i < p->exclude_count; i++)
        p->exclude[i] = sc_read_u64(r);
    p->cookie = field_read(r, 1, SC_COOKIE_MAX);
    p->handshake = field_read(r, 2, SIZE_MAX);
    zeros_read(r);
    if (p->src_flow == 0 || len < SC_OPEN_LEN)
        r->bad = true;
}

void sc_open_write(struct sc_writer *w, const struct sc_header *h, const struct sc_open *p)
{
    const uint8_t *start = w->at;
    sc_header_write(w, h);
    sc_write_u64(w, p->src);
    sc_write_u32(w, p->src_flow);
    sc_write_u64(w, p->open_id);
    service_write(w, &p->service);
    sc_write_u8(w, p->attempt);
    sc_write_u32(w, p->src_pool);
    sc_write_u16(w, p->src_port);
    sc_underlay_write(w, &p->origin);
    sc_write_u8(w, (uint8_t)p->exclude_count);
    for (size_t i = 0; i < p->exclude_count; i++)
        sc_write_u64(w, p->exclude[i]);
    field_write(w, 1, &p->cookie);
    field_write(w, 2, &p->handshake);
    size_t len = (size_t)(w->at - start);
    if (len < SC_OPEN_LEN)
        sc_write_zeros(w, SC_OPEN_LEN - len);
}

void sc_answer_read(struct sc_reader *r, struct sc_answer *p)
{
    p->src = sc_read_u64(r);
    p->src_flow = sc_read_u32(r);
    p->open_id = sc_read_u64(r);
    service_read(r, &p->service);
    p->src_pool = sc_read_u32(r);
    p->window = sc_read_u64(r);
    p->epoch = sc_read_u64(r);
    sc_read_copy(r, p->token, sizeof p->token);
    p->handshake = field_read(r, 2, SIZE_MAX);
    if (p->src_flow == 0 || sc_reader_left(r) > 0)
        r->bad = true;
}

void sc_answer_write(struct sc_writer *w, const struct sc_header *h, const struct sc_answer *p)
{
    sc_header_write(w, h);
    sc_write_u64(w, p->src);
    sc_write_u32(w, p->src_flow);
    sc_write_u64(w, p->open_id);
    service_write(w, &p->service);
    sc_write_u32(w, p->src_pool);
    sc_write_u64(w, p->window);
    sc_write_u64(w, p->epoch);
    sc_write_copy(w, p->token, sizeof p->token);
    field_write(w, 2, &p->handshake);
}

void sc_confirm_read(struct sc_reader *r, struct sc_confirm *p)
{
    p->src = sc_read_u64(r);
    p->open_id = sc_read_u64(r);
    p->window = sc_read_u64(r);
    p->epoch = sc_read_u64(r);
    sc_read_copy(r, p->token, sizeof p->token);
    p->handshake = field_read(r, 2, SIZE_MAX);
    p->frames.len = sc_reader_left(r);
    p->frames.data = sc_read_bytes(r, p->frames.len);
}

void sc_confirm_write(struct sc_writer *w, const struct sc_header *h, const struct sc_confirm *p)
{
    sc_header_write(w, h);
    sc_write_u64(w, p->src);
    sc_write_u64(w, p->open_id);
    sc_write_u64(w, p->window);
    sc_write_u64(w, p->epoch);
    sc_write_copy(w, p->token, sizeof p->token);
    field_write(w, 2, &p->handshake);
}

void sc_refuse_read(struct sc_reader *r, struct sc_refuse *p)
{
    p->src = sc_read_u64(r);
    p->open_id = sc_read_u64(r);
    p->refusal = sc_read_u8(r);
    if (p->refusal < SC_REFUSE_NO_INSTANCE || p->refusal > SC_REFUSE_NO_ROUTE ||
        sc_reader_left(r) > 0)
        r->bad = true;
}

void sc_refuse_write(struct sc_writer *w, const struct sc_header *h, const struct sc_refuse *p)
{
    sc_header_write(w, h);
    sc_write_u64(w, p->src);
    sc_write_u64(w, p->open_id);
    sc_write_u8(w, p->refusal);
}

void sc_retry_read(struct sc_reader *r, struct sc_retry *p)
{
    p->open_id = sc_read_u64(r);
    p->cookie = field_read(r, 1, SC_COOKIE_MAX);
    if (sc_reader_left(r) > 0)
        r->bad = true;
}

void sc_retry_write(struct sc_writer *w, const struct sc_header *h, const struct sc_retry *p)
{
    sc_header_write(w, h);
    sc_write_u64(w, p->open_id);
    field_write(w, 1, &p->cookie);
}

void sc_reset_read(struct sc_reader *r, struct sc_reset *p)
{
    p->src = sc_read_u64(r);
    sc_read_copy(r, p->token, sizeof p->token);
    if (sc_reader_left(r) > 0)
        r->bad = true;
}

void sc_reset_write(struct sc_writer *w, const struct sc_header *h, const struct sc_reset *p)
{
    sc_header_write(w, h);
    sc_write_u64(w, p->src);
    sc_write_copy(w, p->token, sizeof p->token);
}

#define KNOWN_FLAGS                                                                                \
    (SC_FRAGMENT_ANSWER | SC_FRAGMENT_UNICAST | SC_FRAGMENT_FROM | SC_FRAGMENT_UNDELIVERED)

/* A fragment has data; only an empty datagram, and one that comes back, have none. */
static bool fragment_fits(const struct sc_fragment *p)
{
    if (p->total > SC_DATAGRAM_PAYLOAD_MAX || p->offset + p->data.len > p->total)
        return false;
    if (p->flags & SC_FRAGMENT_UNDELIVERED)
        return p->total == 0;
    return p->data.len > 0 || p->total == 0;
}

void sc_fragment_read(struct sc_reader *r, struct sc_fragment *p)
{
    *p = (struct sc_fragment){.src = sc_read_u64(r)};
    p->src_pool = sc_read_u32(r);
    p->src_port = sc_read_u16(r);
    sc_underlay_read(r, &p->origin);
    p->choice = sc_read_u64(r);
    p->flags = sc_read_u8(r);
    p->ttl = sc_read_u8(r);
    p->tos = sc_read_u8(r);
    p->total = sc_read_u16(r);
    p->offset = sc_read_u16(r);
    service_read(r, &p->to);
    if (p->flags & SC_FRAGMENT_FROM)
        service_read(r, &p->from);
    p->data.len = sc_reader_left(r);
    p->data.data = sc_read_bytes(r, p->data.len);
    if ((p->flags & ~KNOWN_FLAGS) || !fragment_fits(p))
        r->bad = true;
}

void sc_fragment_write(struct sc_writer *w, const struct sc_header *h, const struct sc_fragment *p)
{
    sc_header_write(w, h);
    sc_write_u64(w, p->src);
    sc_write_u32(w, p->src_pool);
    sc_write_u16(w, p->src_port);
    sc_underlay_write(w, &p->origin);
    sc_write_u64(w, p->choice);
    sc_write_u8(w, p->flags);
    sc_write_u8(w, p->ttl);
    sc_write_u8(w, p->tos);
    sc_write_u16(w, p->total);
    sc_write_u16(w, p->offset);
    service_write(w, &p->to);
    if (p->flags & SC_FRAGMENT_FROM)
        service_write(w, &p->from);
    sc_write_copy(w, p->data.data, p->data.len);
}

static size_t origin_at(const uint8_t *packet, size_t len)
{
    switch (len < SC_HEADER_LEN ? 0 : packet[0] & 0x0f) {
    case SC_PKT_OPEN:
        return OPEN_ORIGIN_AT;
    case SC_PKT_DATAGRAM:
        return FRAGMENT_ORIGIN_AT;
    default:
        return len;
    }
}

bool sc_packet_set_origin(uint8_t *packet, size_t len, const struct sc_underlay *origin)
{
    size_t at = origin_at(packet, len);
    if (len >= at + SC_UNDERLAY_LEN && packet[at] != 0)
        return true;
    return sc_packet_put_origin(packet, len, origin);
}

bool sc_packet_put_origin(uint8_t *packet, size_t len, const struct sc_underlay *origin)
{
    size_t at = origin_at(packet, len);
    if (len < at + SC_UNDERLAY_LEN)
        return false;
    struct sc_writer w = sc_writer(packet + at, SC_UNDERLAY_LEN);
    sc_underlay_write(&w, origin);
    return true;
}

bool sc_packet_hop(uint8_t *packet, size_t len)
{
    if (len < SC_HEADER_LEN || packet[HOP_AT] == 0)
        return false;
    if (packet[HOP_AT] > SC_HOP_LIMIT) /* nobody may loop longer than we would */
        packet[HOP_AT] = SC_HOP_LIMIT;
    packet[HOP_AT]--;
    return true;
}
