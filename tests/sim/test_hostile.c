/* What the network can send without keys: nothing that a stack crashes of, spins on or amplifies.
 * (Sanitizers watch; a packet's memory ends where its bytes end.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/noise.h"
#include "sim/sim.h"
#include "wire/control.h"
#include "wire/frame.h"

#define WEB "web.demo.scaffold:80"
#define PACKET 2000

/* --- amplification ---------------------------------------------------------------------------- */

/* The attacker sends in the victim's name; what the victim gets must not be more. */
struct spoof {
    struct sim_world w;
    struct sim_host *attacker, *victim;
    uint64_t sent;
};

static struct sim_world world(const char *name, uint64_t seed, bool plain, size_t clients,
                              const struct sim_link_config *core)
{
    return plain ? sim_world_plain(name, seed, clients, 2, core)
                 : sim_world_new(name, seed, clients, 2, core);
}

/* plain: hosts without keys, which take all of it. */
static struct spoof spoof_new(const char *name, bool plain)
{
    struct sim_link_config core = sim_path(100, 10 * SC_MS, 2);
    struct spoof s = {.w = world(name, 81, plain, 1, &core)};
    s.attacker = sim_host_raw(s.w.sim, "attacker");
    s.victim = sim_host_raw(s.w.sim, "victim");
    s.w.sim->strangers = true;
    return s;
}

static void spoof_send(struct spoof *s, struct sim_host *to, const void *data, size_t len)
{
    s->sent += len;
    sim_host_inject(s->attacker, &s->victim->underlay, &to->underlay, data, len);
}

static void spoof_check(struct spoof *s, const char *what)
{
    sim_run_for(s->w.sim, 200 * SC_SECOND);
    printf("    %s: %llu bytes in the victim's name drew %llu in %llu packets\n", what,
           (unsigned long long)s->sent, (unsigned long long)s->victim->bytes_in,
           (unsigned long long)s->victim->packets_in);
    SIM_CHECK(s->w.sim, s->victim->bytes_in <= s->sent, "%s amplifies", what);
    sim_free(s->w.sim);
}

static size_t forged_open(uint8_t *buf, size_t size, const char *service, uint64_t open_id,
                          uint64_t src)
{
    struct sc_writer w = sc_writer(buf, size);
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_OPEN, .hop_limit = SC_HOP_LIMIT};
    struct sc_open open = {.src = src,
                           .src_flow = 77,
                           .open_id = open_id,
                           .service = sim_service_id(service),
                           .src_pool = 0xc6120009,
                           .src_port = 5};
    sc_open_write(&w, &h, &open);
    return w.bad ? 0 : sc_writer_len(&w);
}

static void open_in_the_name_of(const char *service, bool to_router, unsigned count, bool plain)
{
    uint8_t buf[PACKET];
    struct spoof s = spoof_new("spoofed OPEN", plain);
    for (unsigned i = 0; i < count; i++) {
        size_t len = forged_open(buf, sizeof buf, service, 1000 + i / 2, 0x100000077);
        assert_true(len >= SC_OPEN_LEN);
        spoof_send(&s, to_router ? s.w.router : s.w.server[0], buf, len);
        sim_run_for(s.w.sim, 100 * SC_MS);
    }
    spoof_check(&s, service);
}

static void spoofed_opens(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        open_in_the_name_of(WEB, true, 1, plain);
        open_in_the_name_of(WEB, true, 50, plain);
        open_in_the_name_of(WEB, false, 1, plain);
        open_in_the_name_of(WEB, false, 50, plain);
        open_in_the_name_of("nobody.demo.scaffold:80", true, 50, plain);
        open_in_the_name_of("nobody.demo.scaffold:80", false, 50, plain);
    }
}

/* More than the half-open limit: RETRY packets take over, and the host goes on to serve. */
static void flood_of_opens(void **state)
{
    uint8_t buf[PACKET];
    (void)state;
    struct spoof s = spoof_new("flood of OPENs", true);
    for (unsigned i = 0; i < 3 * SC_HALF_OPEN_MAX; i++) {
        size_t len = forged_open(buf, sizeof buf, WEB, 100000 + i, 0x100000077);
        spoof_send(&s, s.w.server[i % 2], buf, len);
        if (i % 100 == 99)
            sim_run_for(s.w.sim, SC_MS);
    }
    printf("    %zu half-open flows, %llu retries\n", sc_stack_flow_count(s.w.server[0]->stack),
           (unsigned long long)sc_stack_counters(s.w.server[0]->stack)->retries);
    SIM_CHECK(s.w.sim, sc_stack_flow_count(s.w.server[0]->stack) <= SC_HALF_OPEN_MAX,
              "%zu half-open flows", sc_stack_flow_count(s.w.server[0]->stack));
    struct sim_plan plan = {.client = {.send_len = 5000}, .server = {.send_len = 5000}};
    struct sim_talk *t = sim_connect(s.w.client[0], WEB, &plan);
    bool done = sim_run_talks(s.w.sim, s.w.sim->now + 2 * SC_SECOND);
    SIM_CHECK(s.w.sim, done && sim_talk_complete(t), "error %d", t->client.error);
    spoof_check(&s, "flood");
}

