#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/packet.h"

/* --- the event heap --------------------------------------------------------------------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void sift_up(struct sim *sim, size_t i)
{
    struct sim_event e = sim->event[i];
    while (i > 0 && before(&e, &sim->event[(i - 1) / 2])) {
        sim->event[i] = sim->event[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    sim->event[i] = e;
}

static void sift_down(struct sim *sim, size_t i)
{
    struct sim_event e = sim->event[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= sim->event_count)
            break;
        if (child + 1 < sim->event_count && before(&sim->event[child + 1], &sim->event[child]))
            child++;
        if (!before(&sim->event[child], &e))
            break;
        sim->event[i] = sim->event[child];
        i = child;
    }
    sim->event[i] = e;
}

void sim_at(struct sim *sim, sc_time at, sim_fn *fn, void *arg, uint64_t value)
{
    if (sim->event_count == sim->event_room) {
        sim->event_room = sim->event_room ? 2 * sim->event_room : 256;
        sim->event = realloc(sim->event, sim->event_room * sizeof *sim->event);
        if (!sim->event)
            abort();
    }
    sim->event[sim->event_count] = (struct sim_event){.at = sc_time_max(at, sim->now),
                                                      .seq = sim->next_seq++,
                                                      .fn = fn,
                                                      .arg = arg,
                                                      .value = value};
    sift_up(sim, sim->event_count++);
}

static struct sim_event pop(struct sim *sim)
{
    struct sim_event e = sim->event[0];
    sim->event[0] = sim->event[--sim->event_count];
    if (sim->event_count)
        sift_down(sim, 0);
    return e;
}

/* --- running ---------------------------------------------------------------------------------- */

static bool step(struct sim *sim, sc_time limit)
{
    if (sim->violation[0] || !sim->event_count || sim->event[0].at > limit)
        return false;
    struct sim_event e = pop(sim);
    sim->now = e.at;
    sim->steps++;
    e.fn(sim, e.arg, e.value);
    return true;
}

void sim_run(struct sim *sim, sc_time until)
{
    while (step(sim, until))
        ;
    if (!sim->violation[0])
        sim->now = sc_time_max(sim->now, until);
}

void sim_run_for(struct sim *sim, sc_time time)
{
    sim_run(sim, sim->now + time);
}

bool sim_run_until(struct sim *sim, bool (*done)(void *arg), void *arg, sc_time limit)
{
    while (!done(arg)) {
        if (step(sim, limit))
            continue;
        if (!sim->violation[0])
            sim->now = sc_time_max(sim->now, limit);
        return !sim->violation[0] && done(arg);
    }
    return !sim->violation[0];
}

static bool no_talk_open(void *arg)
{
    const struct sim *sim = arg;
    return sim->talks_open == 0;
}

bool sim_run_talks(struct sim *sim, sc_time limit)
{
    return sim_run_until(sim, no_talk_open, sim, limit);
}

/* --- log -------------------------------------------------------------------------------------- */

static const char *const verdict_name[SIM_VERDICTS] = {
    [SIM_SENT] = "sent",           [SIM_DELIVERED] = "delivered", [SIM_LOST] = "LOST",
    [SIM_QUEUE_FULL] = "QUEUE",    [SIM_TOO_LARGE] = "TOO LARGE", [SIM_CUT] = "CUT",
    [SIM_BLOCKED] = "BLOCKED",     [SIM_CORRUPTED] = "CORRUPT",   [SIM_NO_HOST] = "NO HOST",
    [SIM_DUPLICATED] = "duplicate"};

static const char *const type_name[16] = {"?",     "OPEN",  "ANSWER",  "CONFIRM",  "DATA", "REFUSE",
                                          "RETRY", "RESET", "CONTROL", "DATAGRAM", "?",    "?",
                                          "?",     "?",     "?",       "?"};

static const char *host_name(const struct sim *sim, size_t index)
{
    return index < sim->host_count ? sim->host[index]->config.host_name : "-";
}

static void print_record(const struct sim *sim, const struct sim_record *r)
{
    fprintf(stderr, "%12.6f  %-8s", (double)r->at / 1e6, host_name(sim, r->from));
    if (r->what[0])
        fprintf(stderr, " %s %llu %llu\n", r->what, (unsigned long long)r->a,
                (unsigned long long)r->b);
    else
        fprintf(stderr, " -> %-8s %-8s flow %08x #%llu len %u %s\n", host_name(sim, r->to),
                type_name[r->type & 15], r->flow, (unsigned long long)r->number, r->len,
                verdict_name[r->verdict]);
}

