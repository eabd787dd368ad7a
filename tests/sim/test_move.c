/* Hosts whose address changes. Flows do not follow yet, so both ends have to hear of it, whichever
 * of them moved and whatever they were doing; and what is opened afterwards works, and lasts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/sim.h"
#include "wire/control.h"

#define WEB "web.demo.scaffold:80"
#define RTT (20 * SC_MS)
#define SEED 42
/* Every reader has its error within this. */
#define KNOWN_WITHIN (30 * SC_SECOND)

enum { CLIENT = 1, SERVER = 2 }; /* who moves, as bits */

struct stage {
    const char *name;
    struct sim_plan plan;
};

static const struct stage stages[] = {
    {"idle", {.client = {.hold_fin = true}, .server = {.hold_fin = true}}},
    {"client busy", {.client = {.send_len = 1000000000}, .server = {.hold_fin = true}}},
    {"server busy", {.client = {.hold_fin = true}, .server = {.send_len = 1000000000}}},
    {"both busy", {.client = {.send_len = 1000000000}, .server = {.send_len = 1000000000}}},
    {"client says little",
     {.client = {.send_len = 10000, .send_rate = 20, .hold_fin = true},
      .server = {.hold_fin = true}}},
    {"server says little",
     {.client = {.hold_fin = true},
      .server = {.send_len = 10000, .send_rate = 20, .hold_fin = true}}},
    {"nobody reads",
     {.client = {.send_len = 1000000000, .read_max = 1},
      .server = {.send_len = 1000000000, .read_max = 1}}},
};
#define STAGES (sizeof stages / sizeof *stages)

static double seconds(sc_time from, sc_time to)
{
    return to > from ? (double)(to - from) / 1e6 : 0;
}

static struct sim_world world(const char *name, double loss, uint64_t seed)
{
    struct sim_link_config core = sim_path(20, RTT, 2);
    core.loss = loss;
    return sim_world_new(name, seed, 1, 1, &core);
}

static void move(struct sim_world *w, unsigned who)
{
    if (who & CLIENT)
        sim_host_move(w->client[0]);
    if (who & SERVER)
        sim_host_move(w->server[0]);
}

/* Both ends of a flow that was open have an error in time. */
static void check_told(struct sim_world *w, const struct sim_talk *t, sc_time moved)
{
    double client = seconds(moved, t->client.error_at), server = seconds(moved, t->server.error_at);
    SIM_CHECK(w->sim, t->client.error && t->server.error && !t->client.eof && !t->server.eof,
              "errors %d and %d, ends %d and %d", t->client.error, t->server.error, t->client.eof,
              t->server.eof);
    SIM_CHECK(w->sim, t->client.error_at <= moved + KNOWN_WITHIN, "the client knows after %.1f s",
              client);
    SIM_CHECK(w->sim, t->server.error_at <= moved + KNOWN_WITHIN, "the server knows after %.1f s",
              server);
    printf("    client %d after %.1f s, server %d after %.1f s\n", t->client.error, client,
           t->server.error, server);
}

static void move_during(const struct stage *stage, unsigned who)
{
    struct sim_world w = world(stage->name, 0, SEED);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &stage->plan);
    sim_run_for(w.sim, 8 * SC_SECOND);
    SIM_CHECK(w.sim, t->accepted == 1 && !t->over, "not established");
    move(&w, who);
    sc_time moved = w.sim->now;
    sim_run_talks(w.sim, moved + 90 * SC_SECOND);
    check_told(&w, t, moved);
    sim_free(w.sim);
}

static void both_ends_are_told(void **state)
{
    (void)state;
    for (unsigned who = CLIENT; who <= (CLIENT | SERVER); who++)
        for (size_t i = 0; i < STAGES; i++)
            move_during(&stages[i], who);
}

/* Where a fifth of all packets is lost the error has to come, but within 30 s it is only likely: of
 * seven PROBEs, each with what it draws, one has to get through before. */
