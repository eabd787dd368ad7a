/* Flow control: a reader's pace bounds what is buffered for it, windows grow with the path, and the
 * memory of a stack has an end that many slow readers cannot pass. (That no byte is sent beyond a
 * window is checked on every packet of every simulation: audit.c.) */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"

#define WEB "web.demo.scaffold:80"
#define MIB (1024u * 1024)

static void slow_reader(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 1);
    core.mtu = 1500;
    struct sim_world w = sim_world_new("slow reader", 71, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = 5000000}, .server = {.read_rate = 500000}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    double took = (double)(t->server.last_byte_at - t->opened_at) / 1e6;
    printf("    took %.2f s at 10 s of reading; reader's stack held %zu bytes at most\n", took,
           w.server[0]->max_memory);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete");
    SIM_CHECK(w.sim, took < 10.5, "took %.2f s", took);
    SIM_CHECK(w.sim, w.server[0]->max_memory <= SC_WINDOW_INITIAL + 65536, "held %zu",
              w.server[0]->max_memory);
    sim_free(w.sim);
}

/* Nothing more is read after a while: the writer stops, the flow stays, the end comes when reading
 * goes on. */
static void reader_stops(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 1);
    struct sim_world w = sim_world_new("reader stops", 72, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = 50000000},
                            .server = {.read_max = 1000000, .hold_fin = true}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, 600 * SC_SECOND);
    printf("    sent %llu, read %llu; memory %zu and %zu\n", (unsigned long long)t->client.sent,
           (unsigned long long)t->server.received, sc_stack_memory(w.client[0]->stack),
           sc_stack_memory(w.server[0]->stack));
    SIM_CHECK(w.sim, !t->client.over && !t->server.over && t->server.received == 1000000,
              "errors %d %d", t->client.error, t->server.error);
    SIM_CHECK(w.sim, w.server[0]->max_memory <= 4 * MIB, "held %zu", w.server[0]->max_memory);
    t->server.plan.read_max = 0;
    sim_end_send(&t->server, 10);
    sim_end_close(&t->server);
    bool done = sim_run_talks(w.sim, w.sim->now + 120 * SC_SECOND);
    SIM_CHECK(w.sim, done && t->server.eof && t->server.received == 50000000, "received %llu",
              (unsigned long long)t->server.received);
    sim_free(w.sim);
}

/* A closed window is not lost: the update that opens it may be. */
static void lost_window_updates(void **state)
{
    (void)state;
    for (uint64_t seed = 73; seed < 78; seed++) {
        struct sim_link_config core = sim_path(100, 20 * SC_MS, 1);
        struct sim_world w = sim_world_new("lost window updates", seed, 1, 1, &core);
        w.back->config.loss = 0.3;
        struct sim_plan plan = {.client = {.send_len = 3000000}, .server = {.read_rate = 1000000}};
        struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
        bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
        double took = (double)(t->server.last_byte_at - t->opened_at) / 1e6;
        SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete");
        SIM_CHECK(w.sim, took < 6, "took %.2f s at 3 s of reading", took);
        sim_free(w.sim);
    }
}

struct many {
    struct sim_world w;
    struct sim_host *server;
};

/* A server with little memory, 1 Gbit/s away from a client with enough. */
static struct many little_memory(const char *name, size_t memory)
{
    struct sim_link_config core = sim_path(1000, 20 * SC_MS, 1);
    core.mtu = 1500;
    struct many m = {.w = sim_world_new(name, 79, 1, 0, NULL)};
    m.server = sim_host_prepare(m.w.sim, "little", m.w.router, NULL, NULL);
    m.server->side = 1;
    m.server->config.memory_max = memory;
    sim_host_start(m.server);
    sim_serve(m.server, WEB);
    sim_run_until(m.w.sim, sim_joined, m.w.sim, m.w.sim->now + 10 * SC_SECOND);
    m.w.forth->config = m.w.back->config = core;
    return m;
}

/* 200 readers that do not read for a while; memory for a fraction of their windows. */
static void many_slow_readers(void **state)
{
    const size_t memory = 8 * MIB;
    (void)state;
    struct many m = little_memory("many slow readers", memory);
    struct sim *sim = m.w.sim;
    struct sim_plan plan = {.client = {.send_len = 400000},
                            .server = {.read_after = 5 * SC_SECOND, .read_rate = 200000}};
    for (size_t i = 0; i < 200; i++)
        sim_connect(m.w.client[0], WEB, &plan);
    bool done = sim_run_talks(sim, sim->now + 300 * SC_SECOND);
    size_t complete = 0;
    for (size_t i = 0; i < sim->talk_count; i++)
        complete += sim_talk_complete(sim->talk[i]);
    printf("    %zu of 200 complete after %.1f s; held %zu of %zu bytes at most\n", complete,
           (double)(sim->now - sim->talk[0]->opened_at) / 1e6, m.server->max_memory, memory);
    SIM_CHECK(sim, m.server->max_memory <= memory + 65536, "held %zu", m.server->max_memory);
    SIM_CHECK(sim, done && complete == 200, "%zu are complete", complete);
    sim_free(sim);
}

/* Readers that never read must not starve one that does. */
static void one_reader_among_sleepers(void **state)
{
    (void)state;
    struct many m = little_memory("one reader among sleepers", 8 * MIB);
    struct sim *sim = m.w.sim;
    struct sim_plan sleeper = {.client = {.send_len = 10000000},
                               .server = {.read_after = 1000 * SC_SECOND, .hold_fin = true}};
    struct sim_plan reader = {.client = {.send_len = 2000000}};
    for (size_t i = 0; i < 100; i++)
        sim_connect(m.w.client[0], WEB, &sleeper);
    sim_run_for(sim, 10 * SC_SECOND);
    struct sim_talk *t = sim_connect(m.w.client[0], WEB, &reader);
    sim_run_for(sim, 60 * SC_SECOND);
    printf("    the reader got %llu bytes, error %d, %.2f s; memory %zu\n",
           (unsigned long long)t->server.received, t->client.error,
           (double)(t->server.last_byte_at - t->opened_at) / 1e6, m.server->max_memory);
    SIM_CHECK(sim, m.server->max_memory <= 8 * MIB + 65536, "held %zu", m.server->max_memory);
    SIM_CHECK(sim, sim_talk_complete(t), "received %llu", (unsigned long long)t->server.received);
    sim_free(sim);
}

/* A writer's memory is bounded likewise. */
static void many_writers(void **state)
{
    (void)state;
    struct many m = little_memory("many writers", 8 * MIB);
    struct sim *sim = m.w.sim;
    struct sim_plan plan = {.client = {.read_after = 3 * SC_SECOND},
                            .server = {.send_len = 1000000}};
    for (size_t i = 0; i < 100; i++)
        sim_connect(m.w.client[0], WEB, &plan);
    bool done = sim_run_talks(sim, sim->now + 300 * SC_SECOND);
    size_t complete = 0;
    for (size_t i = 0; i < sim->talk_count; i++)
        complete += sim_talk_complete(sim->talk[i]);
    printf("    %zu of 100 complete; held %zu bytes at most\n", complete, m.server->max_memory);
    SIM_CHECK(sim, m.server->max_memory <= 8 * MIB + 65536, "held %zu", m.server->max_memory);
    SIM_CHECK(sim, done && complete == 100, "%zu are complete", complete);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(reader_stops),
        cmocka_unit_test(lost_window_updates),
        cmocka_unit_test(many_slow_readers),
        cmocka_unit_test(one_reader_among_sleepers),
        cmocka_unit_test(many_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
