/* Late-bound opening: lost and repeated packets, dead and refusing instances, errors and their
 * times, and the relay where no direct answer comes through. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"

#define WEB "web.demo.scaffold:80"
#define RTT (20 * SC_MS)

static const struct sim_plan small = {.client = {.send_len = 5000}, .server = {.send_len = 5000}};

static struct sim_world world(const char *name, size_t servers)
{
    struct sim_link_config core = sim_path(100, RTT, 2);
    return sim_world_new(name, 21, 1, servers, &core);
}

static double seconds(sc_time from, sc_time to)
{
    return to > from ? (double)(to - from) / 1e6 : 0;
}

static uint8_t type_of(const struct sim_packet *p)
{
    return p->len ? p->data[0] & 15 : 0;
}

/* --- lost packets ----------------------------------------------------------------------------- */

struct loser {
    uint8_t type;
    unsigned count;
};

static bool lose(struct sim *sim, const struct sim_packet *p, void *user)
{
    struct loser *l = user;
    (void)sim;
    if (type_of(p) != l->type || !l->count || p->data[1] != SC_HOP_LIMIT)
        return false;
    l->count--;
    return true;
}

static void lost_packets(uint8_t type, unsigned count, sc_time bound)
{
    struct sim_world w = world("lost packets of opening", 1);
    struct loser l = {.type = type, .count = count};
    w.sim->filter = lose;
    w.sim->filter_user = &l;
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    printf("    type %u, %u lost: established after %.3f s, over after %.3f s\n", type, count,
           seconds(t->opened_at, t->client.established_at),
           seconds(t->opened_at, t->client.over_at));
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete");
    SIM_CHECK(w.sim, t->client.established_at <= t->opened_at + bound, "too late");
    SIM_CHECK(w.sim, t->server.established_at <= t->opened_at + bound + SC_SECOND, "too late");
    sim_free(w.sim);
}

static void lost_opens(void **state)
{
    (void)state;
    lost_packets(SC_PKT_OPEN, 0, RTT + SC_MS);
    lost_packets(SC_PKT_OPEN, 1, 300 * SC_MS + 2 * RTT);
    lost_packets(SC_PKT_OPEN, 3, 2100 * SC_MS + 2 * RTT);
}

static void lost_answers(void **state)
{
    (void)state;
    lost_packets(SC_PKT_ANSWER, 1, 600 * SC_MS + 2 * RTT);
    lost_packets(SC_PKT_ANSWER, 3, 3000 * SC_MS);
}

static void lost_confirms(void **state)
{
    (void)state;
    lost_packets(SC_PKT_CONFIRM, 1, RTT + SC_MS);
    lost_packets(SC_PKT_CONFIRM, 2, RTT + SC_MS);
}

/* A server that speaks first waits for the third packet, which a silent client must repeat. */
static void lost_confirm_of_a_silent_client(void **state)
{
    (void)state;
    struct sim_world w = world("lost CONFIRM, silent client", 1);
    struct loser l = {.type = SC_PKT_CONFIRM, .count = 1};
    struct sim_plan plan = {.client = {.hold_fin = true}, .server = {.send_len = 5000}};
    w.sim->filter = lose;
    w.sim->filter_user = &l;
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, 3 * SC_SECOND);
    SIM_CHECK(w.sim, t->client.eof && t->client.received == 5000, "received %llu",
              (unsigned long long)t->client.received);
    sim_free(w.sim);
}

/* --- repeated packets ------------------------------------------------------------------------- */

struct repeater {
    struct sim_world *w;
    uint8_t open[2000];
    size_t len;
    unsigned repeated;
};

static void repeat_open(struct sim *sim, void *arg, uint64_t value)
{
    struct repeater *r = arg;
    struct sim_world *w = r->w;
    (void)sim;
    (void)value;
    r->repeated++;
    sim_host_inject(w->client[0], &w->client[0]->underlay, &w->router->underlay, r->open, r->len);
}

