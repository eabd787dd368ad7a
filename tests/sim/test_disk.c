/* A router whose disk is slow, full or failing, whose pool is too small, and whom somebody asks for
 * more names than there are. sim/disk.c and sim/app.c watch: nobody is told of what is not stored,
 * a used name keeps its address, and one that another name got is marked for ever. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim.h"

#define NAMES 90
#define CLIENTS 3

/* --- helpers ---------------------------------------------------------------------------------- */

/* A router with a pool of so many bits, and hosts that have joined. */
static struct sim *network(const char *name, uint64_t seed, unsigned bits, size_t hosts,
                           struct sim_host **host)
{
    struct sim *sim = sim_new(name, seed);
    host[0] = sim_host_prepare(sim, "router", NULL, NULL, NULL);
    host[0]->config.pool_bits = bits;
    sim_host_start(host[0]);
    for (size_t i = 1; i <= hosts; i++) {
        char text[16];
        snprintf(text, sizeof text, "host%zu", i);
        host[i] = sim_host_new(sim, text, host[0], NULL, NULL);
    }
    bool joined = sim_run_until(sim, sim_joined, sim, sim->now + 10 * SC_SECOND);
    SIM_CHECK(sim, joined, "not all hosts have joined");
    return sim;
}

static bool is_done(void *arg)
{
    return ((struct sim_answer *)arg)->done;
}

static struct sim_answer ask(struct sim_host *h, const char *name)
{
    struct sim_answer a;
    sim_lookup(h, name, &a);
    sim_run_until(h->sim, is_done, &a, h->sim->now + 10 * SC_SECOND);
    SIM_CHECK(h->sim, a.done, "no answer for %s", name);
    return a;
}

static uint32_t must_resolve(struct sim_host *h, const char *name)
{
    struct sim_answer a = ask(h, name);
    SIM_CHECK(h->sim, a.mapping.error == 0, "%s: error %d", name, a.mapping.error);
    return a.mapping.pool;
}

/* --- one thing after the other ---------------------------------------------------------------- */

static void who_asks_waits_for_the_disk(void **state)
{
    struct sim_host *h[2];
    struct sim_answer local, remote;
    (void)state;
    struct sim *sim = network("slow disk", 1, 15, 1, h);
    h[0]->disk.delay = 1500 * SC_MS;
    sim_lookup(h[0], "web.demo.scaffold", &local);
    sim_lookup(h[1], "dns.demo.scaffold", &remote);
    sim_run_for(sim, 1400 * SC_MS);
    SIM_CHECK(sim, !local.done && !remote.done, "answered before it was stored");
    sim_run_for(sim, 2 * SC_SECOND);
    SIM_CHECK(sim, local.done && local.mapping.error == 0, "local: %d", local.mapping.error);
    SIM_CHECK(sim, remote.done && remote.mapping.error == 0, "remote: %d", remote.mapping.error);
    h[0]->disk.delay = 60 * SC_SECOND;
    SIM_CHECK(sim, ask(h[0], "mail.demo.scaffold").mapping.error == ETIME, "it was to give up");
    SIM_CHECK(sim, must_resolve(h[1], "web.demo.scaffold") == local.mapping.pool, "another one");
    sim_free(sim);
}

static void a_full_disk_is_told_and_then_forgotten(void **state)
{
    struct sim_host *h[3];
    (void)state;
    struct sim *sim = network("full disk", 2, 15, 1, h);
    uint32_t web = must_resolve(h[1], "web.demo.scaffold");
    h[0]->disk = (struct sim_disk){
        .names = h[0]->disk.names, .delay = SC_MS, .error = ENOSPC, .fail_percent = 100};
    SIM_CHECK(sim, ask(h[1], "dns.demo.scaffold").mapping.error == ENOSPC, "remote");
    SIM_CHECK(sim, ask(h[0], "dns.demo.scaffold").mapping.error == ENOSPC, "local");
    SIM_CHECK(sim, must_resolve(h[1], "web.demo.scaffold") == web, "what is known is known");
    h[2] = sim_host_new(sim, "late", h[0], NULL, NULL);
    sim_run_for(sim, 3 * SC_SECOND);
    struct sc_stack_self self;
    sc_stack_get_self(h[2]->stack, &self);
    SIM_CHECK(sim, !self.joined && self.refused == ENOSPC, "let in without a stored name");
    h[0]->disk.error = 0;
    uint32_t dns = must_resolve(h[1], "dns.demo.scaffold");
    SIM_CHECK(sim, sim_run_until(sim, sim_joined, sim, sim->now + 5 * SC_SECOND), "not let in");
    sim_host_restart(h[0]);
    SIM_CHECK(sim, must_resolve(h[1], "dns.demo.scaffold") == dns, "another one");
    sim_free(sim);
}