static void mix(struct sim *sim, uint64_t v)
{
    uint64_t h = (sim->trace ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    sim->trace = h ^ (h >> 29);
}

static void record(struct sim *sim, const struct sim_record *r)
{
    sim->log[sim->log_count++ % SIM_LOG] = *r;
    if (sim->verbose)
        print_record(sim, r);
}

void sim_note(struct sim *sim, const struct sim_host *host, const char *what, uint64_t a,
              uint64_t b)
{
    struct sim_record r = {
        .at = sim->now, .a = a, .b = b, .from = host ? (uint16_t)host->index : SIM_HOSTS};
    snprintf(r.what, sizeof r.what, "%s", what);
    mix(sim, sim->now ^ a << 20 ^ b << 40 ^ (uint64_t)what[0] << 8);
    record(sim, &r);
}

/* The first bytes tell one packet from another; all of them would only cost time. */
static uint64_t head_hash(const struct sim_packet *p)
{
    uint64_t h = p->len;
    for (size_t i = 0; i + 8 <= p->len && i < 64; i += 8) {
        uint64_t word;
        memcpy(&word, p->data + i, sizeof word);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 31;
    }
    return h;
}

void sim_note_packet(struct sim *sim, const struct sim_packet *p, enum sim_verdict verdict)
{
    struct sim_record r = {.at = sim->now,
                           .verdict = (uint8_t)verdict,
                           .len = (uint32_t)p->len,
                           .from = p->source ? (uint16_t)p->source->index : SIM_HOSTS,
                           .to = p->target ? (uint16_t)p->target->index : SIM_HOSTS};
    struct sc_reader in = sc_reader(p->data, p->len);
    struct sc_header h = {0};
    sc_header_read(&in, &h);
    if (!in.bad) {
        r.type = h.type;
        r.flow = h.flow;
        r.number = h.number;
    }
    sim->verdicts[verdict]++;
    mix(sim, sim->now);
    mix(sim, head_hash(p) + (uint64_t)verdict);
    record(sim, &r);
}

uint8_t sim_message_of(const uint8_t *packet, size_t len)
{
    return len > SC_HEADER_LEN && (packet[0] & 15) == SC_PKT_CONTROL
               ? packet[SC_HEADER_LEN] % SIM_MESSAGES
               : 0;
}

static void violate(struct sim *sim, const char *format, va_list args)
{
    if (!sim->violation[0])
        vsnprintf(sim->violation, sizeof sim->violation, format, args);
}

void sim_violation(struct sim *sim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    violate(sim, format, args);
    va_end(args);
}

void sim_breach(struct sim *sim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!sim->hostile)
        violate(sim, format, args);
    va_end(args);
}

void sim_dump(const struct sim *sim)
{
    uint64_t first = sim->log_count > 80 ? sim->log_count - 80 : 0;
    for (uint64_t i = first; i < sim->log_count; i++)
        print_record(sim, &sim->log[i % SIM_LOG]);
    fprintf(stderr, "seed %llu, time %.6f s, %llu events, %zu talks open%s%s\n",
            (unsigned long long)sim->seed, (double)sim->now / 1e6, (unsigned long long)sim->steps,
            sim->talks_open, sim->violation[0] ? "; violated: " : "", sim->violation);
}

/* --- life ------------------------------------------------------------------------------------- */

bool sim_full(void)
{
    const char *text = getenv("SCAFFOLD_SIM_FULL");
    return text && strcmp(text, "0") != 0;
}

struct sim *sim_new(const char *name, uint64_t seed)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        abort();
    const char *override = getenv("SCAFFOLD_SIM_SEED");
    sim->seed = override ? strtoull(override, NULL, 0) : seed;
    sim->verbose = getenv("SCAFFOLD_SIM_LOG") != NULL;
    sc_rng_seed(&sim->rng, sim->seed);
    /* Not zero, so that a time before the origin does not wrap unnoticed. */
    sim->now = 1000 * SC_SECOND;
    sim->train = malloc(sizeof *sim->train);
    if (!sim->train)
        abort();
    sim->audit = sim_audit_new(sim);
    printf("sim %s: seed %llu\n", name, (unsigned long long)sim->seed);
    fflush(stdout); /* to be seen even if the process dies of what follows */
    return sim;
}

static void free_packets(struct sim_packet *p)
{
    while (p) {
        struct sim_packet *next = p->next;
        free(p);
        p = next;
    }
}

static void free_host(struct sim_host *h)
{
    if (h->stack)
        sc_stack_free(h->stack);
    while (h->services) {
        struct sim_service *next = h->services->next;
        free(h->services);
        h->services = next;
    }
    free_packets(h->inbox);
    sim_disk_free(h);
    free(h);
}

void sim_free(struct sim *sim)
{
    /* Packets under way belong to the events of link.c, whose argument they are. */
    for (size_t i = 0; i < sim->event_count; i++)
        if (sim->event[i].value == UINT64_MAX)
            free(sim->event[i].arg);
    sim_app_free(sim);
    for (size_t i = 0; i < sim->host_count; i++)
        free_host(sim->host[i]);
    while (sim->links) {
        struct sim_link *next = sim->links->all;
        free(sim->links);
        sim->links = next;
    }
    sim_audit_free(sim->audit);
    free(sim->event);
    free(sim->train);
    free(sim);
}