static bool catch_open(struct sim *sim, const struct sim_packet *p, void *user)
{
    struct repeater *r = user;
    const sc_time after[] = {1,           SC_MS,        10 * SC_MS,    25 * SC_MS,    100 * SC_MS,
                             400 * SC_MS, 1500 * SC_MS, 4 * SC_SECOND, 10 * SC_SECOND};
    if (type_of(p) != SC_PKT_OPEN || r->len || p->len > sizeof r->open)
        return false;
    memcpy(r->open, p->data, p->len);
    r->len = p->len;
    for (size_t i = 0; i < sizeof after / sizeof *after; i++)
        sim_at(sim, sim->now + after[i], repeat_open, r, 0);
    return false;
}

static void repeat_opens(struct sim_world w, size_t servers)
{
    struct repeater r = {.w = &w};
    w.sim->filter = catch_open;
    w.sim->filter_user = &r;
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    sim_run_for(w.sim, 30 * SC_SECOND);
    SIM_CHECK(w.sim, r.repeated == 9 && sim_talk_complete(t), "not complete");
    SIM_CHECK(w.sim, t->accepted == 1, "accepted %u times", t->accepted);
    for (size_t i = 0; i < servers; i++)
        SIM_CHECK(w.sim, sc_stack_flow_count(w.server[i]->stack) == 0, "%zu flows are left",
                  sc_stack_flow_count(w.server[i]->stack));
    sim_free(w.sim);
}

/* In a channel, repetitions are not taken; a plain one is a client's that has had no answer. */
static void repeated_opens(void **state)
{
    struct sim_link_config core = sim_path(100, RTT, 2);
    (void)state;
    for (size_t servers = 1; servers <= 2; servers++) {
        repeat_opens(world("repeated OPENs", servers), servers);
        repeat_opens(sim_world_plain("repeated plain OPENs", 21, 1, servers, &core), servers);
    }
}

/* --- instances -------------------------------------------------------------------------------- */

static void instances_share_the_load(void **state)
{
    (void)state;
    struct sim_world w = world("two instances", 2);
    for (size_t i = 0; i < 40; i++) {
        sim_connect(w.client[0], WEB, &small);
        sim_run_for(w.sim, 100 * SC_MS);
    }
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    unsigned a = w.server[0]->services->accepted, b = w.server[1]->services->accepted;
    printf("    %u and %u flows\n", a, b);
    SIM_CHECK(w.sim, done && a + b == 40 && a >= 5 && b >= 5, "%u and %u", a, b);
    sim_free(w.sim);
}

/* One host dies without a word. Until its lease is over, the router may still choose it. */
static void dead_instance(void **state)
{
    double worst = 0;
    (void)state;
    for (size_t i = 0; i < 10; i++) {
        struct sim_world w = world("one instance dead", 2);
        sim_run_for(w.sim, i * 70 * SC_MS);
        sim_host_kill(w.server[0]);
        struct sim_talk *t[6];
        for (size_t k = 0; k < 6; k++)
            t[k] = sim_connect(w.client[0], WEB, &small);
        bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
        SIM_CHECK(w.sim, done, "talks did not end");
        for (size_t k = 0; k < 6; k++) {
            double took = seconds(t[k]->opened_at, t[k]->client.established_at);
            worst = took > worst ? took : worst;
            SIM_CHECK(w.sim, sim_talk_complete(t[k]) && took <= 3.5, "established after %.3f s",
                      took);
        }
        sim_free(w.sim);
    }
    printf("    established after %.3f s at worst, bound 3.5 s\n", worst);
}

static void refusing_instance(void **state)
{
    (void)state;
    for (size_t refusing = 0; refusing < 2; refusing++) {
        struct sim_world w = world("one instance refuses", 2);
        const struct sim_service *taker = w.server[1 - refusing]->services;
        sc_instance_set_accepting(w.server[refusing]->services->instance, false);
        for (size_t i = 0; i < 6; i++)
            sim_connect(w.client[0], WEB, &small);
        bool done = sim_run_talks(w.sim, w.sim->now + 10 * SC_SECOND);
        SIM_CHECK(w.sim, done && taker->accepted == 6, "%u were accepted", taker->accepted);
        for (size_t i = 0; i < 6; i++) {
            const struct sim_talk *t = w.sim->talk[i];
            double took = seconds(t->opened_at, t->client.established_at);
            SIM_CHECK(w.sim, sim_talk_complete(t) && took < 0.2, "established after %.3f s", took);
        }
        sim_free(w.sim);
    }
}