/* A renamed router does not take the address that its old name had. */
static void a_router_with_a_new_name(void **state)
{
    struct sim_host *h[2];
    struct sc_stack_self self;
    (void)state;
    struct sim *sim = network("renamed", 3, 15, 1, h);
    uint32_t old = must_resolve(h[1], "router.host.scaffold");
    sim_host_kill(h[0]);
    snprintf(h[0]->config.host_name, sizeof h[0]->config.host_name, "other");
    sim_host_start(h[0]);
    sim_run_for(sim, SC_SECOND);
    sc_stack_get_self(h[0]->stack, &self);
    SIM_CHECK(sim, self.pool && self.pool != old, "it has the address %x", self.pool);
    SIM_CHECK(sim, must_resolve(h[1], "other.host.scaffold") == self.pool, "others know otherwise");
    sim_free(sim);
}

/* --- a pool that is too small ----------------------------------------------------------------- */

static void the_oldest_unused_name_makes_room(void **state)
{
    struct sim_host *h[9];
    char name[64];
    uint32_t first = 0;
    (void)state;
    struct sim *sim = network("exhausted", 4, 26, 8, h); /* 63 addresses, 9 of them hosts' */
    uint32_t served = must_resolve(h[1], "served.demo.scaffold");
    sim_serve(h[1], "served.demo.scaffold:80");
    sim_run_for(sim, 5 * SC_SECOND);
    for (unsigned i = 0; i < 53; i++) {
        snprintf(name, sizeof name, "asked%u.demo.scaffold", i);
        uint32_t pool = must_resolve(h[1 + i % 8], name);
        first = i == 0 ? pool : first;
    }
    /* The first one is asked for again, so it is the second that is missed the least. */
    SIM_CHECK(sim, must_resolve(h[0], "asked0.demo.scaffold") == first, "it is another one");
    struct sim_answer a = ask(h[2], "new.demo.scaffold"), b;
    SIM_CHECK(sim, a.mapping.error == 0 && a.mapping.reused, "error %d", a.mapping.error);
    sim_run_for(sim, 2 * SC_SECOND);
    sim_lookup_pool(h[2], a.mapping.pool, &b); /* asked1's host, which knew it */
    sim_run_for(sim, SC_SECOND);
    SIM_CHECK(sim, b.done && strcmp(b.mapping.name, "new.demo.scaffold") == 0 && b.mapping.reused,
              "host2 takes the address for %s", b.mapping.name);
    SIM_CHECK(sim, must_resolve(h[3], "asked0.demo.scaffold") == first, "asked0 was not old");
    SIM_CHECK(sim, must_resolve(h[3], "served.demo.scaffold") == served, "served was used");
    SIM_CHECK(sim, must_resolve(h[3], "asked1.demo.scaffold") != a.mapping.pool, "two names");
    sim_free(sim);
}

/* --- somebody who wants them all -------------------------------------------------------------- */

struct batch {
    struct sim_answer answer[200];
    size_t count;
};

static bool all_done(void *arg)
{
    const struct batch *b = arg;
    for (size_t i = 0; i < b->count; i++)
        if (!b->answer[i].done)
            return false;
    return true;
}

/* In batches, as fast as the router answers one place. Returns how many were refused with `error`.
 */
static size_t ask_for_many(struct sim_host *h, const char *what, size_t count, int error)
{
    static struct batch b;
    size_t refused = 0;
    for (size_t i = 0; i < count; i += b.count) {
        b.count = count - i < 200 ? count - i : 200;
        for (size_t k = 0; k < b.count; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s%zu.demo.scaffold", what, i + k);
            sim_lookup(h, name, &b.answer[k]);
        }
        bool done = sim_run_until(h->sim, all_done, &b, h->sim->now + 10 * SC_SECOND);
        SIM_CHECK(h->sim, done, "no answer");
        for (size_t k = 0; k < b.count; k++) {
            int got = b.answer[k].mapping.error;
            refused += got == error;
            SIM_CHECK(h->sim, !got || got == error, "error %d", got);
        }
    }
    return refused;
}

static void one_host_cannot_take_the_pool(void **state)
{
    struct sim_host *h[3];
    (void)state;
    struct sim *sim = network("made-up names", 5, 15, 2, h);
    sim_host_new(sim, "never-joins", h[0], NULL, NULL);
    size_t refused = ask_for_many(h[1], "made-up", 130044, EDQUOT);
    printf("    %zu of 130044 made-up names refused\n", refused);
    SIM_CHECK(sim, refused > 90000 && refused < 100000, "refused: %zu", refused);
    must_resolve(h[2], "another.demo.scaffold");
    must_resolve(h[0], "a-program-of-the-router.demo.scaffold");
    must_resolve(h[2], "served.demo.scaffold");
    sim_serve(h[2], "served.demo.scaffold:80");
    sim_run_for(sim, SC_SECOND);
    SIM_CHECK(sim, sim_instances_known(h[0], "served.demo.scaffold:80") == 1, "not served");
    sim_run_for(sim, SC_NAME_COUNTS); /* what nobody asked for in so long does not count */
    must_resolve(h[1], "an-hour-later.demo.scaffold");
    sim_free(sim);
}

/* --- everything at once ----------------------------------------------------------------------- */