static size_t forged_control(uint8_t *buf, size_t size, unsigned message)
{
    static const uint8_t handshake[SC_X25519_LEN] = {9};
    bool known = message >= SC_MSG_JOIN && message <= SC_MSG_PROVE;
    struct sc_control c = {.message = (uint8_t)(known ? message : SC_MSG_PROBE),
                           .src = 0x100000077,
                           .epoch = 5,
                           .address = 1,
                           .by = SC_LOOKUP_NAME,
                           .service_count = 1,
                           .channel = 7,
                           .suite = SC_SUITE_AESGCM,
                           .handshake = {handshake, sizeof handshake}};
    strcpy(c.name, message == SC_MSG_JOIN ? "intruder" : "web.demo.scaffold");
    c.service[0] = sim_service_id(WEB);
    struct sc_writer w = sc_writer(buf, size);
    sc_control_write(&w, &c);
    buf[SC_HEADER_LEN] = (uint8_t)message;
    return sc_writer_len(&w);
}

/* padded: else the padding is cut off by hand, and a short request must not be answered. */
static void control_in_the_name_of(unsigned message, bool padded, bool to_router, bool plain)
{
    uint8_t buf[PACKET];
    char what[64];
    struct spoof s = spoof_new("spoofed CONTROL", plain);
    size_t len = forged_control(buf, sizeof buf, message);
    if (!padded && len == SC_CONTROL_REQUEST)
        len = 120;
    for (unsigned i = 0; i < 10; i++) {
        spoof_send(&s, to_router ? s.w.router : s.w.server[0], buf, len);
        sim_run_for(s.w.sim, 300 * SC_MS);
    }
    snprintf(what, sizeof what, "message %u of %zu bytes", message, len);
    spoof_check(&s, what);
}

static void spoofed_control(void **state)
{
    (void)state;
    for (unsigned message = 0; message <= SC_MSG_PROVE + 1; message++)
        for (unsigned how = 0; how < 8; how++)
            control_in_the_name_of(message, how & 1, how & 2, how & 4);
}

static void fill(struct sc_rng *r, uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)sc_rng_next(r);
}

static void spoofed_noise(void **state)
{
    (void)state;
    for (uint8_t type = 0; type < 16; type++) {
        uint8_t buf[PACKET];
        char what[64];
        struct spoof s = spoof_new("spoofed noise", false);
        for (unsigned i = 0; i < 300; i++) {
            struct sc_rng *r = &s.w.sim->rng;
            size_t len = 1 + sc_rng_below(r, 1400);
            fill(r, buf, len);
            buf[0] = (uint8_t)(SC_WIRE_VERSION << 5 | type);
            if (len > 22 && sc_rng_below(r, 2))
                memset(buf + 2, 0, 8); /* no destination yet */
            spoof_send(&s, s.w.sim->host[i % 3], buf, len);
            sim_run_for(s.w.sim, SC_MS);
        }
        snprintf(what, sizeof what, "type %u", type);
        spoof_check(&s, what);
    }
}

/* --- mutation --------------------------------------------------------------------------------- */

#define SAMPLES 256

struct mutator {
    struct sim_world w;
    struct sim_host *attacker;
    struct sc_rng rng;
    struct {
        struct sc_underlay from, to;
        size_t len;
        uint8_t data[PACKET];
    } sample[SAMPLES];
    size_t count; /* seen so far */
    uint64_t injected;
    double rate; /* chance of an injection after a packet */
};

static bool watch(struct sim *sim, const struct sim_packet *p, void *user)
{
    struct mutator *m = user;
    (void)sim;
    if (p->source == m->attacker || p->len > PACKET)
        return false;
    size_t slot = m->count < SAMPLES ? m->count : sc_rng_below(&m->rng, SAMPLES);
    m->count++;
    m->sample[slot].from = p->from;
    m->sample[slot].to = p->target->underlay;
    m->sample[slot].len = p->len;
    memcpy(m->sample[slot].data, p->data, p->len);
    return false;
}