/* --- errors ----------------------------------------------------------------------------------- */

static void expect_error(struct sim_world *w, struct sim_talk *t, int error, double from, double to)
{
    bool done = sim_run_talks(w->sim, w->sim->now + 200 * SC_SECOND);
    double took = seconds(t->opened_at, t->client.error_at);
    printf("    error %d after %.3f s\n", t->client.error, took);
    SIM_CHECK(w->sim, done && t->client.error == error && !t->client.established && !t->accepted,
              "error %d, wanted %d", t->client.error, error);
    SIM_CHECK(w->sim, took >= from && took <= to, "after %.3f s, not in [%.3f, %.3f]", took, from,
              to);
}

static void all_refuse(void **state)
{
    (void)state;
    struct sim_world w = world("all refuse", 3);
    for (size_t i = 0; i < 3; i++)
        sc_instance_set_accepting(w.server[i]->services->instance, false);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    expect_error(&w, t, ECONNREFUSED, 0, 1);
    sim_free(w.sim);
}

static void nobody_serves(void **state)
{
    (void)state;
    struct sim_world w = world("nobody serves", 1);
    expect_error(&w, sim_connect(w.client[0], "web.demo.scaffold:81", &small), ECONNREFUSED, 0, 1);
    expect_error(&w, sim_connect(w.client[0], "nobody.demo.scaffold:80", &small), ECONNREFUSED, 0,
                 1);
    sim_free(w.sim);
}

static void nobody_on_a_router(void **state)
{
    (void)state;
    struct sim_world w = world("nobody serves, asked on the router", 1);
    expect_error(&w, sim_connect(w.router, "nobody.demo.scaffold:80", &small), ECONNREFUSED, 0,
                 0.1);
    sim_free(w.sim);
}

static bool lose_answers(struct sim *sim, const struct sim_packet *p, void *user)
{
    (void)sim;
    (void)user;
    return type_of(p) == SC_PKT_ANSWER;
}

static void no_answer(void **state)
{
    (void)state;
    struct sim_world w = world("no answer", 1);
    w.sim->filter = lose_answers;
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    expect_error(&w, t, ETIMEDOUT, 126.9, 127.1);
    sim_free(w.sim);
}

static void no_answer_of_several(void **state)
{
    (void)state;
    struct sim_world w = world("no answer of three", 3);
    w.sim->filter = lose_answers;
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    expect_error(&w, t, ETIMEDOUT, 126.9, 127.1);
    sim_free(w.sim);
}

static void no_answer_in_time(void **state)
{
    (void)state;
    struct sim_world w = world("no answer in 2 s", 1);
    struct sim_plan plan = small;
    plan.timeout = 2 * SC_SECOND;
    w.sim->filter = lose_answers;
    expect_error(&w, sim_connect(w.client[0], WEB, &plan), ETIMEDOUT, 1.99, 2.01);
    sim_free(w.sim);
}

/* The router was never there. */
static void no_router(void **state)
{
    (void)state;
    struct sim_world w = {.sim = sim_new("no router", 22)};
    struct sim_host *nobody = sim_host_raw(w.sim, "nobody");
    w.client[0] = sim_host_new(w.sim, "client0", nobody, NULL, NULL);
    sim_run_for(w.sim, 10 * SC_SECOND);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    expect_error(&w, t, ENETUNREACH, 0, 127.1);
    sim_free(w.sim);
}

/* ... or died some time ago. */
static void dead_router(void **state)
{
    (void)state;
    struct sim_world w = world("dead router", 1);
    sim_host_kill(w.router);
    sim_run_for(w.sim, 10 * SC_SECOND);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    expect_error(&w, t, ENETUNREACH, 0, 127.1);
    sim_free(w.sim);
}

/* A program that vanished between OPEN and accept. */
static void program_vanished(void **state)
{
    (void)state;
    struct sim_world w = world("program vanished", 1);
    w.server[0]->services->no_program = true;
    struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
    bool done = sim_run_talks(w.sim, w.sim->now + 200 * SC_SECOND);
    SIM_CHECK(w.sim, done && t->client.error && !t->client.eof, "error %d", t->client.error);
    printf("    error %d after %.3f s\n", t->client.error,
           seconds(t->opened_at, t->client.error_at));
    sim_free(w.sim);
}

