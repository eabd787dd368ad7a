/* Channels between hosts and their router: deaths of either, loss while keys change, wrong clocks,
 * and somebody on the way who is faster. (What may leave a host only in a channel is checked on
 * each packet of each simulation: audit.c. Many hosts: test_crowd.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim.h"
#include "stack/parts.h"

#define WEB "web.demo.scaffold:80"
#define RTT (20 * SC_MS)
#define HOUR (3600 * SC_SECOND)
#define DAY (24 * HOUR)

static const struct sim_plan small = {.client = {.send_len = 500}, .server = {.send_len = 500}};

static double seconds(sc_time from, sc_time to)
{
    return to > from ? (double)(to - from) / 1e6 : 0;
}

/* --- deaths ----------------------------------------------------------------------------------- */

#define CLIENTS 2
#define SERVERS 3
#define HOSTS (1 + CLIENTS + SERVERS)

struct deaths {
    struct sim_world w;
    bool goes_on;
    sc_time started;     /* the last of them */
    size_t talks_before; /* that were opened before */
};

/* Both clients open something all the time. */
static void open_more(struct sim *sim, void *arg, uint64_t value)
{
    struct deaths *d = arg;
    (void)value;
    for (size_t i = 0; i < CLIENTS; i++)
        if (d->w.client[i]->stack)
            sim_connect(d->w.client[i], WEB, &small);
    if (d->goes_on)
        sim_at(sim, sim->now + 100 * SC_MS, open_more, d, 0);
}

static bool has_opened(const struct deaths *d, const struct sim_host *client)
{
    const struct sim *sim = d->w.sim;
    for (size_t i = d->talks_before; i < sim->talk_count; i++)
        if (sim->talk[i]->client.host == client && sim->talk[i]->client.established)
            return true;
    return false;
}

static bool reachable(void *arg)
{
    struct deaths *d = arg;
    if (!sim_joined(d->w.sim))
        return false;
    for (size_t i = 0; i < CLIENTS; i++)
        if (!has_opened(d, d->w.client[i]))
            return false;
    return true;
}

/* Some of all hosts die within half a second, in any order, and come back in any order. */
static void kill_some(struct deaths *d)
{
    struct sim *sim = d->w.sim;
    sc_time now = sim->now;
    uint64_t who = 1 + sc_rng_below(&sim->rng, (1 << HOSTS) - 1);
    d->started = now;
    for (size_t i = 0; i < HOSTS; i++) {
        sc_time dies = now + sc_rng_below(&sim->rng, 500 * SC_MS);
        sc_time away = sc_rng_below(&sim->rng, 4) ? SC_SECOND : 8 * SC_SECOND;
        sc_time back = dies + 1 + sc_rng_below(&sim->rng, away);
        if (!(who >> i & 1))
            continue;
        sim_host_kill_at(sim->host[i], dies);
        sim_host_restart_at(sim->host[i], back);
        d->started = sc_time_max(d->started, back);
    }
    sim_run(sim, d->started);
    d->talks_before = sim->talk_count;
}

static void whoever_dies_is_back_soon(void **state)
{
    static struct deaths d;
    double worst = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= (sim_full() ? 20 : 1); seed++) {
        struct sim_link_config core = sim_path(100, RTT, 2);
        d = (struct deaths){.w = sim_world_new("deaths", seed, CLIENTS, SERVERS, &core),
                            .goes_on = true};
        struct sim *sim = d.w.sim;
        sim->strangers = true;
        uint32_t left = UINT32_MAX - (HOSTS - 1);
        SIM_CHECK(sim, sim_invitation_left(d.w.router) == left, "joined without an invitation");
        open_more(sim, &d, 0);
        for (unsigned i = 0; i < 30; i++) {
            unsigned lives = d.w.router->incarnation;
            kill_some(&d);
            bool back = sim_run_until(sim, reachable, &d, d.started + 3 * SC_SECOND);
            double took = seconds(d.started, sim->now);
            worst = took > worst ? took : worst;
            SIM_CHECK(sim, back, "round %u: not back after %.3f s", i, took);
            left = d.w.router->incarnation == lives ? left : UINT32_MAX;
            SIM_CHECK(sim, sim_invitation_left(d.w.router) == left, "an invitation was used");
            sim_run_for(sim, sc_rng_below(&sim->rng, 5 * SC_SECOND));
        }
        d.goes_on = false;
        sim_run_talks(sim, sim->now + 200 * SC_SECOND);
        SIM_CHECK(sim, sim->talks_open == 0, "%zu talks did not end", sim->talks_open);
        sim_free(sim);
    }
    printf("    reachable after %.3f s at worst, bound 3 s\n", worst);
}

