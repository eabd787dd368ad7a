/* Packets of strangers, and packets in the name of hosts. Most values are right ones, since what is
 * wrong at the first look teaches nothing; which are, and what the others are, is drawn from
 * `choice`: one draw in one expression, or compilers would differ in their order. */
#include <stdio.h>
#include <string.h>

#include "stack_world.h"
#include "wire/frame.h"

#define ROOM 2048

struct forger {
    struct world *w;
    struct sc_rng rng;
    size_t from;
    struct node *to;
    struct sc_flow *flow; /* of the target, which this is about; NULL: none, or not known */
    struct sc_header header;
    uint8_t packet[ROOM];
    struct sc_writer out;
};

/* --- values ----------------------------------------------------------------------------------- */

static uint64_t below(struct forger *g, uint64_t bound)
{
    return sc_rng_below(&g->rng, bound);
}

/* One value in sixteen is wrong. */
static bool right(struct forger *g)
{
    return below(g, 16) > 0;
}

static bool knows(const struct forger *g)
{
    return g->from != VICTIM;
}

static uint64_t any(struct forger *g)
{
    static const uint64_t edges[] = {
        0, 1, UINT16_MAX, UINT32_MAX, SC_STREAM_OFFSET_MAX, UINT64_MAX - 1, UINT64_MAX};
    return below(g, 2) ? edges[below(g, sizeof edges / sizeof *edges)] : sc_rng_next(&g->rng);
}

static uint64_t address_of(struct forger *g, size_t place)
{
    struct sc_stack_self self = {0};
    if (place < NODES)
        sc_stack_get_self(g->w->node[place].stack, &self);
    return place < NODES ? self.address : sc_network_address(1, 1000 + (uint32_t)place);
}

/* The sender's own, mostly. */
static uint64_t source(struct forger *g)
{
    return right(g)      ? address_of(g, g->from)
           : below(g, 2) ? address_of(g, below(g, PLACES))
                         : any(g);
}

static uint64_t epoch(struct forger *g)
{
    bool node = g->from < NODES;
    return !right(g) ? any(g) : node ? g->w->node[g->from].epoch : 77 + g->from;
}

static struct sc_service_id service(struct forger *g)
{
    struct sc_service_id id = service_id(below(g, SERVICES));
    if (!right(g))
        id.bytes[below(g, sizeof id.bytes)] ^= (uint8_t)(1 + below(g, 255));
    return id;
}

static struct sc_underlay underlay(struct forger *g)
{
    struct sc_underlay none = {0};
    return below(g, 2) ? none : place(below(g, PLACES));
}

static struct sc_flow *some_flow(struct forger *g)
{
    const struct sc_map *flows = &g->to->stack->flows.by_id;
    if (!knows(g) || flows->count == 0)
        return NULL;
    struct sc_map_node *m = sc_map_next(flows, NULL);
    for (uint64_t i = below(g, flows->count); i > 0; i--)
        m = sc_map_next(flows, m);
    return &sc_container(m, struct sc_entry, by_id)->flow;
}

static uint64_t open_id(struct forger *g)
{
    return g->flow && right(g) ? g->flow->open_id : below(g, 4);
}

static void token(struct forger *g, uint8_t out[SC_TOKEN_LEN])
{
    memset(out, (int)below(g, 3), SC_TOKEN_LEN);
    if (g->flow && right(g))
        memcpy(out, g->flow->peer_token, SC_TOKEN_LEN);
}

/* Something that the target has asked or was sent: the last packet to or from it of this type. */
static const struct packet *last_seen(struct forger *g, unsigned type, unsigned message)
{
    struct sc_underlay at = place(g->to->at);
    for (size_t i = 0; knows(g) && i < HISTORY; i++) {
        const struct packet *p = g->w->history[(g->w->seen + HISTORY - 1 - i) % HISTORY];
        if (!p || (!sc_underlay_equal(&p->from, &at) && !sc_underlay_equal(&p->to, &at)))
            continue;
        if ((p->data[0] & 15) == type && (!message || p->data[SC_HEADER_LEN] == message))
            return p;
    }
    return NULL;
}

/* --- frames ----------------------------------------------------------------------------------- */

