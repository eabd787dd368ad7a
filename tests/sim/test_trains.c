/* Small packets of many flows in shared trains: whatever happens to a train, each flow gets its own
 * bytes, in order, and all of them (app.c checks each byte). That no train mixes what does not
 * belong together is checked of every train of every simulation (host.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"

#define WEB "web.demo.scaffold:80"
#define FLOWS 64

static struct sim_talk *talk[FLOWS];

static struct sim_world world(const char *name, uint64_t seed, const struct sim_link_config *core)
{
    struct sim_world w = sim_world_new(name, seed, 1, 1, core);
    w.client[0]->gathers = w.server[0]->gathers = SC_MS;
    return w;
}

/* Request and response, `count` times, of this many bytes and more: no two flows are alike. */
static void ask(struct sim_world *w, size_t i, uint64_t count, uint64_t len)
{
    len += i % 8;
    struct sim_end_plan client = {
        .send_len = count * len, .reply_every = len, .reply_len = len, .reply_first = len};
    struct sim_end_plan server = {.send_len = count * len, .reply_every = len, .reply_len = len};
    struct sim_plan plan = {.client = client, .server = server};
    talk[i] = sim_connect(w->client[0], WEB, &plan);
}

static void finish(struct sim_world *w)
{
    bool done = sim_run_talks(w->sim, w->sim->now + 600 * SC_SECOND);
    const struct sim_host *a = w->client[0], *b = w->server[0];
    uint64_t refused = sc_stack_counters(a->stack)->dropped_send;
    printf("    %llu packets in %llu trains, %llu packets in company; lost %llu, refused %llu\n",
           (unsigned long long)(a->packets_out + b->packets_out),
           (unsigned long long)(a->trains + b->trains), (unsigned long long)(a->shared + b->shared),
           (unsigned long long)w->sim->verdicts[SIM_LOST], (unsigned long long)refused);
    SIM_CHECK(w->sim, done, "not all are over");
    for (size_t i = 0; i < FLOWS; i++)
        SIM_CHECK(w->sim, sim_talk_complete(talk[i]), "talk %zu is not complete", i);
    SIM_CHECK(w->sim, (refused > 0) == a->out->config.refuse_large, "%llu packets were refused",
              (unsigned long long)refused);
    SIM_CHECK(w->sim, a->shared > a->packets_out / 2, "%llu of %llu packets were in company",
              (unsigned long long)a->shared, (unsigned long long)a->packets_out);
    sim_free(w->sim);
}

static void requests(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 2);
    struct sim_world w = world("requests", 71, &core);
    for (size_t i = 0; i < FLOWS; i++)
        ask(&w, i, 50, 64);
    finish(&w);
}

static void requests_of_all_sizes(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(1000, 20 * SC_MS, 2);
    struct sim_world w = world("requests of all sizes", 72, &core);
    for (size_t i = 0; i < FLOWS; i++)
        ask(&w, i, 50, UINT64_C(16) << i % 8); /* up to two packets each */
    finish(&w);
}

static void on_a_rough_path(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(100, 20 * SC_MS, 2);
    core.loss = 0.02;
    core.burst = 0.001;
    core.burst_len = 20; /* whole trains */
    core.reorder = 0.05;
    core.reorder_by = 4 * SC_MS;
    core.duplicate = 0.02;
    struct sim_world w = world("requests on a rough path", 73, &core);
    for (size_t i = 0; i < FLOWS; i++)
        ask(&w, i, 100, i % 2 ? 64 : 900);
    finish(&w);
}

/* Marks of a full queue reach the flows whose packets were marked, and nobody loses any for it. */
static void on_a_path_that_marks(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(20, 20 * SC_MS, 8);
    core.mark = 3000;
    struct sim_world w = world("requests that are marked", 74, &core);
    for (size_t i = 0; i < FLOWS; i++)
        ask(&w, i, 50, 600);
    finish(&w);
}

static void shrink(struct sim *sim, void *arg, uint64_t value)
{
    (void)sim;
    struct sim_host *h = arg;
    h->out->config.mtu = value;
}

/* Flows search for their path's size among each other's requests, and then the host's own network
 * takes no packet of that size any more. */
static void while_the_path_shrinks(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(1000, 20 * SC_MS, 2);
    struct sim_world w = world("requests on a path that shrinks", 75, &core);
    w.client[0]->out->config.refuse_large = true;
    w.client[0]->out->config.mtu = 9000;
    sim_at(w.sim, w.sim->now + 2 * SC_SECOND, shrink, w.client[0], 1500);
    sim_at(w.sim, w.sim->now + 3 * SC_SECOND, shrink, w.client[0], 1300);
    for (size_t i = 0; i < FLOWS; i++)
        ask(&w, i, 200, i % 8 == 0 ? 20000 : 1150);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(requests_of_all_sizes),
        cmocka_unit_test(on_a_rough_path),
        cmocka_unit_test(on_a_path_that_marks),
        cmocka_unit_test(while_the_path_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
