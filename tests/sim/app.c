#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* How often an application with a rate of its own acts. */
#define TICK (10 * SC_MS)
#define PIECES 16

/* --- content ---------------------------------------------------------------------------------- */

/* Byte i of a stream with key k is table[(k + i) mod P]: pseudo-random, and checked with memcmp. */
#define CONTENT_PRIME 1048573
#define CONTENT_RUN 65536
static uint8_t content_table[CONTENT_PRIME + CONTENT_RUN];

static void content_init(void)
{
    struct sc_rng rng;
    sc_rng_seed(&rng, 20100405);
    for (size_t i = 0; i < CONTENT_PRIME; i++)
        content_table[i] = (uint8_t)(sc_rng_next(&rng) >> 56);
    memcpy(content_table + CONTENT_PRIME, content_table, CONTENT_RUN);
}

static const uint8_t *content_at(uint64_t key, uint64_t offset)
{
    return content_table + (key + offset) % CONTENT_PRIME;
}

static size_t run_of(size_t len)
{
    return len < CONTENT_RUN ? len : CONTENT_RUN;
}

static void content_fill(uint64_t key, uint64_t offset, uint8_t *out, size_t len)
{
    while (len) {
        size_t n = run_of(len);
        memcpy(out, content_at(key, offset), n);
        out += n;
        offset += n;
        len -= n;
    }
}

static bool content_equal(uint64_t key, uint64_t offset, const uint8_t *data, size_t len)
{
    while (len) {
        size_t n = run_of(len);
        if (memcmp(data, content_at(key, offset), n) != 0)
            return false;
        data += n;
        offset += n;
        len -= n;
    }
    return true;
}

/* --- ends ------------------------------------------------------------------------------------- */

static struct sim_end *peer_of(struct sim_end *e)
{
    struct sim_talk *t = e->talk;
    return e == &t->client ? &t->server : &t->client;
}

static void set_over(struct sim_end *e)
{
    struct sim_talk *t = e->talk;
    if (e->over)
        return;
    e->over = true;
    e->over_at = t->sim->now;
    if (e->on_end)
        e->on_end(e);
    if (t->over || !t->client.over || (t->accepted && !t->server.over))
        return;
    t->over = true;
    t->sim->talks_open--;
}

static void release(struct sim_end *e)
{
    struct sc_flow *f = e->flow;
    e->stats = f->stats;
    e->relayed = f->relayed;
    e->flow = NULL;
    f->app = NULL;
    sc_stack_release(e->host->stack, f, e->talk->sim->now);
    set_over(e);
}

