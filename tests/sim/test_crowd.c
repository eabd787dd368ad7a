/* Many hosts at one router, with channels: what they say to it when it was restarted, and whether
 * its limits for strangers let all of them in soon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim.h"
#include "wire/packet.h"

static const struct sim_link_config wire = {.delay = 5 * SC_MS};

struct crowd {
    struct sim *sim;
    struct sim_host *router;
    size_t hosts, instances;
    unsigned said[SIM_HOSTS][SIM_MESSAGES]; /* of each host, CONTROL by message */
};

static void count_messages(struct sim_host *from, const uint8_t *packet, size_t len, void *user)
{
    struct crowd *c = user;
    c->said[from->index][sim_message_of(packet, len)]++;
}

static void add_host(struct crowd *c, size_t services)
{
    char name[64];
    snprintf(name, sizeof name, "host%zu", c->hosts);
    struct sim_host *h = sim_host_new(c->sim, name, c->router, &wire, &wire);
    for (size_t i = 0; i < services; i++) {
        snprintf(name, sizeof name, "s%zu-%zu.demo.scaffold:80", c->hosts, i);
        sim_serve(h, name);
    }
    c->hosts++;
    c->instances += services;
}

static struct crowd *crowd_new(const char *name, uint64_t seed, bool one_address)
{
    static struct crowd c;
    c = (struct crowd){.sim = sim_new(name, seed)};
    c.sim->one_address = one_address;
    c.router = sim_host_new(c.sim, "router", NULL, NULL, NULL);
    c.sim->tap = count_messages;
    c.sim->tap_user = &c;
    return &c;
}

static bool all_are_in(void *arg)
{
    const struct crowd *c = arg;
    return sc_stack_host_count(c->router->stack) == c->hosts &&
           sc_stack_instance_count(c->router->stack) == c->instances;
}

/* Simulated seconds until the router knows all of them. */
static double until_in(struct crowd *c, sc_time limit)
{
    sc_time from = c->sim->now;
    bool in = sim_run_until(c->sim, all_are_in, c, from + limit);
    const struct sc_stack_counters *n = sc_stack_counters(c->router->stack);
    SIM_CHECK(c->sim, in, "%zu hosts, %zu instances are known; refused %llu GREETs, %llu names",
              sc_stack_host_count(c->router->stack), sc_stack_instance_count(c->router->stack),
              (unsigned long long)n->limited[SC_RATE_GREET],
              (unsigned long long)n->limited[SC_RATE_NAME]);
    return (double)(c->sim->now - from) / 1e6;
}

/* What hosts say to a router that was restarted, at most: who they are, once, and what they serve,
 * in as few packets as it fits into. */
static void a_restart_costs_few_packets(void **state)
{
    (void)state;
    struct crowd *c = crowd_new("restart of a router", 61, false);
    for (size_t i = 0; i < 48; i++)
        add_host(c, i < 41 ? i : 40);
    until_in(c, 10 * SC_SECOND);
    sim_run_for(c->sim, 5 * SC_SECOND);
    memset(c->said, 0, sizeof c->said);
    sim_host_restart(c->router);
    printf("    known again after %.3f s\n", until_in(c, 4 * SC_SECOND));
    sim_run_for(c->sim, 5 * SC_SECOND);
    for (size_t i = 0; i < c->hosts; i++) {
        size_t services = i < 41 ? i : 40;
        const unsigned *said = c->said[i + 1];
        SIM_CHECK(c->sim,
                  said[SC_MSG_GREET] == 1 && said[SC_MSG_PROVE] == 1 && said[SC_MSG_JOIN] == 0 &&
                      said[SC_MSG_REGISTER] == (services + SC_REGISTER_MAX - 1) / SC_REGISTER_MAX,
                  "%zu services: %u GREET, %u PROVE, %u JOIN, %u REGISTER", services,
                  said[SC_MSG_GREET], said[SC_MSG_PROVE], said[SC_MSG_JOIN], said[SC_MSG_REGISTER]);
    }
    sim_free(c->sim);
}

static unsigned total(const struct crowd *c, enum sc_control_message message)
{
    unsigned sum = 0;
    for (size_t i = 0; i < SIM_HOSTS; i++)
        sum += c->said[i][message];
    return sum;
}

/* The limits for strangers (base/limits.h) leave room for all of a large network at once. */
static void thousand(const char *name, bool one_address, sc_time in_within, sc_time back_within)
{
    struct crowd *c = crowd_new(name, 71, one_address);
    while (c->hosts < 1000)
        add_host(c, 4);
    double in = until_in(c, in_within);
    printf("    in after %.3f s, by %u GREETs\n", in, total(c, SC_MSG_GREET));
    sim_run_for(c->sim, 3 * SC_SECOND);
    memset(c->said, 0, sizeof c->said);
    sim_host_restart(c->router);
    double back = until_in(c, back_within);
    printf("    back after %.3f s, by %u GREETs\n", back, total(c, SC_MSG_GREET));
    sim_free(c->sim);
}

static void a_thousand_hosts_are_in_soon(void **state)
{
    (void)state;
    thousand("a thousand hosts", false, 20 * SC_SECOND, 10 * SC_SECOND);
}

static void behind_one_address_it_takes_longer(void **state)
{
    (void)state;
    thousand("a thousand hosts behind one address", true, 20 * SC_SECOND, 12 * SC_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_costs_few_packets),
        cmocka_unit_test(a_thousand_hosts_are_in_soon),
        cmocka_unit_test(behind_one_address_it_takes_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