static void move_lossily(const struct stage *stage, unsigned who, uint64_t seed)
{
    struct sim_world w = world(stage->name, 0.2, seed);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &stage->plan);
    sim_run_for(w.sim, 8 * SC_SECOND);
    SIM_CHECK(w.sim, t->accepted == 1 && !t->over, "not established");
    bool direct = !t->client.flow->relayed; /* others go on: their relay finds the host */
    move(&w, who);
    sim_run_talks(w.sim, w.sim->now + 90 * SC_SECOND);
    SIM_CHECK(w.sim, !t->client.eof && !t->server.eof, "an error became an end");
    SIM_CHECK(w.sim, !direct || (t->client.error && t->server.error), "errors %d and %d",
              t->client.error, t->server.error);
    sim_free(w.sim);
}

static void and_where_packets_get_lost(void **state)
{
    (void)state;
    for (uint64_t seed = SEED; seed < SEED + 8; seed++)
        for (unsigned who = CLIENT; who <= SERVER; who++)
            for (size_t i = 0; i < STAGES; i++)
                move_lossily(&stages[i], who, seed);
}

/* Probes of the host that stays are lost: it hears nothing while it is heard. Besides handshakes,
 * of which there are none, they are the only requests that are not in a channel. */
static bool drop_probes(struct sim *sim, const struct sim_packet *p, void *stays)
{
    (void)sim;
    return p->source == stays && p->len == SC_CONTROL_REQUEST;
}

/* The host that moved has no network for a while. Its silence began 5 s after that of the other
 * one, by which it is given up before it is back, or when it is. */
static void move_away(unsigned who, sc_time away)
{
    struct sim_world w = world("away", 0, SEED);
    struct sim_talk *t = sim_connect(w.client[0], WEB, &stages[0].plan);
    struct sim_host *moves = who == CLIENT ? w.client[0] : w.server[0];
    sim_run_for(w.sim, 8 * SC_SECOND);
    w.sim->filter = drop_probes;
    w.sim->filter_user = who == CLIENT ? w.server[0] : w.client[0];
    sim_run_for(w.sim, 3 * SC_SECOND);
    w.sim->filter = NULL;
    move(&w, who);
    sc_time moved = w.sim->now;
    moves->out->config.cut = moves->in->config.cut = true;
    sim_run_for(w.sim, away);
    moves->out->config.cut = moves->in->config.cut = false;
    sim_run_talks(w.sim, moved + 90 * SC_SECOND);
    check_told(&w, t, moved);
    sim_free(w.sim);
}

static void and_where_the_network_is_away(void **state)
{
    (void)state;
    for (unsigned who = CLIENT; who <= SERVER; who++)
        for (sc_time away = 5 * SC_SECOND; away < 25 * SC_SECOND; away += SC_SECOND)
            move_away(who, away);
}

/* The flows that are opened afterwards run between the same hosts: they neither hide that the old
 * ones are over nor end with them. */
static void new_flows_work_at_once(void **state)
{
    (void)state;
    for (unsigned who = CLIENT; who <= SERVER; who++)
        for (size_t i = 0; i < STAGES; i++) {
            struct sim_world w = world("new flows", 0, SEED);
            struct sim_plan brief = {.client = {.send_len = 100}, .server = {.send_len = 100}};
            struct sim_plan lasting = {.client = {.send_len = 6000, .send_rate = 100},
                                       .server = {.send_len = 6000, .send_rate = 100}};
            struct sim_talk *old = sim_connect(w.client[0], WEB, &stages[0].plan);
            struct sim_talk *busy = sim_connect(w.client[0], WEB, &stages[i].plan);
            sim_run_for(w.sim, 8 * SC_SECOND);
            move(&w, who);
            sc_time moved = w.sim->now;
            struct sim_talk *first = sim_connect(w.client[0], WEB, &brief);
            struct sim_talk *other = sim_connect(w.client[0], WEB, &lasting);
            sim_run_for(w.sim, 4 * SC_SECOND);
            SIM_CHECK(w.sim, sim_talk_complete(first), "not at once: error %d",
                      first->client.error);
            sim_run_talks(w.sim, moved + 120 * SC_SECOND);
            check_told(&w, old, moved);
            check_told(&w, busy, moved);
            SIM_CHECK(w.sim, sim_talk_complete(other), "a new flow ended: errors %d and %d",
                      other->client.error, other->server.error);
            sim_free(w.sim);
        }
}