static void touch(struct sim_end *e)
{
    sc_stack_touch(e->host->stack, e->flow, e->talk->sim->now);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* What a reader with a rate or a limit may have consumed by now. */
static uint64_t read_limit(const struct sim_end *e)
{
    const struct sim_end_plan *p = &e->plan;
    uint64_t limit = UINT64_MAX;
    sc_time age = e->talk->sim->now - e->established_at;
    if (age < p->read_after)
        return 0;
    if (p->read_rate)
        limit = (uint64_t)((double)p->read_rate * (double)(age - p->read_after) / 1e6);
    if (p->read_max && p->read_max < limit)
        limit = p->read_max;
    return limit;
}

static void check_bytes(struct sim_end *e, const uint8_t *data, size_t len)
{
    struct sim_end *peer = peer_of(e);
    if (e->received + len > peer->sent)
        sim_breach(e->talk->sim, "port %u: bytes %llu and on were never sent", e->talk->port,
                   (unsigned long long)peer->sent);
    else if (!content_equal(peer->key, e->received, data, len))
        sim_breach(e->talk->sim, "port %u: wrong bytes in [%llu, +%zu)", e->talk->port,
                   (unsigned long long)e->received, len);
    e->received += len;
}

static size_t read_pieces(struct sim_end *e, const struct iovec *iov, size_t n, uint64_t limit)
{
    size_t total = 0;
    for (size_t i = 0; i < n && e->received < limit; i++) {
        size_t len = iov[i].iov_len;
        if (len > limit - e->received)
            len = (size_t)(limit - e->received);
        check_bytes(e, iov[i].iov_base, len);
        total += len;
    }
    return total;
}

static void on_eof(struct sim_end *e)
{
    const struct sim_end *peer = peer_of(e);
    if (!peer->fin_sent || e->received != peer->sent)
        sim_breach(e->talk->sim, "port %u: end of stream after %llu of %llu bytes%s", e->talk->port,
                   (unsigned long long)e->received, (unsigned long long)peer->sent,
                   peer->fin_sent ? "" : ", not closed");
    e->eof = true;
    e->eof_at = e->talk->sim->now;
    sim_note(e->talk->sim, e->host, "eof", e->talk->port, e->received);
}

static void read_all(struct sim_end *e)
{
    struct sim *sim = e->talk->sim;
    struct iovec iov[PIECES];
    uint64_t limit = read_limit(e);
    bool any = false;
    while (e->received < limit) {
        size_t n = sc_flow_recv_peek(e->flow, iov, PIECES);
        size_t len = read_pieces(e, iov, n, limit);
        if (!len)
            break;
        sc_flow_recv_consume(e->flow, len, sim->now);
        any = true;
    }
    if (any) {
        if (!e->first_byte_at)
            e->first_byte_at = sim->now;
        e->last_byte_at = sim->now;
        touch(e);
    }
    if (!e->eof && sc_flow_recv_eof(e->flow))
        on_eof(e);
}

/* --- writing ---------------------------------------------------------------------------------- */

static uint64_t send_limit(const struct sim_end *e)
{
    const struct sim_end_plan *p = &e->plan;
    uint64_t limit = p->send_len;
    if (p->reply_every) {
        uint64_t may = p->reply_first + e->received / p->reply_every * p->reply_len;
        limit = may < limit ? may : limit;
    }
    if (p->send_rate) {
        sc_time age = e->talk->sim->now - e->established_at;
        uint64_t may = (uint64_t)((double)p->send_rate * (double)age / 1e6);
        limit = may < limit ? may : limit;
    }
    return limit;
}

static size_t fill_pieces(struct sim_end *e, const struct iovec *iov, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        content_fill(e->key, e->sent + total, iov[i].iov_base, iov[i].iov_len);
        total += iov[i].iov_len;
    }
    return total;
}

static void write_fin(struct sim_end *e)
{
    e->fin_sent = true;
    sim_note(e->talk->sim, e->host, "fin", e->talk->port, e->sent);
    sc_flow_send_fin(e->flow, e->talk->sim->now);
    touch(e);
}

static bool may_write(const struct sim_end *e)
{
    return e->established && !e->fin_sent && !e->aborted &&
           (e->flow->state == SC_FLOW_OPEN || e->flow->state == SC_FLOW_OPENING);
}

static void write_all(struct sim_end *e)
{
    struct iovec iov[PIECES];
    if (!may_write(e))
        return;
    uint64_t limit = send_limit(e);
    while (e->sent < limit) {
        size_t want = sc_flow_send_room(e->flow);
        if (want > limit - e->sent)
            want = (size_t)(limit - e->sent);
        size_t n = want ? sc_flow_send_space(e->flow, want, iov, PIECES) : 0;
        size_t len = n ? fill_pieces(e, iov, n) : 0;
        if (len > want)
            sim_violation(e->talk->sim, "send_space gave %zu for %zu", len, want);
        if (!len)
            break;
        e->sent += len;
        sc_flow_send_commit(e->flow, len, e->talk->sim->now);
    }
    touch(e);
    if (e->sent == e->plan.send_len && !e->plan.hold_fin)
        write_fin(e);
}

/* --- time ------------------------------------------------------------------------------------- */

