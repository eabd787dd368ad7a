/* Path-MTU discovery: each path is used to nearly its size, and a black hole that appears later
 * costs time but no flow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"

#define WEB "web.demo.scaffold:80"
#define SIZE 10000000

static double took(const struct sim_talk *t)
{
    return (double)(t->server.last_byte_at - t->opened_at) / 1e6;
}

/* Within 5 %: discovery tries the sizes that networks have, not every number.
 * refuse: the sender's own network says EMSGSIZE; else larger packets just vanish. */
static void path(size_t mtu, bool refuse)
{
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 1);
    struct sim_world w = sim_world_new("path MTU", 61, 1, 1, &core);
    if (refuse) {
        w.client[0]->out->config.mtu = w.server[0]->out->config.mtu = mtu;
        w.client[0]->out->config.refuse_large = w.server[0]->out->config.refuse_large = true;
    } else {
        w.forth->config.mtu = w.back->config.mtu = mtu;
    }
    struct sim_plan plan = {.client = {.send_len = SIZE}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    size_t most = mtu - SIM_IP_UDP < SC_DATAGRAM_MAX ? mtu - SIM_IP_UDP : SC_DATAGRAM_MAX;
    double mean = (double)SIZE / (double)t->client.stats.packets_sent;
    printf("    MTU %zu%s: largest %zu of %zu, %.0f bytes a packet, %.3f s\n", mtu,
           refuse ? " (EMSGSIZE)" : "", w.forth->largest, most, mean, took(t));
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete");
    SIM_CHECK(w.sim, (double)w.forth->largest >= 0.95 * (double)most, "largest is %zu",
              w.forth->largest);
    SIM_CHECK(w.sim, mean > 0.85 * (double)(most - 29), "%.0f bytes a packet", mean);
    SIM_CHECK(w.sim, took(t) <= 1.1 * SIZE * 8 / 100e6 + 0.2, "took %.3f s", took(t));
    sim_free(w.sim);
}

static void black_holes(void **state)
{
    (void)state;
    path(1280, false);
    path(1500, false);
    path(9000, false);
}

static void refusals(void **state)
{
    (void)state;
    path(1280, true);
    path(1500, true);
    path(9000, true);
}

static void narrow(struct sim *sim, void *arg, uint64_t value)
{
    struct sim_link *link = arg;
    (void)sim;
    link->config.mtu = value;
}

/* The path becomes narrower in mid-transfer, without a word. */
static void narrows(size_t from, size_t to)
{
    struct sim_link_config core = sim_path(20, 20 * SC_MS, 1);
    core.mtu = from;
    struct sim_world w = sim_world_new("black hole later", 62, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = SIZE}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_at(w.sim, w.sim->now + SC_SECOND, narrow, w.forth, to);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    double least = 1.1 * SIZE * 8 / 20e6 + 0.2;
    printf("    %zu to %zu: %.3f s, %.3f s more than the bound of a steady path; lost %llu\n", from,
           to, took(t), took(t) - least, (unsigned long long)t->client.stats.packets_lost);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "errors %d %d", t->client.error,
              t->server.error);
    SIM_CHECK(w.sim, took(t) <= least + 3, "took %.3f s", took(t));
    sim_free(w.sim);
}

static void black_hole_later(void **state)
{
    (void)state;
    narrows(9000, 1500);
    narrows(9000, 1280);
    narrows(1500, 1280);
}

/* The host's own network becomes narrower: EMSGSIZE for trains that were fine. */
static void refusal_later(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(20, 20 * SC_MS, 1);
    struct sim_world w = sim_world_new("EMSGSIZE later", 63, 1, 1, &core);
    w.client[0]->out->config.refuse_large = true;
    struct sim_plan plan = {.client = {.send_len = SIZE}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_at(w.sim, w.sim->now + SC_SECOND, narrow, w.client[0]->out, 1500);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "errors %d %d", t->client.error,
              t->server.error);
    SIM_CHECK(w.sim, took(t) <= 1.1 * SIZE * 8 / 20e6 + 1, "took %.3f s", took(t));
    sim_free(w.sim);
}

/* The path becomes wider: found again after a while (RFC 8899 raises its size every 600 s). */
static void widens(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(1, 20 * SC_MS, 1);
    core.mtu = 1500;
    struct sim_world w = sim_world_new("wider later", 64, 1, 1, &core);
    struct sim_plan plan = {.client = {.send_len = UINT64_C(1) << 40}};
    sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, 10 * SC_SECOND);
    w.forth->config.mtu = 9000;
    sim_run_for(w.sim, 700 * SC_SECOND);
    printf("    largest after 700 s: %zu\n", w.forth->largest);
    SIM_CHECK(w.sim, w.forth->largest > 8900, "largest %zu", w.forth->largest);
    sim_free(w.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(black_holes),      cmocka_unit_test(refusals),
        cmocka_unit_test(black_hole_later), cmocka_unit_test(refusal_later),
        cmocka_unit_test(widens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
