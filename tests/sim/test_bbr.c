/* BBR on a bottleneck: alone, beside CUBIC, among its like, with losses and marks, of an
 * application that does not always send, and when the path changes. Each figure is a median over
 * seeds: three, in the long form twenty. What a reader gets of 1500 bytes on the wire is 96 %. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/sim.h"

#define WEB "web.demo.scaffold:80"
#define SEEDS_MAX 20
#define FLOWS_MAX 8

static size_t seeds(void)
{
    return sim_full() ? SEEDS_MAX : 3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Bulk flows with these controls, one from each client, over one bottleneck. */
struct contest {
    struct sim_world w;
    struct sim_talk *talk[FLOWS_MAX];
    size_t count;
    double rate[FLOWS_MAX]; /* shares of the bottleneck's, of what the readers got */
    double all;
};

static void contest_begin(struct contest *c, const char *name, uint64_t seed,
                          const struct sim_link_config *core, const char *const *controls,
                          size_t count)
{
    *c = (struct contest){.w = sim_world_new(name, seed, count, 1, core), .count = count};
    for (size_t i = 0; i < count; i++) {
        struct sim_plan plan = {
            .client = {.send_len = UINT64_C(1) << 40, .congestion = controls[i]}};
        c->talk[i] = sim_connect(c->w.client[i], WEB, &plan);
        sim_run_for(c->w.sim, 100 * SC_MS);
    }
}

static void contest_measure(struct contest *c, sc_time span)
{
    double rate = (double)c->w.forth->config.rate / 8 * (double)span / 1e6;
    uint64_t before[FLOWS_MAX];
    for (size_t i = 0; i < c->count; i++)
        before[i] = c->talk[i]->server.received;
    sim_run_for(c->w.sim, span);
    c->all = 0;
    for (size_t i = 0; i < c->count; i++) {
        c->rate[i] = (double)(c->talk[i]->server.received - before[i]) / rate;
        c->all += c->rate[i];
    }
    SIM_CHECK(c->w.sim, c->all > 0, "nothing came");
}

static void contest_end(struct contest *c)
{
    sim_free(c->w.sim);
}

/* --- alone ------------------------------------------------------------------------------------ */

static const char *const bbr[] = {"bbr", "bbr", "bbr", "bbr"};

static double bdp(const struct sim_link_config *core)
{
    return (double)core->rate / 8 * (double)(2 * core->delay) / 1e6;
}

/* It fills the path, and its queue stays bounded where there would be room for eight of it. */
static void alone(double mbit, sc_time rtt)
{
    double used[SEEDS_MAX], queue[SEEDS_MAX];
    for (size_t i = 0; i < seeds(); i++) {
        struct contest c;
        struct sim_link_config core = sim_path(mbit, rtt, 8);
        core.mtu = 1500;
        contest_begin(&c, "bbr alone", 300 + i, &core, bbr, 1);
        sim_run_for(c.w.sim, 3 * SC_SECOND);
        c.w.forth->max_queued = 0;
        contest_measure(&c, 10 * SC_SECOND);
        used[i] = c.all;
        queue[i] = (double)c.w.forth->max_queued / bdp(&core);
        contest_end(&c);
    }
    double rate = median(used, seeds()), most = median(queue, seeds());
    printf("  %g Mbit/s %g ms: %.1f %% of the rate, queue of at most %.2f BDP\n", mbit,
           (double)rtt / 1e3, rate * 100, most);
    assert_true(rate > 0.88);
    assert_true(most < 1.3);
}

static void fills_the_path(void **state)
{
    (void)state;
    alone(10, 50 * SC_MS);
    alone(50, 100 * SC_MS);
}

/* --- losses and marks ------------------------------------------------------------------------- */

static double lossy(const char *control, double mbit, double p)
{
    double used[SEEDS_MAX];
    for (size_t i = 0; i < seeds(); i++) {
        struct contest c;
        struct sim_link_config core = sim_path(mbit, 50 * SC_MS, 1);
        core.mtu = 1500;
        core.loss = p;
        contest_begin(&c, "losses", 400 + i, &core, &control, 1);
        contest_measure(&c, 8 * SC_SECOND);
        used[i] = c.all;
        contest_end(&c);
    }
    double rate = median(used, seeds());
    printf("  %s at %g Mbit/s and 50 ms, loss %g %%: %.2f Mbit/s\n", control, mbit, p * 100,
           rate * mbit);
    return rate;
}

