/* Connectionless datagrams through a rough network: one arrives whole and as it was sent, or not at
 * all; an answer comes back to the very socket that asked; nothing of what is lost stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "sim/sim.h"

#define DNS "dns.demo.scaffold:53/udp"
#define CLIENTS 2
#define SERVERS 2
#define PORT_FIRST 4000
#define QUESTIONS 3000 /* of each client */
#define HEAD 12        /* client, question, length */

struct question {
    uint32_t len;
    uint8_t asked, answered; /* times that it, or its answer, arrived */
};

static struct {
    struct sim_world w;
    struct question question[CLIENTS][QUESTIONS];
    uint64_t at_server[SERVERS], undelivered, twice;
    uint8_t payload[SC_DATAGRAM_PAYLOAD_MAX];
} t;

/* --- content ---------------------------------------------------------------------------------- */

static uint8_t byte_of(uint32_t client, uint32_t question, size_t at)
{
    return (uint8_t)((client + 1) * 31 + question * 7 + at * 13 + at / 251);
}

static void fill(uint32_t client, uint32_t question, uint32_t len)
{
    for (size_t i = 0; i < len; i++)
        t.payload[i] = byte_of(client, question, i);
    struct sc_writer w = sc_writer(t.payload, HEAD);
    sc_write_u32(&w, client);
    sc_write_u32(&w, question);
    sc_write_u32(&w, len);
}

/* The question that a datagram holds; NULL after a violation. */
static struct question *read_content(struct sim *sim, const struct sc_datagram *d, uint32_t *client)
{
    struct sc_reader r = sc_reader(d->data, d->len);
    *client = sc_read_u32(&r);
    uint32_t number = sc_read_u32(&r);
    uint32_t len = sc_read_u32(&r);
    if (d->len < HEAD || *client >= CLIENTS || number >= QUESTIONS || len != d->len) {
        sim_violation(sim, "a datagram that nobody sent: %zu bytes", d->len);
        return NULL;
    }
    for (size_t i = HEAD; i < d->len; i++)
        if (d->data[i] != byte_of(*client, number, i)) {
            sim_violation(sim, "question %u of client %u: byte %zu is wrong", number, *client, i);
            return NULL;
        }
    struct question *q = &t.question[*client][number];
    if (q->len != d->len)
        sim_violation(sim, "question %u of client %u: %zu bytes of %u", number, *client, d->len,
                      q->len);
    return q;
}

/* --- both ends -------------------------------------------------------------------------------- */

static uint16_t port_of(uint32_t question)
{
    return (uint16_t)(PORT_FIRST + question % 100);
}

static void ask(struct sim *sim, void *arg, uint64_t value)
{
    uint32_t client = (uint32_t)(value >> 32), number = (uint32_t)value;
    struct sim_host *h = t.w.client[client];
    const struct question *q = &t.question[client][number];
    (void)arg;
    fill(client, number, q->len);
    struct sc_datagram d = {
        .to = sim_service_id(DNS), .from_port = port_of(number), .data = t.payload, .len = q->len};
    if (sc_stack_send_datagram(h->stack, &d, number, sim->now) != 0)
        sim_violation(sim, "question %u of client %u could not be sent", number, client);
    sim_host_kick(h);
}

/* Sends the same back to the socket that asked. */
static void answer(struct sim_host *h, const struct sc_datagram *d)
{
    struct sc_datagram back = {.to =
                                   sc_service_id_at((struct sc_service_id){{0}}, d->from_port, 17),
                               .to_host = d->from_host,
                               .from = d->to,
                               .from_port = 53,
                               .answer = true,
                               .data = d->data,
                               .len = d->len};
    if (sc_stack_send_datagram(h->stack, &back, 0, h->sim->now) != 0)
        sim_violation(h->sim, "%s could not answer", h->config.host_name);
}

static void on_datagram(struct sim_host *h, const struct sc_datagram *d, bool undelivered)
{
    uint32_t client;
    if (undelivered) {
        t.undelivered++;
        return;
    }
    struct question *q = read_content(h->sim, d, &client);
    if (!q)
        return;
    for (size_t i = 0; i < SERVERS; i++)
        if (h == t.w.server[i]) {
            t.at_server[i]++;
            t.twice += q->asked > 0;
            q->asked++;
            answer(h, d);
            return;
        }
    if (h != t.w.client[client] || !d->answer ||
        sc_service_id_port(&d->to) != port_of((uint32_t)(q - t.question[client])))
        sim_violation(h->sim, "the answer went to %s, port %u", h->config.host_name,
                      sc_service_id_port(&d->to));
    q->answered++;
}

/* --- the runs --------------------------------------------------------------------------------- */

static uint32_t random_length(struct sc_rng *rng)
{
    switch (sc_rng_below(rng, 10)) {
    case 0:
        return (uint32_t)(HEAD + sc_rng_below(rng, SC_DATAGRAM_PAYLOAD_MAX - HEAD + 1));
    case 1:
    case 2:
        return (uint32_t)(HEAD + sc_rng_below(rng, 4000));
    default:
        return (uint32_t)(HEAD + sc_rng_below(rng, 600));
    }
}

