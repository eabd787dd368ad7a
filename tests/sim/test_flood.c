/* Floods of every kind beside a bulk flow and new connections, in virtual time. The link that the
 * flooded host answers over is the bulk flow's, so what it is made to say costs that flow. What a
 * flood costs the processor is for `make verify`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flood/kinds.h"
#include "sim/sim.h"
#include "stack/parts.h"

#define WEB "web.demo.scaffold:80"
#define SINK "sink.demo.scaffold:5400/udp"
#define ATTACKERS 16
#define CONNECTIONS 64
#define LINK_MBIT 50

struct arena {
    struct sim_world w;
    struct sim_host *attacker[ATTACKERS];
    size_t attackers; /* that take part */
    struct sim_host *victim;
    const struct flood_kind *kind;
    struct flood_target target;
    uint64_t sent;
    unsigned rate; /* per second */
    struct sim_talk *bulk, *new[CONNECTIONS];
    size_t new_count;
};

static void ignore(struct sim_host *h, const struct sc_datagram *d, bool undelivered)
{
    (void)h, (void)d, (void)undelivered;
}

/* A host of the network takes the attackers' place. */
static void join(struct arena *a)
{
    struct sc_stack_self self;
    a->attacker[0] = sim_host_new(a->w.sim, "flooder", a->w.router, NULL, NULL);
    a->attackers = 1;
    sim_run_for(a->w.sim, SC_SECOND);
    sc_stack_get_self(a->attacker[0]->stack, &self);
    SIM_CHECK(a->w.sim, self.joined, "the attacker has not joined");
    a->target.member = self.address;
    a->target.epoch = a->attacker[0]->config.epoch;
}

static void arena_init(struct arena *a, const char *name)
{
    struct sim_link_config core = sim_path(LINK_MBIT, 20 * SC_MS, 2);
    struct sc_stack_self self;
    *a = (struct arena){.w = sim_world_new(name, 91, 2, 1, &core)};
    struct sim *sim = a->w.sim;
    a->w.forth->config.rate = 0; /* the flood itself has all the room it wants */
    sim->on_datagram = ignore;
    sim->hostile = sim->strangers = true;
    sim_serve(a->w.router, WEB);
    sim_serve(a->w.router, SINK);
    sim_serve(a->w.server[0], SINK);
    sc_stack_get_self(a->w.server[0]->stack, &self);
    a->target = (struct flood_target){.service = sim_service_id(WEB),
                                      .datagrams = sim_service_id(SINK),
                                      .epoch = 7,
                                      .other = self.address};
    for (size_t i = 0; i < ATTACKERS; i++)
        a->attacker[i] = sim_host_raw(sim, "attacker");
}

/* Who has a channel to the router uses it. Returns the packet's length. */
static size_t seal(struct sim_host *from, uint8_t *packet, size_t len)
{
    uint8_t sealed[FLOOD_PACKET + SC_CHANNEL_OVERHEAD];
    uint8_t type = packet[0] & 15;
    struct sc_channel *c = from->stack ? from->stack->remote.registrar.link.now : NULL;
    bool fits = type == SC_PKT_OPEN || type == SC_PKT_REFUSE ||
                (type == SC_PKT_CONTROL && !sc_control_is_plain(packet[SC_HEADER_LEN]));
    if (!c || !fits)
        return len;
    len = sc_channel_seal(c, &from->stack->node.crypto.aead, packet, len, sealed);
    memcpy(packet, sealed, len);
    return len;
}

static void send_one(struct arena *a)
{
    uint8_t packet[FLOOD_PACKET + SC_CHANNEL_OVERHEAD];
    struct sim_host *from = a->attacker[a->sent % a->attackers];
    size_t len = seal(from, packet, a->kind->write(packet, &a->target, a->sent++));
    sim_host_inject(from, &from->underlay, &a->victim->underlay, packet, len);
}

static void send_some(struct sim *sim, void *arg, uint64_t until)
{
    struct arena *a = arg;
    for (unsigned i = 0; i < a->rate / 1000; i++)
        send_one(a);
    if (sim->now < until)
        sim_at(sim, sim->now + SC_MS, send_some, a, until);
}

static void open_one(struct sim *sim, void *arg, uint64_t until)
{
    struct arena *a = arg;
    struct sim_plan plan = {.client = {.send_len = 100}, .server = {.send_len = 100}};
    if (a->new_count < CONNECTIONS)
        a->new[a->new_count++] = sim_connect(a->w.client[1], WEB, &plan);
    if (sim->now < until)
        sim_at(sim, sim->now + 50 * SC_MS, open_one, a, until);
}