static void write_ack(struct forger *g)
{
    const struct sc_flow *f = g->flow;
    uint64_t sent = f ? f->stats.packets_sent : 3;
    struct sc_ack a = {0};
    a.largest = right(g) ? below(g, sent + 1) : any(g);
    a.delay_us = (uint32_t)below(g, 20000);
    a.count = 1;
    a.has_ecn = below(g, 4) == 0;
    a.ect0 = (uint32_t)below(g, sent + 2);
    a.ce = (uint32_t)below(g, 3);
    if (a.largest == UINT64_MAX)
        a.largest--;
    a.range[0] = (struct sc_range){a.largest - below(g, a.largest + 1), a.largest + 1};
    if (a.range[0].from > 3 && below(g, 2))
        a.range[a.count++] = (struct sc_range){below(g, 2), a.range[0].from - 1};
    sc_ack_write(&g->out, &a);
}

static void write_stream(struct forger *g)
{
    uint8_t data[600] = {0};
    const struct sc_flow *f = g->flow;
    uint64_t next = f ? f->recv.next : 0, limit = f ? f->recv.limit : 1;
    uint64_t at = below(g, 3) == 0   ? next
                  : below(g, 2)      ? next + below(g, 4096)
                  : below(g, 2) == 0 ? limit - below(g, limit < 600 ? limit : 600)
                                     : any(g) & SC_STREAM_OFFSET_MAX;
    size_t len = (size_t)below(g, sizeof data);
    if (at + len > SC_STREAM_OFFSET_MAX)
        at = SC_STREAM_OFFSET_MAX - len;
    sc_stream_head_write(&g->out, at, below(g, 8) == 0, true, len);
    sc_write_copy(&g->out, data, len);
}

static void write_frame(struct forger *g)
{
    const struct sc_flow *f = g->flow;
    switch (below(g, 12)) {
    case 0:
    case 1:
    case 2:
        write_ack(g);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        write_stream(g);
        break;
    case 7:
        sc_window_write(&g->out, f && right(g) ? f->send.end + below(g, 70000) : any(g));
        break;
    case 8:
        sc_abort_write(&g->out, (uint16_t)below(g, 8));
        break;
    case 9:
        sc_urgent_write(&g->out, (f ? f->recv.consumed + below(g, 10) : 1) & SC_STREAM_OFFSET_MAX);
        break;
    case 10:
        sc_write_u8(&g->out, SC_FRAME_PING);
        break;
    default:
        sc_write_u8(&g->out, (uint8_t)below(g, 16));
        sc_write_u64(&g->out, any(g));
        break;
    }
}

static void write_frames(struct forger *g)
{
    for (uint64_t n = 1 + below(g, 3); n > 0; n--)
        write_frame(g);
}

/* --- packets ---------------------------------------------------------------------------------- */

static void write_open(struct forger *g)
{
    const struct packet *last = last_seen(g, SC_PKT_RETRY, 0);
    struct sc_open p = {0};
    p.src = source(g);
    p.src_flow = 1 + (uint32_t)below(g, 8);
    p.open_id = right(g) ? below(g, 8) : any(g);
    p.service = service(g);
    p.attempt = (uint8_t)below(g, 3);
    p.src_port = (uint16_t)below(g, 400);
    p.origin = underlay(g);
    p.exclude_count = below(g, 3);
    struct sc_retry retry;
    for (size_t i = 0; i < p.exclude_count; i++)
        p.exclude[i] = address_of(g, below(g, PLACES));
    if (last) {
        struct sc_reader r = sc_reader(last->data + SC_HEADER_LEN, last->len - SC_HEADER_LEN);
        sc_retry_read(&r, &retry);
        if (!r.bad) {
            p.cookie = retry.cookie;
            p.open_id = retry.open_id;
        }
    }
    sc_open_write(&g->out, &g->header, &p);
}

static void write_answer(struct forger *g)
{
    struct sc_answer p = {0};
    p.src = source(g);
    p.src_flow = (uint32_t)below(g, 8);
    p.open_id = open_id(g);
    p.service = g->flow && right(g) ? g->flow->service : service(g);
    p.window = right(g) ? below(g, 300000) : any(g);
    p.epoch = epoch(g);
    token(g, p.token);
    sc_answer_write(&g->out, &g->header, &p);
}

