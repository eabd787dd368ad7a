/* What no stack may ever send, checked on each packet as it leaves:
 *
 *   - a stream byte at or beyond the window that its receiver has granted;
 *   - stream bytes of one offset with two contents is checked by the readers (app.c);
 *   - a packet number twice in one direction of a flow (it becomes the nonce), or falling;
 *   - a packet that its own decoder calls malformed.
 *
 * A flow's two directions are known from its ANSWER, which names both ends. Packets on behalf of
 * others (hop limit counted down) were seen when they were first sent. */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "sim.h"
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
    struct direction *back;
    struct direction *all;
};

struct sim_audit {
    struct sim *sim;
    struct sc_map directions;
    struct direction *all;
};

struct sim_audit *sim_audit_new(struct sim *sim)
{
    struct sim_audit *a = calloc(1, sizeof *a);
    const uint64_t seed[2] = {1, 2};
    if (!a)
        abort();
    a->sim = sim;
    SC_MAP_INIT(&a->directions, struct direction, by_key, key, seed);
    return a;
}

void sim_audit_free(struct sim_audit *a)
{
    while (a->all) {
        struct direction *next = a->all->all;
        free(a->all);
        a->all = next;
    }
    sc_map_fini(&a->directions);
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

static void on_answer(struct sim_audit *a, const struct sc_header *h, struct sc_reader *r)
{
    struct sc_answer p;
    sc_answer_read(r, &p);
    if (r->bad)
        return;
    struct direction *to_client = find_or_add(a, h->dst, h->flow);
    struct direction *to_server = find_or_add(a, p.src, p.src_flow);
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

void sim_audit_packet(struct sim_audit *a, const struct sim_host *from, const uint8_t *data,
                      size_t len)
{
    struct sc_reader r = sc_reader(data, len);
    struct sc_header h;
    sc_header_read(&r, &h);
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