/* While the third packet is under way. */
static void during_the_opening(void **state)
{
    (void)state;
    for (sc_time after = 0; after < 60 * SC_MS; after += 5 * SC_MS)
        for (unsigned who = CLIENT; who <= SERVER; who++) {
            struct sim_world w = world("opening", 0, SEED);
            struct sim_talk *t = sim_connect(w.client[0], WEB, &stages[0].plan);
            sim_run_for(w.sim, after);
            move(&w, who);
            sc_time moved = w.sim->now;
            sim_run_for(w.sim, 60 * SC_SECOND);
            bool works = t->accepted == 1 && !t->client.over && !t->server.over;
            if (works) {
                sim_end_send(&t->client, 1000);
                sim_end_send(&t->server, 1000);
                sim_run_for(w.sim, 10 * SC_SECOND);
                works = t->client.received == 1000 && t->server.received == 1000;
            }
            bool told = (t->client.error && t->client.error_at <= moved + KNOWN_WITHIN) &&
                        (!t->accepted || t->server.error_at <= moved + KNOWN_WITHIN);
            SIM_CHECK(w.sim, works || told, "moved after %u ms: errors %d and %d",
                      (unsigned)(after / SC_MS), t->client.error, t->server.error);
            sim_free(w.sim);
        }
}

/* A host that is its own service router moves: nobody can be asked where it is. */
static void a_router_moves(void **state)
{
    (void)state;
    for (size_t i = 0; i < STAGES; i++) {
        struct sim_world w = world("router moves", 0, SEED);
        sim_serve(w.router, "own.demo.scaffold:80");
        sim_run_for(w.sim, SC_SECOND);
        struct sim_talk *t = sim_connect(w.client[0], "own.demo.scaffold:80", &stages[i].plan);
        sim_run_for(w.sim, 8 * SC_SECOND);
        SIM_CHECK(w.sim, t->accepted == 1 && !t->over, "not established");
        sim_host_move(w.router);
        sc_time moved = w.sim->now;
        sim_run_talks(w.sim, moved + 90 * SC_SECOND);
        check_told(&w, t, moved);
        sim_free(w.sim);
    }
}

/* The relay learns the new address from the host's lease: relayed flows go on. */
static void relayed_flows_go_on(void **state)
{
    (void)state;
    for (unsigned who = CLIENT; who <= (CLIENT | SERVER); who++)
        for (size_t i = 0; i < 3; i++) {
            struct sim_world w = world("relayed", 0, SEED);
            size_t c = w.client[0]->index, s = w.server[0]->index;
            w.sim->blocked[c][s] = w.sim->blocked[s][c] = true;
            struct sim_talk *t = sim_connect(w.client[0], WEB, &stages[i].plan);
            sim_run_for(w.sim, 8 * SC_SECOND);
            SIM_CHECK(w.sim, t->accepted == 1 && !t->over && t->client.flow->relayed,
                      "not relayed");
            move(&w, who);
            uint64_t before = t->client.received + t->server.received;
            sim_run_for(w.sim, 60 * SC_SECOND);
            sim_end_send(&t->client, 1000);
            sim_run_for(w.sim, 5 * SC_SECOND);
            SIM_CHECK(w.sim, !t->client.over && !t->server.over, "errors %d and %d",
                      t->client.error, t->server.error);
            SIM_CHECK(w.sim, t->client.received + t->server.received > before, "nothing arrives");
            sim_free(w.sim);
        }
}

/* Away and back within the patience of both: nothing has happened. */
static void there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < STAGES; i++) {
        struct sim_world w = world("there and back", 0, SEED);
        struct sim_talk *t = sim_connect(w.client[0], WEB, &stages[i].plan);
        sim_run_for(w.sim, 8 * SC_SECOND);
        struct sc_underlay home = w.client[0]->underlay;
        sim_host_move(w.client[0]);
        sim_run_for(w.sim, 12 * SC_SECOND);
        w.client[0]->underlay = home;
        sim_run_for(w.sim, 60 * SC_SECOND);
        SIM_CHECK(w.sim, !t->client.error && !t->server.error, "%s: errors %d and %d",
                  stages[i].name, t->client.error, t->server.error);
        sim_free(w.sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_are_told),
        cmocka_unit_test(and_where_packets_get_lost),
        cmocka_unit_test(and_where_the_network_is_away),
        cmocka_unit_test(new_flows_work_at_once),
        cmocka_unit_test(during_the_opening),
        cmocka_unit_test(a_router_moves),
        cmocka_unit_test(relayed_flows_go_on),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
