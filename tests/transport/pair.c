#include "transport/pair.h"

uint8_t pair_byte(int side, uint64_t offset)
{
    return (uint8_t)(offset * 131 + (offset >> 8) * 31 + (offset >> 16) * 7 + (uint64_t)side * 77);
}

/* Stream bytes from `offset` on, as many as stand in a row: to the end of their 256, at most
 * `most`. Each is 131 more than the one before it, so all rows are parts of one table (131 * 43 is
 * 1). */
static const uint8_t *row_at(int side, uint64_t offset, size_t most, size_t *len)
{
    static uint8_t table[2 * 256];
    for (size_t i = 1; i < sizeof table && table[i] == 0; i++)
        table[i] = (uint8_t)(i * 131);
    size_t left = 256 - offset % 256;
    *len = left < most ? left : most;
    return table + (uint8_t)(pair_byte(side, offset) * 43);
}

static void fill(int side, uint64_t offset, uint8_t *data, size_t len)
{
    for (size_t at = 0, part; at < len; at += part) {
        const uint8_t *row = row_at(side, offset + at, len - at, &part);
        memcpy(data + at, row, part);
    }
}

static void check(int side, uint64_t offset, const uint8_t *data, size_t len)
{
    for (size_t at = 0, part; at < len; at += part) {
        const uint8_t *row = row_at(side, offset + at, len - at, &part);
        if (memcmp(data + at, row, part) != 0)
            fail_msg("wrong byte in the %zu at %llu", part, (unsigned long long)(offset + at));
    }
}

void pair_init(struct pair *p, uint64_t seed, const struct sc_congestion_ops *ops)
{
    memset(p, 0, sizeof *p);
    p->now = SC_SECOND;
    sc_rng_seed(&p->rng, seed);
    p->serving = true;
    for (int i = 0; i < 2; i++) {
        sc_block_pool_init(&p->pool[i], SC_MEMORY_MAX);
        p->env[i] = (struct sc_flow_env){.rng = &p->rng,
                                         .blocks = &p->pool[i],
                                         .congestion = ops,
                                         .address = (uint64_t)i + 1,
                                         .pool = 0x0a000001u + (uint32_t)i,
                                         .epoch = 1000 + (uint64_t)i};
        p->link[i].delay = 10 * SC_MS;
    }
    struct sc_service_id service = {.bytes = {1, 2, 3}};
    sc_flow_init_client(&p->flow[CLIENT], &p->env[CLIENT], 7, &service, 4000, 0, p->now);
    memset(p->flow[CLIENT].own_token, 0xc1, SC_TOKEN_LEN);
}

void pair_fini(struct pair *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->queue[i]);
    free(p->queue);
    sc_flow_fini(&p->flow[CLIENT]);
    if (p->has_server)
        sc_flow_fini(&p->flow[SERVER]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p->pool[i].used, 0);
        sc_block_pool_fini(&p->pool[i]);
    }
}

/* --- link ------------------------------------------------------------------------------------- */

static bool is_before(const struct pair_packet *a, const struct pair_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct pair *p, struct pair_packet *packet)
{
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->queue = realloc(p->queue, p->room * sizeof *p->queue);
    }
    size_t i = p->count++;
    for (; i > 0 && is_before(packet, p->queue[(i - 1) / 2]); i = (i - 1) / 2)
        p->queue[i] = p->queue[(i - 1) / 2];
    p->queue[i] = packet;
}

static struct pair_packet *pop(struct pair *p)
{
    struct pair_packet *top = p->queue[0], *last = p->queue[--p->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= p->count)
            break;
        if (child + 1 < p->count && is_before(p->queue[child + 1], p->queue[child]))
            child++;
        if (!is_before(p->queue[child], last))
            break;
        p->queue[i] = p->queue[child];
        i = child;
    }
    p->queue[i] = last;
    return top;
}

static bool chance(struct pair *p, double probability)
{
    return probability > 0 && sc_rng_unit(&p->rng) < probability;
}

static void enqueue(struct pair *p, int from, const uint8_t *data, size_t len, bool ect)
{
    struct pair_link *l = &p->link[from];
    l->sent++;
    sc_time start = sc_time_max(p->now, l->busy_until);
    size_t waiting = l->rate ? (size_t)((start - p->now) * l->rate / SC_SECOND) : 0;
    if (l->down || chance(p, l->loss) || (l->mtu && len > l->mtu) ||
        (l->queue && waiting + len > l->queue)) {
        l->dropped++;
        return;
    }
    l->busy_until = start + (l->rate ? (len + 28) * SC_SECOND / l->rate : 0);
    sc_time at = l->busy_until + l->delay;
    int copies = chance(p, l->duplicate) ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        struct pair_packet *packet = malloc(sizeof *packet + len);
        *packet = (struct pair_packet){.at = at, .order = p->order++, .to = !from, .len = len};
        packet->ce = ect && l->mark_above && waiting > l->mark_above;
        if (chance(p, l->reorder))
            packet->at += 1 + sc_rng_below(&p->rng, l->reorder_by);
        memcpy(packet->data, data, len);
        push(p, packet);
    }
}

