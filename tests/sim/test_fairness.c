/* Many flows: they share a bottleneck, and cost little while idle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"

#define WEB "web.demo.scaffold:80"
#define FLOWS 8

static double jain(const double *x, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    return squares > 0 ? sum * sum / ((double)n * squares) : 0;
}

static void received(struct sim_talk *const *t, double *out)
{
    for (size_t i = 0; i < FLOWS; i++)
        out[i] = (double)t[i]->server.received;
}

/* From `clients` hosts, the flows start one after the other; the index is taken over the last part.
 * The long form gives it more time, which makes it easier: unevenness evens out. */
static void share(size_t clients, sc_time apart, sc_time warm, sc_time span)
{
    sc_time times = sim_full() ? 3 : 1;
    struct sim_link_config core = sim_path(50, 20 * SC_MS, 1);
    core.mtu = 1500;
    struct sim_world w = sim_world_new("fairness", 51, clients, 1, &core);
    struct sim_plan plan = {.client = {.send_len = UINT64_C(1) << 40}};
    struct sim_talk *t[FLOWS];
    double before[FLOWS], after[FLOWS], total = 0;
    for (size_t i = 0; i < FLOWS; i++) {
        t[i] = sim_connect(w.client[i % clients], WEB, &plan);
        sim_run_for(w.sim, apart);
    }
    sim_run_for(w.sim, warm * times);
    received(t, before);
    sim_run_for(w.sim, span * times);
    received(t, after);
    for (size_t i = 0; i < FLOWS; i++) {
        after[i] -= before[i];
        total += after[i];
    }
    double index = jain(after, FLOWS);
    double used = total * 8 / ((double)(span * times) * 50);
    printf("    %zu hosts, %.1f s apart: Jain %.4f, bound 0.9; %.1f %% of the rate\n", clients,
           (double)apart / 1e6, index, used * 100);
    SIM_CHECK(w.sim, index > 0.9, "Jain's index is %.4f", index);
    SIM_CHECK(w.sim, used > 0.85, "only %.1f %% of the rate", used * 100);
    sim_free(w.sim);
}

static void one_host(void **state)
{
    (void)state;
    share(1, 0, 2 * SC_SECOND, 7 * SC_SECOND);
}

static void eight_hosts(void **state)
{
    (void)state;
    share(8, 0, 2 * SC_SECOND, 7 * SC_SECOND);
}

static void late_comers(void **state)
{
    (void)state;
    share(4, 1 * SC_SECOND, 7 * SC_SECOND, 10 * SC_SECOND);
}

static bool answered(void *talk)
{
    const struct sim_talk *t = talk;
    return sim_talk_complete(t);
}

/* A small request beside bulk transfers of the same host waits for no more than the queue. */
static void request_beside_bulk(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(50, 20 * SC_MS, 1);
    core.mtu = 1500;
    struct sim_world w = sim_world_new("request beside bulk", 52, 1, 1, &core);
    struct sim_plan bulk = {.client = {.send_len = UINT64_C(1) << 40}};
    struct sim_plan ping = {
        .client = {.send_len = 5000, .reply_every = 100, .reply_len = 100, .reply_first = 100},
        .server = {.send_len = 5000, .reply_every = 100, .reply_len = 100}};
    for (size_t i = 0; i < 4; i++)
        sim_connect(w.client[0], WEB, &bulk);
    sim_run_for(w.sim, 3 * SC_SECOND);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &ping);
    sim_run_until(w.sim, answered, t, w.sim->now + 30 * SC_SECOND);
    double took = (double)(t->client.last_byte_at - t->opened_at) / 1e6;
    printf("    50 rounds took %.3f s beside four bulk transfers\n", took);
    SIM_CHECK(w.sim, sim_talk_complete(t), "not complete: %llu",
              (unsigned long long)t->client.received);
    SIM_CHECK(w.sim, took < 50 * 0.1, "took %.3f s", took);
    sim_free(w.sim);
}

/* 10,000 flows that have carried something and are idle. What the simulator itself holds for each
 * is counted in, so the stack's share is less. */
static void idle_flows_are_small(void **state)
{
    const size_t count = 10000;
    (void)state;
    struct sim_link_config core = {.delay = 5 * SC_MS};
    struct sim_world w = sim_world_new("idle flows", 53, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = 3000, .hold_fin = true},
                            .server = {.send_len = 3000, .hold_fin = true}};
    size_t before = sim_heap_used();
    for (size_t i = 0; i < count; i++) {
        sim_connect(w.client[0], WEB, &plan);
        if (i % 50 == 49)
            sim_run_for(w.sim, SC_MS);
    }
    sim_run_for(w.sim, 30 * SC_SECOND);
    size_t both = sim_heap_used() - before;
    printf(
        "    %zu flows: %zu bytes for each end, simulator included; bound 32768; a flow is %zu\n",
        count, both / count / 2, sizeof(struct sc_flow));
    printf("    stream buffers in use: %zu and %zu\n", sc_stack_memory(w.client[0]->stack),
           sc_stack_memory(w.server[0]->stack));
    SIM_CHECK(w.sim,
              sc_stack_flow_count(w.client[0]->stack) == count &&
                  sc_stack_flow_count(w.server[0]->stack) == count,
              "%zu flows", sc_stack_flow_count(w.server[0]->stack));
    for (size_t i = 0; i < count; i++)
        SIM_CHECK(w.sim,
                  w.sim->talk[i]->client.received == 3000 &&
                      w.sim->talk[i]->server.received == 3000,
                  "flow %zu is not complete", i);
    SIM_CHECK(w.sim, both / count / 2 <= 32768, "%zu bytes", both / count / 2);
    uint64_t turns = w.client[0]->turns;
    uint64_t packets = w.client[0]->packets_out;
    sim_run_for(w.sim, 100 * SC_SECOND);
    double each_second = (double)(w.client[0]->turns - turns) / 100;
    printf("    idle: %.2f turns and %.2f packets a second\n", each_second,
           (double)(w.client[0]->packets_out - packets) / 100);
    SIM_CHECK(w.sim, each_second < 10, "%.2f turns a second", each_second);
    sim_free(w.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_host),
        cmocka_unit_test(eight_hosts),
        cmocka_unit_test(late_comers),
        cmocka_unit_test(request_beside_bulk),
        cmocka_unit_test(idle_flows_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