/* --- keys that change ------------------------------------------------------------------------- */

struct weather {
    struct sc_rng rng;
    bool lost[HOSTS][HOSTS]; /* the last one from there to there */
    uint32_t channel[HOSTS]; /* that was proven last... */
    unsigned proven[HOSTS];  /* ...of so many */
};

/* One of five, but never two in a row of one host to another: by chance alone, with more, a host
 * hears nothing of its router for as long as a lease. */
static bool lose_some(struct sim *sim, const struct sim_packet *p, void *user)
{
    struct weather *w = user;
    bool *lost = &w->lost[p->source->index][p->target->index];
    (void)sim;
    *lost = !*lost && sc_rng_below(&w->rng, 4) == 0;
    return *lost;
}

static void count_channels(struct sim_host *from, const uint8_t *packet, size_t len, void *user)
{
    struct weather *w = user;
    struct sc_reader r = sc_reader(packet, len);
    struct sc_header h;
    sc_header_read(&r, &h);
    if (sim_message_of(packet, len) != SC_MSG_PROVE || w->channel[from->index] == h.flow)
        return;
    w->channel[from->index] = h.flow;
    w->proven[from->index]++;
}

/* One flow after the other, each in its own time. */
static void open_another(struct sim *sim, void *arg, uint64_t until)
{
    struct sim_host *client = arg;
    sim_connect(client, WEB, &small);
    if (sim->now < until)
        sim_at(sim, sim->now + sc_rng_below(&sim->rng, 2 * SC_SECOND), open_another, arg, until);
}

/* What becomes of flows that are open, in such weather, is not a matter of channels. One of 300
 * opens takes more than 5 s: more of them, and it is not only the weather. */
static void check_openings(const struct sim_world *w)
{
    struct sim *sim = w->sim;
    size_t slow = 0;
    sc_time most = 0;
    for (size_t i = 0; i < sim->talk_count; i++) {
        const struct sim_talk *t = sim->talk[i];
        SIM_CHECK(sim, t->client.established, "flow %zu: error %d", i, t->client.error);
        slow += t->client.established_at > t->opened_at + 5 * SC_SECOND;
        most = sc_time_max(most, t->client.established_at - t->opened_at);
    }
    printf("    %zu opens, %zu took more than 5 s, the slowest %.3f s\n", sim->talk_count, slow,
           seconds(0, most));
    SIM_CHECK(sim, slow < sim->talk_count / 100, "%zu slow ones", slow);
}

static void change_keys(uint64_t seed)
{
    static struct weather weather;
    struct sim_link_config core = {.delay = RTT / 2,
                                   .jitter = 5 * SC_MS,
                                   .reorder = 0.2,
                                   .reorder_by = 50 * SC_MS,
                                   .duplicate = 0.2};
    struct sim_world w = sim_world_new("keys change", seed, 2, 2, NULL);
    struct sim *sim = w.sim;
    memset(&weather, 0, sizeof weather);
    sc_rng_seed(&weather.rng, sim->seed);
    for (size_t i = 0; i < sim->host_count; i++)
        sim->host[i]->out->config = core;
    sim->filter = lose_some;
    sim->filter_user = &weather;
    sim->tap = count_channels;
    sim->tap_user = &weather;
    for (size_t i = 0; i < 2; i++)
        open_another(sim, w.client[i], sim->now + HOUR);
    sim_run_for(sim, HOUR);
    bool over = sim_run_talks(sim, sim->now + 200 * SC_SECOND);
    SIM_CHECK(sim, over, "%zu talks did not end", sim->talks_open);
    SIM_CHECK(sim, sc_stack_counters(w.router->stack)->leases_expired == 0, "%llu leases expired",
              (unsigned long long)sc_stack_counters(w.router->stack)->leases_expired);
    check_openings(&w);
    printf("    %u to %u channels of each host\n", weather.proven[1], weather.proven[4]);
    for (size_t i = 1; i < sim->host_count; i++)
        SIM_CHECK(sim, weather.proven[i] >= HOUR / SC_CHANNEL_RENEW - 2, "only %u channels",
                  weather.proven[i]);
    sim_free(sim);
}

