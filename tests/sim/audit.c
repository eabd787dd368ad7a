/* What no stack may ever send, checked on each packet as it leaves:
 *
 *   - a stream byte at or beyond the window that its receiver has granted;
 *   - stream bytes of one offset with two contents is checked by the readers (app.c);
 *   - a packet number twice in one direction of a flow (it becomes the nonce), or falling;
 *   - a packet that its own decoder calls malformed;
 *   - where hosts have keys: outside of a channel what belongs into one, inside what does not, and
 *     a sealed packet that its receiver could not open, be it for a number that was used before.
 *
 * A flow's two directions are known from its ANSWER, which names both ends. Packets on behalf of
 * others (hop limit counted down) were seen when they were first sent. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "crypto/crypto.h"
#include "sim.h"
#include "stack/parts.h"
#include "wire/frame.h"
#include "wire/packet.h"

/* The packets to one end of a flow. */
struct direction {
    struct sc_map_node by_key;
    struct {
        uint64_t address;
        uint32_t flow;
        uint32_t zero;
    } key;
    uint64_t granted;     /* by the end that they go to */
    uint64_t next_number; /* lowest that may follow */
    uint64_t sent_to;     /* highest stream offset */
    sc_time answered_at;  /* last */
    struct direction *back;
    struct direction *all;
};

/* The packets that a host seals to one end of a channel. */
struct ear {
    struct sc_map_node by_key;
    struct {
        uint32_t host, id;
    } key;
    struct sc_channel channel; /* as its receiver has it */
    struct ear *all;
};

struct sim_audit {
    struct sim *sim;
    struct sc_map directions;
    struct direction *all;
    struct sc_map ears;
    struct ear *all_ears;
    struct sc_crypto crypto;
};

struct sim_audit *sim_audit_new(struct sim *sim)
{
    struct sim_audit *a = calloc(1, sizeof *a);
    const uint64_t seed[2] = {1, 2};
    if (!a)
        abort();
    a->sim = sim;
    SC_MAP_INIT(&a->directions, struct direction, by_key, key, seed);
    SC_MAP_INIT(&a->ears, struct ear, by_key, key, seed);
    if (sc_crypto_init(&a->crypto, NULL) != 0)
        abort();
    return a;
}

void sim_audit_free(struct sim_audit *a)
{
    while (a->all) {
        struct direction *next = a->all->all;
        free(a->all);
        a->all = next;
    }
    while (a->all_ears) {
        struct ear *next = a->all_ears->all;
        free(a->all_ears);
        a->all_ears = next;
    }
    sc_map_fini(&a->directions);
    sc_map_fini(&a->ears);
    sc_crypto_fini(&a->crypto);
    free(a);
}

static struct direction *find(struct sim_audit *a, uint64_t address, uint32_t flow)
{
    struct direction probe = {.key = {.address = address, .flow = flow}};
    struct sc_map_node *n = sc_map_find(&a->directions, &probe.key);
    return n ? sc_container(n, struct direction, by_key) : NULL;
}

static struct direction *find_or_add(struct sim_audit *a, uint64_t address, uint32_t flow)
{
    struct direction *d = find(a, address, flow);
    if (d)
        return d;
    d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->key.address = address;
    d->key.flow = flow;
    d->all = a->all;
    a->all = d;
    if (sc_map_insert(&a->directions, &d->by_key) != 0)
        abort();
    return d;
}

static void grant(struct direction *d, uint64_t window)
{
    if (window > d->granted)
        d->granted = window;
}

/* No flow is answered so late: its id has been drawn again, by chance or after its owner's death.
 */
static struct direction *answered(struct sim_audit *a, uint64_t address, uint32_t flow)
{
    struct direction *d = find_or_add(a, address, flow);
    if (d->answered_at + SC_OPEN_TIMEOUT < a->sim->now)
        d->granted = d->next_number = d->sent_to = 0;
    d->answered_at = a->sim->now;
    return d;
}

static void on_answer(struct sim_audit *a, const struct sc_header *h, struct sc_reader *r)
{
    struct sc_answer p;
    sc_answer_read(r, &p);
    if (r->bad)
        return;
    struct direction *to_client = answered(a, h->dst, h->flow);
    struct direction *to_server = answered(a, p.src, p.src_flow);
    to_client->back = to_server;
    to_server->back = to_client;
    grant(to_server, p.window);
}

static void on_number(struct sim_audit *a, struct direction *d, const struct sc_header *h)
{
    if (h->number < d->next_number)
        sim_breach(a->sim, "packet number %llu to flow %08x is not above the last",
                   (unsigned long long)h->number, h->flow);
    d->next_number = h->number + 1;
}

static void on_stream(struct sim_audit *a, struct direction *d, const struct sc_frame *f)
{
    uint64_t end = f->stream.offset + f->stream.len;
    if (end > d->sent_to)
        d->sent_to = end;
    if (end > d->granted)
        sim_breach(a->sim, "flow %08x: stream bytes to %llu, window %llu", d->key.flow,
                   (unsigned long long)end, (unsigned long long)d->granted);
}