static void random_losses(void **state)
{
    (void)state;
    assert_true(lossy("bbr", 50, 0) > 0.85);
    assert_true(lossy("bbr", 50, 0.001) > 0.8);
    assert_true(lossy("bbr", 50, 0.01) > 0.7);
    assert_true(lossy("cubic", 50, 0.01) < 0.2);
}

/* A path that marks where its queue begins keeps it short. */
static void marks(void **state)
{
    (void)state;
    double queue[2];
    for (size_t i = 0; i < 2; i++) {
        struct contest c;
        struct sim_link_config core = sim_path(20, 50 * SC_MS, 8);
        core.mtu = 1500;
        core.mark = i ? (size_t)(0.2 * bdp(&core)) : 0;
        contest_begin(&c, "marks", 450, &core, bbr, 1);
        sim_run_for(c.w.sim, 3 * SC_SECOND);
        c.w.forth->max_queued = 0;
        contest_measure(&c, 20 * SC_SECOND);
        queue[i] = (double)c.w.forth->max_queued / bdp(&core);
        printf("  %s marks: %.1f %% of the rate, queue of at most %.2f BDP\n",
               i ? "with" : "without", c.all * 100, queue[i]);
        assert_true(c.all > 0.75);
        contest_end(&c);
    }
    assert_true(queue[1] < 0.8 * queue[0]);
}

/* --- a path that changes -----------------------------------------------------------------------
 */

/* The round trip doubles, and what is in flight follows within the time for which the old one is
 * believed; then it halves. */
static void another_round_trip(void **state)
{
    (void)state;
    struct contest c;
    struct sim_link_config core = sim_path(20, 40 * SC_MS, 4);
    core.mtu = 1500;
    contest_begin(&c, "another round trip", 460, &core, bbr, 1);
    sim_run_for(c.w.sim, 5 * SC_SECOND);
    for (size_t i = 0; i < 2; i++) {
        c.w.forth->config.delay = c.w.back->config.delay = i ? 20 * SC_MS : 40 * SC_MS;
        sim_run_for(c.w.sim, 15 * SC_SECOND);
        contest_measure(&c, 10 * SC_SECOND);
        printf("  round trip %s: %.1f %% of the rate\n", i ? "halved" : "doubled", c.all * 100);
        assert_true(c.all > 0.85);
    }
    contest_end(&c);
}

/* Half of the rate is gone, and comes back. */
static void another_rate(void **state)
{
    (void)state;
    struct contest c;
    struct sim_link_config core = sim_path(20, 40 * SC_MS, 2);
    core.mtu = 1500;
    contest_begin(&c, "another rate", 470, &core, bbr, 1);
    sim_run_for(c.w.sim, 5 * SC_SECOND);
    for (size_t i = 0; i < 2; i++) {
        c.w.forth->config.rate = i ? 20000000 : 10000000;
        sim_run_for(c.w.sim, 12 * SC_SECOND);
        contest_measure(&c, 10 * SC_SECOND);
        printf("  rate %s: %.1f %% of it\n", i ? "doubled" : "halved", c.all * 100);
        assert_true(c.all > 0.85);
    }
    contest_end(&c);
}

/* --- an application that does not always send ----------------------------------------------------
 */

/* After half a minute of little, bulk goes on at the rate that was known. */
static void little_is_no_measurement(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(50, 40 * SC_MS, 1);
    core.mtu = 1500;
    struct sim_world w = sim_world_new("little and much", 480, 1, 1, &core);
    struct sim_plan plan = {
        .client = {.send_len = 20000000, .hold_fin = true, .congestion = "bbr"}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, 5 * SC_SECOND);
    for (int i = 0; i < 300; i++) {
        sim_end_send(&t->client, 1000);
        sim_run_for(w.sim, 100 * SC_MS);
    }
    uint64_t before = t->server.received;
    sc_time began = w.sim->now;
    sim_end_send(&t->client, 5000000);
    while (t->server.received < before + 5000000 && w.sim->now < began + 10 * SC_SECOND)
        sim_run_for(w.sim, 10 * SC_MS);
    double took = (double)(w.sim->now - began) / 1e6, least = 5e6 * 8 / 50e6;
    printf("  5 MB after a pause took %.2f s, %.2f s at the path's rate\n", took, least);
    SIM_CHECK(w.sim, took < least * 1.25 + 0.1, "took %.2f s", took);
    sim_free(w.sim);
}