static void keys_change_in_bad_weather(void **state)
{
    (void)state;
    for (uint64_t seed = 51; seed <= (sim_full() ? 62 : 51); seed++)
        change_keys(seed);
}

/* --- clocks ----------------------------------------------------------------------------------- */

static void check_open(struct sim_world *w, const char *when)
{
    struct sim_talk *t = sim_connect(w->client[0], WEB, &small);
    bool done = sim_run_talks(w->sim, w->sim->now + 2 * SC_SECOND);
    SIM_CHECK(w->sim, done && sim_talk_complete(t), "%s: errors %d and %d", when, t->client.error,
              t->server.error);
}

/* The hosts of these bits begin with clocks that are wrong by so many seconds. */
static struct sim_world world_in_time(int64_t error, unsigned who)
{
    struct sim_world w = {.sim = sim_new("clocks", 81)};
    struct sim_host *h[3];
    static const char *const names[] = {"router", "client", "server"};
    for (size_t i = 0; i < 3; i++) {
        h[i] = sim_host_prepare(w.sim, names[i], i ? h[0] : NULL, NULL, NULL);
        h[i]->wall_error = who >> i & 1 ? error : 0;
        sim_host_start(h[i]);
    }
    sim_serve(h[2], WEB);
    w.router = h[0];
    w.client[0] = h[1];
    w.server[0] = h[2];
    return w;
}

static void begin_in_time(int64_t error, unsigned who)
{
    struct sim_world w = world_in_time(error, who);
    bool joined = sim_run_until(w.sim, sim_joined, w.sim, w.sim->now + SC_SECOND);
    SIM_CHECK(w.sim, joined, "not joined, by %lld s at %u", (long long)error, who);
    check_open(&w, "begun in another time");
    sim_run_for(w.sim, 2 * SC_CHANNEL_RENEW);
    check_open(&w, "with other keys");
    sim_host_restart(w.router);
    sim_run_for(w.sim, 3 * SC_SECOND);
    check_open(&w, "with another router");
    sim_free(w.sim);
}

/* Set while they run. */
static void jump_in_time(int64_t error, unsigned who)
{
    struct sim_world w = world_in_time(0, 0);
    bool joined = sim_run_until(w.sim, sim_joined, w.sim, w.sim->now + SC_SECOND);
    SIM_CHECK(w.sim, joined, "not joined");
    for (size_t i = 0; i < 3; i++)
        if (who >> i & 1)
            sc_stack_set_wall(w.sim->host[i]->stack,
                              (uint64_t)((int64_t)(SIM_WALL + w.sim->now / SC_SECOND) + error),
                              w.sim->now);
    check_open(&w, "after the jump");
    for (unsigned i = 0; i < 10; i++) {
        sim_run_for(w.sim, SC_CHANNEL_RENEW / 4);
        SIM_CHECK(w.sim, sim_joined(w.sim), "left, by %lld s at %u", (long long)error, who);
        check_open(&w, "some time after the jump");
    }
    sim_free(w.sim);
}

static void wrong_clocks_change_nothing(void **state)
{
    const int64_t hour = HOUR / SC_SECOND, day = DAY / SC_SECOND;
    const int64_t errors[] = {hour, -hour, day, -day, -(int64_t)(SIM_WALL + 1000)};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        for (unsigned who = 1; who < 8; who++) {
            begin_in_time(errors[i], who);
            jump_in_time(errors[i], who);
        }
}

/* --- somebody on the way ---------------------------------------------------------------------- */

struct thief {
    struct sim_world w;
    struct sim_host *host;
    size_t copies, bytes;
    unsigned got[SIM_MESSAGES]; /* plain CONTROL by message; 0: anything else */
};