static void serve_end(struct sim_end *e)
{
    read_all(e);
    write_all(e);
    /* A reply may now be allowed that reading allowed. */
    if (e->eof && e->fin_sent && e->sent_all && e->flow)
        release(e);
}

static bool needs_tick(const struct sim_end *e)
{
    const struct sim_end_plan *p = &e->plan;
    bool slow_reader = (p->read_rate || p->read_after) && !e->eof;
    bool slow_writer = p->send_rate && !e->fin_sent;
    bool starved = e->flow && e->sent < send_limit(e) && sc_flow_send_room(e->flow) > 0;
    return e->flow && (slow_reader || slow_writer || starved);
}

static void tick(struct sim *sim, void *arg, uint64_t value);

static void keep_ticking(struct sim_end *e)
{
    if (e->ticking || !needs_tick(e))
        return;
    e->ticking = true;
    sim_at(e->talk->sim, e->talk->sim->now + TICK, tick, e, 0);
}

static void tick(struct sim *sim, void *arg, uint64_t value)
{
    struct sim_end *e = arg;
    (void)sim;
    (void)value;
    e->ticking = false;
    if (!e->flow || !e->established)
        return;
    serve_end(e);
    keep_ticking(e);
    sim_host_kick(e->host);
}

void sim_end_abort(struct sim_end *e)
{
    if (!e->flow || e->aborted)
        return;
    e->aborted = true;
    sim_note(e->talk->sim, e->host, "abort", e->talk->port, e->sent);
    sc_flow_abort(e->flow, SC_ABORT_RESET, ECONNRESET, e->talk->sim->now);
    touch(e);
    sim_host_kick(e->host);
}

static void abort_event(struct sim *sim, void *arg, uint64_t value)
{
    (void)sim;
    (void)value;
    sim_end_abort(arg);
}

void sim_end_close(struct sim_end *e)
{
    if (!e->flow || !may_write(e))
        return;
    write_fin(e);
    sim_host_kick(e->host);
}

static void close_event(struct sim *sim, void *arg, uint64_t value)
{
    (void)sim;
    (void)value;
    sim_end_close(arg);
}