void pair_send_train(struct pair *p, int from, struct sc_train *t)
{
    static uint8_t flat[SC_TRAIN_BYTES + SC_DATAGRAM_MAX];
    size_t len = 0;
    for (size_t i = 0; i < t->iov_count; i++) {
        memcpy(flat + len, t->iov[i].iov_base, t->iov[i].iov_len);
        len += t->iov[i].iov_len;
    }
    assert_int_equal(len, t->len);
    assert_true(t->segment > 0 && len > 0 && len <= SC_TRAIN_BYTES);
    assert_true((len + t->segment - 1) / t->segment <= SC_TRAIN_SEGMENTS);
    assert_true(t->iov_count <= SC_TRAIN_PIECES);
    for (size_t at = 0; at < len; at += t->segment) {
        size_t part = len - at < t->segment ? len - at : t->segment;
        if (part > p->largest)
            p->largest = part;
        enqueue(p, from, flat + at, part, t->ect);
    }
}

/* --- what a stack does ------------------------------------------------------------------------ */

static void on_open(struct pair *p, struct sc_reader *r)
{
    struct sc_open open;
    uint8_t token[SC_TOKEN_LEN];
    memset(token, 0x5e, sizeof token);
    sc_open_read(r, &open);
    assert_false(r->bad);
    if (!p->serving)
        return;
    if (p->has_server) {
        sc_flow_on_open(&p->flow[SERVER], &open, p->now);
        return;
    }
    p->has_server = true;
    sc_flow_init_server(&p->flow[SERVER], &p->env[SERVER], 9, &open, token, p->now);
}

/* A packet for a flow that is forgotten draws a stateless reset. */
static void send_reset(struct pair *p, int side)
{
    const struct sc_flow *f = &p->flow[side];
    uint8_t data[64];
    struct sc_writer w = sc_writer(data, sizeof data);
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_RESET,
                          .hop_limit = SC_HOP_LIMIT,
                          .dst = f->peer_address,
                          .flow = f->peer_id};
    struct sc_reset reset = {.src = f->env->address};
    memcpy(reset.token, f->own_token, SC_TOKEN_LEN);
    sc_reset_write(&w, &h, &reset);
    assert_false(w.bad);
    enqueue(p, side, data, sc_writer_len(&w), false);
}

static void deliver(struct pair *p, struct pair_packet *packet)
{
    struct sc_reader r = sc_reader(packet->data, packet->len);
    struct sc_header h;
    struct sc_flow *f = &p->flow[packet->to];
    sc_header_read(&r, &h);
    assert_false(r.bad);
    p->delivered[h.type]++;
    if (h.type == SC_PKT_OPEN) {
        on_open(p, &r);
    } else if (h.type == SC_PKT_ANSWER) {
        struct sc_answer a;
        sc_answer_read(&r, &a);
        assert_false(r.bad);
        sc_flow_on_answer(f, &a, p->now);
    } else if (h.type == SC_PKT_CONFIRM) {
        struct sc_confirm c;
        sc_confirm_read(&r, &c);
        assert_false(r.bad);
        sc_flow_on_confirm(f, &h, &c, p->now);
    } else if (h.type == SC_PKT_DATA) {
        assert_int_equal(h.flow, f->id);
        if (f->state == SC_FLOW_DEAD)
            send_reset(p, packet->to);
        sc_flow_on_data(f, &h, &r, p->bleach ? 0 : packet->ce ? 3 : 2, p->now);
    } else if (h.type == SC_PKT_RESET) {
        struct sc_reset reset;
        sc_reset_read(&r, &reset);
        assert_false(r.bad);
        sc_flow_on_reset(f, &reset, p->now);
    }
}

/* --- the programs ----------------------------------------------------------------------------- */

void pair_write(struct pair *p, int side)
{
    struct pair_app *a = &p->app[side];
    struct sc_flow *f = &p->flow[side];
    struct iovec iov[4];
    if (f->events & SC_FLOW_WRITABLE)
        a->stalled = false;
    while (a->written < a->to_write && !a->stalled && f->state == SC_FLOW_OPEN) {
        size_t room = sc_flow_send_room(f);
        a->stalled = room == 0;
        if (room > a->to_write - a->written)
            room = (size_t)(a->to_write - a->written);
        size_t n = room ? sc_flow_send_space(f, room, iov, 4) : 0, total = 0;
        for (size_t i = 0; i < n; total += iov[i++].iov_len)
            fill(side, a->written + total, iov[i].iov_base, iov[i].iov_len);
        sc_flow_send_commit(f, total, p->now);
        a->written += total;
        if (total == 0)
            a->stalled = true;
    }
    if (a->fin_after && !a->fin_sent && a->written == a->to_write && f->state == SC_FLOW_OPEN) {
        sc_flow_send_fin(f, p->now);
        a->fin_sent = true;
    }
}