/* A number that is likely to sit on an edge. */
static uint64_t edge(struct sc_rng *r)
{
    const uint64_t values[] = {0,
                               1,
                               0x7f,
                               0x80,
                               0xff,
                               0xffff,
                               0x10000,
                               0x7fffffff,
                               0xffffffff,
                               UINT64_C(0x100000000),
                               SC_STREAM_OFFSET_MAX,
                               SC_STREAM_OFFSET_MAX + 1,
                               UINT64_MAX - 1,
                               UINT64_MAX};
    uint64_t v = values[sc_rng_below(r, sizeof values / sizeof *values)];
    return sc_rng_below(r, 2) ? v : v + sc_rng_below(r, 5) - 2;
}

static size_t mutate(struct sc_rng *r, uint8_t *data, size_t len)
{
    size_t changes = 1 + sc_rng_below(r, 4);
    for (size_t i = 0; i < changes && len; i++) {
        size_t at = sc_rng_below(r, sc_rng_below(r, 2) ? (len < 80 ? len : 80) : len);
        size_t width = (size_t)1 << sc_rng_below(r, 4);
        switch (sc_rng_below(r, 5)) {
        case 0:
            data[at] ^= (uint8_t)(1u << sc_rng_below(r, 8));
            break;
        case 1:
            data[at] = (uint8_t)sc_rng_next(r);
            break;
        case 2:
            for (uint64_t v = edge(r), k = 0; k < width && at + k < len; k++)
                data[at + k] = (uint8_t)(v >> 8 * (width - 1 - k));
            break;
        case 3:
            len = sc_rng_below(r, len + 1);
            break;
        default: /* the version and the type stay likely */
            data[0] = (uint8_t)(SC_WIRE_VERSION << 5 | sc_rng_below(r, 16));
            break;
        }
    }
    return len;
}

/* Frames of all kinds with values from the edges. */
static void write_frame(struct sc_rng *r, struct sc_writer *w)
{
    uint8_t type = (uint8_t)sc_rng_below(r, 14);
    sc_write_u8(w, type);
    switch (type) {
    case SC_FRAME_ACK:
    case SC_FRAME_ACK_ECN: {
        size_t n = 1 + sc_rng_below(r, 34);
        sc_write_u64(w, sc_rng_below(r, 3) ? sc_rng_below(r, 2000) : edge(r));
        sc_write_u32(w, (uint32_t)edge(r));
        sc_write_u8(w, (uint8_t)n);
        for (size_t i = 0; i < 2 * n - 1; i++)
            sc_write_u32(w, sc_rng_below(r, 8) ? 1 + (uint32_t)sc_rng_below(r, 20)
                                               : (uint32_t)edge(r));
        if (type == SC_FRAME_ACK_ECN)
            for (size_t i = 0; i < 3; i++)
                sc_write_u32(w, (uint32_t)edge(r));
        break;
    }
    case SC_FRAME_STREAM | SC_STREAM_LEN:
    case SC_FRAME_STREAM | SC_STREAM_LEN | SC_STREAM_FIN: {
        size_t len = sc_rng_below(r, 100);
        sc_write_uint(w, sc_rng_below(r, 2) ? sc_rng_below(r, 500000) : edge(r), 6);
        sc_write_u16(w, (uint16_t)len);
        sc_write_zeros(w, len);
        break;
    }
    case SC_FRAME_STREAM:
    case SC_FRAME_STREAM | SC_STREAM_FIN:
        sc_write_uint(w, sc_rng_below(r, 2) ? sc_rng_below(r, 500000) : edge(r), 6);
        sc_write_zeros(w, sc_rng_below(r, 100));
        break;
    default:
        for (size_t i = 0, n = sc_rng_below(r, 10); i < n; i++)
            sc_write_u8(w, (uint8_t)edge(r));
        break;
    }
}

static size_t replace_frames(struct sc_rng *r, uint8_t *data)
{
    struct sc_writer w = sc_writer(data, 1400);
    sc_write_space(&w, 14);
    sc_write_u64(&w, sc_rng_below(r, 4) ? sc_rng_below(r, 5000) : edge(r));
    for (size_t i = 0, n = 1 + sc_rng_below(r, 6); i < n; i++)
        write_frame(r, &w);
    return sc_writer_len(&w);
}