void sim_end_send(struct sim_end *e, uint64_t len)
{
    e->plan.send_len += len;
    if (!e->flow || !e->established)
        return;
    serve_end(e);
    keep_ticking(e);
    sim_host_kick(e->host);
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_established(struct sim_end *e)
{
    struct sim *sim = e->talk->sim;
    e->established = true;
    e->established_at = sim->now;
    sim_note(sim, e->host, "established", e->talk->port, 0);
    if (e->plan.congestion)
        sc_flow_set_congestion(e->flow, sc_congestion_find(e->plan.congestion), sim->now);
    if (e->plan.abort_after)
        sim_at(sim, sim->now + e->plan.abort_after, abort_event, e, 0);
    if (e->plan.close_after)
        sim_at(sim, sim->now + e->plan.close_after, close_event, e, 0);
}

static void on_failed(struct sim_end *e)
{
    e->error = e->flow->error;
    e->error_at = e->talk->sim->now;
    sim_note(e->talk->sim, e->host, "failed", e->talk->port, (uint64_t)e->error);
    if (e->error <= 0)
        sim_breach(e->talk->sim, "port %u: failed without an error", e->talk->port);
    release(e);
}

static void on_flow_event(struct sim_end *e, unsigned bits)
{
    struct sc_flow *f = e->flow;
    if ((bits & SC_FLOW_ESTABLISHED) && !e->established)
        on_established(e);
    if (f->state == SC_FLOW_FAILED || f->error) {
        if (bits & SC_FLOW_ENDED)
            on_failed(e);
        return;
    }
    if (bits & SC_FLOW_SENT && e->fin_sent && !e->sent_all) {
        e->sent_all = true;
        e->sent_all_at = e->talk->sim->now;
        sim_note(e->talk->sim, e->host, "sent all", e->talk->port, e->sent);
    }
    serve_end(e);
    /* Over without an error: what is left is for this application to read. */
    if (e->flow && bits & SC_FLOW_ENDED && e->eof)
        release(e);
    keep_ticking(e);
}

static struct sim_talk *talk_of(struct sim *sim, const struct sc_flow *f)
{
    size_t index = (size_t)f->peer_port - SIM_PORT_FIRST;
    return f->peer_port >= SIM_PORT_FIRST && index < sim->talk_count ? sim->talk[index] : NULL;
}

static void turn_away(struct sim_host *h, struct sc_flow *f, enum sc_abort_reason reason)
{
    sc_flow_abort(f, reason, ECONNREFUSED, h->sim->now);
    sc_stack_touch(h->stack, f, h->sim->now);
    sc_stack_release(h->stack, f, h->sim->now);
}

static void on_arrived(struct sim_host *h, const struct sc_event *e)
{
    struct sim_talk *t = talk_of(h->sim, e->flow);
    struct sim_service *service = e->instance ? sc_instance_app(e->instance) : NULL;
    if (!t || !service) {
        if (!h->sim->strangers)
            sim_breach(h->sim, "a flow arrived from nobody, port %u", e->flow->peer_port);
        turn_away(h, e->flow, SC_ABORT_RESET);
        return;
    }
    if (service->no_program) {
        turn_away(h, e->flow, SC_ABORT_REFUSED);
        return;
    }
    if (++t->accepted > 1)
        sim_breach(h->sim, "port %u: accepted twice", t->port);
    service->accepted++;
    t->accepted_by = service;
    t->server.host = h;
    t->server.flow = e->flow;
    sc_stack_accept(h->stack, e->flow, &t->server);
    e->flow->app = &t->server;
    on_established(&t->server);
    if (t->over) { /* the client gave up before */
        t->over = false;
        h->sim->talks_open++;
    }
    on_flow_event(&t->server, SC_FLOW_READABLE | SC_FLOW_WRITABLE);
}

/* Nobody is told of what is not stored. */
static void on_mapped(struct sim_host *h, const struct sc_event *e)
{
    struct sim_answer *a = e->ticket;
    sim_note(h->sim, h, "mapped", e->mapping.pool, (uint64_t)e->mapping.error);
    struct sim_host *router = h->router ? h->router : h;
    if (!e->mapping.error && !sim_disk_ever_held(router, e->mapping.pool, e->mapping.name))
        sim_violation(h->sim, "%s was told of %s, which is not stored", h->config.host_name,
                      e->mapping.name);
    a->done = true;
    a->mapping = e->mapping;
    a->at = h->sim->now;
}

static void on_event(struct sim_host *h, const struct sc_event *e)
{
    switch (e->type) {
    case SC_EVENT_FLOW:
        if (e->flow->app)
            on_flow_event(e->flow->app, e->bits);
        else
            sim_violation(h->sim, "%s: an event for a flow without owner", h->config.host_name);
        break;
    case SC_EVENT_ARRIVED:
        on_arrived(h, e);
        break;
    case SC_EVENT_MAPPED:
        on_mapped(h, e);
        break;
    case SC_EVENT_JOINED:
    case SC_EVENT_REGISTERED:
        sim_note(h->sim, h, e->type == SC_EVENT_JOINED ? "joined" : "registered", 0, 0);
        break;
    case SC_EVENT_STORE:
        sim_disk_store(h, e);
        break;
    case SC_EVENT_DATAGRAM:
    case SC_EVENT_UNDELIVERED:
        if (h->sim->on_datagram)
            h->sim->on_datagram(h, &e->datagram, e->type == SC_EVENT_UNDELIVERED);
        else
            sim_violation(h->sim, "a datagram that nobody sent");
        break;
    case SC_EVENT_PIN:
    case SC_EVENT_GRANT:
    case SC_EVENT_INVITED:
    case SC_EVENT_NOTE:
        break;
    case SC_EVENT_NONE:
        sim_violation(h->sim, "an event of no type");
        break;
    }
}

bool sim_app_take_events(struct sim_host *h)
{
    struct sc_event e;
    bool any = false;
    memset(&e, 0, sizeof e);
    while (!h->sim->violation[0] && sc_stack_next_event(h->stack, &e)) {
        on_event(h, &e);
        any = true;
    }
    return any;
}

/* --- talks ------------------------------------------------------------------------------------ */

static struct sim_talk *talk_new(struct sim *sim, const struct sim_plan *plan)
{
    struct sim_talk *t = calloc(1, sizeof *t);
    if (sim->talk_count == sim->talk_room) {
        sim->talk_room = sim->talk_room ? 2 * sim->talk_room : 64;
        sim->talk = realloc(sim->talk, sim->talk_room * sizeof *sim->talk);
    }
    if (!t || !sim->talk || sim->talk_count + SIM_PORT_FIRST > UINT16_MAX)
        abort();
    if (!content_table[0] && !content_table[1])
        content_init();
    t->sim = sim;
    t->port = (uint16_t)(SIM_PORT_FIRST + sim->talk_count);
    t->opened_at = sim->now;
    t->client.talk = t->server.talk = t;
    t->client.plan = plan->client;
    t->server.plan = plan->server;
    t->client.key = sc_rng_next(&sim->rng) >> 16;
    t->server.key = sc_rng_next(&sim->rng) >> 16;
    sim->talk[sim->talk_count++] = t;
    sim->talks_open++;
    return t;
}

struct sim_talk *sim_connect(struct sim_host *h, const char *name, const struct sim_plan *plan)
{
    struct sim_talk *t = talk_new(h->sim, plan);
    t->service = sim_service_id(name);
    t->client.host = h;
    int error = sc_stack_connect(h->stack, &t->service, t->port, plan->timeout, &t->client,
                                 &t->client.flow, h->sim->now);
    if (error) {
        t->client.error = -error;
        t->client.flow = NULL;
        set_over(&t->client);
    } else {
        t->client.flow->app = &t->client;
    }
    sim_host_kick(h);
    return t;
}

bool sim_talk_complete(const struct sim_talk *t)
{
    const struct sim_end *c = &t->client, *s = &t->server;
    return t->accepted == 1 && c->eof && s->eof && !c->error && !s->error &&
           c->received == s->plan.send_len && s->received == c->plan.send_len;
}

static void host_died(struct sim_end *e, const struct sim_host *h)
{
    if (e->host != h || e->over)
        return;
    if (e->flow) {
        e->flow->app = NULL;
        e->flow = NULL;
    }
    e->gone = true;
    set_over(e);
}

void sim_app_host_died(struct sim_host *h)
{
    for (size_t i = 0; i < h->sim->talk_count; i++) {
        host_died(&h->sim->talk[i]->client, h);
        host_died(&h->sim->talk[i]->server, h);
    }
}

void sim_app_free(struct sim *sim)
{
    for (size_t i = 0; i < sim->talk_count; i++)
        free(sim->talk[i]);
    free(sim->talk);
}

/* --- lookups ---------------------------------------------------------------------------------- */

void sim_lookup(struct sim_host *h, const char *name, struct sim_answer *out)
{
    struct sc_service_id none = {{0}};
    memset(out, 0, sizeof *out);
    int error = sc_stack_lookup(h->stack, SC_LOOKUP_NAME, name, 0, &none, out, h->sim->now);
    if (error)
        sim_violation(h->sim, "lookup of %s: %d", name, error);
    sim_host_kick(h);
}

void sim_lookup_pool(struct sim_host *h, uint32_t pool, struct sim_answer *out)
{
    struct sc_service_id none = {{0}};
    memset(out, 0, sizeof *out);
    int error = sc_stack_lookup(h->stack, SC_LOOKUP_POOL, "", pool, &none, out, h->sim->now);
    if (error)
        sim_violation(h->sim, "lookup of pool address: %d", error);
    sim_host_kick(h);
}