static void write_confirm(struct forger *g)
{
    struct sc_confirm p = {0};
    p.src = g->flow && right(g) ? g->flow->peer_address : source(g);
    p.open_id = open_id(g);
    p.window = right(g) ? below(g, 300000) : any(g);
    p.epoch = epoch(g);
    token(g, p.token);
    sc_confirm_write(&g->out, &g->header, &p);
    write_frames(g);
}

static void write_refuse(struct forger *g)
{
    struct sc_refuse p = {0};
    p.src = below(g, 2) ? source(g) : 0;
    p.open_id = open_id(g);
    p.refusal = (uint8_t)(1 + below(g, 4));
    sc_refuse_write(&g->out, &g->header, &p);
}

static void write_retry(struct forger *g)
{
    static const uint8_t cookie[32];
    struct sc_retry p = {0};
    p.open_id = open_id(g);
    p.cookie = (struct sc_field){cookie, below(g, 33)};
    sc_retry_write(&g->out, &g->header, &p);
}

static void write_reset(struct forger *g)
{
    struct sc_reset p = {0};
    p.src = g->flow && right(g) ? g->flow->peer_address : source(g);
    token(g, p.token);
    sc_reset_write(&g->out, &g->header, &p);
}

/* The number of the question that an answer claims to answer. */
static uint64_t transaction(struct forger *g, unsigned message)
{
    static const uint8_t question[16] = {
        [SC_MSG_JOINED] = SC_MSG_JOIN,       [SC_MSG_REGISTERED] = SC_MSG_REGISTER,
        [SC_MSG_REFRESHED] = SC_MSG_REFRESH, [SC_MSG_MAPPING] = SC_MSG_LOOKUP,
        [SC_MSG_THERE] = SC_MSG_WHERE,       [SC_MSG_ALIVE] = SC_MSG_PROBE,
    };
    unsigned asked = question[message & 15];
    const struct packet *p = asked ? last_seen(g, SC_PKT_CONTROL, asked) : NULL;
    struct sc_reader r = sc_reader(p ? p->data : NULL, p ? p->len : 0);
    struct sc_header h;
    if (!p || !right(g))
        return any(g);
    sc_header_read(&r, &h);
    return h.number;
}

static void name(struct forger *g, char *out, size_t size, bool host)
{
    static const char *const hosts[] = {"a", "b", "r", "c", "d", "not a name"};
    if (host)
        snprintf(out, size, "%s", hosts[below(g, 6)]);
    else if (below(g, 2))
        snprintf(out, size, "%s", service_name[below(g, SERVICES)]);
    else
        snprintf(out, size, "n%u.x.scaffold", (unsigned)below(g, 100));
}

static void write_control(struct forger *g)
{
    struct sc_control c = {0};
    c.message = (uint8_t)(1 + below(g, SC_MSG_ALIVE));
    c.src = source(g);
    c.epoch = epoch(g);
    c.address = right(g) ? address_of(g, below(g, PLACES)) : any(g);
    c.pool = 0xc6120000u + (uint32_t)below(g, 32);
    c.lease_ms = (uint32_t)below(g, 5000);
    c.serial = right(g) ? (uint32_t)below(g, 8) : (uint32_t)any(g);
    c.replaces = (uint8_t)below(g, 2);
    c.service_count = below(g, SC_REGISTER_MAX + 1);
    c.registered = (uint32_t)below(g, 4);
    c.digest = any(g);
    c.state = (uint8_t)below(g, 3);
    c.by = (uint8_t)(1 + below(g, 3));
    c.status = (uint8_t)below(g, 3);
    c.underlay = underlay(g);
    c.transaction = transaction(g, c.message);
    for (size_t i = 0; i < SC_REGISTER_MAX; i++)
        c.service[i] = service(g);
    if (c.message == SC_MSG_LOOKUP || c.message == SC_MSG_MAPPING)
        c.service_count = 1;
    name(g, c.name, sizeof c.name, c.message == SC_MSG_JOIN);
    sc_control_write(&g->out, &c);
    struct sc_writer over = sc_writer(g->packet, SC_HEADER_LEN);
    g->header.number = c.transaction;
    sc_header_write(&over, &g->header); /* its own says nothing of relays */
}