static void on_frames(struct sim_audit *a, struct direction *d, struct sc_reader *r)
{
    while (sc_reader_left(r) > 0 && !r->bad) {
        struct sc_frame f;
        sc_frame_read(r, &f);
        if (r->bad)
            return;
        if (f.type == SC_FRAME_STREAM)
            on_stream(a, d, &f);
        else if (f.type == SC_FRAME_WINDOW && d->back)
            grant(d->back, f.window);
    }
}

static void on_confirm(struct sim_audit *a, const struct sc_header *h, struct sc_reader *r)
{
    struct direction *d = find(a, h->dst, h->flow);
    struct sc_confirm p;
    sc_confirm_read(r, &p);
    if (r->bad || !d)
        return;
    on_number(a, d, h);
    if (d->back)
        grant(d->back, p.window);
    struct sc_reader frames = sc_reader(p.frames.data, p.frames.len);
    on_frames(a, d, &frames);
    r->bad |= frames.bad;
}

static void on_data(struct sim_audit *a, const struct sc_header *h, struct sc_reader *r)
{
    struct direction *d = find(a, h->dst, h->flow);
    if (!d)
        return;
    on_number(a, d, h);
    on_frames(a, d, r);
}

/* --- packets ---------------------------------------------------------------------------------- */

static bool belongs_into_channel(const uint8_t *data, size_t len, const struct sc_header *h)
{
    uint8_t message = sim_message_of(data, len);
    return message ? !sc_control_is_plain(message)
                   : h->type == SC_PKT_OPEN || h->type == SC_PKT_REFUSE;
}

static void on_packet(struct sim_audit *a, struct sim_host *from, const uint8_t *data, size_t len,
                      bool in_channel)
{
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    if (!r.bad && from->config.secure && in_channel != belongs_into_channel(data, len, &h))
        sim_violation(a->sim, "%s sent a packet of type %u %s a channel", from->config.host_name,
                      h.type, in_channel ? "in" : "outside of");
    if (a->sim->tap)
        a->sim->tap(from, data, len, a->sim->tap_user);
    if (!r.bad && h.hop_limit == SC_HOP_LIMIT) {
        if (h.type == SC_PKT_ANSWER)
            on_answer(a, &h, &r);
        else if (h.type == SC_PKT_CONFIRM)
            on_confirm(a, &h, &r);
        else if (h.type == SC_PKT_DATA)
            on_data(a, &h, &r);
    }
    if (r.bad) /* a router passes on what it cannot judge, forged hop limits too */
        sim_breach(a->sim, "%s sent a malformed packet of type %u, %zu bytes",
                   from->config.host_name, h.type, len);
}

/* --- channels --------------------------------------------------------------------------------- */

/* By the sender's own channel: at the other end it may not be there yet. */
static const struct sc_channel *sender_channel(const struct sim_host *from, uint32_t id)
{
    const struct sc_channels *all = &from->stack->channels;
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&all->by_id, n)) != NULL;) {
        const struct sc_channel *c = sc_container(n, struct sc_channel, by_id);
        if (c->peer_id == id)
            return c;
    }
    return NULL;
}

/* It goes on hearing when the channel is over: what was sealed before may still have to leave. */
static struct ear *ear_of(struct sim_audit *a, const struct sim_host *from, uint32_t id)
{
    struct ear probe = {.key = {.host = (uint32_t)from->index, .id = id}};
    struct sc_map_node *n = sc_map_find(&a->ears, &probe.key);
    if (n)
        return sc_container(n, struct ear, by_key);
    const struct sc_channel *c = sender_channel(from, id);
    struct ear *e = c ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return NULL;
    e->key = probe.key;
    e->channel.keys.open = c->keys.seal;
    e->all = a->all_ears;
    a->all_ears = e;
    if (sc_map_insert(&a->ears, &e->by_key) != 0)
        abort();
    return e;
}

static void on_sealed(struct sim_audit *a, struct sim_host *from, const uint8_t *data, size_t len,
                      uint32_t id)
{
    struct ear *e = ear_of(a, from, id);
    uint8_t copy[SC_DATAGRAM_MAX];
    size_t inner = 0;
    memcpy(copy, data, len);
    const uint8_t *packet =
        e ? sc_channel_open(&e->channel, &a->crypto.aead, copy, len, &inner) : NULL;
    if (packet)
        on_packet(a, from, packet, inner, true);
    else
        sim_violation(a->sim, "%s sent what does not open, in channel %08x", from->config.host_name,
                      id);
}

void sim_audit_packet(struct sim_audit *a, struct sim_host *from, const uint8_t *data, size_t len)
{
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    if (!r.bad && h.is_protected)
        on_sealed(a, from, data, len, h.flow);
    else
        on_packet(a, from, data, len, false);
}
