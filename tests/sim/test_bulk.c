/* Without loss, bytes move at the rate of the path: 10 MB take at most 1.1 x size / rate + 10 round
 * trips of simulated time, from the moment the sender's flow is open to the last byte read.
 * (Opening takes one round trip, one and a half for a server that speaks first. With them inside,
 * no sender with the initial window of RFC 9002 could keep the bound at 1 Gbit/s and 100 ms: 12 kB
 * doubled nine times are reached after nine more.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"

#define SIZE 10000000

static void bulk(double mbit, sc_time rtt, bool download, double bdps)
{
    char name[64];
    snprintf(name, sizeof name, "%s %g Mbit/s %g ms", download ? "download" : "upload", mbit,
             (double)rtt / 1e3);
    struct sim_link_config core = sim_path(mbit, rtt, bdps);
    core.mtu = 1500;
    struct sim_world w = sim_world_new(name, 42, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = download ? 0 : SIZE},
                            .server = {.send_len = download ? SIZE : 0}};
    struct sim_talk *t = sim_connect(w.client[0], "web.demo.scaffold:80", &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 600 * SC_SECOND);
    const struct sim_end *sender = download ? &t->server : &t->client;
    const struct sim_end *reader = download ? &t->client : &t->server;
    double took = (double)(reader->last_byte_at - sender->established_at) / 1e6;
    double opening = (double)(sender->established_at - t->opened_at) / 1e6;
    double bound = 1.1 * SIZE * 8 / (mbit * 1e6) + 10 * (double)rtt / 1e6;
    printf("    took %.3f s, bound %.3f s (opening %.3f s); %llu packets, %llu lost, queue %zu\n",
           took, bound, opening, (unsigned long long)sender->stats.packets_sent,
           (unsigned long long)sender->stats.packets_lost,
           (download ? w.back : w.forth)->max_queued);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete: %llu bytes",
              (unsigned long long)reader->received);
    SIM_CHECK(w.sim, took <= bound, "too slow");
    sim_free(w.sim);
}

static void all_paths(bool download, double bdps)
{
    const double mbit[] = {10, 100, 1000};
    const sc_time rtt[] = {1 * SC_MS, 20 * SC_MS, 100 * SC_MS};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++)
            bulk(mbit[i], rtt[k], download, bdps);
}

static void upload(void **state)
{
    (void)state;
    all_paths(false, 1);
}

static void download(void **state)
{
    (void)state;
    all_paths(true, 1);
}

static void deep_queue(void **state)
{
    (void)state;
    all_paths(false, 4);
}

static void both_ways_at_once(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 1);
    core.mtu = 1500;
    struct sim_world w = sim_world_new("both ways", 43, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = SIZE}, .server = {.send_len = SIZE}};
    struct sim_talk *t = sim_connect(w.client[0], "web.demo.scaffold:80", &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    double took = (double)(t->client.over_at - t->opened_at) / 1e6;
    /* Acknowledgements of the other direction take their share of the rate. */
    double bound = 1.2 * SIZE * 8 / 100e6 + 10 * 0.02;
    printf("    took %.3f s, bound %.3f s\n", took, bound);
    SIM_CHECK(w.sim, done && sim_talk_complete(t) && took <= bound, "took %.3f s", took);
    sim_free(w.sim);
}

/* 200 rounds of a small request and a small response: one round trip each. */
static void request_and_response(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 1);
    struct sim_world w = sim_world_new("requests", 44, 1, 1, &core);
    struct sim_plan plan = {
        .client = {.send_len = 200 * 100,
                   .reply_every = 1000,
                   .reply_len = 100,
                   .reply_first = 100},
        .server = {.send_len = 200 * 1000, .reply_every = 100, .reply_len = 1000}};
    struct sim_talk *t = sim_connect(w.client[0], "web.demo.scaffold:80", &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    double took = (double)(t->client.last_byte_at - t->client.established_at) / 1e6;
    printf("    200 rounds took %.3f s, bound %.3f s\n", took, 200 * 0.020 * 1.05);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete");
    SIM_CHECK(w.sim, took <= 200 * 0.020 * 1.05, "took %.3f s", took);
    sim_free(w.sim);
}

/* An application that writes now and then is neither delayed nor paced apart. */
static void slow_writer(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 1);
    struct sim_world w = sim_world_new("slow writer", 45, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = 1000000, .send_rate = 500000}};
    struct sim_talk *t = sim_connect(w.client[0], "web.demo.scaffold:80", &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    double took = (double)(t->server.last_byte_at - t->client.established_at) / 1e6;
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete");
    SIM_CHECK(w.sim, took < 2.1, "took %.3f s", took);
    sim_free(w.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upload),
        cmocka_unit_test(download),
        cmocka_unit_test(deep_queue),
        cmocka_unit_test(both_ways_at_once),
        cmocka_unit_test(request_and_response),
        cmocka_unit_test(slow_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