static void inject_one(struct mutator *m)
{
    uint8_t data[PACKET];
    size_t known = m->count < SAMPLES ? m->count : SAMPLES;
    size_t i = sc_rng_below(&m->rng, known);
    size_t len = m->sample[i].len;
    memcpy(data, m->sample[i].data, len);
    if ((data[0] & 15) == SC_PKT_DATA && sc_rng_below(&m->rng, 2))
        len = replace_frames(&m->rng, data);
    else if (sc_rng_below(&m->rng, 8))
        len = mutate(&m->rng, data, len);
    const struct sc_underlay *from =
        sc_rng_below(&m->rng, 2) ? &m->sample[i].from : &m->attacker->underlay;
    m->injected++;
    sim_host_inject(m->attacker, from, &m->sample[i].to, data, len);
}

static void inject_some(struct sim *sim, void *arg, uint64_t value)
{
    struct mutator *m = arg;
    for (size_t i = 0, n = sc_rng_below(&m->rng, 4); m->count && i < n; i++)
        inject_one(m);
    if (sim->now < value)
        sim_at(sim, sim->now + 1 + sc_rng_below(&m->rng, 2 * SC_MS), inject_some, m, value);
}

static struct sim_end_plan some_end(struct sc_rng *r)
{
    return (struct sim_end_plan){.send_len = sc_rng_below(r, 300000),
                                 .send_rate = 50000 + sc_rng_below(r, 200000),
                                 .hold_fin = sc_rng_below(r, 3) == 0};
}

static void mutated_packets(void **state)
{
    static struct mutator m;
    uint64_t injected = 0;
    (void)state;
    for (uint64_t seed = 3001; seed <= (sim_full() ? 3500 : 3030); seed++) {
        struct sim_link_config core = sim_path(50, 5 * SC_MS, 2);
        memset(&m, 0, sizeof m);
        core.loss = 0.01;
        m.w = world("mutated packets", seed, seed % 2, 2, &core);
        struct sim *sim = m.w.sim;
        m.attacker = sim_host_raw(sim, "attacker");
        sc_rng_seed(&m.rng, sim->seed);
        sim->filter = watch;
        sim->filter_user = &m;
        sim->hostile = sim->strangers = true;
        sim_at(sim, sim->now, inject_some, &m, sim->now + 3 * SC_SECOND);
        for (size_t i = 0; i < 12; i++) {
            struct sim_plan plan = {.client = some_end(&m.rng), .server = some_end(&m.rng)};
            sim_connect(m.w.client[i % 2], WEB, &plan);
            sim_run_for(sim, 100 * SC_MS);
        }
        sim_run_for(sim, 60 * SC_SECOND);
        SIM_CHECK(sim, true, "a rule was broken");
        /* The hosts have recovered, and serve. */
        struct sim_plan plan = {.client = {.send_len = 50000}, .server = {.send_len = 50000}};
        struct sim_talk *t = sim_connect(m.w.client[0], WEB, &plan);
        sim_run_for(sim, 30 * SC_SECOND);
        SIM_CHECK(sim, sim_talk_complete(t), "after the attack: errors %d %d", t->client.error,
                  t->server.error);
        injected += m.injected;
        sim_free(sim);
    }
    printf("    %llu forged packets\n", (unsigned long long)injected);
}

/* Bytes of all lengths, to each kind of host. */
static void noise(void **state)
{
    (void)state;
    struct sim_world w = sim_world_new("noise", 82, 1, 1, NULL);
    struct sim_host *attacker = sim_host_raw(w.sim, "attacker");
    w.sim->hostile = w.sim->strangers = true;
    for (size_t i = 0; i < (sim_full() ? 1000000u : 60000u); i++) {
        uint8_t buf[PACKET];
        size_t len = sc_rng_below(&w.sim->rng, sc_rng_below(&w.sim->rng, 2) ? 100 : 1500);
        fill(&w.sim->rng, buf, len);
        if (len && sc_rng_below(&w.sim->rng, 8))
            buf[0] = (uint8_t)(SC_WIRE_VERSION << 5 | sc_rng_below(&w.sim->rng, 10));
        if (len > 14 && sc_rng_below(&w.sim->rng, 2))
            memset(buf + 2, 0, 12);
        sim_host_inject(attacker, &attacker->underlay, &w.sim->host[i % 3]->underlay, buf, len);
        if (i % 8 == 0)
            sim_run_for(w.sim, 100);
    }
    sim_run_for(w.sim, 30 * SC_SECOND);
    struct sim_plan plan = {.client = {.send_len = 50000}, .server = {.send_len = 50000}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 10 * SC_SECOND);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "after the noise: errors %d %d", t->client.error,
              t->server.error);
    sim_free(w.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spoofed_opens),   cmocka_unit_test(flood_of_opens),
        cmocka_unit_test(spoofed_control), cmocka_unit_test(spoofed_noise),
        cmocka_unit_test(noise),           cmocka_unit_test(mutated_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