/* Half of the rate is asked for: it gets that, without a queue to speak of. */
static void half_of_the_rate(void **state)
{
    (void)state;
    struct sim_link_config core = sim_path(20, 40 * SC_MS, 4);
    core.mtu = 1500;
    struct sim_world w = sim_world_new("half of the rate", 490, 1, 1, &core);
    struct sim_plan plan = {
        .client = {.send_len = 25000000, .send_rate = 1250000, .congestion = "bbr"}};
    struct sim_talk *t = sim_connect(w.client[0], WEB, &plan);
    sim_run_for(w.sim, 2 * SC_SECOND);
    w.forth->max_queued = 0;
    bool done = sim_run_talks(w.sim, w.sim->now + 40 * SC_SECOND);
    double took = (double)(t->server.last_byte_at - t->client.established_at) / 1e6;
    printf("  20 s of half of the rate took %.2f s, queue of at most %zu bytes\n", took,
           w.forth->max_queued);
    SIM_CHECK(w.sim, done && took < 20.5, "took %.2f s", took);
    SIM_CHECK(w.sim, w.forth->max_queued < 40000, "%zu bytes", w.forth->max_queued);
    sim_free(w.sim);
}

/* --- beside others ---------------------------------------------------------------------------- */

static void beside_cubic(double bdps)
{
    static const char *const controls[] = {"bbr", "cubic"};
    double of_bbr[SEEDS_MAX], of_cubic[SEEDS_MAX];
    sc_time times = sim_full() ? 2 : 1;
    for (size_t i = 0; i < seeds(); i++) {
        struct contest c;
        struct sim_link_config core = sim_path(20, 40 * SC_MS, bdps);
        core.mtu = 1500;
        contest_begin(&c, "bbr beside cubic", 500 + i, &core, controls, 2);
        sim_run_for(c.w.sim, 5 * SC_SECOND);
        contest_measure(&c, 30 * SC_SECOND * times);
        of_bbr[i] = c.rate[0] / c.all;
        of_cubic[i] = c.rate[1] / c.all;
        contest_end(&c);
    }
    double first = median(of_bbr, seeds()), second = median(of_cubic, seeds());
    printf("  %g BDP: bbr %.1f %%, cubic %.1f %%; bound 25 %% each\n", bdps, first * 100,
           second * 100);
    assert_true(first >= 0.25 && second >= 0.25);
}

static void shares_with_cubic(void **state)
{
    (void)state;
    beside_cubic(1);
    beside_cubic(4);
}

static double jain(const double *x, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    return squares > 0 ? sum * sum / ((double)n * squares) : 0;
}

static void among_its_like(void **state)
{
    (void)state;
    double index[SEEDS_MAX], used[SEEDS_MAX];
    for (size_t i = 0; i < seeds(); i++) {
        struct contest c;
        struct sim_link_config core = sim_path(20, 40 * SC_MS, 2);
        core.mtu = 1500;
        contest_begin(&c, "four of bbr", 600 + i, &core, bbr, 4);
        sim_run_for(c.w.sim, 12 * SC_SECOND);
        contest_measure(&c, 20 * SC_SECOND);
        index[i] = jain(c.rate, c.count);
        used[i] = c.all;
        contest_end(&c);
    }
    double fair = median(index, seeds()), all = median(used, seeds());
    printf("  four flows: Jain %.4f, bound 0.9; %.1f %% of the rate\n", fair, all * 100);
    assert_true(fair > 0.9 && all > 0.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_the_path),
        cmocka_unit_test(random_losses),
        cmocka_unit_test(marks),
        cmocka_unit_test(another_round_trip),
        cmocka_unit_test(another_rate),
        cmocka_unit_test(little_is_no_measurement),
        cmocka_unit_test(half_of_the_rate),
        cmocka_unit_test(shares_with_cubic),
        cmocka_unit_test(among_its_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
