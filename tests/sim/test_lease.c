/* Hosts that die, restart or go silent: registrations are leases, and a flow whose peer is gone
 * ends with an error, never with an end of stream. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"

#define WEB "web.demo.scaffold:80"
#define RTT (20 * SC_MS)
#define HOUR (3600 * SC_SECOND)

static struct sim_world world(const char *name, size_t servers)
{
    struct sim_link_config core = sim_path(20, RTT, 2);
    return sim_world_new(name, 31, 1, servers, &core);
}

static double seconds(sc_time from, sc_time to)
{
    return to > from ? (double)(to - from) / 1e6 : 0;
}

struct count {
    struct sim_world *w;
    size_t known;
};

static bool knows(void *arg)
{
    struct count *c = arg;
    return sim_instances_known(c->w->router, WEB) == c->known;
}

/* Simulated seconds until the router knows that many instances. */
static double until_known(struct sim_world *w, size_t known)
{
    struct count c = {w, known};
    sc_time start = w->sim->now;
    bool done = sim_run_until(w->sim, knows, &c, start + 60 * SC_SECOND);
    SIM_CHECK(w->sim, done, "the router knows %zu instances, not %zu",
              sim_instances_known(w->router, WEB), known);
    return seconds(start, w->sim->now);
}

#define MORE 20

struct more {
    struct sim_world *w;
    struct sim_service *service[MORE];
    size_t known; /* wanted of each */
};

static bool all_known(void *arg)
{
    struct more *m = arg;
    for (size_t i = 0; i < MORE; i++) {
        char name[64];
        snprintf(name, sizeof name, "more%zu.demo.scaffold:80", i);
        if (sim_instances_known(m->w->router, name) != m->known)
            return false;
    }
    return true;
}

/* --- leases ----------------------------------------------------------------------------------- */

static void killed_host_is_gone_within_5_s(void **state)
{
    double worst = 0;
    (void)state;
    for (size_t i = 0; i < 10; i++) {
        struct sim_world w = world("killed host", 2);
        sim_run_for(w.sim, 10 * SC_SECOND + i * 110 * SC_MS);
        SIM_CHECK(w.sim, sim_instances_known(w.router, WEB) == 2, "leases do not last");
        sim_host_kill(w.server[0]);
        double took = until_known(&w, 1);
        worst = took > worst ? took : worst;
        SIM_CHECK(w.sim, took <= 5, "gone after %.3f s", took);
        sim_free(w.sim);
    }
    printf("    gone after %.3f s at worst, bound 5 s\n", worst);
}

static void unserve_counts_at_once(void **state)
{
    (void)state;
    struct sim_world w = world("unserve", 2);
    sim_unserve(w.server[0]->services);
    double took = until_known(&w, 1);
    printf("    gone after %.3f s\n", took);
    SIM_CHECK(w.sim, took <= 0.02, "gone after %.3f s", took);
    sim_run_for(w.sim, 10 * SC_SECOND);
    SIM_CHECK(w.sim, sim_instances_known(w.router, WEB) == 1, "it came back");
    sim_free(w.sim);
}

static void more_serve(struct more *m)
{
    for (size_t i = 0; i < MORE; i++) {
        char name[64];
        snprintf(name, sizeof name, "more%zu.demo.scaffold:80", i);
        m->service[i] = sim_serve(m->w->server[0], name);
    }
    m->known = 1;
}

static void more_unserve(struct more *m)
{
    for (size_t i = 0; i < MORE; i++)
        sim_unserve(m->service[i]);
    m->known = 0;
}

/* Simulated seconds until the router knows what more_serve or more_unserve did. */
static double until_all_known(struct more *m)
{
    struct sim *sim = m->w->sim;
    sc_time start = sim->now;
    bool done = sim_run_until(sim, all_known, m, start + 60 * SC_SECOND);
    SIM_CHECK(sim, done, "not known after 60 s");
    return seconds(start, sim->now);
}

static void unserve_survives_loss(void **state)
{
    double worst = 0;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct sim_link_config core = {.delay = RTT / 2};
        struct sim_world w =
            sim_world_new("serve and unserve with 30 % loss", 600 + i, 1, 2, &core);
        w.server[0]->out->config.loss = w.server[0]->in->config.loss = 0.3;
        sim_run_for(w.sim, 20 * SC_SECOND);
        struct more m = {.w = &w};
        more_serve(&m);
        double there = until_all_known(&m);
        more_unserve(&m);
        double gone = until_all_known(&m);
        worst = there > worst ? there : worst;
        worst = gone > worst ? gone : worst;
        sim_free(w.sim);
    }
    printf("    known everywhere after %.3f s at worst\n", worst);
    assert_true(worst <= 20);
}