struct question {
    struct sim_answer answer;
    bool open;
    unsigned host, name;
    bool by_pool;
};

/* What a program remembers: the address that it was given for a name. */
static uint32_t remembered[CLIENTS + 1][NAMES];

static void check_answer(struct sim *sim, const struct question *q)
{
    char name[64];
    const struct sc_mapping *m = &q->answer.mapping;
    if (m->error)
        return;
    snprintf(name, sizeof name, "n%u.demo.scaffold", q->name);
    if (!q->by_pool) {
        SIM_CHECK(sim, strcmp(m->name, name) == 0, "asked for %s, got %s", name, m->name);
        remembered[q->host][q->name] = m->pool;
    } else if (strcmp(m->name, name) != 0) { /* scaffoldd has to see that it must not connect */
        SIM_CHECK(sim, m->reused, "%x: meant %s, would reach %s", m->pool, name, m->name);
    }
}

static void ask_something(struct sim *sim, struct sim_host **h, struct question *q)
{
    char name[64];
    q->host = (unsigned)(sc_rng_next(&sim->rng) % (CLIENTS + 1));
    q->name = (unsigned)(sc_rng_next(&sim->rng) % NAMES);
    uint32_t pool = remembered[q->host][q->name];
    q->by_pool = pool && sc_rng_next(&sim->rng) % 3 == 0;
    if (!h[q->host]->stack)
        return;
    q->open = true;
    snprintf(name, sizeof name, "n%u.demo.scaffold", q->name);
    if (q->by_pool)
        sim_lookup_pool(h[q->host], pool, &q->answer);
    else
        sim_lookup(h[q->host], name, &q->answer);
}

static void change_disk(struct sim *sim, struct sim_disk *d)
{
    static const int errors[] = {ENOSPC, EROFS, EIO, EUCLEAN};
    static const sc_time delays[] = {0, SC_MS, 50 * SC_MS, 700 * SC_MS, 5 * SC_SECOND};
    d->delay = delays[sc_rng_next(&sim->rng) % 5];
    d->error = sc_rng_next(&sim->rng) % 2 ? errors[sc_rng_next(&sim->rng) % 4] : 0;
    d->fail_percent = (unsigned)(sc_rng_next(&sim->rng) % 101);
}

/* Its questions die with it. */
static void restart(struct sim *sim, struct sim_host **h, struct question *q, size_t count)
{
    unsigned i = (unsigned)(sc_rng_next(&sim->rng) % (CLIENTS + 1));
    for (size_t k = 0; k < count; k++)
        if (q[k].host == i)
            q[k].open = false;
    sim_host_restart(h[i]);
}

static void step(struct sim *sim, struct sim_host **h, struct question *q, size_t count)
{
    unsigned what = (unsigned)(sc_rng_next(&sim->rng) % 1000);
    for (size_t k = 0; k < count; k++) {
        if (q[k].open && q[k].answer.done) {
            check_answer(sim, &q[k]);
            q[k].open = false;
        }
        if (!q[k].open)
            ask_something(sim, h, &q[k]);
    }
    if (what < 40)
        change_disk(sim, &h[0]->disk);
    else if (what < 50)
        restart(sim, h, q, count);
    else if (what < 60 && !h[1 + what % CLIENTS]->services)
        sim_serve(h[1 + what % CLIENTS], "served.demo.scaffold:80");
}

static void whatever_happens(void **state)
{
    enum { QUESTIONS = 6 };
    (void)state;
    size_t steps = sim_full() ? 40000 : 4000;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct sim_host *h[CLIENTS + 1];
        static struct question q[QUESTIONS];
        struct sim *sim = network("whatever happens", 600 + seed, 26, CLIENTS, h);
        memset(remembered, 0, sizeof remembered);
        memset(q, 0, sizeof q);
        must_resolve(h[1], "served.demo.scaffold");
        for (size_t i = 0; i < steps; i++) {
            step(sim, h, q, QUESTIONS);
            sim_run_for(sim, 40 * SC_MS);
            SIM_CHECK(sim, !sim->violation[0], "%s", sim->violation);
        }
        h[0]->disk.error = 0;
        h[0]->disk.delay = 0;
        sim_run_for(sim, 10 * SC_SECOND); /* what is still being written */
        bool joined = sim_run_until(sim, sim_joined, sim, sim->now + 60 * SC_SECOND);
        SIM_CHECK(sim, joined, "not all hosts have joined again");
        must_resolve(h[0], "after-all-that.demo.scaffold");
        const struct sc_stack_counters *c = sc_stack_counters(h[0]->stack);
        printf("    reused since the last start: %llu\n", (unsigned long long)c->addresses_reused);
        sim_free(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_waits_for_the_disk),
        cmocka_unit_test(a_full_disk_is_told_and_then_forgotten),
        cmocka_unit_test(a_router_with_a_new_name),
        cmocka_unit_test(the_oldest_unused_name_makes_room),
        cmocka_unit_test(one_host_cannot_take_the_pool),
        cmocka_unit_test(whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