/* The client gives up while the opening is under way: no instance shall keep anything. */
static void abandoned_opening(void **state)
{
    (void)state;
    for (sc_time after = 0; after < 60 * SC_MS; after += 3 * SC_MS) {
        struct sim_world w = world("abandoned opening", 2);
        struct sim_talk *t = sim_connect(w.client[0], WEB, &small);
        sim_run_for(w.sim, after);
        sim_end_abort(&t->client);
        sim_run_for(w.sim, 20 * SC_SECOND);
        size_t left = sc_stack_flow_count(w.client[0]->stack);
        for (size_t i = 0; i < 2; i++)
            left += sc_stack_flow_count(w.server[i]->stack);
        SIM_CHECK(w.sim, left == 0, "%zu flows are left", left);
        sim_free(w.sim);
    }
}

/* --- relays ----------------------------------------------------------------------------------- */

static void relayed(bool both_ways, bool firewall)
{
    struct sim_world w = world(both_ways ? "direct path blocked" : "answers blocked", 1);
    struct sim_plan plan = {.client = {.send_len = 300000}, .server = {.send_len = 300000}};
    if (firewall)
        w.client[0]->firewall = true;
    else
        w.sim->blocked[w.server[0]->index][w.client[0]->index] = true;
    if (both_ways)
        w.sim->blocked[w.client[0]->index][w.server[0]->index] = true;
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    bool done = sim_run_talks(w.sim, w.sim->now + 60 * SC_SECOND);
    double took = seconds(t->opened_at, t->client.established_at);
    printf("    established after %.3f s, %s, done after %.3f s\n", took,
           t->client.relayed || t->server.relayed ? "relayed" : "direct",
           seconds(t->opened_at, t->client.over_at));
    SIM_CHECK(w.sim, done && sim_talk_complete(t), "not complete: errors %d %d", t->client.error,
              t->server.error);
    SIM_CHECK(w.sim, took >= 0.3 && took <= 0.3 + 0.1, "established after %.3f s", took);
    if (!firewall)
        SIM_CHECK(w.sim, t->client.relayed && t->server.relayed, "status does not say so: %d %d",
                  t->client.relayed, t->server.relayed);
    sim_free(w.sim);
}

static void relayed_when_answers_are_blocked(void **state)
{
    (void)state;
    relayed(false, false);
}

static void relayed_when_both_ways_are_blocked(void **state)
{
    (void)state;
    relayed(true, false);
}

/* A NAT or firewall lets answers in only from where the client has sent something. */
static void relayed_behind_a_firewall(void **state)
{
    (void)state;
    relayed(false, true);
}

/* A flow to a service of the client's own host, through the stack alone. */
static void own_service(void **state)
{
    (void)state;
    struct sim_world w = world("own service", 1);
    struct sim_talk *t = sim_connect(w.server[0], WEB, &small);
    bool done = sim_run_talks(w.sim, w.sim->now + 10 * SC_SECOND);
    printf("    error %d, accepted %u\n", t->client.error, t->accepted);
    SIM_CHECK(w.sim, done && (sim_talk_complete(t) || t->client.error), "not over");
    sim_free(w.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_opens),
        cmocka_unit_test(lost_answers),
        cmocka_unit_test(lost_confirms),
        cmocka_unit_test(lost_confirm_of_a_silent_client),
        cmocka_unit_test(repeated_opens),
        cmocka_unit_test(instances_share_the_load),
        cmocka_unit_test(dead_instance),
        cmocka_unit_test(refusing_instance),
        cmocka_unit_test(all_refuse),
        cmocka_unit_test(nobody_serves),
        cmocka_unit_test(nobody_on_a_router),
        cmocka_unit_test(no_answer),
        cmocka_unit_test(no_answer_of_several),
        cmocka_unit_test(no_answer_in_time),
        cmocka_unit_test(no_router),
        cmocka_unit_test(dead_router),
        cmocka_unit_test(program_vanished),
        cmocka_unit_test(abandoned_opening),
        cmocka_unit_test(relayed_when_answers_are_blocked),
        cmocka_unit_test(relayed_when_both_ways_are_blocked),
        cmocka_unit_test(relayed_behind_a_firewall),
        cmocka_unit_test(own_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