static void router_restarts(void **state)
{
    (void)state;
    struct sim_world w = world("restart of the router", 2);
    struct sim_answer before, after;
    sim_lookup(w.client[0], "web.demo.scaffold", &before);
    sim_run_for(w.sim, SC_SECOND);
    SIM_CHECK(w.sim, before.done && !before.mapping.error && before.mapping.pool, "lookup: %d",
              before.mapping.error);
    sim_host_kill(w.router);
    sim_run_for(w.sim, 2 * SC_SECOND);
    sim_host_restart(w.router);
    double took = until_known(&w, 2);
    printf("    registered again after %.3f s\n", took);
    SIM_CHECK(w.sim, took <= 5, "registered again after %.3f s", took);
    sim_run_for(w.sim, 3 * SC_SECOND);
    sim_lookup_pool(w.client[0], before.mapping.pool, &after);
    sim_run_for(w.sim, 5 * SC_SECOND);
    SIM_CHECK(w.sim, after.done && strcmp(after.mapping.name, "web.demo.scaffold") == 0,
              "pool address maps to %s, error %d", after.mapping.name, after.mapping.error);
    struct sim_plan plan = {.client = {.send_len = 1000}, .server = {.send_len = 1000}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 10 * SC_SECOND);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "error %d", t->client.error);
    sim_free(w.sim);
}

/* Flows that are open do not care whether their router lives. */
static void flows_outlive_the_router(void **state)
{
    (void)state;
    struct sim_world w = world("flow without router", 1);
    struct sim_plan plan = {.client = {.send_len = 20000000}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, SC_SECOND);
    sim_host_kill(w.router);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "error %d", t->client.error);
    sim_free(w.sim);
}

static void server_restarts_and_serves_again(void **state)
{
    (void)state;
    struct sim_world w = world("restart of a server", 1);
    sim_host_restart(w.server[0]);
    sim_run_for(w.sim, SC_SECOND);
    SIM_CHECK(w.sim, sim_instances_known(w.router, WEB) == 1, "%zu known",
              sim_instances_known(w.router, WEB));
    struct sim_plan plan = {.client = {.send_len = 1000}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 10 * SC_SECOND);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "error %d", t->client.error);
    sim_free(w.sim);
}

/* --- peers that are gone ---------------------------------------------------------------------- */

struct stage {
    const char *name;
    struct sim_plan plan;
};

static const struct stage stages[] = {
    {"reader waits",
     {.client = {.hold_fin = true}, .server = {.send_len = 1000, .hold_fin = true}}},
    {"writer writes", {.client = {.send_len = 1000000000}, .server = {.hold_fin = true}}},
    {"reader reads", {.client = {.hold_fin = true}, .server = {.send_len = 1000000000}}},
    {"half-closed",
     {.client = {.send_len = 10}, .server = {.send_len = 100000, .send_rate = 5000}}},
};

static void peer_ends(const struct stage *stage, bool server_dies, bool restarts, int error)
{
    struct sim_world w = world(stage->name, 1);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &stage->plan);
    sim_run_for(w.sim, 3 * SC_SECOND);
    struct sim_host *victim = server_dies ? w.server[0] : w.client[0];
    struct sim_end *left = server_dies ? &t->client : &t->server;
    sc_time died = w.sim->now;
    SIM_CHECK(w.sim, t->accepted == 1 && !left->over, "not established");
    sim_host_kill(victim);
    if (restarts)
        sim_host_restart_at(victim, died + 100 * SC_MS);
    bool done = sim_run_talks(w.sim, died + 60 * SC_SECOND);
    printf("    %s %s, %s: error %d after %.3f s\n", server_dies ? "server" : "client",
           restarts ? "restarts" : "dies", stage->name, left->error, seconds(died, left->error_at));
    SIM_CHECK(w.sim, done && left->error && !left->eof, "error %d, eof %d", left->error, left->eof);
    SIM_CHECK(w.sim, left->error_at <= died + 30 * SC_SECOND, "after %.3f s",
              seconds(died, left->error_at));
    SIM_CHECK(w.sim, !error || left->error == error, "error %d, wanted %d", left->error, error);
    sim_free(w.sim);
}

static void peer_dies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        for (int server = 0; server < 2; server++)
            if (server || i != 3)
                peer_ends(&stages[i], server, false, 0);
}

static void peer_restarts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        for (int server = 0; server < 2; server++)
            if (server || i != 3)
                peer_ends(&stages[i], server, true, ECONNRESET);
}