static void write_fragment(struct forger *g)
{
    static const uint8_t data[1000];
    struct sc_fragment p = {0};
    p.src = source(g);
    p.src_port = (uint16_t)below(g, 8);
    p.origin = underlay(g);
    p.choice = any(g);
    p.flags = (uint8_t)below(g, 16);
    p.total = (uint16_t)below(g, below(g, 2) ? 100 : 65508);
    p.to = service(g);
    if (p.flags & SC_FRAGMENT_FROM)
        p.from = service(g);
    p.data = (struct sc_field){data, below(g, sizeof data)};
    if (p.data.len > p.total)
        p.data.len = p.total;
    p.offset = (uint16_t)below(g, p.total - p.data.len + 1u);
    if (p.flags & SC_FRAGMENT_UNDELIVERED) {
        p.total = p.offset = 0;
        p.data.len = 0;
    }
    sc_fragment_write(&g->out, &g->header, &p);
}

static void write_noise(struct forger *g)
{
    sc_header_write(&g->out, &g->header);
    for (uint64_t n = below(g, 13); n > 0; n--)
        sc_write_u64(&g->out, any(g));
}

/* --- header ----------------------------------------------------------------------------------- */

static uint64_t destination(struct forger *g)
{
    uint64_t to = address_of(g, g->to->place);
    return below(g, 3) == 0 ? 0 : right(g) ? to : address_of(g, below(g, PLACES));
}

static uint64_t number(struct forger *g)
{
    uint64_t sent = g->flow ? g->flow->stats.packets_received : 0;
    return right(g) ? sent + below(g, 5) : any(g) & (UINT64_MAX - 1);
}

static void head(struct forger *g, unsigned type)
{
    g->header = (struct sc_header){.version = SC_WIRE_VERSION};
    g->header.type = (uint8_t)(type % 10 ? type % 10 : 1 + below(g, 15));
    g->header.hop_limit = (uint8_t)(SC_HOP_LIMIT - below(g, 3));
    g->header.dst = destination(g);
    g->header.number = number(g);
    if (g->flow)
        g->header.flow = g->flow->id;
    if (g->header.type == SC_PKT_OPEN)
        g->header.dst = 0;
    if (g->header.type == SC_PKT_DATAGRAM && right(g))
        g->header.number = below(g, 4);
}

/* A bit here and there; nobody but the input can say which. */
static void damage(struct forger *g, uint8_t *packet, size_t len)
{
    for (uint64_t n = below(g, 4) ? 0 : 1 + below(g, 4); n > 0; n--) {
        unsigned bit = (unsigned)below(g, 8 * len);
        packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

void forge(struct world *w, size_t from, struct node *to, unsigned type, uint32_t choice)
{
    static void (*const writers[])(struct forger *) = {
        [SC_PKT_OPEN] = write_open,         [SC_PKT_ANSWER] = write_answer,
        [SC_PKT_CONFIRM] = write_confirm,   [SC_PKT_DATA] = NULL,
        [SC_PKT_REFUSE] = write_refuse,     [SC_PKT_RETRY] = write_retry,
        [SC_PKT_RESET] = write_reset,       [SC_PKT_CONTROL] = write_control,
        [SC_PKT_DATAGRAM] = write_fragment,
    };
    struct forger g = {.w = w, .from = from % PLACES, .to = to};
    sc_rng_seed(&g.rng, choice ^ (uint64_t)type << 32);
    g.flow = some_flow(&g);
    g.out = sc_writer(g.packet, sizeof g.packet);
    head(&g, type);
    unsigned kind = g.header.type;
    if (kind == SC_PKT_DATA) {
        sc_header_write(&g.out, &g.header);
        write_frames(&g);
    } else if (kind < sizeof writers / sizeof *writers && writers[kind]) {
        writers[kind](&g);
    } else {
        write_noise(&g);
    }
    size_t len = sc_writer_len(&g.out);
    damage(&g, g.packet, len);
    feed(to, make_packet(g.from, to->at, g.packet, len));
}