/* Bytes of the bulk flow that arrive within a time. */
static uint64_t carried(struct arena *a, sc_time time)
{
    uint64_t before = a->bulk->client.received;
    sim_run_for(a->w.sim, time);
    return a->bulk->client.received - before;
}

/* The bulk flow comes from the host that is flooded. */
static void start_bulk(struct arena *a)
{
    struct sim_plan plan = {.server = {.send_len = UINT64_C(1) << 40}};
    do {
        a->bulk = sim_connect(a->w.client[0], WEB, &plan);
        sim_run_for(a->w.sim, 2 * SC_SECOND);
        if (a->bulk->server.host != a->victim)
            sim_end_abort(&a->bulk->client);
    } while (a->bulk->server.host != a->victim && !a->w.sim->violation[0]);
}

static sc_time longest(const struct arena *a)
{
    sc_time most = 0;
    for (size_t i = 0; i < a->new_count; i++) {
        const struct sim_talk *t = a->new[i];
        sc_time took = t->client.established ? t->client.established_at - t->opened_at : SC_NEVER;
        most = sc_time_max(most, took);
    }
    return most;
}

static void flood(const struct flood_kind *kind, bool to_router, size_t attackers, bool member)
{
    char name[64];
    struct arena a;
    sc_time time = sim_full() ? 3 * SC_SECOND : SC_SECOND;
    snprintf(name, sizeof name, "%s to a %s", kind->name, to_router ? "router" : "host");
    arena_init(&a, name);
    a.victim = to_router ? a.w.router : a.w.server[0];
    a.attackers = attackers;
    a.kind = kind;
    a.rate = 50000;
    start_bulk(&a);
    uint64_t quiet = carried(&a, time);
    if (member)
        join(&a);
    sim_at(a.w.sim, a.w.sim->now, send_some, &a, a.w.sim->now + time);
    sim_at(a.w.sim, a.w.sim->now, open_one, &a, a.w.sim->now + time);
    uint64_t loud = carried(&a, time);
    sim_run_for(a.w.sim, SC_SECOND);
    printf("    %zu %s: %.2f of the throughput, connections within %.3f s\n", attackers,
           member ? "member" : "strangers", (double)loud / (double)quiet,
           (double)longest(&a) / (double)SC_SECOND);
    SIM_CHECK(a.w.sim, 2 * loud >= quiet, "%llu of %llu bytes", (unsigned long long)loud,
              (unsigned long long)quiet);
    SIM_CHECK(a.w.sim, longest(&a) < SC_SECOND, "a connection took %llu us",
              (unsigned long long)longest(&a));
    sim_free(a.w.sim);
}

/* Of all kinds, or in the short form of those that draw the most. */
static void floods(const char *const *names, bool to_router, size_t attackers, bool member)
{
    for (const struct flood_kind *k = flood_kinds; sim_full() && k->name; k++)
        flood(k, to_router, attackers, member);
    for (; !sim_full() && *names; names++)
        flood(flood_kind_find(*names), to_router, attackers, member);
}

static void of_one_stranger_to_a_router(void **state)
{
    static const char *const names[] = {"open-served",  "open-forwarded",  "answer",    "data",
                                        "reset",        "join-fresh",      "greet",     "refresh",
                                        "lookup-fresh", "lookup-service",  "where",     "probe",
                                        "mapping",      "datagram-served", "malformed", NULL};
    (void)state;
    floods(names, true, 1, false);
}

static void of_one_stranger_to_a_host(void **state)
{
    static const char *const names[] = {"open-unserved", "probe", "datagram-unserved", NULL};
    (void)state;
    floods(names, false, 1, false);
}

static void of_many_strangers(void **state)
{
    static const char *const names[] = {"open-served", "data", "lookup-service", "probe", NULL};
    (void)state;
    floods(names, true, ATTACKERS, false);
}

/* Who has joined may do more, and still not keep others from anything. */
static void of_a_member(void **state)
{
    static const char *const names[] = {"open-served", "register", "lookup-service", NULL};
    (void)state;
    floods(names, true, 1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_stranger_to_a_router),
        cmocka_unit_test(of_one_stranger_to_a_host),
        cmocka_unit_test(of_many_strangers),
        cmocka_unit_test(of_a_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