/* The path between the two goes away, one way or both. */
static void path_is_cut(void **state)
{
    (void)state;
    for (unsigned ways = 1; ways <= 3; ways++)
        for (size_t i = 0; i < 3; i++) {
            struct sim_world w = world("path cut", 1);
            struct sim_talk *t = sim_connect(w.client[0], WEB, &stages[i].plan);
            sim_run_for(w.sim, 3 * SC_SECOND);
            sc_time cut = w.sim->now;
            w.forth->config.cut = ways & 1;
            w.back->config.cut = ways & 2;
            bool done = sim_run_talks(w.sim, cut + 60 * SC_SECOND);
            double client = seconds(cut, t->client.error_at);
            double server = seconds(cut, t->server.error_at);
            printf("    ways %u, %s: client %d after %.1f s, server %d after %.1f s\n", ways,
                   stages[i].name, t->client.error, client, t->server.error, server);
            SIM_CHECK(w.sim, done && t->client.error && t->server.error, "no error");
            SIM_CHECK(w.sim, client <= 30 && server <= 30, "after %.1f and %.1f s", client, server);
            sim_free(w.sim);
        }
}

/* --- idle ------------------------------------------------------------------------------------- */

static void idle_flow_survives_hours(void **state)
{
    (void)state;
    struct sim_world w = world("idle for hours", 1);
    struct sim_plan plan = {.client = {.send_len = 100, .hold_fin = true},
                            .server = {.send_len = 100, .hold_fin = true}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, (sim_full() ? 24 : 3) * HOUR);
    SIM_CHECK(w.sim, !t->client.over && !t->server.over, "errors %d %d", t->client.error,
              t->server.error);
    sim_end_send(&t->client, 100000);
    sim_end_send(&t->server, 100000);
    sim_run_for(w.sim, SC_SECOND);
    SIM_CHECK(w.sim, t->client.received == 100100 && t->server.received == 100100,
              "received %llu and %llu", (unsigned long long)t->client.received,
              (unsigned long long)t->server.received);
    sim_end_close(&t->client);
    sim_end_close(&t->server);
    bool done = sim_run_talks(w.sim, w.sim->now + 10 * SC_SECOND);
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete");
    sim_free(w.sim);
}

/* Nothing to do, nothing to wake up for. */
static void stand_alone_sleeps(void **state)
{
    (void)state;
    struct sim *sim = sim_new("stand-alone", 32);
    struct sim_host *h = sim_host_new(sim, "alone", NULL, NULL, NULL);
    sim_serve(h, WEB);
    sim_run_for(sim, 60 * SC_SECOND);
    SIM_CHECK(sim, sc_stack_deadline(h->stack) == SC_NEVER, "deadline in %llu us",
              (unsigned long long)(sc_stack_deadline(h->stack) - sim->now));
    struct sim_plan plan = {.client = {.send_len = 10}};
    sim_connect(h, "nobody.demo.scaffold:80", &plan);
    sim_run_for(sim, 300 * SC_SECOND);
    SIM_CHECK(sim, sc_stack_deadline(h->stack) == SC_NEVER, "deadline in %llu us",
              (unsigned long long)(sc_stack_deadline(h->stack) - sim->now));
    SIM_CHECK(sim, sc_stack_flow_count(h->stack) == 0, "a flow is left");
    sim_free(sim);
}

/* After all flows are over, hosts only refresh leases. */
static void hosts_calm_down(void **state)
{
    (void)state;
    struct sim_world w = world("hosts calm down", 1);
    struct sim_plan plan = {.client = {.send_len = 100000}, .server = {.send_len = 100000}};
    for (size_t i = 0; i < 10; i++)
        sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, 60 * SC_SECOND);
    uint64_t before = w.client[0]->turns;
    sim_run_for(w.sim, 100 * SC_SECOND);
    double turns = (double)(w.client[0]->turns - before) / 100;
    printf("    %.2f turns a second; %zu flows left\n", turns,
           sc_stack_flow_count(w.client[0]->stack));
    SIM_CHECK(w.sim, turns <= 3, "%.2f turns a second", turns);
    SIM_CHECK(w.sim,
              sc_stack_flow_count(w.client[0]->stack) == 0 &&
                  sc_stack_flow_count(w.server[0]->stack) == 0 &&
                  sc_stack_memory(w.client[0]->stack) == 0,
              "something is left");
    sim_free(w.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_host_is_gone_within_5_s),
        cmocka_unit_test(unserve_counts_at_once),
        cmocka_unit_test(unserve_survives_loss),
        cmocka_unit_test(router_restarts),
        cmocka_unit_test(flows_outlive_the_router),
        cmocka_unit_test(server_restarts_and_serves_again),
        cmocka_unit_test(peer_dies),
        cmocka_unit_test(peer_restarts),
        cmocka_unit_test(path_is_cut),
        cmocka_unit_test(idle_flow_survives_hours),
        cmocka_unit_test(stand_alone_sleeps),
        cmocka_unit_test(hosts_calm_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