void pair_read(struct pair *p, int side)
{
    struct pair_app *a = &p->app[side];
    struct sc_flow *f = &p->flow[side];
    struct iovec iov[8];
    uint64_t most = a->read_most ? a->read_most : UINT64_MAX;
    while (!a->paused && most > 0) {
        size_t n = sc_flow_recv_peek(f, iov, 8), total = 0;
        for (size_t i = 0; i < n && total < most; i++) {
            size_t len = iov[i].iov_len < most - total ? iov[i].iov_len : (size_t)(most - total);
            check(!side, a->read + total, iov[i].iov_base, len);
            total += len;
        }
        if (total == 0)
            return;
        sc_flow_recv_consume(f, total, p->now);
        a->read += total;
        most -= total;
    }
}

static void program(struct pair *p, int side)
{
    pair_write(p, side);
    pair_read(p, side);
    p->app[side].events |= p->flow[side].events;
    p->flow[side].events = 0;
}

/* --- time ------------------------------------------------------------------------------------- */

static bool alive(const struct pair *p, int side)
{
    return side == CLIENT || p->has_server;
}

static sc_time next_event(const struct pair *p)
{
    sc_time at = p->count ? p->queue[0]->at : SC_NEVER;
    for (int i = 0; i < 2; i++)
        if (alive(p, i))
            at = sc_time_min(at, sc_flow_deadline(&p->flow[i]));
    for (int i = 0; i < 2; i++)
        if (alive(p, i) && p->app[i].read_most && sc_recv_available(&p->flow[i].recv))
            at = sc_time_min(at, p->now + 500); /* a slow reader comes back */
    return at;
}

static void turn(struct pair *p)
{
    struct pair_packet *batch[256];
    size_t n = 0;
    for (int i = 0; i < 2; i++)
        if (alive(p, i) && sc_flow_deadline(&p->flow[i]) <= p->now)
            sc_flow_on_timer(&p->flow[i], p->now);
    while (p->count > 0 && p->queue[0]->at <= p->now && n < 256) {
        batch[n] = pop(p);
        deliver(p, batch[n++]);
    }
    for (int i = 0; i < 2; i++) {
        if (!alive(p, i))
            continue;
        program(p, i);
        sc_flow_settle(&p->flow[i], p->now);
    }
    for (size_t i = 0; i < n; i++) {
        memset(batch[i]->data, 0xdd, batch[i]->len); /* nothing may be borrowed any more */
        free(batch[i]);
    }
    for (int i = 0; i < 2; i++) {
        while (alive(p, i) && sc_flow_wants_send(&p->flow[i], p->now)) {
            assert_true(produce_alone(&p->flow[i], &p->train, p->now));
            pair_send_train(p, i, &p->train);
        }
        if (alive(p, i))
            program(p, i);
    }
}

bool pair_run(struct pair *p, bool (*done)(const struct pair *), sc_time until)
{
    unsigned still = 0;
    for (;;) {
        sc_time before = p->now;
        turn(p);
        if (done && done(p))
            return true;
        sc_time next = next_event(p);
        if (next == SC_NEVER || next > until) {
            p->now = next == SC_NEVER ? p->now : until;
            return false;
        }
        p->now = sc_time_max(p->now, next);
        still = p->now == before ? still + 1 : 0;
        assert_true(still < 10000); /* time must go on */
    }
}

bool pair_both_open(const struct pair *p)
{
    return p->has_server && p->flow[CLIENT].state == SC_FLOW_OPEN &&
           p->flow[SERVER].state == SC_FLOW_OPEN;
}

bool pair_all_read(const struct pair *p)
{
    return p->app[SERVER].read == p->app[CLIENT].to_write &&
           p->app[CLIENT].read == p->app[SERVER].to_write;
}

bool pair_both_over(const struct pair *p)
{
    return p->flow[CLIENT].state >= SC_FLOW_LINGER && p->has_server &&
           p->flow[SERVER].state >= SC_FLOW_LINGER;
}

bool pair_both_dead(const struct pair *p)
{
    return p->flow[CLIENT].state == SC_FLOW_DEAD &&
           (!p->has_server || p->flow[SERVER].state == SC_FLOW_DEAD);
}

void pair_print(const struct pair *p)
{
    for (int i = 0; i < 2 && alive(p, i); i++) {
        const struct sc_flow *f = &p->flow[i];
        print_message(
            "%c %llu us: state %d error %d send %llu/%llu/%llu limit %llu fin %d lost %zu "
            "recv %llu/%llu final %lld ahead %zu cwnd %llu flight %llu next %llu "
            "pto %u srtt %llu var %llu deadline %lld wants %d\n",
            i ? 'S' : 'C', (unsigned long long)p->now, f->state, f->error,
            (unsigned long long)f->send.acked, (unsigned long long)f->send.next,
            (unsigned long long)f->send.end, (unsigned long long)f->send.limit, f->send.fin,
            f->send.lost.count, (unsigned long long)f->recv.consumed,
            (unsigned long long)f->recv.next, (long long)f->recv.final, f->recv.ahead.count,
            (unsigned long long)f->path.congestion.cwnd, (unsigned long long)f->recovery.in_flight,
            (unsigned long long)f->recovery.next, f->recovery.timeouts,
            (unsigned long long)f->path.rtt.smoothed, (unsigned long long)f->path.rtt.variation,
            (long long)sc_flow_deadline(f), sc_flow_wants_send(f, p->now));
    }
}
