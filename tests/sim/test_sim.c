/* The simulator itself: links do what they say, and a seed repeats a run exactly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim.h"

struct sink {
    unsigned count, disorder, marked;
    sc_time first, last;
    uint64_t last_number;
};

static void count_packet(struct sim_host *h, struct sim_packet *p)
{
    struct sink *s = h->user;
    uint64_t number = 0;
    memcpy(&number, p->data, sizeof number);
    if (!s->count++)
        s->first = h->sim->now;
    s->last = h->sim->now;
    s->marked += p->ecn == 3;
    s->disorder += number < s->last_number;
    s->last_number = number;
}

struct pair {
    struct sim *sim;
    struct sim_host *from, *to;
    struct sink sink;
    uint64_t number;
};

static void pair_init(struct pair *w, const char *name, const struct sim_link_config *config)
{
    *w = (struct pair){.sim = sim_new(name, 1)};
    w->from = sim_host_raw(w->sim, "a");
    w->to = sim_host_raw(w->sim, "b");
    w->from->out->config = *config;
    w->to->on_packet = count_packet;
    w->to->user = &w->sink;
}

static void send_numbered(struct pair *w, size_t len)
{
    uint8_t data[9000] = {0};
    w->number++;
    memcpy(data, &w->number, sizeof w->number);
    sim_host_inject(w->from, &w->from->underlay, &w->to->underlay, data, len);
}

static void send_many(struct pair *w, unsigned count, size_t len)
{
    for (unsigned i = 0; i < count; i++)
        send_numbered(w, len);
}

static void rate_and_delay(void **state)
{
    struct pair w;
    (void)state;
    pair_init(&w, "rate and delay",
              &(struct sim_link_config){.delay = 10 * SC_MS, .rate = 12000000});
    sc_time start = w.sim->now;
    send_many(&w, 100, 1500 - SIM_IP_UDP);
    sim_run_for(w.sim, SC_SECOND);
    assert_int_equal(w.sink.count, 100);
    assert_int_equal(w.sink.first - start, 11 * SC_MS); /* 1500 bytes at 12 Mbit/s: 1 ms */
    assert_int_equal(w.sink.last - start, 110 * SC_MS);
    assert_int_equal(w.sink.disorder, 0);
    sim_free(w.sim);
}

static void tail_drop(void **state)
{
    struct pair w;
    (void)state;
    pair_init(&w, "tail drop",
              &(struct sim_link_config){.rate = 12000000, .queue = 15000, .mark = 3000});
    send_many(&w, 100, 1500 - SIM_IP_UDP);
    sim_run_for(w.sim, SC_SECOND);
    assert_int_equal(w.sink.count, 10);
    assert_int_equal(w.sink.marked, 0); /* not ECT */
    assert_int_equal(w.from->out->dropped, 90);
    sim_free(w.sim);
}

static double share(unsigned part, unsigned whole)
{
    return (double)part / (double)whole;
}

static void random_loss(void **state)
{
    struct pair w;
    (void)state;
    pair_init(&w, "loss", &(struct sim_link_config){.loss = 0.03});
    send_many(&w, 100000, 100);
    sim_run_for(w.sim, SC_SECOND);
    assert_true(fabs(share(100000 - w.sink.count, 100000) - 0.03) < 0.002);
    sim_free(w.sim);
}

static void burst_loss(void **state)
{
    struct pair w;
    (void)state;
    pair_init(&w, "bursts", &(struct sim_link_config){.burst = 0.001, .burst_len = 20});
    send_many(&w, 200000, 100);
    sim_run_for(w.sim, SC_SECOND);
    double lost = share(200000 - w.sink.count, 200000);
    assert_true(lost > 0.015 && lost < 0.025); /* 20 / 1020 */
    sim_free(w.sim);
}

static void reordering_and_duplicates(void **state)
{
    struct pair w;
    (void)state;
    pair_init(&w, "reordering and duplicates",
              &(struct sim_link_config){.delay = SC_MS,
                                        .rate = 8000000,
                                        .reorder = 0.05,
                                        .reorder_by = 2 * SC_MS,
                                        .duplicate = 0.01});
    send_many(&w, 20000, 72);
    sim_run_for(w.sim, 10 * SC_SECOND);
    assert_true(fabs(share(w.sink.count - 20000, 20000) - 0.01) < 0.003);
    assert_true(share(w.sink.disorder, 20000) > 0.03);
    sim_free(w.sim);
}

static void jitter_keeps_order(void **state)
{
    struct pair w;
    (void)state;
    pair_init(&w, "jitter", &(struct sim_link_config){.delay = SC_MS, .jitter = 5 * SC_MS});
    for (unsigned i = 0; i < 1000; i++) {
        send_numbered(&w, 100);
        sim_run_for(w.sim, 100);
    }
    sim_run_for(w.sim, SC_SECOND);
    assert_int_equal(w.sink.count, 1000);
    assert_int_equal(w.sink.disorder, 0);
    sim_free(w.sim);
}

static void black_hole_and_cut(void **state)
{
    struct pair w;
    (void)state;
    pair_init(&w, "black hole", &(struct sim_link_config){.mtu = 1500});
    send_numbered(&w, 1472);
    send_numbered(&w, 1473);
    w.from->out->config.cut = true;
    send_numbered(&w, 100);
    sim_run_for(w.sim, SC_SECOND);
    assert_int_equal(w.sink.count, 1);
    sim_free(w.sim);
}

static uint64_t trace_of(uint64_t seed)
{
    struct sim_link_config core = sim_path(50, 30 * SC_MS, 1);
    core.loss = 0.01;
    core.reorder = 0.05;
    core.reorder_by = 5 * SC_MS;
    core.duplicate = 0.01;
    struct sim_world w = sim_world_new("trace", seed, 2, 2, &core);
    struct sim_plan plan = {.client = {.send_len = 1000000}, .server = {.send_len = 500000}};
    for (unsigned i = 0; i < 4; i++)
        sim_connect(w.client[i % 2], "web.demo.scaffold:80", &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    SIM_CHECK(w.sim, done, "the talks did not end");
    uint64_t trace = w.sim->trace;
    sim_free(w.sim);
    return trace;
}

static void same_seed_same_run(void **state)
{
    (void)state;
    uint64_t first = trace_of(4711);
    assert_true(trace_of(4711) == first);
    if (!getenv("SCAFFOLD_SIM_SEED"))
        assert_true(trace_of(4712) != first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_and_delay),
        cmocka_unit_test(tail_drop),
        cmocka_unit_test(random_loss),
        cmocka_unit_test(burst_loss),
        cmocka_unit_test(reordering_and_duplicates),
        cmocka_unit_test(jitter_keeps_order),
        cmocka_unit_test(black_hole_and_cut),
        cmocka_unit_test(same_seed_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