/* Each copy is there before the packet, and comes from the thief. */
static bool overtake(struct sim *sim, const struct sim_packet *p, void *user)
{
    struct thief *t = user;
    uint8_t type = p->data[0] & 15;
    bool ours = type == SC_PKT_CONTROL || type == SC_PKT_OPEN || type == SC_PKT_REFUSE;
    (void)sim;
    if (p->source == t->host || !ours)
        return false;
    t->copies++;
    t->bytes += p->len;
    sim_host_inject(t->host, &t->host->underlay, &p->target->underlay, p->data, p->len);
    return false;
}

static void look(struct sim_host *h, struct sim_packet *p)
{
    struct thief *t = h->user;
    bool sealed = p->data[0] >> 4 & 1;
    t->got[sealed ? 0 : sim_message_of(p->data, p->len)]++;
}

/* Where the router believes its hosts to be. */
static void check_places(struct thief *t)
{
    const struct sc_channels *all = &t->w.router->stack->channels;
    for (struct sc_map_node *n = NULL; (n = sc_map_next(&all->by_id, n)) != NULL;) {
        const struct sc_channel *c = sc_container(n, struct sc_channel, by_id);
        SIM_CHECK(t->w.sim, !sc_underlay_equal(&c->at, &t->host->underlay), "a channel has moved");
    }
    for (size_t i = 1; i < t->w.sim->host_count; i++) {
        struct sc_stack_self self;
        const struct sim_host *h = t->w.sim->host[i];
        if (h == t->host)
            continue;
        sc_stack_get_self(h->stack, &self);
        const struct sc_host *known =
            sc_hosts_find(&t->w.router->stack->router.hosts, self.address);
        SIM_CHECK(t->w.sim, known && sc_underlay_equal(&known->underlay, &h->underlay),
                  "%s has moved", h->config.host_name);
    }
}

static void whoever_overtakes_gets_nothing(void **state)
{
    static struct thief t;
    struct sim_link_config core = sim_path(100, RTT, 2);
    const struct sim_link_config slow = {.delay = 5 * SC_MS};
    (void)state;
    t = (struct thief){.w = sim_world_new("overtaken", 91, 2, 2, &core)};
    struct sim *sim = t.w.sim;
    t.host = sim_host_raw(sim, "thief");
    t.host->side = 1;
    t.host->on_packet = look;
    t.host->user = &t;
    for (size_t i = 0; i < 5; i++)
        sim->host[i]->out->config = slow;
    sim->filter = overtake;
    sim->filter_user = &t;
    for (unsigned i = 0; i < 40; i++) {
        if (i % 10 == 5)
            sim_host_restart(sim->host[i / 10]); /* the router, both clients, a server */
        sim_run_for(sim, i % 10 == 5 ? 4 * SC_SECOND : SC_CHANNEL_RENEW / 5);
        SIM_CHECK(sim, sim_joined(sim), "not all hosts are in");
        for (size_t k = 0; k < 2; k++)
            sim_connect(t.w.client[k], WEB, &small);
        sim_run_talks(sim, sim->now + 4 * SC_SECOND);
        for (size_t k = sim->talk_count - 2; k < sim->talk_count; k++)
            SIM_CHECK(sim, sim_talk_complete(sim->talk[k]), "errors %d and %d",
                      sim->talk[k]->client.error, sim->talk[k]->server.error);
        check_places(&t);
    }
    printf("    %zu copies drew %u GREETED, %u ALIVE and %u others\n", t.copies,
           t.got[SC_MSG_GREETED], t.got[SC_MSG_ALIVE], t.got[0]);
    for (size_t i = 0; i < SIM_MESSAGES; i++)
        SIM_CHECK(sim, i == SC_MSG_GREETED || i == SC_MSG_ALIVE || t.got[i] == 0,
                  "%u packets of message %zu", t.got[i], i);
    SIM_CHECK(sim, t.host->bytes_in <= t.bytes, "%llu bytes", (unsigned long long)t.host->bytes_in);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_dies_is_back_soon),
        cmocka_unit_test(keys_change_in_bad_weather),
        cmocka_unit_test(wrong_clocks_change_nothing),
        cmocka_unit_test(whoever_overtakes_gets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