static void start(const char *name, uint64_t seed, const struct sim_link_config *core)
{
    memset(&t, 0, sizeof t);
    t.w = sim_world_new(name, seed, CLIENTS, SERVERS, core);
    t.w.sim->on_datagram = on_datagram;
    for (size_t i = 0; i < SERVERS; i++)
        sim_serve(t.w.server[i], DNS);
    sim_run_for(t.w.sim, 2 * SC_SECOND);
}

/* Asks everything within `time`, and waits until nothing is under way. */
static void ask_all(sc_time time)
{
    struct sim *sim = t.w.sim;
    for (uint32_t c = 0; c < CLIENTS; c++)
        for (uint32_t i = 0; i < QUESTIONS; i++) {
            t.question[c][i].len = random_length(&sim->rng);
            sim_at(sim, sim->now + time * i / QUESTIONS, ask, NULL, (uint64_t)c << 32 | i);
        }
    sim_run_for(sim, time + 2 * SC_ASSEMBLY_TIMEOUT);
}

static void count(uint64_t *asked, uint64_t *answered)
{
    *asked = *answered = 0;
    for (size_t c = 0; c < CLIENTS; c++)
        for (size_t i = 0; i < QUESTIONS; i++) {
            *asked += t.question[c][i].asked > 0;
            *answered += t.question[c][i].answered > 0;
        }
}

static void report(uint64_t asked, uint64_t answered)
{
    uint64_t incomplete = 0;
    for (size_t i = 0; i < SERVERS; i++)
        incomplete += sc_stack_counters(t.w.server[i]->stack)->dropped_incomplete;
    printf("    %d questions: %llu arrived (%llu and %llu), %llu answered, %llu twice, "
           "%llu incomplete\n",
           CLIENTS * QUESTIONS, (unsigned long long)asked, (unsigned long long)t.at_server[0],
           (unsigned long long)t.at_server[1], (unsigned long long)answered,
           (unsigned long long)t.twice, (unsigned long long)incomplete);
}

static void everything_arrives_without_loss(void **state)
{
    (void)state;
    uint64_t asked, answered;
    struct sim_link_config core = sim_path(1000, 20 * SC_MS, 4);
    start("datagrams", 81, &core);
    ask_all(20 * SC_SECOND);
    count(&asked, &answered);
    report(asked, answered);
    SIM_CHECK(t.w.sim, asked == CLIENTS * QUESTIONS && answered == asked, "not all");
    SIM_CHECK(t.w.sim, t.twice == 0 && t.undelivered == 0, "twice %llu",
              (unsigned long long)t.twice);
    SIM_CHECK(t.w.sim, t.at_server[0] > QUESTIONS / 2 && t.at_server[1] > QUESTIONS / 2,
              "bound late, they are spread");
    sim_free(t.w.sim);
}

/* Of ten datagrams seven are one packet; the large ones need fifty. */
static void whole_or_not_at_all(void **state)
{
    (void)state;
    uint64_t asked, answered;
    struct sim_link_config core = sim_path(1000, 20 * SC_MS, 4);
    core.loss = 0.03;
    core.reorder = 0.05;
    core.reorder_by = 4 * SC_MS;
    core.duplicate = 0.03;
    core.corrupt = 0.01;
    start("rough datagrams", 82, &core);
    ask_all(20 * SC_SECOND);
    count(&asked, &answered);
    report(asked, answered);
    SIM_CHECK(t.w.sim, asked > CLIENTS * QUESTIONS * 7 / 10 && asked < CLIENTS * QUESTIONS,
              "%llu arrived", (unsigned long long)asked);
    SIM_CHECK(t.w.sim, answered > asked * 7 / 10 && answered < asked, "%llu answered",
              (unsigned long long)answered);
    SIM_CHECK(t.w.sim, t.undelivered == 0, "%llu refused", (unsigned long long)t.undelivered);
    sim_free(t.w.sim);
}

/* An instance that dies takes what was on its way to it; the other one serves on. */
static void an_instance_dies(void **state)
{
    (void)state;
    uint64_t asked, answered;
    struct sim_link_config core = sim_path(1000, 20 * SC_MS, 4);
    start("an instance dies", 83, &core);
    sim_host_kill_at(t.w.server[0], t.w.sim->now + 10 * SC_SECOND);
    ask_all(40 * SC_SECOND);
    count(&asked, &answered);
    printf("    %llu of %d asked, %llu answered\n", (unsigned long long)asked, CLIENTS * QUESTIONS,
           (unsigned long long)answered);
    SIM_CHECK(t.w.sim, answered > CLIENTS * QUESTIONS * 85 / 100, "%llu answered",
              (unsigned long long)answered);
    sim_free(t.w.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_without_loss),
        cmocka_unit_test(whole_or_not_at_all),
        cmocka_unit_test(an_instance_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
